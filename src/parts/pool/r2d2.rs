//! r2d2 0.8: all connections are opened at the start, by three threads; callers sleep on one condition.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// `r2d2::Builder`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct R2d2 {
    /// Connections at most.
    pub max_size: u32,
    /// Idle connections that the pool tries to have; `None` is `max_size`.
    pub min_idle: Option<u32>,
    /// Longest `get()`; a check under way is not cut short.
    pub connection_timeout: Span,
    /// Age from which the reaper closes an idle connection; `None` never.
    pub max_lifetime: Option<Span>,
    /// Idle time from which the reaper closes a connection; `None` never.
    pub idle_timeout: Option<Span>,
    /// Asks at checkout whether the connection lives.
    pub test_on_check_out: bool,
}

impl Default for R2d2 {
    fn default() -> R2d2 {
        R2d2 {
            max_size: 10,
            min_idle: None,
            connection_timeout: Span::from_secs(30),
            max_lifetime: Some(Span::from_secs(1800)),
            idle_timeout: Some(Span::from_secs(600)),
            test_on_check_out: true,
        }
    }
}

impl Example for R2d2 {
    const EXAMPLE: &'static str = r#"R2d2(max_size: 12, min_idle: 5, connection_timeout: "5s")"#;
    const WHAT: &'static str = "r2d2 0.8: opens all connections at the start.";
    const PARAMETERS: &'static [Field] = &[
        field("max_size", "10", "Connections at most.", ""),
        field("min_idle", "None", "Idle connections that the pool tries to have; None is max_size.", ""),
        field(
            "connection_timeout",
            "30s",
            "Longest get(); then \"timed out waiting for connection\".",
            "A check under way is not cut short.",
        ),
        field("max_lifetime", "30min", "Age from which the reaper closes an idle connection, looked at each 30 s; None never.", ""),
        field("idle_timeout", "10min", "Idle time from which the reaper closes a connection; None never.", ""),
        field("test_on_check_out", "true", "A round trip at each checkout, to see whether the connection lives.", ""),
    ];
}

impl R2d2 {
    fn min_idle(&self) -> u32 {
        self.min_idle.unwrap_or(self.max_size)
    }
}

impl PoolKind for R2d2 {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.max_size)?;
        super::at_most("min_idle", self.min_idle(), "max_size", self.max_size)?;
        super::period("connection_timeout", self.connection_timeout)
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), tasks: VecDeque::new(), busy: 0, pending: 0, pauses: Vec::new() })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max_size))
    }

    fn size(&self) -> String {
        self.max_size.to_string()
    }

    fn timeout_text(&self) -> String {
        "timed out waiting for connection".to_owned()
    }
}

#[derive(Clone)]
struct State {
    spec: R2d2,
    places: Places,
    /// What no thread has taken yet.
    tasks: VecDeque<Task>,
    /// Threads that connect.
    busy: u32,
    /// Connects that are queued, under way or to be tried again.
    pending: u32,
    /// By place: the pause before the next try.
    pauses: Vec<Span>,
}

/// What the threads do.
#[derive(Clone)]
enum Task {
    /// A connect for this place.
    Connect(u32),
    Reap,
}

const REAPER: u32 = 0;
const THREADS: u32 = 3;
/// 200 ms, doubled before its first use.
const FIRST_PAUSE: Span = Span::from_millis(400);
const REAPER_RATE: Span = Span::from_secs(30);

impl State {
    /// The newest idle one, else queue a connect and sleep.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let Some(place) = self.places.idle.back().copied() else {
            self.add(cx);
            // After a check that took too long: with nothing else at hand the wait is over before it begins.
            if cx.now() > cx.request(request).asked + self.spec.connection_timeout {
                return self.places.refuse(request, Error::PoolTimeout, cx);
            }
            return self.places.wait(request, cx);
        };
        self.places.stops_waiting(request, cx);
        self.places.take(place, Some(request), cx);
        self.refill(cx);
        if self.spec.test_on_check_out {
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.places.lend(place, request, cx);
        }
    }

    fn refill(&mut self, cx: &mut Cx) {
        for _ in self.places.idle.len() as u32..self.spec.min_idle() {
            self.add(cx);
        }
    }

    /// Queues a connect, if there is room.
    fn add(&mut self, cx: &mut Cx) {
        if self.places.total < self.spec.max_size {
            self.pending += 1;
            let place = self.places.add(cx);
            self.pauses.resize(self.pauses.len().max(place as usize + 1), FIRST_PAUSE);
            self.pauses[place as usize] = FIRST_PAUSE;
            self.tasks.push_back(Task::Connect(place));
            self.work(cx);
        }
    }

    fn work(&mut self, cx: &mut Cx) {
        while self.busy < THREADS
            && let Some(task) = self.tasks.pop_front()
        {
            match task {
                Task::Connect(place) => {
                    self.busy += 1;
                    self.places.connect(place, None, cx);
                }
                Task::Reap => self.reap(cx),
            }
        }
    }

    fn answered(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        let checked = self.places[place].phase == Phase::Asking(StatementKind::Ping);
        match self.places[place].user {
            Some(request) if checked && fine => self.places.lend(place, request, cx),
            Some(request) if checked => {
                self.places[place].user = None;
                self.places.asks_again(request, cx);
                self.drop_conn(place, cx);
                self.get(request, cx);
            }
            _ if fine => self.put(place, cx),
            _ => self.drop_conn(place, cx),
        }
    }

    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.places.put(place, cx);
        self.places.wake_behind(cx);
    }

    /// Filled up to `min_idle`; a caller who sleeps is told nothing.
    fn drop_conn(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
        self.refill(cx);
    }

    fn reap(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let idle: Vec<u32> = self.places.idle.iter().copied().collect();
        for place in idle {
            let idles = self.spec.idle_timeout.is_some_and(|limit| now - self.places[place].idle_since >= limit);
            let is_old = self.spec.max_lifetime.is_some_and(|limit| now - self.places[place].born >= limit);
            if idles || is_old {
                self.places.take(place, None, cx);
                self.places.hang_up(place, cx);
                self.places.remove(place, cx);
            }
        }
        self.refill(cx);
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        match asking {
            Asking::Answered => return,
            Asking::At(_) if why == Error::PoolTimeout => return,
            _ => self.places.refuse(request, why, cx),
        }
        match asking {
            Asking::At(place) => self.drop_conn(place, cx),
            Asking::Woken if !self.places.idle.is_empty() => _ = self.places.wake_behind(cx),
            _ => {}
        }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        self.refill(cx);
        if self.spec.max_lifetime.is_some() || self.spec.idle_timeout.is_some() {
            self.places.set(REAPER, 0, REAPER_RATE, cx);
        }
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, Some(self.spec.connection_timeout), cx);
        self.get(request, cx);
    }

    fn woken(&mut self, request: RequestId, cx: &mut Cx) {
        if self.places.asking(request, cx) == Asking::Woken {
            self.get(request, cx);
        }
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop(request, Error::DeadlineExceeded, cx);
    }

    /// An open transaction is rolled back by its own drop, in the caller.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, Some(request), Some(conn));
            self.drop_conn(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.put(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.places[place].born = cx.now();
        self.busy -= 1;
        self.pending -= 1;
        self.put(place, cx);
        self.work(cx);
    }

    /// Tried again for ever.
    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.busy -= 1;
        let most = Span::from_nanos(self.spec.connection_timeout.nanos() / 2);
        let pause = self.pauses[place as usize].min(most);
        self.pauses[place as usize] = pause + pause;
        self.places.pause(place, pause, cx);
        self.work(cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.answered(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
            self.answered(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    self.stop(request, Error::PoolTimeout, cx);
                }
            }
            Rang::Paused(place) => {
                self.tasks.push_back(Task::Connect(place));
                self.work(cx);
            }
            Rang::Own(..) => {
                self.places.set(REAPER, 0, REAPER_RATE, cx);
                self.tasks.push_back(Task::Reap);
                self.work(cx);
            }
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max_size)))
    }

    /// `pool.state()`.
    fn status(&self) -> String {
        format!("connections {} idle_connections {}", self.places.total - self.pending, self.places.idle.len())
    }
}
