//! asyncpg 0.32 (`asyncpg.Pool`): holders in a stack, each connected by whoever takes it.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::patience::Patience;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// asyncpg's pool under its arguments, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AsyncpgPool {
    /// Connections opened at the start and kept.
    pub min_size: u32,
    /// Connections at most.
    pub max_size: u32,
    /// Uses after which a connection is closed when it comes back. The library counts statements, this checkouts.
    pub max_queries: u32,
    /// Idle time after which a connection above `min_size` is closed; "0s" never.
    pub max_inactive_connection_lifetime: Span,
    /// `acquire(timeout=…)`: covers the queue and the connect; `None` waits for ever.
    pub timeout: Option<Span>,
}

impl Default for AsyncpgPool {
    fn default() -> AsyncpgPool {
        AsyncpgPool {
            min_size: 10,
            max_size: 10,
            max_queries: 50_000,
            max_inactive_connection_lifetime: Span::from_secs(300),
            timeout: None,
        }
    }
}

impl Example for AsyncpgPool {
    const EXAMPLE: &'static str = r#"AsyncpgPool(min_size: 5, max_size: 20, timeout: "10s")"#;
}

impl PoolKind for AsyncpgPool {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.max_size)?;
        super::at_most("min_size", self.min_size, "max_size", self.max_size)?;
        super::size("max_queries", self.max_queries)
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State {
            spec: self.clone(),
            places: Places::new(worker),
            live: 0,
            inactive: Patience::default(),
            start: Vec::new(),
            maintaining: false,
            maintained: None,
            retry: FIRST_RETRY,
        })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max_size))
    }

    fn size(&self) -> String {
        super::range(self.min_size, self.max_size)
    }

    /// asyncio's `TimeoutError` has no text.
    fn timeout_text(&self) -> String {
        "TimeoutError".to_owned()
    }
}

struct State {
    spec: AsyncpgPool,
    places: Places,
    /// Holders with a connection, or one being opened.
    live: u32,
    /// Inactivity timers: the holder, and the phase in which it was set.
    inactive: Patience<(u32, u32)>,
    /// Holders to be connected once the first one is.
    start: Vec<u32>,
    /// The maintenance task runs or pauses.
    maintaining: bool,
    /// The holder that it connects now.
    maintained: Option<u32>,
    retry: Span,
}

const INACTIVE: u32 = 0;
const MAINTAIN: u32 = 1;
const FIRST_RETRY: Span = Span::from_secs(1);
const LAST_RETRY: Span = Span::from_secs(60);

impl State {
    /// Acquire 2: the newest live holder, else the newest dead one, else wait.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let newest_live = self.places.idle.iter().rev().copied().find(|place| self.places[*place].conn.is_some());
        match newest_live.or(self.places.idle.back().copied()) {
            Some(place) => {
                self.places.stops_waiting(request, cx);
                self.places.take(place, Some(request), cx);
                self.hand_out(place, request, cx);
            }
            None => self.places.wait(request, cx),
        }
    }

    /// Acquire 3 and 4: whoever takes a dead holder connects it.
    fn hand_out(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        if self.places[place].conn.is_some() {
            self.places.lend(place, request, cx);
        } else {
            self.live += 1;
            self.places.connect(place, Some(request), cx);
        }
    }

    /// The holder is back in the queue: the oldest waiter is woken, and the inactivity timer starts.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        if self.places[place].conn.is_some() {
            self.watch(place, cx);
        }
        self.places.wake(cx);
    }

    /// The holder's connection is terminated; the holder goes back dead.
    fn terminate(&mut self, place: u32, cx: &mut Cx) {
        cx.step(self.places.worker, PoolStep::Invalidate, self.places[place].user, self.places[place].conn);
        self.places.hang_up(place, cx);
        self.closed(place, cx);
    }

    fn closed(&mut self, place: u32, cx: &mut Cx) {
        self.live -= 1;
        self.places.let_go(place, cx);
        self.put(place, cx);
        self.maintain_soon(cx);
    }

    /// Release, after the rollback: the reset script, which is one trip.
    fn reset(&mut self, place: u32, cx: &mut Cx) {
        self.places.ask(place, StatementKind::Reset, cx);
    }

    fn reset_is_done(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.put(place, cx);
    }

    fn watch(&mut self, place: u32, cx: &mut Cx) {
        let lifetime = self.spec.max_inactive_connection_lifetime;
        if !lifetime.is_zero() && self.inactive.add(cx.now() + lifetime, (place, self.places[place].turn)).is_some() {
            self.places.set(INACTIVE, 0, lifetime, cx);
        }
    }

    /// The timers of idle connections; `min_size` of them stay, and are looked at again later.
    fn end_inactive(&mut self, cx: &mut Cx) {
        loop {
            let places = &self.places;
            let Some((place, turn)) = self.inactive.due(cx.now(), |(place, turn)| places[place].turn == turn) else { break };
            if self.live > self.spec.min_size {
                self.live -= 1;
                self.places.hang_up(place, cx);
            } else {
                self.inactive.add(cx.now() + self.spec.max_inactive_connection_lifetime, (place, turn));
            }
        }
        if let Some(next) = self.inactive.rearm() {
            self.places.set(INACTIVE, 0, next.since(cx.now()), cx);
        }
    }

    /// The maintenance task runs when all that was woken has run.
    fn maintain_soon(&mut self, cx: &mut Cx) {
        if self.live < self.spec.min_size && !self.maintaining {
            self.maintaining = true;
            self.places.set(MAINTAIN, 0, Span::ZERO, cx);
        }
    }

    /// It refills to `min_size`, one after the other.
    fn maintain(&mut self, cx: &mut Cx) {
        let dead = self.places.idle.iter().rev().copied().find(|place| self.places[*place].conn.is_none());
        match dead {
            Some(place) if self.live < self.spec.min_size => {
                self.live += 1;
                self.maintained = Some(place);
                self.places.take(place, None, cx);
                self.places.connect(place, None, cx);
            }
            _ => self.maintaining = false,
        }
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        match asking {
            Asking::Answered => return,
            // Acquire 6: the connect is cancelled and its work is lost.
            Asking::At(place) => {
                self.places.refuse(request, why, cx);
                self.terminate(place, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
        if asking == Asking::Woken && !self.places.idle.is_empty() {
            self.places.wake(cx);
        }
    }
}

impl Pool for State {
    /// One holder is connected first, then the others up to `min_size` in parallel.
    fn start(&mut self, cx: &mut Cx) {
        let all: Vec<u32> = (0..self.spec.max_size).map(|_| self.places.add(cx)).collect();
        let (connected, dead) = all.split_at(self.spec.min_size as usize);
        for place in dead {
            self.places.put(*place, cx);
        }
        self.live = self.spec.min_size;
        if let Some((first, others)) = connected.split_first() {
            self.start = others.to_vec();
            self.places.connect(*first, None, cx);
        }
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, self.spec.timeout, cx);
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
        if !self.places.is_sound(place, cx) || self.places.is_gone(place, cx) {
            self.terminate(place, cx);
        } else if self.places[place].uses >= self.spec.max_queries {
            if self.places.close(place, cx) {
                self.closed(place, cx);
            }
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.reset(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        for other in std::mem::take(&mut self.start) {
            self.places.connect(other, None, cx);
        }
        match self.places[place].user {
            Some(request) => self.places.lend(place, request, cx),
            None => {
                self.put(place, cx);
                self.retry = FIRST_RETRY;
                if self.maintained.take_if(|maintained| *maintained == place).is_some() {
                    self.places.set(MAINTAIN, 0, Span::ZERO, cx);
                }
            }
        }
    }

    /// At the start the library would give up altogether; here the holders go on dead, and maintenance tries again.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.live -= 1;
        let at_start = std::mem::take(&mut self.start);
        if let Some(request) = self.places[place].user {
            self.places.refuse(request, why, cx);
            self.put(place, cx);
            return self.maintain_soon(cx);
        }
        self.put(place, cx);
        for other in at_start {
            self.live -= 1;
            self.put(other, cx);
        }
        let maintained = self.maintained.take_if(|maintained| *maintained == place).is_some();
        if maintained || !self.maintaining {
            self.maintaining = true;
            self.places.set(MAINTAIN, 0, self.retry, cx);
            self.retry = (self.retry + self.retry).min(LAST_RETRY);
        }
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = (cx.conn(conn).near_tag, cx.conn(conn).error.is_none());
        match self.places[place].phase {
            _ if !fine => self.terminate(place, cx),
            Phase::Asking(StatementKind::Rollback) => self.reset(place, cx),
            _ => self.reset_is_done(place, cx),
        }
    }

    /// The loop reads all sockets: a holder whose connection has gone is dead at once.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        match self.places[place].phase {
            Phase::Idle => {
                self.live -= 1;
                self.places.hang_up(place, cx);
                self.maintain_soon(cx);
            }
            Phase::Asking(_) => self.terminate(place, cx),
            _ => {}
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
            Rang::Own(INACTIVE, _) => self.end_inactive(cx),
            Rang::Own(..) => self.maintain(cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max_size)))
    }

    fn status(&self) -> String {
        let idle = self.places.idle.iter().filter(|place| self.places[**place].conn.is_some()).count();
        format!("get_size() {} get_idle_size() {idle} min {} max {}", self.live, self.spec.min_size, self.spec.max_size)
    }
}
