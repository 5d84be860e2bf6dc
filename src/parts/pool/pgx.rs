//! pgxpool (pgx 5.10 with puddle 2): a fair semaphore, the newest idle connection, connects that outlive their caller.

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
use crate::protocol::fact::PoolStep;

/// pgxpool under the names that its connection string has, with its defaults. It has no timeout of its own: a request
/// waits until its context ends, which is the client's deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pgx {
    /// Connections at most. The library takes 4 or the number of CPUs, whichever is more.
    pub pool_max_conns: u32,
    /// Connections that the health check keeps open.
    pub pool_min_conns: u32,
    /// Idle connections that the health check keeps.
    pub pool_min_idle_conns: u32,
    /// Age from which a connection is destroyed; "0s" never.
    pub pool_max_conn_lifetime: Span,
    /// Adds up to this to each lifetime, in whole seconds.
    pub pool_max_conn_lifetime_jitter: Span,
    /// Idle time from which the health check destroys a connection above `pool_min_conns`.
    pub pool_max_conn_idle_time: Span,
    /// The period of the health check.
    pub pool_health_check_period: Span,
}

impl Default for Pgx {
    fn default() -> Pgx {
        Pgx {
            pool_max_conns: 4,
            pool_min_conns: 0,
            pool_min_idle_conns: 0,
            pool_max_conn_lifetime: Span::from_secs(3600),
            pool_max_conn_lifetime_jitter: Span::ZERO,
            pool_max_conn_idle_time: Span::from_secs(1800),
            pool_health_check_period: Span::from_secs(60),
        }
    }
}

impl Example for Pgx {
    const EXAMPLE: &'static str =
        r#"Pgx(pool_max_conns: 16, pool_min_conns: 2, pool_max_conn_lifetime: "1h", pool_max_conn_lifetime_jitter: "5min")"#;
    const WHAT: &'static str = "pgxpool (pgx 5.10): first come, first served; what comes back inside a transaction is destroyed.";
    const PARAMETERS: &'static [Field] = &[
        field("pool_max_conns", "4", "Connections at most. The library takes 4 or the number of CPUs, whichever is more.", ""),
        field("pool_min_conns", "0", "Connections that the health check keeps open.", ""),
        field("pool_min_idle_conns", "0", "Idle connections that the health check keeps.", ""),
        field(
            "pool_max_conn_lifetime",
            "1h",
            "Age from which a connection is destroyed, at checkout, at return or by the health check; 0s never.",
            "",
        ),
        field(
            "pool_max_conn_lifetime_jitter",
            "0s",
            "Adds up to this at random to each lifetime, cut to whole seconds: 1s or less does nothing.",
            "",
        ),
        field("pool_max_conn_idle_time", "30min", "Idle time from which the health check destroys a connection above pool_min_conns.", ""),
        field("pool_health_check_period", "1min", "The period of the health check.", ""),
    ];
}

impl PoolKind for Pgx {
    fn check(&self) -> Result<(), Invalid> {
        super::size("pool_max_conns", self.pool_max_conns)?;
        super::at_most("pool_min_conns", self.pool_min_conns, "pool_max_conns", self.pool_max_conns)?;
        super::at_most("pool_min_idle_conns", self.pool_min_idle_conns, "pool_max_conns", self.pool_max_conns)?;
        super::period("pool_health_check_period", self.pool_health_check_period)
    }

    fn build(&self, worker: WorkerId, seed: &Seed) -> Box<dyn Pool> {
        Box::new(State { places: Places::new(worker), rounds: Vec::new(), dice: seed.stream("pgx"), spec: self.clone() })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.pool_max_conns))
    }

    fn size(&self) -> String {
        self.pool_max_conns.to_string()
    }

    fn timeout_text(&self) -> String {
        "context deadline exceeded".to_owned()
    }
}

#[derive(Clone)]
struct State {
    spec: Pgx,
    places: Places,
    /// Requests whose connection was no good, and how often.
    rounds: Vec<(RequestId, u32)>,
    dice: Stream,
}

const HEALTH: u32 = 0;
const HEALTH_SOON: u32 = 1;
const SOON: Span = Span::from_millis(500);
const UNCHECKED: Span = Span::from_secs(1);

impl State {
    /// Acquire 1: a token for each connection that is not idle. A newcomer cannot pass a waiter.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        let no_token = self.places.idle.is_empty() && self.places.total >= self.spec.pool_max_conns;
        if no_token || self.places.has_line(cx) { self.places.wait(request, cx) } else { self.with_token(request, cx) }
    }

    /// Acquire 2: the newest idle one, or another is constructed.
    fn with_token(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.take_newest(Some(request), cx) {
            Some(place) => self.look_at(place, request, cx),
            None => _ = self.places.open(Some(request), cx),
        }
    }

    /// Acquire 4: too old a connection is destroyed, one that was idle for long is asked.
    fn look_at(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        if self.is_expired(place, cx) {
            self.again(place, request, cx);
        } else if cx.now() - self.places[place].idle_since > UNCHECKED {
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.places.lend(place, request, cx);
        }
    }

    fn again(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        let rounds = self.rounds.iter().position(|(other, _)| *other == request).map_or(0, |index| self.rounds.swap_remove(index).1);
        self.places[place].user = None;
        self.places.asks_again(request, cx);
        self.destroy(place, cx);
        if rounds >= self.spec.pool_max_conns {
            return self.places.refuse(request, Error::ConnectionLost, cx);
        }
        self.rounds.push((request, rounds + 1));
        self.get(request, cx);
    }

    /// The token is free: it goes to the oldest waiter.
    fn token(&mut self, cx: &mut Cx) {
        let has_token = !self.places.idle.is_empty() || self.places.total < self.spec.pool_max_conns;
        if has_token && let Some(request) = self.places.next_in_line(cx) {
            self.with_token(request, cx);
        }
    }

    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.token(cx);
    }

    /// Slot and token stay taken until the close is done.
    fn destroy(&mut self, place: u32, cx: &mut Cx) {
        if self.places.close(place, cx) {
            self.destroyed(place, cx);
        }
    }

    fn destroyed(&mut self, place: u32, cx: &mut Cx) {
        self.places.remove(place, cx);
        self.token(cx);
    }

    fn is_expired(&self, place: u32, cx: &Cx) -> bool {
        cx.now() > self.places[place].expires
    }

    /// Destroys what is too old or was idle for too long, then refills in parallel; once more soon if anything was destroyed.
    fn check_health(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let idle: Vec<u32> = self.places.idle.iter().copied().collect();
        let mut destroyed = false;
        for place in idle {
            let is_old = self.is_expired(place, cx) && self.places.total >= self.spec.pool_min_conns;
            let is_idle = now - self.places[place].idle_since > self.spec.pool_max_conn_idle_time;
            if is_old || is_idle && self.places.total > self.spec.pool_min_conns {
                destroyed = true;
                self.places.take(place, None, cx);
                self.destroy(place, cx);
            }
        }
        let missing = self.spec.pool_min_conns.saturating_sub(self.places.total);
        let idle_missing = self.spec.pool_min_idle_conns.saturating_sub(self.places.idle.len() as u32);
        for _ in 0..missing.max(idle_missing).min(self.spec.pool_max_conns - self.places.total) {
            self.places.open(None, cx);
        }
        if destroyed {
            self.places.set(HEALTH_SOON, 0, SOON, cx);
        }
    }

    fn asked_whether_it_lives(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        let request = self.places[place].user.expect("a connection is asked for somebody");
        if fine { self.places.lend(place, request, cx) } else { self.again(place, request, cx) }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        self.check_health(cx);
        self.places.set(HEALTH, 0, self.spec.pool_health_check_period, cx);
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.rounds.retain(|(other, _)| *other != request);
        self.places.asked(request, None, cx);
        self.get(request, cx);
    }

    /// Acquire 3: a connect goes on without its caller, and its connection becomes idle.
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            Asking::At(place) => {
                self.places.refuse(request, Error::DeadlineExceeded, cx);
                if self.places[place].phase != Phase::Connecting {
                    self.destroy(place, cx);
                }
            }
            _ => self.places.refuse(request, Error::DeadlineExceeded, cx),
        }
    }

    /// Nothing is rolled back: what is not idle in its transaction is destroyed.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        self.places.let_go(place, cx);
        if !self.places.is_sound(place, cx) || self.places.is_in_transaction(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, None, Some(conn));
            self.destroy(place, cx);
            self.places.set(HEALTH_SOON, 0, SOON, cx);
        } else if self.is_expired(place, cx) {
            self.destroy(place, cx);
        } else {
            self.put(place, cx);
        }
    }

    /// Age counts from the end of the connect, idleness from its beginning.
    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        let (lifetime, jitter) = (self.spec.pool_max_conn_lifetime, self.spec.pool_max_conn_lifetime_jitter);
        let seconds = (self.dice.uniform() * jitter.seconds()) as u64;
        let end = cx.now() + lifetime + Span::from_secs(seconds);
        self.places[place].expires = if lifetime.is_zero() { SimTime::NEVER } else { end };
        let born = self.places[place].born;
        match self.places[place].user {
            Some(request) => {
                self.places[place].idle_since = born;
                self.look_at(place, request, cx);
            }
            None => {
                self.put(place, cx);
                self.places[place].idle_since = born;
            }
        }
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        if let Some(request) = self.places[place].user {
            self.places.refuse(request, why, cx);
        }
        self.destroyed(place, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.asked_whether_it_lives(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
            self.asked_whether_it_lives(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Closed(place) => self.destroyed(place, cx),
            Rang::Own(HEALTH, _) => {
                self.places.set(HEALTH, 0, self.spec.pool_health_check_period, cx);
                self.check_health(cx);
            }
            Rang::Own(..) => self.check_health(cx),
            _ => {}
        }
    }

    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }
    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.pool_max_conns)))
    }

    /// Of `Stat()`.
    fn status(&self) -> String {
        let gauges = self.gauges();
        format!(
            "TotalConns {} AcquiredConns {} IdleConns {} MaxConns {}",
            self.places.total, gauges.in_use, gauges.idle, self.spec.pool_max_conns
        )
    }
}
