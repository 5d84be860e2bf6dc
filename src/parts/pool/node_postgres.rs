//! node-postgres' pg-pool 3.14: callers connect, the newest idle client goes out as it came back.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::patience::Patience;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// `pg.Pool` under its options, with its defaults; times carry their units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct NodePostgres {
    /// Clients at most.
    pub max: u32,
    /// Clients that do not age out when idle.
    pub min: u32,
    /// Idle time after which a client is closed; "0s" never.
    pub idle_timeout_millis: Span,
    /// Longest wait for a client, and longest connect; "0s" for ever.
    pub connection_timeout_millis: Span,
    /// Uses after which a client is closed; `None` never.
    pub max_uses: Option<u32>,
    /// Age at which a client is closed, or when it comes back; "0s" never.
    pub max_lifetime_seconds: Span,
}

impl Default for NodePostgres {
    fn default() -> NodePostgres {
        NodePostgres {
            max: 10,
            min: 0,
            idle_timeout_millis: Span::from_secs(10),
            connection_timeout_millis: Span::ZERO,
            max_uses: None,
            max_lifetime_seconds: Span::ZERO,
        }
    }
}

impl Example for NodePostgres {
    const EXAMPLE: &'static str = r#"NodePostgres(max: 20, idleTimeoutMillis: "30s", connectionTimeoutMillis: "2s")"#;
    const WHAT: &'static str = "node-postgres' pg-pool 3.14: no validation, no reset, no rollback.";
    const PARAMETERS: &'static [Field] = &[
        field("max", "10", "Clients at most.", ""),
        field("min", "0", "Clients that do not age out when idle. None is opened ahead of need.", ""),
        field("idleTimeoutMillis", "10s", "Idle time after which a client is closed; 0s never.", ""),
        field("connectionTimeoutMillis", "0s", "Longest wait for a client, and longest connect; 0s for ever.", ""),
        field("maxUses", "None", "Uses after which a client is closed; None never.", ""),
        field("maxLifetimeSeconds", "0s", "Age at which a client is closed, or when it comes back; 0s never.", ""),
    ];
}

impl PoolKind for NodePostgres {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max", self.max)?;
        super::at_most("min", self.min, "max", self.max)?;
        if self.max_uses == Some(0) {
            return Err(Invalid::field("maxUses", "a client is used at least once; leave maxUses out for no limit"));
        }
        Ok(())
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), idle_timers: Patience::default() })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.max))
    }

    fn size(&self) -> String {
        self.max.to_string()
    }

    fn timeout_text(&self) -> String {
        "timeout exceeded when trying to connect".to_owned()
    }
}

#[derive(Clone)]
struct State {
    spec: NodePostgres,
    places: Places,
    /// Idle timers: the client's place, and the phase in which it was set.
    idle_timers: Patience<(u32, u32)>,
}

const IDLE: u32 = 0;
const CONNECT: u32 = 1;
const LIFETIME: u32 = 2;
const PULSE: u32 = 3;

impl State {
    /// The oldest pending request gets the newest idle client, or one of its own. One pulse serves one request.
    fn pulse(&mut self, cx: &mut Cx) {
        if self.places.idle.is_empty() && self.places.total >= self.spec.max {
            return;
        }
        let Some(request) = self.places.next_in_line(cx) else { return };
        match self.places.take_newest(Some(request), cx) {
            Some(place) => self.places.lend(place, request, cx),
            None => self.connect(request, cx),
        }
    }

    fn connect(&mut self, request: RequestId, cx: &mut Cx) {
        let place = self.places.open(Some(request), cx);
        if let Some(timeout) = self.timeout() {
            self.places.set(CONNECT, place, timeout, cx);
        }
    }

    fn timeout(&self) -> Option<Span> {
        Some(self.spec.connection_timeout_millis).filter(|timeout| !timeout.is_zero())
    }

    /// It no longer counts; those who wait hear of it when `client.end()` has called back: at once if the server has gone.
    fn end(&mut self, place: u32, cx: &mut Cx) {
        let is_gone = self.places.is_gone(place, cx);
        self.remove(place, cx);
        if is_gone {
            return self.pulse(cx);
        }
        let ending = cx.driver(self.places.worker).time(Operation::Close);
        self.places.set(PULSE, 0, ending, cx);
    }

    fn remove(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
    }

    /// A client that does not come up: the next in line has its turn before the one it was for hears of it.
    fn give_up(&mut self, place: u32, why: Error, cx: &mut Cx) {
        let request = self.places[place].user.take();
        if let Some(request) = request {
            self.places.asks_again(request, cx);
        }
        self.remove(place, cx);
        self.pulse(cx);
        if let Some(request) = request {
            self.places.refuse(request, why, cx);
        }
    }

    /// `release` of a client that works.
    fn come_back(&mut self, place: u32, cx: &mut Cx) {
        let used_up = self.spec.max_uses.is_some_and(|most| self.places[place].uses >= most);
        if used_up || self.places[place].expires <= cx.now() {
            self.end(place, cx);
        } else {
            self.put(place, cx);
        }
    }

    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.places.put(place, cx);
        let idle_timeout = self.spec.idle_timeout_millis;
        if self.places.total > self.spec.min && !idle_timeout.is_zero() {
            let timer = (place, self.places[place].turn);
            if self.idle_timers.add(cx.now() + idle_timeout, timer).is_some() {
                self.places.set(IDLE, 0, idle_timeout, cx);
            }
        }
        self.pulse(cx);
    }

    /// Timers of idle clients. One that rings while there are `min` clients is not set again before the next use.
    fn end_idle(&mut self, cx: &mut Cx) {
        loop {
            let places = &self.places;
            let Some((place, _)) = self.idle_timers.due(cx.now(), |(place, turn)| places[place].turn == turn) else { break };
            if self.places.total > self.spec.min {
                self.places.take(place, None, cx);
                self.end(place, cx);
            }
        }
        if let Some(next) = self.idle_timers.rearm() {
            self.places.set(IDLE, 0, next.since(cx.now()), cx);
        }
    }

    /// A connect has taken too long.
    fn end_connect(&mut self, place: u32, cx: &mut Cx) {
        let Some(timeout) = self.timeout() else { return };
        let connecting = &self.places[place];
        if connecting.phase == Phase::Connecting && connecting.born + timeout == cx.now() {
            self.give_up(place, Error::ConnectTimeout, cx);
        }
    }

    /// A request has waited too long. If a client is being opened for it, that goes on without it; the timer of that
    /// connect is another one, which is older only for who never stood in the line.
    fn times_out(&mut self, request: RequestId, cx: &mut Cx) {
        let is_late = match self.places.asking(request, cx) {
            Asking::InLine => true,
            Asking::At(place) => self.timeout().is_some_and(|timeout| self.places[place].born + timeout > cx.now()),
            _ => false,
        };
        if is_late {
            self.places.refuse(request, Error::PoolTimeout, cx);
        }
    }

    fn end_of_life(&mut self, place: u32, cx: &mut Cx) {
        if self.places[place].expires == cx.now() && self.places[place].phase == Phase::Idle {
            self.places.take(place, None, cx);
            self.end(place, cx);
        }
    }
}

impl Pool for State {
    /// Below `max` and with nothing idle a newcomer connects at once, without a look at those who wait.
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, self.timeout(), cx);
        if self.places.total < self.spec.max && self.places.idle.is_empty() {
            return self.connect(request, cx);
        }
        if self.places.has_line(cx) || self.places.idle.is_empty() {
            self.places.wait(request, cx);
            self.pulse(cx);
        } else if let Some(place) = self.places.take_newest(Some(request), cx) {
            self.places.lend(place, request, cx);
        }
    }

    /// Nobody can cancel a connect; when the client is there it is given back.
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        if self.places.asking(request, cx) != Asking::Answered {
            self.places.refuse(request, Error::DeadlineExceeded, cx);
        }
    }

    /// No validation, no reset, no rollback: a client that comes back inside a transaction goes out as it is.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        let is_broken = !self.places.is_sound(place, cx) || self.places.is_gone(place, cx);
        if is_broken {
            cx.step(self.places.worker, PoolStep::Invalidate, Some(request), Some(conn));
        }
        if is_broken {
            self.end(place, cx);
        } else {
            self.come_back(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        let lifetime = self.spec.max_lifetime_seconds;
        if !lifetime.is_zero() {
            self.places[place].expires = cx.now() + lifetime;
            self.places.set(LIFETIME, place, lifetime, cx);
        }
        match self.places[place].user {
            Some(request) => self.places.lend(place, request, cx),
            None => {
                self.places[place].uses += 1;
                self.come_back(place, cx);
            }
        }
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.give_up(place, why, cx);
    }

    fn replied(&mut self, _: ConnId, _: &mut Cx) {
        unreachable!("pg-pool asks nothing of its own");
    }

    /// An idle client's socket error removes it, and nobody is told.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if self.places[place].phase == Phase::Idle {
            self.places.take(place, None, cx);
            self.remove(place, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    self.times_out(request, cx);
                }
            }
            Rang::Own(IDLE, _) => self.end_idle(cx),
            Rang::Own(CONNECT, place) => self.end_connect(place, cx),
            Rang::Own(LIFETIME, place) => self.end_of_life(place, cx),
            Rang::Own(..) => self.pulse(cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max)))
    }

    fn status(&self) -> String {
        format!("totalCount {} idleCount {} waitingCount {}", self.places.total, self.places.idle.len(), self.places.pending)
    }
}
