//! asyncpg 0.32 (`asyncpg.Pool`): holders in a stack, each connected by whoever takes it.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::patience::Patience;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

mod upkeep;

/// asyncpg's pool under its arguments, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AsyncpgPool {
    /// Connections kept.
    pub min_size: u32,
    /// Connections at most.
    pub max_size: u32,
    /// Connections opened at the start; `None` as many as `min_size`.
    pub init_size: Option<u32>,
    /// Statements after which a connection is closed when it comes back; BEGIN, ROLLBACK and the reset script count.
    pub max_queries: u32,
    /// Idle time after which a connection above `min_size` is closed, one at `min_size` kept until after its next use;
    /// "0s" never.
    pub max_inactive_connection_lifetime: Span,
    /// `acquire(timeout=…)`: covers the queue and the connect, and later the reset; `None` waits for ever.
    pub timeout: Option<Span>,
}

impl Default for AsyncpgPool {
    fn default() -> AsyncpgPool {
        AsyncpgPool {
            min_size: 10,
            max_size: 10,
            init_size: None,
            max_queries: 50_000,
            max_inactive_connection_lifetime: Span::from_secs(300),
            timeout: None,
        }
    }
}

impl Example for AsyncpgPool {
    const EXAMPLE: &'static str = r#"AsyncpgPool(min_size: 5, max_size: 20, timeout: "10s")"#;
    const WHAT: &'static str = "asyncpg's own pool (0.32): whoever takes an unconnected holder connects it.";
    const PARAMETERS: &'static [Field] = &[
        field("min_size", "10", "Connections kept.", ""),
        field("max_size", "10", "Connections at most.", ""),
        field("init_size", "None", "Connections opened at the start; None is as many as min_size.", "Requests wait until that is done."),
        field("max_queries", "50000", "Statements after which a connection is closed when it comes back; BEGIN and the reset count.", ""),
        field("max_inactive_connection_lifetime", "5min", "Idle time after which a connection above min_size is closed; 0s never.", ""),
        field("timeout", "None", "acquire(timeout=…): longest wait, connecting included, and longest reset. None waits for ever.", ""),
    ];
}

impl PoolKind for AsyncpgPool {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.max_size)?;
        super::at_most("min_size", self.min_size, "max_size", self.max_size)?;
        if self.init_size.is_some_and(|size| size < self.min_size || size > self.max_size) {
            return Err(Invalid::field("init_size", "init_size lies between min_size and max_size; leave it out for min_size"));
        }
        super::size("max_queries", self.max_queries)
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State {
            spec: self.clone(),
            places: Places::new(worker),
            live: 0,
            inactive: Patience::default(),
            timers: vec![0; self.max_size as usize],
            resets: Patience::default(),
            starting: Vec::new(),
            connecting: 0,
            started: false,
            maintaining: false,
            retry: upkeep::FIRST_RETRY,
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

#[derive(Clone)]
struct State {
    spec: AsyncpgPool,
    places: Places,
    /// `get_size()`: holders whose connection is open.
    live: u32,
    /// Inactivity timers: the holder, and which of its timers it is.
    inactive: Patience<(u32, u32)>,
    /// By holder: counts its inactivity timers, so that an old one is known.
    timers: Vec<u32>,
    /// Until when a holder's reset may take.
    resets: Patience<(u32, SimTime)>,
    /// Holders to be connected once the first one is.
    starting: Vec<u32>,
    /// Connects of the start that are under way.
    connecting: u32,
    started: bool,
    /// The maintenance task runs or pauses.
    maintaining: bool,
    retry: Span,
}

const INACTIVE: u32 = 0;
const MAINTAIN: u32 = 1;
const RESET: u32 = 2;

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
        self.timers[place as usize] += 1;
        if self.places[place].conn.is_some() {
            self.places.lend(place, request, cx);
        } else {
            self.places.connect(place, Some(request), cx);
        }
    }

    /// The holder is back in the queue: the oldest waiter is woken.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.places.wake(cx);
    }

    /// The holder's connection is terminated; the holder goes back dead.
    fn terminate(&mut self, place: u32, cx: &mut Cx) {
        cx.step(self.places.worker, PoolStep::Invalidate, self.places[place].user, self.places[place].conn);
        self.hang_up(place, cx);
        self.closed(place, cx);
    }

    fn hang_up(&mut self, place: u32, cx: &mut Cx) {
        self.live -= u32::from(self.places[place].conn.is_some_and(|conn| cx.conn(conn).up));
        self.timers[place as usize] += 1;
        self.places.hang_up(place, cx);
    }

    /// Whom the holder wakes comes first, then maintenance, then who gave it back.
    fn closed(&mut self, place: u32, cx: &mut Cx) {
        let user = self.places[place].user.take();
        self.put(place, cx);
        if self.begin_maintenance() {
            self.places.set_at_once(MAINTAIN, cx);
        }
        if let Some(request) = user {
            self.places.goes_on(request, None, cx);
        }
    }

    /// Release: in a transaction ROLLBACK, then the reset script, one trip each and both within the timeout of the acquire.
    fn reset(&mut self, place: u32, cx: &mut Cx) {
        if let Some(timeout) = self.spec.timeout {
            let due = cx.now() + timeout;
            self.places[place].expires = due;
            if self.resets.add(due, (place, due)).is_some() {
                self.places.set(RESET, 0, timeout, cx);
            }
        }
        let kind = if self.places.is_in_transaction(place, cx) { StatementKind::Rollback } else { StatementKind::Reset };
        self.places.ask(place, kind, cx);
    }

    fn reset_is_done(&mut self, place: u32, cx: &mut Cx) {
        self.places[place].expires = SimTime::NEVER;
        self.places.let_go(place, cx);
        self.put(place, cx);
        self.watch(place, cx);
    }

    /// The connection is terminated, and whoever gave it back hears why, even if it is failing already for another reason.
    fn reset_fails(&mut self, place: u32, why: Error, cx: &mut Cx) {
        if let Some(request) = self.places[place].user {
            let failure = &mut cx.request(request).failure;
            *failure = Some(failure.filter(|before| *before == Error::DeadlineExceeded).unwrap_or(why));
        }
        self.places[place].expires = SimTime::NEVER;
        self.terminate(place, cx);
    }

    fn end_resets(&mut self, cx: &mut Cx) {
        loop {
            let places = &self.places;
            let Some((place, _)) = self.resets.due(cx.now(), |(place, due)| places[place].expires == due) else { break };
            self.reset_fails(place, Error::PoolTimeout, cx);
        }
        if let Some(next) = self.resets.rearm() {
            self.places.set(RESET, 0, next.since(cx.now()), cx);
        }
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        match asking {
            // The release goes on behind a shield, but not the task that waits for it.
            Asking::Answered => {
                if let Some(place) = self.places.given_back_by(request) {
                    self.places.let_go(place, cx);
                }
                return;
            }
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
    /// The holder on top is connected first, then the others below it in parallel. Until that is done requests wait;
    /// at the real pool nobody can ask before.
    fn start(&mut self, cx: &mut Cx) {
        self.begin(cx);
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
        if self.places.was_buried(request, conn, cx) {
            return;
        }
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) || self.places.is_gone(place, cx) {
            self.terminate(place, cx);
        } else if cx.conn(conn).statements >= self.spec.max_queries {
            self.live -= 1;
            if self.places.close(place, cx) {
                self.closed(place, cx);
            }
        } else {
            self.reset(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.live += 1;
        if let Some(request) = self.places[place].user {
            return self.places.lend(place, request, cx);
        }
        self.watch(place, cx);
        if self.started { self.maintained(place, cx) } else { self.start_next(cx) }
    }

    /// At the start the library gives up altogether; here the pool starts without those connections, and maintenance
    /// tries again.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        if let Some(request) = self.places[place].user {
            self.places.refuse(request, why, cx);
            self.put(place, cx);
            return self.maintain_soon(cx);
        }
        if self.started { self.maintain_later(place, cx) } else { self.start_next(cx) }
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, error) = (cx.conn(conn).near_tag, cx.conn(conn).error);
        match (error, self.places[place].phase) {
            (Some(why), _) => self.reset_fails(place, why, cx),
            (None, Phase::Asking(StatementKind::Rollback)) => self.places.ask(place, StatementKind::Reset, cx),
            _ => self.reset_is_done(place, cx),
        }
    }

    /// The loop reads all sockets: a holder whose connection has gone is dead at once.
    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        match self.places[place].phase {
            Phase::Idle | Phase::Taken => {
                self.hang_up(place, cx);
                self.maintain_soon(cx);
            }
            Phase::Preparing(_) | Phase::Asking(_) => self.reset_fails(place, why, cx),
            _ => {}
        }
    }

    /// It goes back dead at once, whatever its user does.
    fn lost_while_lent(&mut self, _: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if self.places[place].conn == Some(conn) {
            self.live -= 1;
            self.timers[place as usize] += 1;
            self.places.bury(place, cx);
            self.put(place, cx);
            self.maintain_soon(cx);
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
            Rang::Own(RESET, _) => self.end_resets(cx),
            Rang::Own(..) => self.maintain(cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.max_size)))
    }

    fn status(&self) -> String {
        let queued = self.places.idle.iter().filter(|place| self.places[**place].conn.is_some()).count();
        let idle = if self.started { queued as u32 } else { self.live };
        let AsyncpgPool { min_size, max_size, .. } = self.spec;
        format!("get_size() {} get_idle_size() {idle} min {min_size} max {max_size} waiting {}", self.live, self.places.pending)
    }
}
