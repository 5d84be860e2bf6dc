//! The pool's state: the idle list with its empty slots, the counter, the waiters, the invalidation stamp.

use std::collections::VecDeque;

use super::{Release, SqlAlchemy};
use crate::kernel::agenda::Rank;
use crate::kernel::patience::Patience;
use crate::kernel::time::{SimTime, Span};
use crate::parts::pool::first_connect::FirstConnect;
use crate::parts::pool::{Gauges, Pool};
use crate::protocol::conn::Near;
use crate::protocol::cx::{Cx, World};
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;
use crate::protocol::request::{Request, Stage};

/// `Request::pool_tag` of a request that waits in the queue.
pub(super) const WAITING: u32 = u32::MAX;
/// … that was woken and has not looked yet.
pub(super) const WOKEN: u32 = u32::MAX - 1;
/// … that was woken in the instant of its deadline and has not looked yet.
pub(super) const WOKEN_LATE: u32 = u32::MAX - 2;
/// … that has been answered.
pub(super) const ANSWERED: u32 = u32::MAX - 3;

/// The alarm for the oldest deadline of the queue.
const DEADLINE: u64 = u64::MAX;
/// The alarm that lets the next one go on that has waited for the initialisation.
pub(super) const INITIALISED: u64 = u64::MAX - 1;

/// The alarm at the end of the task that has closed a session.
const CLOSED: u64 = u64::MAX - 2;
/// The alarm that lets one go on that waited for that task.
const GO_ON: u64 = u64::MAX - 3;

/// One `_ConnectionRecord`.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Its connection; an empty slot still counts as idle.
    pub conn: Option<ConnId>,
    /// Taken just before the driver's connect is called.
    pub start: SimTime,
    /// Connected in this checkout: it is not pinged.
    pub fresh: bool,
    /// Made for this checkout and not connected yet: a failure takes it back off the counter.
    pub creating: bool,
    /// Who deals with it.
    pub user: Option<RequestId>,
    /// What is being done to it.
    pub phase: Phase,
    /// Counts its phases, so that an old alarm is known.
    pub turn: u32,
}

impl Slot {
    /// Alarms of the last phase are out of date.
    #[inline(always)]
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.turn += 1;
    }
}

/// What is being done to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// The stale connection is being closed before another is opened.
    Replacing,
    Connecting,
    /// The dialect's first-connect initialisation runs on it, or it waits for that.
    Initialising,
    /// The driver gets ready for a ping.
    BeforePing,
    Pinging,
    /// The asking task was cancelled while its connection waited for the initialisation: it is being closed.
    GivingUp,
    Lent,
    /// The driver gets ready for a reset.
    BeforeReset,
    Resetting,
    /// The idle list is full: it is being closed.
    Discarding,
}

/// A place in the queue: the request, and when it asked (a request can wait more than once in its life).
pub(super) type Ticket = (RequestId, SimTime);

/// One pool, in one worker.
#[derive(Clone)]
pub(super) struct QueuePool {
    // Parameters.
    pub spec: SqlAlchemy,
    pub worker: WorkerId,
    // State.
    pub slots: Vec<Slot>,
    pub free: Vec<u32>,
    pub idle: VecDeque<u32>,
    /// Connections beyond `pool_size`; starts at minus `pool_size`.
    pub overflow: i64,
    pub waiters: VecDeque<Ticket>,
    pub deadlines: Patience<Ticket>,
    pub pending: u64,
    /// Older connections are replaced when they are next checked out.
    pub invalidated: Option<SimTime>,
    pub first: FirstConnect,
    going_on: VecDeque<RequestId>,
    serial: u32,
}

impl QueuePool {
    pub fn new(spec: SqlAlchemy, worker: WorkerId) -> QueuePool {
        let overflow = -i64::from(spec.pool_size);
        QueuePool {
            spec,
            worker,
            slots: Vec::new(),
            free: Vec::new(),
            idle: VecDeque::new(),
            overflow,
            waiters: VecDeque::new(),
            deadlines: Patience::default(),
            pending: 0,
            invalidated: None,
            first: FirstConnect::default(),
            going_on: VecDeque::new(),
            serial: 0,
        }
    }

    /// G1: whether a newcomer that finds nothing idle has to wait.
    pub fn is_full(&self) -> bool {
        self.spec.pool_size > 0 && self.spec.max_overflow != -1 && self.overflow >= self.spec.max_overflow
    }

    /// A slot for a new connection, counted as used from now on.
    pub fn create_slot(&mut self, request: RequestId, cx: &mut Cx) -> u32 {
        self.overflow += 1;
        let now = cx.now();
        cx.meter(self.worker).in_use.up(now);
        let new = Slot { conn: None, start: now, fresh: false, creating: true, user: Some(request), phase: Phase::Connecting, turn: 0 };
        match self.free.pop() {
            Some(slot) => {
                let turn = self.slots[slot as usize].turn;
                self.slots[slot as usize] = Slot { turn, ..new };
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() as u32 - 1
            }
        }
    }

    /// The slot is no more: its place in the counter is free. Nobody is woken: waiters sleep until something is *put*
    /// into the idle list, which is how wake-ups get lost.
    pub fn drop_slot(&mut self, slot: u32, cx: &mut Cx) {
        self.overflow -= 1;
        let now = cx.now();
        cx.meter(self.worker).in_use.down(now);
        self.slots[slot as usize].user = None;
        self.slots[slot as usize].turn += 1;
        self.free.push(slot);
    }

    /// K3: the slot, perhaps empty, goes into the idle list and the oldest waiter is woken. The item stays in the list
    /// until that waiter runs: anyone who runs earlier may take it. Returns whether somebody was woken.
    #[inline(always)]
    pub fn put(&mut self, slot: u32, cx: &mut Cx) -> bool {
        let now = cx.now();
        cx.meter(self.worker).in_use.down(now);
        let put = &mut self.slots[slot as usize];
        put.user = None;
        put.enter(Phase::Idle);
        self.idle.push_back(slot);
        self.wake(cx)
    }

    /// An empty slot goes back, or is dropped if the idle list is full.
    pub fn put_empty(&mut self, slot: u32, cx: &mut Cx) {
        if self.has_room() {
            self.put(slot, cx);
        } else {
            self.drop_slot(slot, cx);
        }
    }

    /// Whether the idle list takes another slot.
    pub fn has_room(&self) -> bool {
        self.spec.pool_size == 0 || self.idle.len() < self.spec.pool_size as usize
    }

    /// Wakes the oldest waiter, if there is one, who will look for itself.
    #[inline(always)]
    pub fn wake(&mut self, cx: &mut Cx) -> bool {
        while let Some((request, asked)) = self.waiters.pop_front() {
            match cx.world.requests.get_mut(request) {
                Some(waiter) if waiter.pool_tag == WAITING && is_here(waiter, self.worker, asked) => waiter.pool_tag = WOKEN,
                _ => continue,
            }
            cx.step(self.worker, PoolStep::Wake, Some(request), None);
            match self.spec.release {
                // Whoever runs goes on until it has to wait for something.
                Release::Close => cx.after(Span::ZERO, Rank::Wake, Event::Woken { request }),
                Release::AsyncWith => cx.at_once(Event::Woken { request }),
            }
            return true;
        }
        false
    }

    /// `async with` closes in a task of its own and waits for it behind a shield, so whoever gives back goes on two turns of
    /// the event loop later: whom it woke may by then have found the connection dead and have woken the next.
    pub fn go_on_later(&mut self, request: RequestId, cx: &mut Cx) {
        cx.request(request).pool_tag = ANSWERED;
        self.going_on.push_back(request);
        cx.at_once(Event::PoolRing { worker: self.worker, alarm: CLOSED });
    }

    /// The connection of the slot, to be hung up; the slot is empty now. Returns how long the caller waits for that where
    /// the driver says goodbye: not on a connection that is known to be gone.
    pub fn close(&mut self, slot: u32, cx: &mut Cx) -> Span {
        let conn = self.slots[slot as usize].conn.take().expect("a slot that is closed has a connection");
        if cx.conn(conn).up {
            let now = cx.now();
            cx.meter(self.worker).open.down(now);
            cx.step(self.worker, PoolStep::Close, self.slots[slot as usize].user, Some(conn));
        }
        cx.conn(conn).near = Near::Pool;
        let alive = !cx.conn(conn).gone;
        cx.hang_up(conn);
        if alive { cx.driver(self.worker).time(Operation::Close) } else { Span::ZERO }
    }

    /// Sets the slot's phase and forgets alarms of the last one.
    #[inline(always)]
    pub fn enter(&mut self, slot: u32, phase: Phase) -> u64 {
        let entered = &mut self.slots[slot as usize];
        entered.enter(phase);
        u64::from(entered.turn) << 32 | u64::from(slot)
    }

    /// The number of the next connection.
    pub fn next_serial(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }
}

/// Whether the holder of this ticket still sleeps in the queue of `worker`.
pub(super) fn waits(world: &World, worker: WorkerId, (request, asked): Ticket) -> bool {
    world.requests.get(request).is_some_and(|r| r.pool_tag == WAITING && is_here(r, worker, asked))
}

/// Whether it does so, or was woken and may have to sleep again: its deadline still matters.
pub(super) fn wants(world: &World, worker: WorkerId, (request, asked): Ticket) -> bool {
    world.requests.get(request).is_some_and(|r| matches!(r.pool_tag, WAITING | WOKEN | WOKEN_LATE) && is_here(r, worker, asked))
}

/// Whether the request is still in the checkout that it began then.
#[inline(always)]
fn is_here(request: &Request, worker: WorkerId, asked: SimTime) -> bool {
    request.stage == Stage::Acquiring && request.asked == asked && request.worker == worker
}

impl Pool for QueuePool {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Request, Some(request), None);
        self.get(request, cx);
    }

    fn woken(&mut self, request: RequestId, cx: &mut Cx) {
        self.look_again(request, cx);
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.cancelled(request, cx);
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        self.take_back(request, conn, cx);
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        self.connected(conn, cx);
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        self.connect_failed(conn, why, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let slot = cx.conn(conn).near_tag;
        let error = cx.conn(conn).error;
        match self.slots[slot as usize].phase {
            Phase::Initialising => self.initialise_replied(slot, conn, error, cx),
            Phase::Pinging => self.pinged(slot, error, cx),
            Phase::Resetting => self.reset_replied(slot, error, cx),
            phase => unreachable!("no statement of the pool's own runs on a connection that is {phase:?}"),
        }
    }

    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let slot = cx.conn(conn).near_tag;
        match self.slots[slot as usize].phase {
            Phase::Initialising => self.initialise_lost(slot, why, cx),
            Phase::Pinging => self.ping_failed(slot, cx),
            Phase::Resetting => self.reset_lost(slot, why, cx),
            // Nobody reads the socket of an idle connection: it is found dead when it is next used.
            _ => {}
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match alarm {
            DEADLINE => self.deadlines_due(cx),
            INITIALISED => self.initialised_next(cx),
            CLOSED => cx.at_once(Event::PoolRing { worker: self.worker, alarm: GO_ON }),
            GO_ON => {
                let request = self.going_on.pop_front().expect("an alarm is set for each one that goes on later");
                cx.at_once(Event::Released { request });
            }
            _ => {
                let (slot, turn) = (alarm as u32, (alarm >> 32) as u32);
                if self.slots[slot as usize].turn == turn {
                    self.phase_over(slot, cx);
                }
            }
        }
    }

    fn autobegin(&self) -> bool {
        true
    }

    fn gauges(&self) -> Gauges {
        let idle = self.idle.len() as u64;
        let in_use = (i64::from(self.spec.pool_size) + self.overflow) as u64 - idle;
        let limit = (self.spec.pool_size > 0 && self.spec.max_overflow >= 0)
            .then(|| u64::from(self.spec.pool_size) + self.spec.max_overflow as u64);
        Gauges { in_use, idle, pending: self.pending, limit }
    }

    /// `pool.status()`, to the letter.
    fn status(&self) -> String {
        let overflow = if self.spec.pool_size == 0 { 0 } else { self.overflow };
        let gauges = self.gauges();
        format!(
            "Pool size: {}  Connections in pool: {} Current Overflow: {} Current Checked out connections: {}",
            self.spec.pool_size, gauges.idle, overflow, gauges.in_use
        )
    }
}

impl QueuePool {
    /// Puts the request's deadline into the line of deadlines and sets the one alarm.
    pub fn add_deadline(&mut self, ticket: Ticket, cx: &mut Cx) {
        if let Some(timeout) = self.spec.pool_timeout
            && let Some(due) = self.deadlines.add(cx.now() + timeout, ticket)
        {
            self.set_deadline(due, cx);
        }
    }

    /// The alarm for the oldest deadline.
    pub fn set_deadline(&self, due: SimTime, cx: &mut Cx) {
        cx.at(due, Rank::Timeout, Event::PoolRing { worker: self.worker, alarm: DEADLINE });
    }
}
