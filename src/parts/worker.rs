//! An application process: its event loop, its requests' steps, its pool's customers.

use std::collections::VecDeque;

use crate::kernel::agenda::Rank;
use crate::kernel::time::Span;
use crate::protocol::conn::{Condition, Lease, Statement, StatementKind, TxStatus};
use crate::protocol::cx::{Cx, World};
use crate::protocol::driver::{Driver, Operation};
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, Packed, RequestId, WorkerId};
use crate::protocol::program::Op;
use crate::protocol::request::{Request, Stage};

/// All worker processes.
///
/// A process has one event loop. While a step occupies it, whatever reaches the process waits, in the order in which it
/// came, and so do consequences of what is taken from that line: they go to its end.
#[derive(Clone, Default)]
pub struct Workers {
    workers: Vec<Worker>,
    /// State: how many of them hold what reaches them.
    holding: u32,
}

#[derive(Clone)]
struct Worker {
    // Parameters.
    concurrency: u32,
    autobegin: bool,
    // State.
    occupied_by: Option<Occupant>,
    held: VecDeque<Packed>,
    active: u32,
    queue: VecDeque<RequestId>,
}

/// What an event loop is busy with.
#[derive(Clone, Copy)]
pub enum Occupant {
    /// A request's step.
    Step(RequestId),
    /// What a connection just set up needs of its driver before the pool gets it.
    SetUp(ConnId),
}

impl Workers {
    /// One more worker; `autobegin` says whether its pool's connections begin a transaction at any statement.
    pub fn add(&mut self, concurrency: Option<u32>, autobegin: bool) {
        self.workers.push(Worker {
            concurrency: concurrency.unwrap_or(u32::MAX),
            autobegin,
            occupied_by: None,
            held: VecDeque::new(),
            active: 0,
            queue: VecDeque::new(),
        });
    }

    /// Whether what reaches the process now has to wait for its event loop.
    #[inline(always)]
    pub fn holds(&self, worker: WorkerId) -> bool {
        self.holding > 0 && self.workers[worker.index()].holds()
    }

    /// `event` waits for the event loop.
    pub fn hold(&mut self, worker: WorkerId, event: Packed) {
        self.workers[worker.index()].held.push_back(event);
    }

    /// The next event that waited, if the loop can take it, and a turn for the one after it.
    pub fn turn(&mut self, worker: WorkerId, cx: &mut Cx) -> Option<Packed> {
        let taking = &mut self.workers[worker.index()];
        if taking.occupied_by.is_some() {
            return None;
        }
        let event = taking.held.pop_front();
        if !taking.held.is_empty() {
            cx.at_once(Event::Turn { worker });
        } else if event.is_some() {
            self.holding -= 1;
        }
        event
    }

    /// What occupied the loop is over and goes on; then [those who waited](Workers::next_turn) come.
    pub fn loop_free(&mut self, worker: WorkerId) -> Occupant {
        let freed = &mut self.workers[worker.index()];
        let occupant = freed.occupied_by.take().expect("something occupied the loop");
        self.holding -= u32::from(!freed.holds());
        occupant
    }

    /// A turn for those who waited, if the loop can take it.
    pub fn next_turn(&mut self, worker: WorkerId, cx: &mut Cx) {
        let waiting = &self.workers[worker.index()];
        if waiting.occupied_by.is_none() && !waiting.held.is_empty() {
            cx.at_once(Event::Turn { worker });
        }
    }

    /// A connection of `worker` is set up: whether its driver has to compute first, which occupies the loop.
    pub fn sets_up(&mut self, worker: WorkerId, conn: ConnId, cx: &mut Cx) -> bool {
        let World { app_of, drivers, .. } = &mut *cx.world;
        let span = drivers[app_of[worker.index()].index()].times(&[Operation::Connect]);
        if !span.is_zero() {
            self.occupy_for(worker, Occupant::SetUp(conn), span, cx);
        }
        !span.is_zero()
    }

    /// A request comes in; it runs, if this says so.
    #[inline(always)]
    pub fn begin(&mut self, request: RequestId, cx: &mut Cx) -> bool {
        let coming = cx.request(request);
        let worker = &mut self.workers[coming.worker.index()];
        let has_room = worker.active < worker.concurrency;
        if has_room {
            worker.active += 1;
            coming.stage = Stage::Ready;
        } else {
            worker.queue.push_back(request);
            coming.stage = Stage::Queued;
        }
        has_room
    }

    /// The client has hung up: the task is cancelled where it stands, as asyncio cancels a task, and runs on if this says so.
    pub fn cancel(&mut self, request: RequestId, cx: &mut Cx) -> bool {
        let cancelled = cx.request(request);
        cancelled.failure.get_or_insert(Error::DeadlineExceeded);
        match cancelled.stage {
            Stage::AtClient | Stage::Sent | Stage::Done | Stage::Ready | Stage::Working => return false,
            Stage::Queued => self.finish(request, cx),
            Stage::Acquiring | Stage::Releasing => cx.at_once(Event::Withdraw { request }),
            Stage::Awaiting | Stage::Preparing => {
                cancelled.turn += 1;
                return true;
            }
            Stage::InStatement => {
                let conn = cancelled.leases.last().expect("a statement runs on a connection").conn;
                cx.conn(conn).condition = Condition::Abandoned;
                return true;
            }
        }
        false
    }

    /// The pool lends a connection to the request, which then runs on.
    #[inline(always)]
    pub fn granted(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        cx.request(request).leases.push(Lease { conn, wants_transaction: false, leaked: false });
    }

    /// A statement is answered, and the request runs on.
    #[inline(always)]
    pub fn replied(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        debug_assert_eq!(cx.request(request).stage, Stage::InStatement, "a reply follows a statement");
        if let Some(why) = cx.conn(conn).error {
            cx.request(request).failure.get_or_insert(why);
        }
    }

    /// A connection that the request holds was closed by the other end. Nobody reads an idle socket: without a statement
    /// under way it is noticed at the next one. With one the request runs on.
    pub fn lost(&mut self, request: RequestId, conn: ConnId, why: Error, cx: &mut Cx) -> bool {
        let holder = cx.request(request);
        let in_statement = holder.stage == Stage::InStatement && holder.leases.last().is_some_and(|lease| lease.conn == conn);
        if in_statement {
            holder.failure.get_or_insert(why);
            cx.conn(conn).condition = Condition::Broken;
        }
        in_statement
    }

    /// Runs the request's instructions until one has to wait.
    #[inline(always)]
    pub fn run(&mut self, request: RequestId, cx: &mut Cx) {
        loop {
            let world = &mut *cx.world;
            let running = &mut world.requests[request];
            if running.failure.is_some() {
                return self.unwind(request, cx);
            }
            let program = &world.programs[running.stream.index()];
            let op = program.ops[running.step as usize];
            let again = match op {
                Op::Occupy { draw, .. } => self.occupy(request, draw, cx),
                Op::Await { draw } => wait(request, draw, cx),
                Op::Checkout => checkout(request, cx),
                Op::Checkin => checkin(request, cx),
                Op::Query { draw } => self.query(request, draw, cx),
                Op::Commit => commit(request, cx),
                Op::Begin => {
                    innermost(running).wants_transaction = true;
                    true
                }
                Op::Leak { draw } => {
                    innermost(running).leaked |= running.drawn[draw as usize] != 0;
                    true
                }
                Op::Choose { draw, targets } => {
                    running.step = program.target(targets, running.drawn[draw as usize]) - 1;
                    true
                }
                Op::Jump { to } => {
                    running.step = to - 1;
                    true
                }
                Op::End => return self.finish(request, cx),
            };
            if !again {
                return;
            }
            cx.request(request).step += 1;
        }
    }

    fn occupy(&mut self, request: RequestId, draw: u32, cx: &mut Cx) -> bool {
        let working = cx.request(request);
        let (worker, span) = (working.worker, Span::from_nanos(working.drawn[draw as usize]));
        if span.is_zero() {
            return true;
        }
        working.stage = Stage::Working;
        working.step += 1;
        self.occupy_for(worker, Occupant::Step(request), span, cx);
        false
    }

    fn occupy_for(&mut self, worker: WorkerId, occupant: Occupant, span: Span, cx: &mut Cx) {
        let occupied = &mut self.workers[worker.index()];
        self.holding += u32::from(!occupied.holds());
        occupied.occupied_by = Some(occupant);
        cx.after(span, Rank::Completion, Event::LoopFree { worker });
    }

    #[inline(always)]
    fn query(&mut self, request: RequestId, draw: u32, cx: &mut Cx) -> bool {
        let World { requests, conns, app_of, drivers, .. } = &mut *cx.world;
        let asking = &mut requests[request];
        let (worker, demand) = (asking.worker, Span::from_nanos(asking.drawn[draw as usize]));
        let Lease { conn, wants_transaction, .. } = *innermost(asking);
        let outside = conns[conn].status == TxStatus::Idle;
        let begins = outside && (wants_transaction || self.workers[worker.index()].autobegin);
        let driver = &mut drivers[app_of[worker.index()].index()];
        let operations: &[Operation] = if begins { &[Operation::Begin, Operation::Statement] } else { &[Operation::Statement] };
        let own = prepare(asking, operations, driver);
        if !own.is_zero() {
            return resume_after(request, Stage::Preparing, own, cx);
        }
        let extra_trips = if begins { driver.begin_trips } else { 0 };
        send(request, conn, Statement { kind: StatementKind::Query, demand, begins, extra_trips }, cx)
    }

    /// The request has failed: its connections are given back, the innermost first, then it is over.
    fn unwind(&mut self, request: RequestId, cx: &mut Cx) {
        loop {
            let Some(lease) = cx.request(request).leases.pop() else { return self.finish(request, cx) };
            if !lease.leaked {
                cx.request(request).stage = Stage::Releasing;
                let condition = cx.conn(lease.conn).condition;
                return cx.release(lease.conn, condition);
            }
        }
    }

    #[inline(always)]
    fn finish(&mut self, request: RequestId, cx: &mut Cx) {
        let done = cx.request(request);
        let (worker, was_queued) = (done.worker, done.stage == Stage::Queued);
        done.stage = Stage::Done;
        done.leases.clear();
        cx.world.load[worker.index()] -= 1;
        cx.at_once(Event::Finished { request });
        if !was_queued {
            let has_room = &mut self.workers[worker.index()];
            has_room.active -= 1;
            if !has_room.queue.is_empty() {
                self.take_from_queue(worker, cx);
            }
        }
    }

    /// The oldest request in the queue whose client has not given up takes the free place.
    fn take_from_queue(&mut self, worker: WorkerId, cx: &mut Cx) {
        while let Some(request) = self.workers[worker.index()].queue.pop_front() {
            if let Some(next) = cx.world.requests.get_mut(request)
                && next.stage == Stage::Queued
            {
                next.stage = Stage::Ready;
                next.turn += 1;
                let turn = next.turn;
                self.workers[worker.index()].active += 1;
                return cx.at_once(Event::Resume { request, turn });
            }
        }
    }
}

impl Worker {
    /// Whether what reaches the process now has to wait.
    #[inline(always)]
    fn holds(&self) -> bool {
        self.occupied_by.is_some() || !self.held.is_empty()
    }
}

fn innermost(request: &mut Request) -> &mut Lease {
    request.leases.last_mut().expect("a checked program uses connections inside a session")
}

/// The request goes on after `span`, and not now.
fn resume_after(request: RequestId, stage: Stage, span: Span, cx: &mut Cx) -> bool {
    let waiting = cx.request(request);
    waiting.stage = stage;
    waiting.turn += 1;
    let turn = waiting.turn;
    cx.after(span, Rank::Completion, Event::Resume { request, turn });
    false
}

/// The driver's own time that has to pass before `operations`: none once it has.
#[inline(always)]
fn prepare(preparing: &mut Request, operations: &[Operation], driver: &mut Driver) -> Span {
    if preparing.stage == Stage::Preparing {
        preparing.stage = Stage::Ready;
        return Span::ZERO;
    }
    driver.times(operations)
}

fn wait(request: RequestId, draw: u32, cx: &mut Cx) -> bool {
    let waiting = cx.request(request);
    let span = Span::from_nanos(waiting.drawn[draw as usize]);
    if span.is_zero() {
        return true;
    }
    waiting.step += 1;
    resume_after(request, Stage::Awaiting, span, cx)
}

#[inline(always)]
fn checkout(request: RequestId, cx: &mut Cx) -> bool {
    let now = cx.now();
    let World { requests, app_of, drivers, .. } = &mut *cx.world;
    let asking = &mut requests[request];
    if asking.stage != Stage::Preparing {
        asking.asked = now;
    }
    let own = prepare(asking, &[Operation::Checkout], &mut drivers[app_of[asking.worker.index()].index()]);
    if !own.is_zero() {
        return resume_after(request, Stage::Preparing, own, cx);
    }
    asking.stage = Stage::Acquiring;
    asking.step += 1;
    cx.at_once(Event::Acquire { request });
    false
}

#[inline(always)]
fn checkin(request: RequestId, cx: &mut Cx) -> bool {
    let giving = cx.request(request);
    let lease = giving.leases.pop().expect("a checked program gives back what it took");
    if lease.leaked {
        return true;
    }
    giving.stage = Stage::Releasing;
    giving.step += 1;
    cx.release(lease.conn, Condition::Good);
    false
}

fn commit(request: RequestId, cx: &mut Cx) -> bool {
    let World { requests, conns, app_of, drivers, .. } = &mut *cx.world;
    let asking = &mut requests[request];
    let lease = innermost(asking);
    lease.wants_transaction = false;
    let conn = lease.conn;
    if conns[conn].status == TxStatus::Idle {
        return true;
    }
    let own = prepare(asking, &[Operation::Statement], &mut drivers[app_of[asking.worker.index()].index()]);
    if !own.is_zero() {
        return resume_after(request, Stage::Preparing, own, cx);
    }
    send(request, conn, Statement { kind: StatementKind::Commit, ..Statement::default() }, cx)
}

/// Sends a statement. On a connection that is known to be gone the error comes at once, and the request goes on with it.
#[inline(always)]
fn send(request: RequestId, conn: ConnId, statement: Statement, cx: &mut Cx) -> bool {
    let World { requests, conns, .. } = &mut *cx.world;
    let (sending, asked) = (&mut requests[request], &mut conns[conn]);
    if asked.gone {
        asked.condition = Condition::Broken;
        sending.failure = Some(asked.why.expect("who closes a connection says why"));
        return true;
    }
    sending.stage = Stage::InStatement;
    sending.step += 1;
    cx.query(conn, statement);
    false
}
