//! Go's `database/sql` (1.23 and later): two connections are kept, a connection that comes back goes to a waiter at random.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::Span;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// `sql.DB` under the names of its setters, with its defaults. It has no timeout of its own: a request waits until its
/// context ends, which is the client's deadline. An open transaction is rolled back first, as `Tx` does when its
/// context ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSql {
    /// `SetMaxOpenConns`: connections at most; 0 is no limit.
    pub max_open_conns: u32,
    /// `SetMaxIdleConns`: idle connections kept at most.
    pub max_idle_conns: u32,
    /// `SetConnMaxLifetime`: age from which a connection is closed; "0s" never.
    pub conn_max_lifetime: Span,
    /// `SetConnMaxIdleTime`: idle time from which a connection is closed; "0s" never.
    pub conn_max_idle_time: Span,
}

impl Default for DatabaseSql {
    fn default() -> DatabaseSql {
        DatabaseSql { max_open_conns: 0, max_idle_conns: 2, conn_max_lifetime: Span::ZERO, conn_max_idle_time: Span::ZERO }
    }
}

impl Example for DatabaseSql {
    const EXAMPLE: &'static str = r#"DatabaseSql(max_open_conns: 25, max_idle_conns: 25, conn_max_lifetime: "5min")"#;
    const WHAT: &'static str = "Go's database/sql: keeps two connections unless told otherwise, serves waiters at random.";
    const PARAMETERS: &'static [Field] = &[
        field("max_open_conns", "0", "SetMaxOpenConns: connections at most; 0 is no limit.", ""),
        field("max_idle_conns", "2", "SetMaxIdleConns: a connection that comes back to so many idle ones is closed.", ""),
        field("conn_max_lifetime", "0s", "SetConnMaxLifetime: age from which a connection is closed; 0s never.", ""),
        field("conn_max_idle_time", "0s", "SetConnMaxIdleTime: idle time from which a connection is closed; 0s never.", ""),
    ];
}

impl PoolKind for DatabaseSql {
    fn check(&self) -> Result<(), Invalid> {
        if self.max_open_conns > 1_000_000 {
            return Err(Invalid::field("max_open_conns", "max_open_conns is 0 (no limit) or up to a million"));
        }
        Ok(())
    }

    fn build(&self, worker: WorkerId, seed: &Seed) -> Box<dyn Pool> {
        Box::new(State {
            places: Places::new(worker),
            dice: seed.stream("database_sql"),
            opener: 0,
            opening: None,
            cleaner: Cleaner::default(),
            expired: Vec::new(),
            spec: self.clone(),
        })
    }

    fn most_connections(&self) -> Option<u64> {
        (self.max_open_conns > 0).then(|| u64::from(self.max_open_conns))
    }

    fn size(&self) -> String {
        if self.max_open_conns == 0 { "∞".to_owned() } else { self.max_open_conns.to_string() }
    }

    fn timeout_text(&self) -> String {
        "context deadline exceeded".to_owned()
    }
}

#[derive(Clone)]
struct State {
    spec: DatabaseSql,
    places: Places,
    dice: Stream,
    /// Connects that the one opener goroutine has still to make for waiters; their places are counted already.
    opener: u32,
    /// The place that it connects now.
    opening: Option<u32>,
    cleaner: Cleaner,
    /// Places whose connection was too old when a request took it, and the how manieth that was for the request.
    expired: Vec<(u32, u32)>,
}

/// The cleaner goroutine.
#[derive(Clone, Default)]
struct Cleaner {
    /// There is one.
    runs: bool,
    /// It closes these, one after the other, and now this.
    closing: VecDeque<u32>,
    at: Option<u32>,
    /// Its next look, after that.
    pause: Span,
}

const CLEANER: u32 = 0;
const LEAST_PAUSE: Span = Span::from_secs(1);
/// `maxBadConnRetries`: so many connections that are too old are closed, then a new one is opened.
const RETRIES: u32 = 2;

impl State {
    /// Get 1: the newest. One that is too old is closed first, in the caller's time.
    fn get(&mut self, request: RequestId, tries: u32, cx: &mut Cx) {
        if tries == RETRIES {
            return self.open_or_wait(request, cx);
        }
        match self.places.take_newest(Some(request), cx) {
            Some(place) if self.is_expired(place, cx) => {
                self.expired.push((place, tries));
                self.close(place, cx);
            }
            Some(place) => self.places.lend(place, request, cx),
            None => self.open_or_wait(request, cx),
        }
    }

    /// Get 2 and 3.
    fn open_or_wait(&mut self, request: RequestId, cx: &mut Cx) {
        if self.has_room() {
            self.places.open(Some(request), cx);
        } else {
            self.places.wait(request, cx);
        }
    }

    /// Whether another connection may be opened, those counted that the opener has promised.
    fn has_room(&self) -> bool {
        self.spec.max_open_conns == 0 || self.places.total + self.opener < self.spec.max_open_conns
    }

    /// Put: to one of the waiters, whoever asked first or last; else it is kept, if two are not kept already.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        let dice = &mut self.dice;
        let waiter = self.places.any_in_line(cx, |waiting| (dice.uniform() * waiting as f64) as usize);
        match waiter {
            Some(request) => {
                self.places.let_go(place, cx);
                self.places.lend(place, request, cx);
            }
            None if self.places.idle.len() < self.spec.max_idle_conns as usize => {
                self.places.let_go(place, cx);
                self.places.put(place, cx);
                self.start_cleaner(cx);
            }
            None => self.close(place, cx),
        }
    }

    /// The connection counts until the driver has closed it, for which whoever gave it back waits.
    fn close(&mut self, place: u32, cx: &mut Cx) {
        if self.places.close(place, cx) {
            self.closed(place, cx);
        }
    }

    fn closed(&mut self, place: u32, cx: &mut Cx) {
        if let Some(index) = self.expired.iter().position(|(expired, _)| *expired == place) {
            return self.expired_closed(index, cx);
        }
        self.places.let_go(place, cx);
        self.places.remove(place, cx);
        self.open_for_waiters(cx);
        if self.cleaner.at == Some(place) {
            self.clean_next(cx);
        }
    }

    fn expired_closed(&mut self, index: usize, cx: &mut Cx) {
        let (place, tries) = self.expired.remove(index);
        let user = self.places[place].user.take();
        self.places.remove(place, cx);
        self.open_for_waiters(cx);
        if let Some(request) = user {
            self.places.asks_again(request, cx);
            self.get(request, tries + 1, cx);
        }
    }

    /// `maybeOpenNewConnections`: as many as wait and as there is room for, those not counted that are on their way; one
    /// goroutine opens them in turn.
    fn open_for_waiters(&mut self, cx: &mut Cx) {
        for _ in 0..self.places.pending {
            if self.has_room() {
                self.opener += 1;
            }
        }
        self.open_next(cx);
    }

    fn open_next(&mut self, cx: &mut Cx) {
        if self.opener > 0 && self.opening.is_none() {
            self.opener -= 1;
            self.opening = Some(self.places.open(None, cx));
        }
    }

    fn is_expired(&self, place: u32, cx: &Cx) -> bool {
        let lifetime = self.spec.conn_max_lifetime;
        !lifetime.is_zero() && cx.now() - self.places[place].born > lifetime
    }

    /// The shorter of the two limits, if there is any.
    fn shorter_limit(&self) -> Option<Span> {
        let limits = [self.spec.conn_max_lifetime, self.spec.conn_max_idle_time];
        limits.into_iter().filter(|limit| !limit.is_zero()).min()
    }

    /// `startCleanerLocked`, when a connection becomes idle.
    fn start_cleaner(&mut self, cx: &mut Cx) {
        if let Some(limit) = self.shorter_limit()
            && !std::mem::replace(&mut self.cleaner.runs, true)
        {
            self.places.set(CLEANER, 0, limit.max(LEAST_PAUSE), cx);
        }
    }

    /// `connectionCleanerRunLocked`: closes what was idle for too long or is too old, and looks again when the next is. It
    /// says "longer than": what is due exactly now is closed a second later.
    fn clean(&mut self, cx: &mut Cx) {
        let Some(mut pause) = self.shorter_limit().filter(|_| self.places.total > 0) else {
            self.cleaner.runs = false;
            return;
        };
        let now = cx.now();
        let (lifetime, idle_time) = (self.spec.conn_max_lifetime, self.spec.conn_max_idle_time);
        if !idle_time.is_zero() {
            while let Some(oldest) = self.places.idle.front().copied() {
                let due = self.places[oldest].idle_since + idle_time;
                if due >= now {
                    pause = pause.min(due.since(now));
                    break;
                }
                self.clean_away(oldest, cx);
            }
        }
        let idle: Vec<u32> = self.places.idle.iter().copied().filter(|_| !lifetime.is_zero()).collect();
        for place in idle {
            let due = self.places[place].born + lifetime;
            if due < now {
                self.clean_away(place, cx);
            } else {
                pause = pause.min(due.since(now));
            }
        }
        self.cleaner.pause = pause.max(LEAST_PAUSE);
        self.clean_next(cx);
    }

    fn clean_away(&mut self, place: u32, cx: &mut Cx) {
        self.places.take(place, None, cx);
        self.cleaner.closing.push_back(place);
    }

    fn clean_next(&mut self, cx: &mut Cx) {
        self.cleaner.at = self.cleaner.closing.pop_front();
        match self.cleaner.at {
            Some(place) => self.close(place, cx),
            None => self.places.set(CLEANER, 0, self.cleaner.pause, cx),
        }
    }

    fn finished(&mut self, place: u32, rolled_back: bool, cx: &mut Cx) {
        if !rolled_back || self.is_expired(place, cx) {
            self.open_for_waiters(cx);
            return self.close(place, cx);
        }
        self.put(place, cx);
    }
}

impl Pool for State {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, None, cx);
        self.get(request, 0, cx);
    }

    /// A connect is cancelled with its caller's context.
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            // It hears when the close is over; nobody waits for that here.
            Asking::At(place) if self.places[place].phase == Phase::Closing => self.places.refuse(request, Error::DeadlineExceeded, cx),
            Asking::At(place) => {
                self.places.refuse(request, Error::DeadlineExceeded, cx);
                self.places.hang_up(place, cx);
                self.closed(place, cx);
            }
            _ => self.places.refuse(request, Error::DeadlineExceeded, cx),
        }
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, Some(request), Some(conn));
            self.close(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.finished(place, true, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.places[place].born = cx.now();
        if self.opening == Some(place) {
            self.opening = None;
        }
        match self.places[place].user {
            Some(request) => self.places.lend(place, request, cx),
            None => self.put(place, cx),
        }
        self.open_next(cx);
    }

    /// A failed connect for waiters is the error of one of them, at random.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        if self.opening == Some(place) {
            self.opening = None;
            let dice = &mut self.dice;
            if let Some(unlucky) = self.places.any_in_line(cx, |waiting| (dice.uniform() * waiting as f64) as usize) {
                self.places.refuse(unlucky, why, cx);
            }
        } else if let Some(request) = self.places[place].user {
            self.places.refuse(request, why, cx);
        }
        self.closed(place, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.finished(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
            self.finished(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Closed(place) => self.closed(place, cx),
            Rang::Own(..) => self.clean(cx),
            _ => {}
        }
    }

    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }
    fn gauges(&self) -> Gauges {
        self.places.gauges((self.spec.max_open_conns > 0).then(|| u64::from(self.spec.max_open_conns)))
    }

    /// Of `DBStats`.
    fn status(&self) -> String {
        let gauges = self.gauges();
        format!(
            "MaxOpenConnections {} OpenConnections {} InUse {} Idle {}",
            self.spec.max_open_conns, self.places.total, gauges.in_use, gauges.idle
        )
    }
}
