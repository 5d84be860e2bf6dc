//! HikariCP (6.0): one adder thread that pauses 30 ms after each connect; what comes back goes to whoever is first.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};

/// HikariCP under its properties, with its defaults. A thread's own list of recent connections is not in the model:
/// a request here has no thread that it shares with earlier ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Hikari {
    /// Connections at most.
    pub maximum_pool_size: u32,
    /// Idle connections that the pool tries to have; `None` as many as `maximumPoolSize`.
    pub minimum_idle: Option<u32>,
    /// Longest `getConnection()`, validation included.
    pub connection_timeout: Span,
    /// Idle time after which a connection above `minimumIdle` is closed; "0s" never.
    pub idle_timeout: Span,
    /// Age at which a connection is closed, or marked if it is in use, less up to 2.5 % at random; "0s" never.
    pub max_lifetime: Span,
    /// How often an idle connection is asked whether it lives, less up to 10 % at random; "0s" never.
    pub keepalive_time: Span,
    /// `com.zaxxer.hikari.aliveBypassWindowMs`: a connection that was used so recently is not validated.
    pub alive_bypass_window: Span,
}

impl Default for Hikari {
    fn default() -> Hikari {
        Hikari {
            maximum_pool_size: 10,
            minimum_idle: None,
            connection_timeout: Span::from_secs(30),
            idle_timeout: Span::from_secs(600),
            max_lifetime: Span::from_secs(1800),
            keepalive_time: Span::ZERO,
            alive_bypass_window: Span::from_millis(500),
        }
    }
}

impl Example for Hikari {
    const EXAMPLE: &'static str =
        r#"Hikari(maximumPoolSize: 20, minimumIdle: 5, connectionTimeout: "10s", maxLifetime: "30min", keepaliveTime: "2min")"#;
}

impl Hikari {
    fn minimum_idle(&self) -> u32 {
        self.minimum_idle.unwrap_or(self.maximum_pool_size)
    }
}

impl PoolKind for Hikari {
    fn check(&self) -> Result<(), Invalid> {
        super::size("maximumPoolSize", self.maximum_pool_size)?;
        super::at_most("minimumIdle", self.minimum_idle(), "maximumPoolSize", self.maximum_pool_size)?;
        if self.connection_timeout < Span::from_millis(250) {
            return Err(Invalid::field("connectionTimeout", "connectionTimeout is at least 250ms: HikariCP takes less for 30s"));
        }
        let least = |name: &str, span: Span, least: Span| {
            if !span.is_zero() && span < least {
                return Err(Invalid::field(name, format!("{name} is \"0s\" (never) or at least {least}")));
            }
            Ok(())
        };
        least("idleTimeout", self.idle_timeout, Span::from_secs(10))?;
        least("maxLifetime", self.max_lifetime, Span::from_secs(30))?;
        least("keepaliveTime", self.keepalive_time, Span::from_secs(30))
    }

    fn build(&self, worker: WorkerId, seed: &Seed) -> Box<dyn Pool> {
        Box::new(State {
            places: Places::new(worker),
            bag: Vec::new(),
            adding: false,
            backoff: FIRST_BACKOFF,
            keepalives: Vec::new(),
            dice: seed.stream("hikari"),
            spec: self.clone(),
        })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.maximum_pool_size))
    }

    fn size(&self) -> String {
        super::range(self.minimum_idle(), self.maximum_pool_size)
    }

    fn timeout_text(&self) -> String {
        format!("Connection is not available, request timed out after {}ms", self.connection_timeout.nanos() / 1_000_000)
    }
}

struct State {
    spec: Hikari,
    places: Places,
    /// The shared list: places in the order in which they were added.
    bag: Vec<u32>,
    /// The adder connects, pauses or backs off.
    adding: bool,
    backoff: Span,
    /// By place: when it is asked next whether it lives.
    keepalives: Vec<SimTime>,
    dice: Stream,
}

const ADDER: u32 = 0;
const HOUSEKEEPER: u32 = 1;
const LIFETIME: u32 = 2;
const KEEPALIVE: u32 = 3;
const ADDER_PAUSE: Span = Span::from_millis(30);
const FIRST_BACKOFF: Span = Span::from_millis(10);
const LAST_BACKOFF: Span = Span::from_secs(5);

impl State {
    /// Borrow 2 and 3: the first idle one of the shared list, else ask for another and wait.
    fn borrow(&mut self, request: RequestId, cx: &mut Cx) {
        let others_wait = self.places.pending > u64::from(self.places.asking(request, cx) == Asking::Woken);
        match self.bag.iter().copied().find(|place| self.places[*place].phase == Phase::Idle) {
            Some(place) => {
                self.places.stops_waiting(request, cx);
                self.places.take(place, Some(request), cx);
                if others_wait {
                    self.add(cx);
                }
                self.validate(place, request, cx);
            }
            None => {
                self.places.wait(request, cx);
                self.add(cx);
            }
        }
    }

    /// Borrow 4: a marked one is closed, one that was idle for long is asked; after that all begins again.
    fn validate(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        let idle = cx.now() - self.places[place].idle_since;
        if self.is_evicted(place, cx) {
            self.evict(place, cx);
            self.again(request, cx);
        } else if idle > self.spec.alive_bypass_window {
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.places.lend(place, request, cx);
        }
    }

    fn validated(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        match self.places[place].user {
            // The keepalive of an idle one.
            None if fine => {
                self.keep_alive(place, cx);
                self.requite(place, cx);
            }
            Some(request) if fine => self.places.lend(place, request, cx),
            user => {
                self.evict(place, cx);
                if let Some(request) = user {
                    self.again(request, cx);
                }
            }
        }
    }

    /// Starts over with the remaining time, or 5: none remains.
    fn again(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asks_again(request, cx);
        if cx.now() >= cx.request(request).asked + self.spec.connection_timeout {
            self.places.refuse(request, Error::PoolTimeout, cx);
        } else {
            self.borrow(request, cx);
        }
    }

    /// Somebody who waits asks for another connection.
    fn add(&mut self, cx: &mut Cx) {
        let idle = self.places.idle.len() as u64;
        let wanted = idle < u64::from(self.spec.minimum_idle()) || self.places.pending > idle;
        if !self.adding && wanted && self.places.total < self.spec.maximum_pool_size {
            self.adding = true;
            self.places.open(None, cx);
        }
    }

    /// `fillPool` looks at `minimumIdle` alone.
    fn fill(&mut self, cx: &mut Cx) {
        if (self.places.idle.len() as u64) < u64::from(self.spec.minimum_idle()) {
            self.add(cx);
        }
    }

    /// It can be taken at once, also by a newcomer; the oldest waiter is told.
    fn requite(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.places.wake(cx);
    }

    /// Closed by a thread of its own: it no longer counts, and the pool is filled again.
    fn evict(&mut self, place: u32, cx: &mut Cx) {
        self.places.idle.retain(|idle| *idle != place);
        self.bag.retain(|other| *other != place);
        self.places[place].user = None;
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
        self.fill(cx);
    }

    fn is_evicted(&self, place: u32, cx: &Cx) -> bool {
        self.places[place].expires <= cx.now()
    }

    /// The timers of a new connection.
    fn set_timers(&mut self, place: u32, cx: &mut Cx) {
        if !self.spec.max_lifetime.is_zero() {
            let lifetime = self.spec.max_lifetime.scaled(1.0 - 0.025 * self.dice.uniform());
            self.places[place].expires = cx.now() + lifetime;
            self.places.set(LIFETIME, place, lifetime, cx);
        }
        self.keep_alive(place, cx);
    }

    /// An idle one is closed; one in use is marked by its age, and closed when it comes back.
    fn end_of_life(&mut self, place: u32, cx: &mut Cx) {
        if self.places[place].expires == cx.now() && self.places[place].phase == Phase::Idle {
            self.evict(place, cx);
        }
    }

    fn keep_alive(&mut self, place: u32, cx: &mut Cx) {
        if !self.spec.keepalive_time.is_zero() {
            let span = self.spec.keepalive_time.scaled(1.0 - 0.1 * self.dice.uniform());
            self.keepalives.resize(self.keepalives.len().max(place as usize + 1), SimTime::NEVER);
            self.keepalives[place as usize] = cx.now() + span;
            self.places.set(KEEPALIVE, place, span, cx);
        }
    }

    fn keepalive_due(&mut self, place: u32, cx: &mut Cx) {
        if self.keepalives[place as usize] != cx.now() {
            return;
        }
        match self.places[place].phase {
            Phase::Idle => {
                self.places.take(place, None, cx);
                self.places.ask(place, StatementKind::Ping, cx);
            }
            Phase::Gone => {}
            _ => self.keep_alive(place, cx),
        }
    }

    /// Every 30 s: the longest idle are closed down to `minimumIdle`, then the pool is filled.
    fn keep_house(&mut self, cx: &mut Cx) {
        self.places.set(HOUSEKEEPER, 0, Span::from_secs(30), cx);
        let (now, idle_timeout) = (cx.now(), self.spec.idle_timeout);
        if !idle_timeout.is_zero() && self.spec.minimum_idle() < self.spec.maximum_pool_size {
            let surplus = self.places.idle.len().saturating_sub(self.spec.minimum_idle() as usize);
            let old = |place: &u32| now - self.places[*place].idle_since > idle_timeout;
            let closed: Vec<u32> = self.places.idle.iter().copied().filter(old).take(surplus).collect();
            for place in closed {
                self.evict(place, cx);
            }
        }
        self.fill(cx);
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        match asking {
            Asking::Answered => return,
            // The timeout does not cut a validation short.
            Asking::At(_) if why == Error::PoolTimeout => return,
            Asking::At(place) => {
                self.places.refuse(request, why, cx);
                self.evict(place, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
        if asking == Asking::Woken && !self.places.idle.is_empty() {
            self.places.wake(cx);
        }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        self.fill(cx);
        self.places.set(HOUSEKEEPER, 0, Span::from_millis(100), cx);
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, Some(self.spec.connection_timeout), cx);
        self.borrow(request, cx);
    }

    fn woken(&mut self, request: RequestId, cx: &mut Cx) {
        if self.places.asking(request, cx) == Asking::Woken {
            self.borrow(request, cx);
        }
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop(request, Error::DeadlineExceeded, cx);
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) || self.is_evicted(place, cx) {
            self.places.let_go(place, cx);
            self.evict(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.places.let_go(place, cx);
            self.requite(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.bag.push(place);
        self.set_timers(place, cx);
        self.requite(place, cx);
        self.backoff = FIRST_BACKOFF;
        self.places.set(ADDER, 0, ADDER_PAUSE, cx);
    }

    /// Callers see their own timeout only.
    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.places.remove(place, cx);
        self.places.set(ADDER, 0, self.backoff, cx);
        self.backoff = (self.backoff + self.backoff).min(LAST_BACKOFF);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = (cx.conn(conn).near_tag, cx.conn(conn).error.is_none());
        self.answered(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if matches!(self.places[place].phase, Phase::Asking(_)) {
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
            Rang::Own(ADDER, _) => {
                self.adding = false;
                self.add(cx);
            }
            Rang::Own(HOUSEKEEPER, _) => self.keep_house(cx),
            Rang::Own(LIFETIME, place) => self.end_of_life(place, cx),
            Rang::Own(_, place) => self.keepalive_due(place, cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.maximum_pool_size)))
    }

    /// As the log has it.
    fn status(&self) -> String {
        let (total, idle) = (self.bag.len(), self.places.idle.len());
        format!("total={total}, active={}, idle={idle}, waiting={}", total - idle, self.places.pending)
    }
}

impl State {
    fn answered(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        if self.places[place].phase == Phase::Asking(StatementKind::Ping) {
            return self.validated(place, fine, cx);
        }
        self.places.let_go(place, cx);
        if fine { self.requite(place, cx) } else { self.evict(place, cx) }
    }
}
