//! psycopg_pool 3.3 (`ConnectionPool`, `AsyncConnectionPool`): workers connect, a burst grows the pool one at a time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use attempt::Attempt;

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

mod attempt;

/// psycopg_pool's pool under its arguments, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PsycopgPool {
    /// Connections opened at the start and kept.
    pub min_size: u32,
    /// Connections at most; `None` as many as `min_size`.
    pub max_size: Option<u32>,
    /// Longest wait for a connection.
    pub timeout: Span,
    /// Requests that may wait; 0 is no limit.
    pub max_waiting: u32,
    /// Age from which a connection is replaced when it comes back, less up to 5 % at random.
    pub max_lifetime: Span,
    /// Period after which one connection that was never needed is closed, above `min_size`.
    pub max_idle: Span,
    /// How long a worker tries to connect again after a failure before it gives up.
    pub reconnect_timeout: Span,
    /// Workers that connect.
    pub num_workers: u32,
    /// Pings a connection at checkout (`check=ConnectionPool.check_connection`).
    pub check: bool,
}

impl Default for PsycopgPool {
    fn default() -> PsycopgPool {
        PsycopgPool {
            min_size: 4,
            max_size: None,
            timeout: Span::from_secs(30),
            max_waiting: 0,
            max_lifetime: Span::from_secs(3600),
            max_idle: Span::from_secs(600),
            reconnect_timeout: Span::from_secs(300),
            num_workers: 3,
            check: false,
        }
    }
}

impl Example for PsycopgPool {
    const EXAMPLE: &'static str = r#"PsycopgPool(min_size: 4, max_size: 20, timeout: "30s", max_lifetime: "1h", check: true)"#;
    const WHAT: &'static str = "psycopg_pool 3.3, sync or async: workers connect, and a burst grows the pool one at a time.";
    const PARAMETERS: &'static [Field] = &[
        field("min_size", "4", "Connections that the workers open at the start and keep.", ""),
        field("max_size", "None", "Connections at most; None is as many as min_size, so that the pool never grows.", ""),
        field("timeout", "30s", "Longest wait for a connection; then PoolTimeout.", "A check under way is not cut short."),
        field("max_waiting", "0", "Requests that may wait; one more gets TooManyRequests. 0 is no limit.", ""),
        field("max_lifetime", "1h", "Age from which a connection is replaced when it comes back, less up to 5 % at random.", ""),
        field(
            "max_idle",
            "10min",
            "At the end of each such period one connection that was never needed in it is closed, above min_size.",
            "",
        ),
        field("reconnect_timeout", "5min", "How long a worker goes on trying after a failed connect: after about 1 s, 2 s, 4 s …", ""),
        field("num_workers", "3", "Workers that connect. Growing beyond min_size still takes one connect after the other.", ""),
        field("check", "false", "check=ConnectionPool.check_connection: a round trip at each checkout; a dead connection is replaced.", ""),
    ];
}

impl PsycopgPool {
    fn most(&self) -> u32 {
        self.max_size.unwrap_or(self.min_size)
    }
}

impl PoolKind for PsycopgPool {
    fn check(&self) -> Result<(), Invalid> {
        super::size("max_size", self.most())?;
        if self.most() < self.min_size {
            return Err(Invalid::field("max_size", "max_size is at least min_size; leave it out for a pool of fixed size"));
        }
        if self.num_workers == 0 {
            return Err(Invalid::field("num_workers", "without a worker nobody connects; num_workers is 1 or more"));
        }
        super::period("max_idle", self.max_idle)
    }

    fn build(&self, worker: WorkerId, seed: &Seed) -> Box<dyn Pool> {
        Box::new(State {
            places: Places::new(worker).keeping_gone(),
            dice: seed.stream("psycopg"),
            tasks: VecDeque::new(),
            busy: 0,
            attempts: Vec::new(),
            growing: None,
            least_idle: self.min_size as usize,
            checks: Vec::new(),
            spec: self.clone(),
        })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.most()))
    }

    fn size(&self) -> String {
        super::range(self.min_size, self.most())
    }

    fn timeout_text(&self) -> String {
        format!("couldn't get a connection after {:.2} sec", self.timeout.seconds())
    }
}

#[derive(Clone)]
struct State {
    spec: PsycopgPool,
    places: Places,
    dice: Stream,
    /// What no worker has taken yet.
    tasks: VecDeque<Task>,
    /// Workers that connect now.
    busy: u32,
    /// By place: how its connect has fared.
    attempts: Vec<Attempt>,
    /// The place of the one growth connect.
    growing: Option<u32>,
    /// The fewest idle connections in this period: so many were never used.
    least_idle: usize,
    /// By request, where connections are checked: until when it asks, and how it pauses after a failed check.
    checks: Vec<(SimTime, Option<Attempt>)>,
}

/// `MaintenanceTask`: what workers do.
#[derive(Clone, Copy)]
enum Task {
    /// Connect in this place.
    AddConnection(u32),
    /// Begin the first period of `max_idle`.
    Schedule,
    ShrinkPool,
}

const SHRINK: u32 = 0;

impl State {
    /// Getconn 2–5, under one lock.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        if self.spec.timeout.is_zero() || self.spec.check && cx.now() >= self.checks[request.place()].0 {
            return self.places.refuse(request, Error::PoolTimeout, cx);
        }
        if let Some(place) = self.places.take_oldest(Some(request), cx) {
            self.least_idle = self.least_idle.min(self.places.idle.len());
            return self.check(place, request, cx);
        }
        if self.spec.max_waiting > 0 && self.places.line_length() >= self.spec.max_waiting as usize {
            return self.places.refuse(request, Error::PoolQueueFull, cx);
        }
        self.places.wait(request, cx);
        if self.growing.is_none() {
            self.grow(cx);
        }
    }

    /// One growth connect runs at a time, so a burst pays one connect time per connection. Those who gave up still count
    /// as waiting until a connection comes by.
    fn grow(&mut self, cx: &mut Cx) {
        self.growing = None;
        if self.places.total < self.spec.most() && (self.places.total < self.spec.min_size || self.places.has_line(cx)) {
            let place = self.places.add(cx);
            self.growing = Some(place);
            self.add_connection(place, cx);
        }
    }

    fn add_connection(&mut self, place: u32, cx: &mut Cx) {
        let index = place as usize;
        self.attempts.resize(self.attempts.len().max(index + 1), Attempt::default());
        self.attempts[index] = Attempt::lasting(self.spec.reconnect_timeout);
        self.run_task(Task::AddConnection(place), cx);
    }

    /// Queues a task; a free worker takes it at once.
    fn run_task(&mut self, task: Task, cx: &mut Cx) {
        self.tasks.push_back(task);
        self.work(cx);
    }

    fn work(&mut self, cx: &mut Cx) {
        while self.busy < self.spec.num_workers
            && let Some(task) = self.tasks.pop_front()
        {
            match task {
                Task::AddConnection(place) => {
                    self.busy += 1;
                    self.attempts[place as usize].began = cx.now();
                    self.places.connect(place, None, cx);
                }
                Task::Schedule => self.places.set(SHRINK, 0, self.spec.max_idle, cx),
                Task::ShrinkPool => self.shrink(cx),
            }
        }
    }

    /// Getconn 6.
    fn check(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        if self.spec.check {
            self.places.serves(place, Some(request), cx);
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.places.lend(place, request, cx);
        }
    }

    fn checked(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        let request = self.places[place].user.expect("a connection is checked for somebody");
        if fine {
            return self.places.lend(place, request, cx);
        }
        self.places[place].user = None;
        self.discard(place, cx);
        let now = cx.now();
        let (deadline, before) = &mut self.checks[request.place()];
        let Some(attempt) = before else {
            // `sleep(0)`: those who ask in this instant come first.
            *before = Some(Attempt::lasting(deadline.since(now)));
            return self.places.rest(request, Span::ZERO, cx);
        };
        attempt.update_delay(now, &mut self.dice);
        if attempt.is_over(now) {
            self.places.asks_again(request, cx);
            return self.places.refuse(request, Error::PoolTimeout, cx);
        }
        self.places.rest(request, attempt.delay, cx);
    }

    /// Add to pool: to the oldest waiter without a race, else to the idle ones. A connection past its age is served too.
    fn give(&mut self, place: u32, cx: &mut Cx) {
        match self.places.next_in_line(cx) {
            Some(request) => self.check(place, request, cx),
            None => self.places.put(place, cx),
        }
    }

    /// Putconn, after the rollback.
    fn put(&mut self, place: u32, cx: &mut Cx) {
        if cx.now() >= self.places[place].expires {
            return self.discard(place, cx);
        }
        self.places.let_go(place, cx);
        self.give(place, cx);
    }

    /// The connection is closed and a worker opens another in its place.
    fn discard(&mut self, place: u32, cx: &mut Cx) {
        cx.step(self.places.worker, PoolStep::Invalidate, self.places[place].user, self.places[place].conn);
        if self.places.close(place, cx) {
            self.closed(place, cx);
        }
    }

    fn closed(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.add_connection(place, cx);
    }

    /// `reconnect_failed`: the pool stays smaller until a waiter makes it grow.
    fn give_up(&mut self, place: u32, cx: &mut Cx) {
        self.places.remove(place, cx);
        if self.growing == Some(place) {
            self.growing = None;
        }
    }

    fn shrink(&mut self, cx: &mut Cx) {
        self.places.set(SHRINK, 0, self.spec.max_idle, cx);
        let unused = std::mem::replace(&mut self.least_idle, self.places.idle.len());
        if self.places.total > self.spec.min_size
            && unused > 0
            && let Some(place) = self.places.take_oldest(None, cx)
        {
            self.least_idle -= 1;
            self.places.hang_up(place, cx);
            self.places.remove(place, cx);
        }
    }

    /// Neither a check nor the pause after one is cut short by the timeout.
    fn times_out(&mut self, request: RequestId, cx: &mut Cx) {
        if self.places.asking(request, cx) == Asking::InLine {
            self.places.refuse(request, Error::PoolTimeout, cx);
        }
    }
}

impl Pool for State {
    fn start(&mut self, cx: &mut Cx) {
        for _ in 0..self.spec.min_size {
            let place = self.places.add(cx);
            self.add_connection(place, cx);
        }
        self.run_task(Task::Schedule, cx);
    }

    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        if self.spec.check {
            self.checks.resize(self.checks.len().max(request.place() + 1), Default::default());
            self.checks[request.place()] = (cx.now() + self.spec.timeout, None);
        }
        self.places.asked(request, Some(self.spec.timeout), cx);
        self.get(request, cx);
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {
                // Putconn takes a cancellation in its rollback for an error of the rollback; the task never hears of it.
                if let Some(place) = self.places.given_back_by(request)
                    && self.places[place].phase != Phase::Closing
                {
                    cx.request(request).failure.take_if(|why| *why == Error::DeadlineExceeded);
                    self.discard(place, cx);
                }
            }
            Asking::At(place) => {
                self.places.refuse(request, Error::DeadlineExceeded, cx);
                self.discard(place, cx);
            }
            _ => self.places.refuse(request, Error::DeadlineExceeded, cx),
        }
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) {
            self.discard(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.put(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        self.busy -= 1;
        self.places[place].expires = cx.now() + self.spec.max_lifetime.scaled(0.95 + 0.05 * self.dice.uniform());
        self.give(place, cx);
        if self.growing == Some(place) {
            self.grow(cx);
        }
        self.work(cx);
    }

    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        self.busy -= 1;
        let attempt = &mut self.attempts[place as usize];
        let began = attempt.began;
        if attempt.is_over(began) {
            self.give_up(place, cx);
        } else {
            attempt.update_delay(began, &mut self.dice);
            let delay = attempt.delay;
            self.places.pause(place, delay, cx);
        }
        self.work(cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = (cx.conn(conn).near_tag, cx.conn(conn).error.is_none());
        match self.places[place].phase {
            Phase::Asking(StatementKind::Ping) => self.checked(place, fine, cx),
            _ if fine => self.put(place, cx),
            _ => self.discard(place, cx),
        }
    }

    /// Nobody reads the socket of an idle connection.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        match self.places[place].phase {
            Phase::Asking(StatementKind::Ping) => self.checked(place, false, cx),
            Phase::Asking(_) => self.discard(place, cx),
            _ => {}
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    self.times_out(request, cx);
                }
            }
            Rang::Closed(place) => self.closed(place, cx),
            Rang::Paused(place) => self.run_task(Task::AddConnection(place), cx),
            Rang::Rested(request) => self.get(request, cx),
            Rang::Own(..) => self.run_task(Task::ShrinkPool, cx),
            Rang::Nothing => {}
        }
    }

    fn autobegin(&self) -> bool {
        true
    }

    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }
    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.most())))
    }

    /// Of `get_stats()`.
    fn status(&self) -> String {
        format!(
            "pool_min {} pool_max {} pool_size {} pool_available {} requests_waiting {}",
            self.spec.min_size,
            self.spec.most(),
            self.places.total,
            self.places.idle.len(),
            self.places.line_length()
        )
    }
}
