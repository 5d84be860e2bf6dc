//! How statements share the server, and the meters of that.

use super::ServiceSpec;
use super::alarm::Alarm;
use super::queue::Queue;
use super::sessions::{Sessions, Spell};
use super::sharing::Sharing;
use crate::kernel::agenda::Rank;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::Cx;

/// The cores at work.
#[derive(Clone)]
pub struct Service {
    discipline: Discipline,
    /// So many statements keep all cores busy.
    cores: u64,
    /// How many times as long as usual work takes that begins now.
    factor: f64,
}

/// With a tag of its own: one that hides in a field takes longer to read.
#[derive(Clone)]
#[repr(u8)]
enum Discipline {
    Delay,
    Queue(Queue),
    Sharing(Sharing),
}

impl Service {
    /// Idle cores.
    pub fn new(spec: &ServiceSpec) -> Service {
        let (discipline, cores) = match *spec {
            ServiceSpec::Delay => (Discipline::Delay, u64::MAX),
            ServiceSpec::Queue { cores } => (Discipline::Queue(Queue::new(cores)), u64::from(cores)),
            ServiceSpec::Sharing { cores, sigma, kappa } => (Discipline::Sharing(Sharing::new(cores, sigma, kappa)), u64::from(cores)),
        };
        Service { discipline, cores, factor: 1.0 }
    }

    /// A session has work; its alarm rings when that is done.
    #[inline(always)]
    pub fn start(&mut self, spell: Spell, demand: Span, cx: &mut Cx) {
        self.count_in(cx);
        match &mut self.discipline {
            Discipline::Delay => run(Some((spell, demand)), self.factor, cx),
            Discipline::Queue(queue) => {
                if queue.enter(spell, demand) {
                    run(Some((spell, demand)), self.factor, cx);
                }
            }
            Discipline::Sharing(sharing) => share(sharing.enter(cx.now(), spell, demand), cx),
        }
    }

    /// The work of the session in `place` is over, done or not, and its spell is out of date: others get what it held.
    #[inline(always)]
    pub fn stop(&mut self, place: u32, sessions: &Sessions, cx: &mut Cx) {
        self.count_out(cx);
        match &mut self.discipline {
            Discipline::Delay => {}
            Discipline::Queue(queue) => run(queue.leave(place, |spell| sessions.is_now(spell)), self.factor, cx),
            Discipline::Sharing(sharing) => share(sharing.leave(cx.now(), |spell| sessions.is_now(spell)), cx),
        }
    }

    /// Whether the alarm of shared cores with this number still counts. The caller then takes all that is
    /// [done](Service::done) and [goes on](Service::go_on).
    pub fn rang(&mut self, number: u32) -> bool {
        let Discipline::Sharing(sharing) = &mut self.discipline else { return false };
        sharing.rang(number)
    }

    /// The next session whose work on shared cores is done: it need not be stopped.
    pub fn done(&mut self, sessions: &Sessions, cx: &mut Cx) -> Option<Spell> {
        let Discipline::Sharing(sharing) = &mut self.discipline else { return None };
        let done = sharing.done(cx.now(), |spell| sessions.is_now(spell))?;
        self.count_out(cx);
        Some(done)
    }

    /// Sets the alarm for the next completion on shared cores.
    pub fn go_on(&mut self, sessions: &Sessions, cx: &mut Cx) {
        if let Discipline::Sharing(sharing) = &mut self.discipline {
            share(sharing.rearm(|spell| sessions.is_now(spell)), cx);
        }
    }

    /// From now on work takes `factor` times as long as usual. Shared cores slow down what they are at; what has a core (or
    /// needs none) goes on as it began.
    pub fn slow_down(&mut self, factor: f64, sessions: &Sessions, cx: &mut Cx) {
        self.factor = factor;
        if let Discipline::Sharing(sharing) = &mut self.discipline {
            share(sharing.slow_down(cx.now(), factor, |spell| sessions.is_now(spell)), cx);
        }
    }

    /// All work is gone.
    pub fn clear(&mut self, cx: &mut Cx) {
        while cx.world.database.active.value() > 0 {
            self.count_out(cx);
        }
        match &mut self.discipline {
            Discipline::Delay => {}
            Discipline::Queue(queue) => queue.clear(),
            Discipline::Sharing(sharing) => sharing.clear(),
        }
    }

    #[inline(always)]
    fn count_in(&self, cx: &mut Cx) {
        let now = cx.now();
        let meter = &mut cx.world.database;
        meter.active.up(now);
        if meter.active.value() <= self.cores {
            meter.busy.up(now);
        }
    }

    #[inline(always)]
    fn count_out(&self, cx: &mut Cx) {
        let now = cx.now();
        let meter = &mut cx.world.database;
        if meter.active.value() <= self.cores {
            meter.busy.down(now);
        }
        meter.active.down(now);
    }
}

fn run(next: Option<(Spell, Span)>, factor: f64, cx: &mut Cx) {
    if let Some((spell, demand)) = next {
        let demand = if factor == 1.0 { demand } else { demand.scaled(factor) };
        cx.after(demand, Rank::Completion, Alarm::Done(spell).event());
    }
}

fn share(next: Option<(SimTime, u32)>, cx: &mut Cx) {
    if let Some((at, number)) = next {
        cx.at(at, Rank::Completion, Alarm::Shared(number).event());
    }
}
