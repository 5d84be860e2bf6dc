//! deadpool 0.13 with deadpool-postgres: a fair semaphore, and no limit on time, age or idleness unless one is set.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind, QueueOrder};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// How an idle connection is made ready (deadpool-postgres `RecyclingMethod`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecyclingMethod {
    /// Only asks the driver whether the connection is closed.
    #[default]
    Fast,
    /// A test query.
    Verified,
    /// `DISCARD ALL` without what is costly.
    Clean,
}

/// deadpool's pool under its configuration's names, with its defaults. A transaction that is left open is rolled back
/// by its own drop, in the background.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadpool {
    /// Connections at most. The library takes twice the number of CPUs.
    pub max_size: u32,
    /// Longest wait for a slot; `None` for ever.
    pub wait: Option<Span>,
    /// Longest connect.
    pub create: Option<Span>,
    /// Longest recycling of one connection; after that the next is tried.
    pub recycle: Option<Span>,
    /// Which idle connection is taken.
    pub queue_mode: QueueOrder,
    /// How an idle connection is made ready.
    pub recycling_method: RecyclingMethod,
}

impl Default for Deadpool {
    fn default() -> Deadpool {
        Deadpool {
            max_size: 8,
            wait: None,
            create: None,
            recycle: None,
            queue_mode: QueueOrder::Fifo,
            recycling_method: RecyclingMethod::Fast,
        }
    }
}

impl Example for Deadpool {
    const EXAMPLE: &'static str = r#"Deadpool(max_size: 16, wait: "2s", create: "5s", recycling_method: Verified)"#;
    const WHAT: &'static str = "deadpool 0.13 with deadpool-postgres: no timeouts, no lifetimes unless set.";
    const PARAMETERS: &'static [Field] = &[
        field("max_size", "8", "Connections at most. The library takes twice the number of CPUs.", ""),
        field("wait", "None", "Longest wait for a slot; None for ever.", ""),
        field("create", "None", "Longest connect; None for ever.", ""),
        field("recycle", "None", "Longest recycling of one connection, after which the next is tried; None for ever.", ""),
        field("queue_mode", "Fifo", "Which idle connection is taken: Fifo the one that came back first, Lifo the last.", ""),
        field(
            "recycling_method",
            "Fast",
            "How an idle connection is made ready: Fast asks the driver whether it is closed, Verified sends a test query, Clean resets the session.",
            "",
        ),
    ];
}

impl PoolKind for Deadpool {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.max_size)
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker) })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max_size))
    }

    fn size(&self) -> String {
        self.max_size.to_string()
    }

    fn timeout_text(&self) -> String {
        "Timeout occurred while waiting for a slot to become available".to_owned()
    }
}

/// A place's `expires` is the end of the stage that it is in.
#[derive(Clone)]
struct State {
    spec: Deadpool,
    places: Places,
}

const STAGE: u32 = 0;

impl State {
    /// Get 1: a permit for each connection that is not idle. Waiters come first.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let no_permit = self.places.idle.is_empty() && self.places.total >= self.spec.max_size;
        if no_permit || self.places.has_line(cx) { self.places.wait(request, cx) } else { self.with_permit(request, cx) }
    }

    /// Get 2: idle ones are recycled, one after the other until one is fine; without any, one is created.
    fn with_permit(&mut self, request: RequestId, cx: &mut Cx) {
        loop {
            let taken = match self.spec.queue_mode {
                QueueOrder::Fifo => self.places.take_oldest(Some(request), cx),
                QueueOrder::Lifo => self.places.take_newest(Some(request), cx),
            };
            let Some(place) = taken else {
                let place = self.places.open(Some(request), cx);
                return self.limit(place, self.spec.create, cx);
            };
            if !self.places.is_gone(place, cx) && self.places.is_sound(place, cx) {
                return self.recycle(place, request, cx);
            }
            self.drop_object(place, cx);
        }
    }

    fn recycle(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        match self.spec.recycling_method {
            RecyclingMethod::Fast => return self.places.lend(place, request, cx),
            RecyclingMethod::Verified => self.places.ask(place, StatementKind::Ping, cx),
            RecyclingMethod::Clean => self.places.ask(place, StatementKind::Reset, cx),
        }
        self.limit(place, self.spec.recycle, cx);
    }

    fn recycled(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        match self.places[place].user {
            Some(request) if fine => self.places.lend(place, request, cx),
            Some(request) => {
                self.drop_object(place, cx);
                self.with_permit(request, cx);
            }
            None if fine => self.put(place, cx),
            None => {
                self.drop_object(place, cx);
                self.permit(cx);
            }
        }
    }

    /// Return: to the back of the queue, without any traffic.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.permit(cx);
    }

    fn permit(&mut self, cx: &mut Cx) {
        let has_permit = !self.places.idle.is_empty() || self.places.total < self.spec.max_size;
        if has_permit && let Some(request) = self.places.next_in_line(cx) {
            self.with_permit(request, cx);
        }
    }

    fn drop_object(&mut self, place: u32, cx: &mut Cx) {
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
    }

    /// The stage that the place is in ends after `limit`.
    fn limit(&mut self, place: u32, limit: Option<Span>, cx: &mut Cx) {
        self.places[place].expires = limit.map_or(SimTime::NEVER, |limit| cx.now() + limit);
        if let Some(limit) = limit {
            self.places.set(STAGE, place, limit, cx);
        }
    }

    fn stage_over(&mut self, place: u32, cx: &mut Cx) {
        let Some(request) = self.places[place].user.filter(|_| self.places[place].expires == cx.now()) else { return };
        match self.places[place].phase {
            Phase::Connecting => self.stop_at(place, request, Error::ConnectTimeout, cx),
            Phase::Preparing(_) | Phase::Asking(_) => self.recycled(place, false, cx),
            _ => {}
        }
    }

    fn stop_at(&mut self, place: u32, request: RequestId, why: Error, cx: &mut Cx) {
        self.places.refuse(request, why, cx);
        self.drop_object(place, cx);
        self.permit(cx);
    }
}

impl Pool for State {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, self.spec.wait, cx);
        self.get(request, cx);
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            Asking::At(place) => self.stop_at(place, request, Error::DeadlineExceeded, cx),
            _ => self.places.refuse(request, Error::DeadlineExceeded, cx),
        }
    }

    /// Nobody looks at what comes back: a broken one is found when it is recycled.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        self.places.let_go(place, cx);
        if self.places.is_abandoned(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, None, Some(conn));
            self.drop_object(place, cx);
            self.permit(cx);
        } else if self.places.is_sound(place, cx) && self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.put(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        let request = self.places[place].user.expect("a connection is created for somebody");
        self.places.lend(place, request, cx);
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        let request = self.places[place].user.expect("a connection is created for somebody");
        self.stop_at(place, request, why, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.recycled(place, fine, cx);
    }

    /// The driver's own task reads the socket: recycling will know.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
            self.recycled(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    if self.places.asking(request, cx) == Asking::InLine {
                        self.places.refuse(request, Error::PoolTimeout, cx);
                    }
                }
            }
            Rang::Own(_, place) => self.stage_over(place, cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max_size)))
    }

    /// `pool.status()`.
    fn status(&self) -> String {
        let gauges = self.gauges();
        format!("max_size {} size {} available {} waiting {}", self.spec.max_size, self.places.total, gauges.idle, gauges.pending)
    }
}
