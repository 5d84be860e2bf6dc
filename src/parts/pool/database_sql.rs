//! Go's `database/sql` (1.23 and later): two connections are kept, a connection that comes back goes to a waiter at random.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
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
            cleans: false,
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

struct State {
    spec: DatabaseSql,
    places: Places,
    dice: Stream,
    /// Connects that the one opener goroutine has still to make for waiters; their places are counted already.
    opener: u32,
    /// The place that it connects now.
    opening: Option<u32>,
    /// The cleaner has its next look set.
    cleans: bool,
}

const CLEANER: u32 = 0;

impl State {
    /// Get 1 to 3.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        while let Some(place) = self.places.take_newest(Some(request), cx) {
            if !self.is_expired(place, cx) {
                return self.places.lend(place, request, cx);
            }
            self.places[place].user = None;
            self.places.asks_again(request, cx);
            self.close(place, cx);
        }
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
                self.clean_later(cx);
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
        self.places.let_go(place, cx);
        self.places.remove(place, cx);
        self.open_for_waiters(cx);
    }

    /// `maybeOpenNewConnections`: as many as wait and as there is room for; one goroutine opens them in turn.
    fn open_for_waiters(&mut self, cx: &mut Cx) {
        let promised = u64::from(self.opener + u32::from(self.opening.is_some()));
        for _ in promised..self.places.pending {
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

    fn idles_too_long(&self, place: u32, cx: &Cx) -> bool {
        let idle_time = self.spec.conn_max_idle_time;
        !idle_time.is_zero() && cx.now() - self.places[place].idle_since > idle_time
    }

    /// The cleaner goroutine looks at the shorter of the two limits, while there are connections.
    fn clean_later(&mut self, cx: &mut Cx) {
        let limits = [self.spec.conn_max_lifetime, self.spec.conn_max_idle_time];
        if let Some(shorter) = limits.into_iter().filter(|limit| !limit.is_zero()).min()
            && !std::mem::replace(&mut self.cleans, true)
        {
            self.places.set(CLEANER, 0, shorter.max(Span::from_secs(1)), cx);
        }
    }

    fn clean(&mut self, cx: &mut Cx) {
        self.cleans = false;
        let old: Vec<u32> =
            self.places.idle.iter().copied().filter(|place| self.is_expired(*place, cx) || self.idles_too_long(*place, cx)).collect();
        for place in old {
            self.places.take(place, None, cx);
            self.close(place, cx);
        }
        if self.places.total > 0 {
            self.clean_later(cx);
        }
    }

    fn finished(&mut self, place: u32, rolled_back: bool, cx: &mut Cx) {
        if !rolled_back || self.is_expired(place, cx) {
            return self.close(place, cx);
        }
        self.put(place, cx);
    }
}

impl Pool for State {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, None, cx);
        self.get(request, cx);
    }

    /// A connect is cancelled with its caller's context.
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
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
        let (place, fine) = (cx.conn(conn).near_tag, cx.conn(conn).error.is_none());
        self.finished(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if matches!(self.places[place].phase, Phase::Asking(_)) {
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
