//! sqlx 0.9: a fair semaphore, and a ping before and after every use.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Phase, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
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
    const WHAT: &'static str = "sqlx 0.9: pings before and after every use.";
    const PARAMETERS: &'static [Field] = &[
        field("max_connections", "10", "Connections at most.", ""),
        field("min_connections", "0", "Connections that the reaper keeps open.", ""),
        field("acquire_timeout", "30s", "Longest acquire(): waiting, ping and connect together; then PoolTimedOut.", ""),
        field("idle_timeout", "10min", "Idle time from which the reaper closes a connection; None never.", ""),
        field("max_lifetime", "30min", "Age from which a connection is closed when it comes back, or by the reaper; None never.", ""),
        field("test_before_acquire", "true", "A ping at each checkout. When it comes back, each connection is pinged in any case.", ""),
    ];
}

impl PoolKind for Sqlx {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_connections", self.max_connections)?;
        super::at_most("min_connections", self.min_connections, "max_connections", self.max_connections)?;
        self.idle_timeout.map_or(Ok(()), |span| super::period("idle_timeout", span))?;
        self.max_lifetime.map_or(Ok(()), |span| super::period("max_lifetime", span))
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), tries: Vec::new(), reaper: Reaper::default() })
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

#[derive(Clone)]
struct State {
    spec: Sqlx,
    places: Places,
    /// By place: how its connect goes on.
    tries: Vec<Try>,
    reaper: Reaper,
}

/// A connect, tried again and again (`PoolInner::connect`).
#[derive(Clone, Copy)]
struct Try {
    /// The pause before the next one, and the longest.
    pause: Span,
    longest: Span,
    deadline: SimTime,
    then: Then,
}

/// What a task of the pool's own goes on with when a place of its is open, or closed for good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing more: a request waits for it.
    Nothing,
    /// `min_connections_maintenance`, up to a deadline.
    Fill(SimTime),
    /// The same for the reaper, which then looks at the next one.
    Reap,
    /// `connect_with`, which then takes a connection itself, to see whether there is one.
    Start,
}

/// The reaper in the middle of a round.
#[derive(Clone, Default)]
struct Reaper {
    /// So many are still to be looked at.
    left: usize,
    next_round: SimTime,
}

const REAPER: u32 = 0;
const TOO_LATE: u32 = 1;
const GIVEN_BACK: u32 = 2;
const FIRST_PAUSE: Span = Span::from_millis(10);
/// tokio's timers are no finer.
const TICK: Span = Span::from_millis(1);
/// How long a task that fills up after a connection was closed on its way back goes on trying.
const FILLING: Span = Span::from_secs(300);

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
                self.connect_for(place, request, cx);
            }
        }
    }

    fn connect_for(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        let deadline = cx.request(request).asked + self.spec.acquire_timeout;
        self.connect(place, Some(request), deadline, Then::Nothing, cx);
    }

    fn connect(&mut self, place: u32, user: Option<RequestId>, deadline: SimTime, then: Then, cx: &mut Cx) {
        let longest = Span::from_nanos((deadline.since(cx.now()).nanos() / 5).next_multiple_of(TICK.nanos()));
        self.remember(place, Try { pause: FIRST_PAUSE, longest, deadline, then });
        self.places.connect(place, user, cx);
    }

    fn remember(&mut self, place: u32, goes_on: Try) {
        let place = place as usize;
        self.tries.resize(self.tries.len().max(place + 1), goes_on);
        self.tries[place] = goes_on;
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
                self.connect_for(place, request, cx);
            }
            None if fine => self.put(place, cx),
            None => self.drop_hard(place, Then::Fill(cx.now() + FILLING), cx),
        }
    }

    fn put(&mut self, place: u32, cx: &mut Cx) {
        self.places.put(place, cx);
        self.permit(cx);
    }

    fn drop_hard(&mut self, place: u32, then: Then, cx: &mut Cx) {
        self.places.hang_up(place, cx);
        self.closed(place, then, cx);
    }

    fn close(&mut self, place: u32, then: Then, cx: &mut Cx) {
        self.remember(place, Try { pause: FIRST_PAUSE, longest: FIRST_PAUSE, deadline: SimTime::NEVER, then });
        if self.places.close(place, cx) {
            self.closed(place, then, cx);
        }
    }

    fn closed(&mut self, place: u32, then: Then, cx: &mut Cx) {
        self.places.remove(place, cx);
        self.permit(cx);
        self.fill(then, cx);
    }

    /// A task takes a connection back, once whoever gives it back has run on: it closes it by its age, or pings it, which
    /// flushes a rollback along in one trip.
    fn give_back(&mut self, place: u32, cx: &mut Cx) {
        let then = Then::Fill(cx.now() + FILLING);
        if self.is_old(place, cx) {
            self.close(place, then, cx);
        } else if !self.places.is_sound(place, cx) {
            self.drop_hard(place, then, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.places.ask(place, StatementKind::Ping, cx);
        }
    }

    /// sqlx says "older than"; by a real clock what is due at a round of the reaper is always a little older.
    fn is_old(&self, place: u32, cx: &Cx) -> bool {
        self.spec.max_lifetime.is_some_and(|lifetime| cx.now() - self.places[place].born >= lifetime)
    }

    /// `try_min_connections`: one after the other. Then the task goes on.
    fn fill(&mut self, then: Then, cx: &mut Cx) {
        let deadline = match then {
            Then::Nothing => return,
            Then::Fill(deadline) => deadline,
            Then::Reap => self.reaper.next_round,
            Then::Start => SimTime::ZERO + self.spec.acquire_timeout,
        };
        if self.places.total < self.spec.min_connections && cx.now() < deadline {
            let place = self.places.add(cx);
            self.open_until(place, deadline, then, cx);
        } else {
            self.go_on(then, cx);
        }
    }

    fn open_until(&mut self, place: u32, deadline: SimTime, then: Then, cx: &mut Cx) {
        self.connect(place, None, deadline, then, cx);
        self.places[place].expires = deadline;
        self.places.set(TOO_LATE, place, deadline.since(cx.now()), cx);
    }

    fn go_on(&mut self, then: Then, cx: &mut Cx) {
        match then {
            Then::Reap => self.reap(cx),
            Then::Start => match self.places.take_oldest(None, cx) {
                Some(place) if self.spec.test_before_acquire => self.places.ask(place, StatementKind::Ping, cx),
                Some(place) => self.put(place, cx),
                None => {
                    let place = self.places.add(cx);
                    self.open_until(place, cx.now() + self.spec.acquire_timeout, Then::Nothing, cx);
                }
            },
            Then::Nothing | Then::Fill(_) => {}
        }
    }

    /// A task's own connect has taken too long, or its next one would come too late.
    fn give_up(&mut self, place: u32, cx: &mut Cx) {
        let then = self.tries[place as usize].then;
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
        self.permit(cx);
        self.go_on(then, cx);
    }

    fn try_again(&mut self, place: u32, cx: &mut Cx) {
        match self.places[place].user {
            None if cx.now() >= self.tries[place as usize].deadline => self.give_up(place, cx),
            user => self.places.connect(place, user, cx),
        }
    }

    fn begin_round(&mut self, cx: &mut Cx) {
        if let Some(period) = self.period() {
            self.reaper = Reaper { left: self.places.idle.len(), next_round: cx.now() + period };
            self.reap(cx);
        }
    }

    /// Of the reaper, if the pool has one.
    fn period(&self) -> Option<Span> {
        self.spec.max_lifetime.into_iter().chain(self.spec.idle_timeout).min()
    }

    /// Looks at as many as were idle at first, from the oldest: each is closed, and the pool filled, before the next is
    /// looked at, or goes to the end of the queue and begins to be idle anew.
    fn reap(&mut self, cx: &mut Cx) {
        let now = cx.now();
        while self.reaper.left > 0 {
            self.reaper.left -= 1;
            let Some(place) = self.places.idle.front().copied() else { continue };
            let idles = self.spec.idle_timeout.is_some_and(|limit| now - self.places[place].idle_since >= limit);
            self.places.take(place, None, cx);
            if idles || self.is_old(place, cx) {
                return self.close(place, Then::Reap, cx);
            }
            self.places.put(place, cx);
        }
        self.places.set(REAPER, 0, self.reaper.next_round.since(now), cx);
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            Asking::At(place) => {
                self.places.refuse(request, why, cx);
                self.drop_hard(place, Then::Nothing, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
    }
}

impl Pool for State {
    /// `PoolOptions::connect_with`, and the task of the pool's own.
    fn start(&mut self, cx: &mut Cx) {
        self.fill(Then::Start, cx);
        match self.period() {
            Some(_) => self.begin_round(cx),
            None => self.fill(Then::Fill(cx.now() + FILLING), cx),
        }
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
        if !self.places.is_sound(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, None, Some(conn));
        }
        // Where an answer takes its time, it makes no difference who comes first.
        if self.is_old(place, cx) || !self.places.is_sound(place, cx) || self.places.is_gone(place, cx) {
            self.places.set(GIVEN_BACK, place, Span::ZERO, cx);
        } else {
            self.give_back(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.places[place].born = cx.now();
        match self.places[place].user {
            Some(request) => self.places.lend(place, request, cx),
            None => {
                let then = self.tries[place as usize].then;
                self.put(place, cx);
                self.fill(then, cx);
            }
        }
    }

    /// Acquire 4: refused connections and a server that is starting or full are tried again until the deadline.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        let Try { pause, longest, deadline, then } = self.tries[place as usize];
        let is_over = cx.now() >= deadline;
        if !is_over && matches!(why, Error::ConnectionRefused | Error::CannotConnectNow | Error::TooManyClients) {
            self.tries[place as usize].pause = (pause + pause).min(longest).max(TICK);
            return self.places.pause(place, pause, cx);
        }
        if let Some(request) = self.places[place].user {
            self.places.refuse(request, if is_over { Error::PoolTimeout } else { why }, cx);
        }
        self.places.remove(place, cx);
        self.permit(cx);
        self.go_on(then, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.pinged(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connection: the next ping finds out.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
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
            Rang::Closed(place) => self.closed(place, self.tries[place as usize].then, cx),
            Rang::Paused(place) => self.try_again(place, cx),
            Rang::Own(GIVEN_BACK, place) => self.give_back(place, cx),
            Rang::Own(TOO_LATE, place) => {
                let late = &self.places[place];
                if late.expires == cx.now() && late.user.is_none() && late.phase == Phase::Connecting {
                    self.give_up(place, cx);
                }
            }
            Rang::Own(..) => self.begin_round(cx),
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
