//! bb8 0.9: a task connects for whoever finds nothing, and everybody races for what comes.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Places, Rang};
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

/// `bb8::Builder`, with its defaults. A transaction that is left open is rolled back by its own drop, in the background.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bb8 {
    /// Connections at most.
    pub max_size: u32,
    /// Idle connections that the pool tries to have; `None` is 0.
    pub min_idle: Option<u32>,
    /// Longest `get()`, everything included; also how long a connect is tried again.
    pub connection_timeout: Span,
    /// Age from which a connection is dropped when it comes back, or by the reaper; `None` never.
    pub max_lifetime: Option<Span>,
    /// Idle time from which the reaper drops a connection; `None` never.
    pub idle_timeout: Option<Span>,
    /// The reaper's period.
    pub reaper_rate: Span,
    /// Asks at checkout whether the connection lives.
    pub test_on_check_out: bool,
    /// Tries a failed connect again.
    pub retry_connection: bool,
    /// Which idle connection is taken.
    pub queue_strategy: QueueOrder,
}

impl Default for Bb8 {
    fn default() -> Bb8 {
        Bb8 {
            max_size: 10,
            min_idle: None,
            connection_timeout: Span::from_secs(30),
            max_lifetime: Some(Span::from_secs(1800)),
            idle_timeout: Some(Span::from_secs(600)),
            reaper_rate: Span::from_secs(30),
            test_on_check_out: true,
            retry_connection: true,
            queue_strategy: QueueOrder::Fifo,
        }
    }
}

impl Example for Bb8 {
    const EXAMPLE: &'static str = r#"Bb8(max_size: 15, min_idle: 2, connection_timeout: "5s", test_on_check_out: false)"#;
    const WHAT: &'static str = "bb8 0.9: tasks connect, and everybody races for what comes.";
    const PARAMETERS: &'static [Field] = &[
        field("max_size", "10", "Connections at most.", ""),
        field("min_idle", "None", "Idle connections that the pool tries to have; None is 0.", ""),
        field("connection_timeout", "30s", "Longest get(), everything included; also how long a failed connect is tried again.", ""),
        field("max_lifetime", "30min", "Age from which a connection is dropped when it comes back, or by the reaper; None never.", ""),
        field("idle_timeout", "10min", "Idle time from which the reaper drops a connection; None never.", ""),
        field("reaper_rate", "30s", "The reaper's period.", ""),
        field("test_on_check_out", "true", "A round trip at each checkout, to see whether the connection lives.", ""),
        field("retry_connection", "true", "Tries a failed connect again after 200 ms, 400 ms …", ""),
        field("queue_strategy", "Fifo", "Which idle connection is taken: Fifo the one that came back first, Lifo the last.", ""),
    ];
}

impl PoolKind for Bb8 {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.max_size)?;
        super::at_most("min_idle", self.min_idle.unwrap_or(0), "max_size", self.max_size)?;
        super::period("connection_timeout", self.connection_timeout)?;
        super::period("reaper_rate", self.reaper_rate)
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), in_flight: 0, connects: Vec::new(), pending: 0, notified: false })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max_size))
    }

    fn size(&self) -> String {
        self.max_size.to_string()
    }

    fn timeout_text(&self) -> String {
        "Timed out in bb8".to_owned()
    }
}

#[derive(Clone)]
struct State {
    spec: Bb8,
    places: Places,
    /// Requests inside `get()`.
    in_flight: u32,
    /// By place: when its connect was first tried, and the pause before the next try.
    connects: Vec<(SimTime, Span)>,
    /// Connects under way.
    pending: u32,
    /// Somebody was notified when nobody waited: whoever waits next is awake at once (`Notify` keeps one permit).
    notified: bool,
}

const REAPER: u32 = 0;
/// 200 ms, doubled before its first use.
const FIRST_PAUSE: Span = Span::from_millis(400);

impl State {
    /// The loop of `get()`: an idle one, else a connect if there are more who want one than are coming, and wait.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let taken = match self.spec.queue_strategy {
            QueueOrder::Fifo => self.places.idle.front().copied(),
            QueueOrder::Lifo => self.places.idle.back().copied(),
        };
        let Some(place) = taken else {
            self.connect_for_one(cx);
            if std::mem::take(&mut self.notified) {
                self.connect_for_one(cx);
            }
            return self.places.wait(request, cx);
        };
        self.places.stops_waiting(request, cx);
        self.places.take(place, Some(request), cx);
        self.refill(cx);
        if self.spec.test_on_check_out {
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.lend(place, request, cx);
        }
    }

    fn lend(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        self.in_flight -= 1;
        self.places.lend(place, request, cx);
    }

    /// A connect, if more are inside `get()` than connections are coming.
    fn connect_for_one(&mut self, cx: &mut Cx) {
        if self.in_flight > self.pending {
            self.connect(cx);
        }
    }

    /// One connect in a task of its own.
    fn connect(&mut self, cx: &mut Cx) {
        if self.places.total < self.spec.max_size {
            self.pending += 1;
            let place = self.places.open(None, cx);
            self.connects.resize(self.connects.len().max(place as usize + 1), (SimTime::ZERO, FIRST_PAUSE));
            self.connects[place as usize] = (cx.now(), FIRST_PAUSE);
        }
    }

    /// Up to `min_idle`, what is coming counted.
    fn refill(&mut self, cx: &mut Cx) {
        let coming = self.places.idle.len() as u32 + self.pending;
        for _ in coming..self.spec.min_idle.unwrap_or(0) {
            self.connect(cx);
        }
    }

    fn answered(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        match self.places[place].user {
            Some(request) if fine => self.lend(place, request, cx),
            Some(request) => {
                self.places[place].user = None;
                self.places.asks_again(request, cx);
                self.drop_conn(place, cx);
                self.get(request, cx);
            }
            None if fine => self.put(place, cx),
            None => self.drop_conn(place, cx),
        }
    }

    /// It becomes idle and one sleeper is notified, who may find that somebody else was faster.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.notify(cx);
    }

    fn notify(&mut self, cx: &mut Cx) {
        self.notified |= !self.places.wake_behind(cx);
    }

    fn drop_conn(&mut self, place: u32, cx: &mut Cx) {
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
        self.refill(cx);
        self.notify(cx);
    }

    fn is_old(&self, place: u32, cx: &Cx) -> bool {
        self.spec.max_lifetime.is_some_and(|lifetime| cx.now() - self.places[place].born >= lifetime)
    }

    /// Nobody is notified; the pool is filled up to `min_idle` in any case.
    fn reap(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let idle: Vec<u32> = self.places.idle.iter().copied().collect();
        for place in idle {
            let idles = self.spec.idle_timeout.is_some_and(|limit| now - self.places[place].idle_since >= limit);
            if idles || self.is_old(place, cx) {
                self.places.take(place, None, cx);
                self.places.hang_up(place, cx);
                self.places.remove(place, cx);
            }
        }
        self.refill(cx);
        self.places.set(REAPER, 0, self.spec.reaper_rate, cx);
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        if asking == Asking::Answered {
            return;
        }
        self.in_flight -= 1;
        self.places.refuse(request, why, cx);
        match asking {
            Asking::At(place) => self.drop_conn(place, cx),
            Asking::Woken => self.notify(cx),
            _ => {}
        }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        self.refill(cx);
        if self.spec.max_lifetime.is_some() || self.spec.idle_timeout.is_some() {
            self.places.set(REAPER, 0, self.spec.reaper_rate, cx);
        }
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.in_flight += 1;
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

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        self.places.let_go(place, cx);
        if !self.places.is_sound(place, cx) || self.places.is_gone(place, cx) || self.is_old(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, None, Some(conn));
            self.drop_conn(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.put(place, cx);
        }
    }

    /// Whoever caused the connect may have been served by then: it just becomes idle.
    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.places[place].born = cx.now();
        self.pending -= 1;
        self.put(place, cx);
    }

    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        let (began, pause) = self.connects[place as usize];
        let timeout = self.spec.connection_timeout;
        if self.spec.retry_connection && cx.now() - began <= timeout {
            let most = Span::from_nanos(timeout.nanos() / 2);
            self.connects[place as usize].1 = (pause + pause).min(most);
            self.places.pause(place, pause.min(most), cx);
        } else {
            self.pending -= 1;
            self.places.remove(place, cx);
        }
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.answered(place, fine, cx);
    }

    /// An idle one that has gone is found at its next check.
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
            Rang::Paused(place) => self.places.connect(place, None, cx),
            Rang::Own(..) => self.reap(cx),
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
