//! sqlx 0.9: a fair semaphore, and a ping before and after every use.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// `sqlx::PoolOptions`, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sqlx {
    /// Connections at most.
    pub max_connections: u32,
    /// Connections that the reaper keeps open.
    pub min_connections: u32,
    /// Longest `acquire()`: permit, ping and connect together.
    pub acquire_timeout: Span,
    /// Idle time from which the reaper closes a connection; `None` never.
    pub idle_timeout: Option<Span>,
    /// Age from which a connection is closed when it comes back, or by the reaper; `None` never.
    pub max_lifetime: Option<Span>,
    /// Pings at checkout. Every connection that comes back is pinged in any case.
    pub test_before_acquire: bool,
}

impl Default for Sqlx {
    fn default() -> Sqlx {
        Sqlx {
            max_connections: 10,
            min_connections: 0,
            acquire_timeout: Span::from_secs(30),
            idle_timeout: Some(Span::from_secs(600)),
            max_lifetime: Some(Span::from_secs(1800)),
            test_before_acquire: true,
        }
    }
}

impl Example for Sqlx {
    const EXAMPLE: &'static str = r#"Sqlx(max_connections: 20, min_connections: 2, acquire_timeout: "3s", test_before_acquire: false)"#;
}

impl PoolKind for Sqlx {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_connections", self.max_connections)?;
        super::at_most("min_connections", self.min_connections, "max_connections", self.max_connections)?;
        self.idle_timeout.map_or(Ok(()), |span| super::period("idle_timeout", span))?;
        self.max_lifetime.map_or(Ok(()), |span| super::period("max_lifetime", span))
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), pauses: Vec::new() })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max_connections))
    }

    fn size(&self) -> String {
        self.max_connections.to_string()
    }

    fn timeout_text(&self) -> String {
        "pool timed out while waiting for an open connection".to_owned()
    }
}

struct State {
    spec: Sqlx,
    places: Places,
    /// By place: the pause before its next connect.
    pauses: Vec<Span>,
}

const REAPER: u32 = 0;
const FIRST_PAUSE: Span = Span::from_millis(10);
/// tokio's timers are no finer.
const LEAST_PAUSE: Span = Span::from_millis(1);

impl State {
    /// Acquire 1: a permit for each connection that is not idle. Waiters come first.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let no_permit = self.places.idle.is_empty() && self.places.total >= self.spec.max_connections;
        if no_permit || self.places.has_line(cx) { self.places.wait(request, cx) } else { self.with_permit(request, cx) }
    }

    /// Acquire 2 to 4: the oldest idle one, pinged; or another.
    fn with_permit(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.take_oldest(Some(request), cx) {
            Some(place) if self.spec.test_before_acquire => self.places.ask(place, StatementKind::Ping, cx),
            Some(place) => self.places.lend(place, request, cx),
            None => {
                let place = self.places.add(cx);
                self.connect(place, Some(request), cx);
            }
        }
    }

    fn connect(&mut self, place: u32, user: Option<RequestId>, cx: &mut Cx) {
        self.pauses.resize(self.pauses.len().max(place as usize + 1), FIRST_PAUSE);
        self.pauses[place as usize] = FIRST_PAUSE;
        self.places.connect(place, user, cx);
    }

    fn permit(&mut self, cx: &mut Cx) {
        let has_permit = !self.places.idle.is_empty() || self.places.total < self.spec.max_connections;
        if has_permit && let Some(request) = self.places.next_in_line(cx) {
            self.with_permit(request, cx);
        }
    }

    /// A ping is answered: at checkout, or on the way back.
    fn pinged(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        match self.places[place].user {
            Some(request) if fine => self.places.lend(place, request, cx),
            // Acquire 3: closed hard; permit and size are kept for another.
            Some(request) => {
                self.places.hang_up(place, cx);
                self.connect(place, Some(request), cx);
            }
            None if fine => {
                self.places.put(place, cx);
                self.permit(cx);
            }
            None => self.drop_hard(place, cx),
        }
    }

    fn drop_hard(&mut self, place: u32, cx: &mut Cx) {
        self.places.hang_up(place, cx);
        self.closed(place, cx);
    }

    fn closed(&mut self, place: u32, cx: &mut Cx) {
        self.places.remove(place, cx);
        self.permit(cx);
    }

    /// The task that takes a connection back: closes it by age, or pings it, which flushes a rollback along in one trip.
    fn give_back(&mut self, place: u32, cx: &mut Cx) {
        if self.is_old(place, cx) {
            if self.places.close(place, cx) {
                self.closed(place, cx);
            }
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.places.ask(place, StatementKind::Ping, cx);
        }
    }

    fn is_old(&self, place: u32, cx: &Cx) -> bool {
        self.spec.max_lifetime.is_some_and(|lifetime| cx.now() - self.places[place].born > lifetime)
    }

    fn reap_later(&self, cx: &mut Cx) {
        if let Some(period) = self.spec.max_lifetime.into_iter().chain(self.spec.idle_timeout).min() {
            self.places.set(REAPER, 0, period, cx);
        }
    }

    /// Closes what is old or was idle for too long, then fills up.
    fn reap(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let idle: Vec<u32> = self.places.idle.iter().copied().collect();
        for place in idle {
            let idles = self.spec.idle_timeout.is_some_and(|limit| now - self.places[place].idle_since > limit);
            if idles || self.is_old(place, cx) {
                self.places.take(place, None, cx);
                if self.places.close(place, cx) {
                    self.closed(place, cx);
                }
            }
        }
        self.fill(cx);
        self.reap_later(cx);
    }

    fn fill(&mut self, cx: &mut Cx) {
        while self.places.total < self.spec.min_connections {
            let place = self.places.add(cx);
            self.connect(place, None, cx);
        }
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            Asking::At(place) => {
                self.places.refuse(request, why, cx);
                self.drop_hard(place, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        self.fill(cx);
        self.reap_later(cx);
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, Some(self.spec.acquire_timeout), cx);
        self.get(request, cx);
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop(request, Error::DeadlineExceeded, cx);
    }

    /// Whoever gives back goes on at once: the rest is done by a task of its own.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        self.places.let_go(place, cx);
        if self.places.is_sound(place, cx) {
            self.give_back(place, cx);
        } else {
            cx.step(self.places.worker, PoolStep::Invalidate, None, Some(conn));
            self.drop_hard(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        match self.places[place].user {
            Some(request) => self.places.lend(place, request, cx),
            None => {
                self.places.put(place, cx);
                self.permit(cx);
            }
        }
    }

    /// Acquire 4: refused connections and a server that is starting or full are tried again until the deadline.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        let Some(request) = self.places[place].user else {
            return self.closed(place, cx);
        };
        let left = (cx.request(request).asked + self.spec.acquire_timeout).since(cx.now());
        if !matches!(why, Error::ConnectionRefused | Error::CannotConnectNow | Error::TooManyClients) {
            self.places.refuse(request, why, cx);
            self.closed(place, cx);
        } else if left.is_zero() {
            self.places.refuse(request, Error::PoolTimeout, cx);
            self.closed(place, cx);
        } else {
            let pause = self.pauses[place as usize];
            self.pauses[place as usize] = pause + pause;
            self.places.pause(place, pause.min(left.scaled(0.2)).max(LEAST_PAUSE), cx);
        }
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = (cx.conn(conn).near_tag, cx.conn(conn).error.is_none());
        self.pinged(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection: the next ping finds out.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if matches!(self.places[place].phase, Phase::Asking(_)) {
            self.pinged(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    self.stop(request, Error::PoolTimeout, cx);
                }
            }
            Rang::Closed(place) => self.closed(place, cx),
            Rang::Paused(place) => {
                let user = self.places[place].user;
                self.places.connect(place, user, cx);
            }
            Rang::Own(..) => self.reap(cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max_connections)))
    }

    fn status(&self) -> String {
        format!("size() {} num_idle() {}", self.places.total, self.places.idle.len())
    }
}
