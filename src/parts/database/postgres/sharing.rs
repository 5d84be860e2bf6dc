//! Processor sharing: all statements run at once, each at the same rate, and slow each other down.
//!
//! Under egalitarian sharing all jobs gain the same service in the same time, so one **service clock** suffices: it
//! shows what a job would have got since the server was last idle, a job ends when the clock has gone on by its demand,
//! and jobs end in the order of those readings whoever comes or goes. They stand in that order, and one that comes goes by
//! those that end before it: a few, since what is short ends soon. The clock counts whole ticks of 2⁻¹⁰ ns: sums and
//! differences are exact, so a job that is never slowed takes exactly its demand, and what is rounded (to the nearest
//! tick, once for each change in the number of jobs) never grows with time. An instant is a whole nanosecond; a
//! completion between two of them happens at the later one.
//!
//! One alarm is set at a time. A job that comes only slows the others, so the alarm then rings too early and is set
//! anew; only an earlier completion sets another at once, and the number in it tells the old one from it.

use super::sessions::Spell;
use crate::kernel::time::{SimTime, Span};

/// Cores that are shared by all jobs.
#[derive(Clone)]
pub struct Sharing {
    // Parameters.
    cores: u32,
    sigma: f64,
    kappa: f64,
    /// How many times as long as usual everything takes.
    factor: f64,
    /// By number of jobs: ticks of the service clock in a nanosecond. As long as there were ever jobs at once.
    rates: Vec<f64>,
    // State.
    clock: u64,
    since: SimTime,
    served: u32,
    /// The one that ends first is the last; of those that end together the one that came first.
    jobs: Vec<Job>,
    armed: SimTime,
    number: u32,
}

#[derive(Clone, Copy)]
struct Job {
    /// What the service clock shows at its end.
    end: u64,
    spell: Spell,
}

/// Ticks in a nanosecond of service, as a shift.
const TICKS: u32 = 10;
/// The longest demand, 52 days, which is longer than any run: the clock has room for 208 days without a pause.
const LONGEST: u64 = 1 << 52;
/// The alarm that is set is not after the end of the first job, but for what the clock's rounding may have moved that end
/// since: less than a microsecond of service, in ticks. A job that ends later by more than that needs no alarm.
const MOMENT: u64 = 1 << 20;

impl Sharing {
    /// Idle cores with this contention (`sigma`) and coherency (`kappa`) between jobs.
    pub fn new(cores: u32, sigma: f64, kappa: f64) -> Sharing {
        Sharing {
            cores,
            sigma,
            kappa,
            factor: 1.0,
            rates: vec![0.0],
            clock: 0,
            since: SimTime::ZERO,
            served: 0,
            jobs: Vec::new(),
            armed: SimTime::NEVER,
            number: 0,
        }
    }

    /// A job comes; when this returns a time, the caller sets an alarm of that number for it.
    pub fn enter(&mut self, now: SimTime, spell: Spell, demand: Span) -> Option<(SimTime, u32)> {
        self.advance(now);
        self.served += 1;
        self.know_rates();
        let end = self.clock.saturating_add(demand.nanos().min(LONGEST) << TICKS);
        let after_first = self.jobs.last().is_some_and(|first| end > first.end.saturating_add(MOMENT));
        let before = self.jobs.iter().rev().take_while(|job| job.end <= end).count();
        self.jobs.insert(self.jobs.len() - before, Job { end, spell });
        if after_first && self.armed != SimTime::NEVER { None } else { self.arm(end) }
    }

    /// A job that [`Sharing::done`] has not returned is gone: its spell is out of date, which `matters` must know.
    pub fn leave(&mut self, now: SimTime, matters: impl FnMut(Spell) -> bool) -> Option<(SimTime, u32)> {
        self.advance(now);
        self.served -= 1;
        self.rearm(matters)
    }

    /// Whether the alarm with this number is the one that counts. The caller then takes all that is done and asks
    /// [`Sharing::rearm`].
    pub fn rang(&mut self, number: u32) -> bool {
        let counts = number == self.number && self.armed != SimTime::NEVER;
        if counts {
            self.armed = SimTime::NEVER;
        }
        counts
    }

    /// The next job that is done, gone from here when this returns.
    pub fn done(&mut self, now: SimTime, mut matters: impl FnMut(Spell) -> bool) -> Option<Spell> {
        self.advance(now);
        while let Some(job) = self.jobs.last().copied() {
            let lives = matters(job.spell);
            if lives && job.end > self.clock {
                return None;
            }
            self.jobs.pop();
            if lives {
                self.served -= 1;
                return Some(job.spell);
            }
        }
        None
    }

    /// After jobs went: when this returns a time, the caller sets an alarm of that number for it.
    pub fn rearm(&mut self, mut matters: impl FnMut(Spell) -> bool) -> Option<(SimTime, u32)> {
        if self.served == 0 {
            self.clear();
            return None;
        }
        loop {
            let first = self.jobs.last().copied().expect("a job that is served stands in the line");
            if matters(first.spell) {
                return self.arm(first.end);
            }
            self.jobs.pop();
        }
    }

    /// From now on everything takes `factor` times as long as usual; when this returns a time, the caller sets an alarm of
    /// that number for it.
    pub fn slow_down(&mut self, now: SimTime, factor: f64, matters: impl FnMut(Spell) -> bool) -> Option<(SimTime, u32)> {
        self.advance(now);
        self.factor = factor;
        self.rates.truncate(1);
        self.know_rates();
        self.rearm(matters)
    }

    /// All jobs are gone. The clock starts again at zero.
    pub fn clear(&mut self) {
        self.jobs.clear();
        (self.clock, self.served, self.armed) = (0, 0, SimTime::NEVER);
    }

    fn know_rates(&mut self) {
        while self.rates.len() <= self.served as usize {
            let usual = rate(self.rates.len(), self.cores, self.sigma, self.kappa);
            self.rates.push(usual * f64::from(1 << TICKS) / self.factor);
        }
    }

    fn arm(&mut self, end: u64) -> Option<(SimTime, u32)> {
        let at = self.since + self.time_until(end);
        if at >= self.armed {
            return None;
        }
        self.armed = at;
        self.number = self.number.wrapping_add(1);
        Some((at, self.number))
    }

    /// The time in which the clock comes to show `end`, if nobody comes or goes: within half a tick, since
    /// [`Sharing::advance`] rounds to the nearest, and then up to whole nanoseconds.
    fn time_until(&self, end: u64) -> Span {
        let left = end.saturating_sub(self.clock).cast_signed() as f64;
        Span::from_nanos_f64_up((left - 0.5) / self.rates[self.served as usize])
    }

    fn advance(&mut self, now: SimTime) {
        let passed = now - self.since;
        if passed.is_zero() {
            return;
        }
        self.since = now;
        self.clock += Span::from_nanos_f64(passed.nanos_f64() * self.rates[self.served as usize]).nanos();
    }
}

/// The rate of each of `jobs` jobs, 1 for a job alone.
fn rate(jobs: usize, cores: u32, sigma: f64, kappa: f64) -> f64 {
    let (jobs, cores) = (jobs as f64, f64::from(cores));
    let m = jobs.min(4.0 * cores);
    (cores / jobs).min(1.0) / (1.0 + sigma * (m - 1.0) + kappa * m * (m - 1.0))
}

#[cfg(test)]
mod tests;
