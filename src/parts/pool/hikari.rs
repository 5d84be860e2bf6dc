//! HikariCP (6.0, and 2.7): one adder thread opens connections; what comes back goes to whoever is first.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};

mod adder;
mod borrow;
mod upkeep;

/// Whose way of adding connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// 2.7: for each task one connect, while somebody waits or too few are idle; after a failure 250 ms, half as much more
    /// each time up to 10 s or `connectionTimeout`. A marked connection that comes back is closed when it is taken next.
    V2,
    /// 6.0: connects while more wait than are idle, or too few are idle, and pauses 30 ms after each; after a failure 10 ms,
    /// doubling up to 5 s. A marked connection is closed when it comes back.
    #[default]
    V6,
}

/// HikariCP under its properties, with its defaults. A request is a thread of its own: what it gives back it finds first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Hikari {
    /// Which version's way of adding connections.
    pub version: Version,
    /// Connections at most.
    pub maximum_pool_size: u32,
    /// Idle connections that the pool tries to have; `None` as many as `maximumPoolSize`.
    pub minimum_idle: Option<u32>,
    /// Longest `getConnection()`, validation included.
    pub connection_timeout: Span,
    /// Time since the last access after which an idle connection above `minimumIdle` is closed; "0s" never.
    pub idle_timeout: Span,
    /// Age at which a connection is closed, or marked if it is in use, less up to 2.5 % at random; "0s" never.
    pub max_lifetime: Span,
    /// How often an idle connection is asked whether it lives, less up to 10 % at random; "0s" never.
    pub keepalive_time: Span,
    /// `com.zaxxer.hikari.aliveBypassWindowMs`: a connection is not validated if its last statement, or its checkout if there
    /// was none, began so recently.
    pub alive_bypass_window: Span,
}

impl Default for Hikari {
    fn default() -> Hikari {
        Hikari {
            version: Version::V6,
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
    const WHAT: &'static str = "HikariCP (6.0): one thread adds connections, with 30 ms between two of them.";
    const PARAMETERS: &'static [Field] = &[
        field(
            "version",
            "V6",
            "Whose way of adding connections: V6 (6.0) pauses 30 ms after each, V2 (2.7) does not.",
            "V2 tries a failed connect again after 250 ms and more, V6 after 10 ms and more.",
        ),
        field("maximumPoolSize", "10", "Connections at most.", ""),
        field("minimumIdle", "None", "Idle connections that the pool tries to have; None is as many as maximumPoolSize.", ""),
        field(
            "connectionTimeout",
            "30s",
            "Longest getConnection(); then SQLTransientConnectionException.",
            "A validation under way is not cut short.",
        ),
        field("idleTimeout", "10min", "Idle time after which a connection above minimumIdle is closed, looked at each 30 s; 0s never.", ""),
        field(
            "maxLifetime",
            "30min",
            "Age at which a connection is closed, or when it comes back, less up to 2.5 % at random; 0s never.",
            "",
        ),
        field("keepaliveTime", "0s", "How often an idle connection is asked whether it lives, less up to 10 % at random; 0s never.", ""),
        field("aliveBypassWindow", "500ms", "aliveBypassWindowMs: a connection used so recently is not validated at checkout.", ""),
    ];
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
            recent: Vec::new(),
            is_built: false,
            adding: false,
            tasks: 0,
            backoff: Span::ZERO,
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

#[derive(Clone)]
struct State {
    spec: Hikari,
    places: Places,
    /// The shared list: places in the order in which they were added.
    bag: Vec<u32>,
    /// By request: what it gave back when nobody waited (a thread's own list).
    recent: Vec<(Option<RequestId>, Vec<u32>)>,
    /// The first connection has been opened, or not: the constructor has come to its end.
    is_built: bool,
    /// The adder connects, pauses or backs off.
    adding: bool,
    /// What the adder has still to look at.
    tasks: u64,
    backoff: Span,
    /// By place: when it is asked next whether it lives.
    keepalives: Vec<SimTime>,
    dice: Stream,
}

const ADDER: u32 = 0;
const HOUSEKEEPER: u32 = 1;
const LIFETIME: u32 = 2;
const KEEPALIVE: u32 = 3;
/// After the constructor has come to its end.
const FIRST_HOUSEKEEPING: Span = Span::from_millis(100);

impl Pool for State {
    /// `checkFailFast` opens one connection in the constructor. One that fails would end the application; here it does not.
    fn start(&mut self, cx: &mut Cx) {
        self.places.open(None, cx);
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, Some(self.spec.connection_timeout), cx);
        self.borrow(request, cx);
    }

    /// Woken in vain it waits on, and does not ask for another.
    fn woken(&mut self, request: RequestId, cx: &mut Cx) {
        if self.places.asking(request, cx) != Asking::Woken {
            return;
        }
        match self.first_idle() {
            Some(place) => {
                self.places.stops_waiting(request, cx);
                self.places.take(place, Some(request), cx);
                self.validate(place, request, cx);
            }
            None => self.places.wait(request, cx),
        }
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop(request, Error::DeadlineExceeded, cx);
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        let is_closed = self.spec.version == Version::V6 && self.is_evicted(place, cx);
        if !self.places.is_sound(place, cx) || is_closed {
            self.places.let_go(place, cx);
            self.evict(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.places.let_go(place, cx);
            self.requite(place, Some(request), cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        if !self.is_built && self.spec.minimum_idle() == 0 {
            self.places.hang_up(place, cx);
            self.places.remove(place, cx);
            return self.built(cx);
        }
        self.bag.push(place);
        self.places[place].idle_since = cx.now();
        self.set_timers(place, cx);
        self.requite(place, None, cx);
        if !self.is_built {
            return self.built(cx);
        }
        match self.spec.version.pause() {
            Some(pause) => self.places.set(ADDER, 0, pause, cx),
            None => {
                self.adding = false;
                self.add(cx);
            }
        }
        self.backoff = Span::ZERO;
    }

    /// Callers see their own timeout only.
    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.places.remove(place, cx);
        if !self.is_built {
            return self.built(cx);
        }
        self.backoff = self.spec.version.backoff(self.backoff, self.spec.connection_timeout);
        self.places.set(ADDER, 0, self.backoff, cx);
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
            Rang::Own(ADDER, _) => {
                self.adding = self.connect(cx);
                self.add(cx);
            }
            Rang::Own(HOUSEKEEPER, _) => self.keep_house(cx),
            Rang::Own(LIFETIME, place) => self.end_of_life(place, cx),
            Rang::Own(_, place) => self.keepalive_due(place, cx),
            _ => {}
        }
    }

    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
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
        let from = self.places[place].user;
        self.places.let_go(place, cx);
        if fine { self.requite(place, from, cx) } else { self.evict(place, cx) }
    }

    fn built(&mut self, cx: &mut Cx) {
        self.is_built = true;
        self.places.set(HOUSEKEEPER, 0, FIRST_HOUSEKEEPING, cx);
        self.add(cx);
    }
}
