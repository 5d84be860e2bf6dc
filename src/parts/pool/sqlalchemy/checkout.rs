//! Checkout (`Pool.connect`, `QueuePool._do_get`, `_ConnectionRecord.get_connection`), step by step.

use super::Release;
use super::queue_pool::{ANSWERED, INITIALISED, Phase, QueuePool, WAITING, WOKEN, WOKEN_LATE, waits, wants};
use crate::kernel::agenda::Rank;
use crate::kernel::time::Span;
use crate::protocol::conn::{Statement, StatementKind};
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, RequestId};
use crate::protocol::fact::PoolStep;

impl QueuePool {
    /// G1–G4, G6. An idle slot is always preferred to a new one, and newcomers do not look at the queue: barging.
    #[inline(always)]
    pub(super) fn get(&mut self, request: RequestId, cx: &mut Cx) {
        if let Some(slot) = self.take_idle() {
            self.use_slot(slot, request, cx);
        } else if !self.is_full() {
            self.create(request, cx);
        } else if self.spec.pool_timeout == Some(Span::ZERO) {
            self.time_out(request, cx);
        } else {
            self.wait(request, cx);
        }
    }

    /// G3: to the tail of the queue.
    fn wait(&mut self, request: RequestId, cx: &mut Cx) {
        let ticket = (request, cx.request(request).asked);
        cx.request(request).pool_tag = WAITING;
        self.pending += 1;
        cx.one_more_waits(self.worker);
        self.waiters.push_back(ticket);
        self.add_deadline(ticket, cx);
        cx.step(self.worker, PoolStep::Wait, Some(request), None);
    }

    /// G3, woken: if somebody else was faster, again to the tail, with the same deadline.
    pub(super) fn look_again(&mut self, request: RequestId, cx: &mut Cx) {
        let looking = cx.request(request);
        let tag = looking.pool_tag;
        if tag != WOKEN && tag != WOKEN_LATE {
            return;
        }
        if let Some(slot) = self.take_idle() {
            looking.pool_tag = ANSWERED;
            self.one_waits_less(cx);
            self.use_slot(slot, request, cx);
        } else if tag == WOKEN_LATE {
            self.too_late(request, cx);
        } else {
            let ticket = (request, cx.request(request).asked);
            cx.request(request).pool_tag = WAITING;
            self.waiters.push_back(ticket);
            cx.step(self.worker, PoolStep::Wait, Some(request), None);
        }
    }

    /// G5: the queue's oldest deadlines. A waiter that finds room by now opens a connection instead of failing.
    pub(super) fn deadlines_due(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let worker = self.worker;
        while let Some((request, _)) = self.deadlines.due(now, |ticket| wants(cx.world, worker, ticket)) {
            if cx.request(request).pool_tag == WAITING {
                self.too_late(request, cx);
            } else {
                cx.request(request).pool_tag = WOKEN_LATE;
            }
        }
        if let Some(due) = self.deadlines.rearm() {
            self.set_deadline(due, cx);
        }
    }

    fn too_late(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop_waiting(request, cx);
        if self.is_full() { self.time_out(request, cx) } else { self.create(request, cx) }
    }

    fn time_out(&mut self, request: RequestId, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Timeout, Some(request), None);
        cx.request(request).pool_tag = ANSWERED;
        cx.refuse(request, Error::PoolTimeout);
    }

    /// Leaves the queue from wherever it stands there.
    fn stop_waiting(&mut self, request: RequestId, cx: &mut Cx) {
        cx.request(request).pool_tag = ANSWERED;
        self.one_waits_less(cx);
        let worker = self.worker;
        while self.waiters.front().is_some_and(|ticket| !waits(cx.world, worker, *ticket)) {
            self.waiters.pop_front();
        }
    }

    #[inline(always)]
    fn one_waits_less(&mut self, cx: &mut Cx) {
        self.pending -= 1;
        cx.one_fewer_waits(self.worker);
        let worker = self.worker;
        self.deadlines.tidy(|ticket| wants(cx.world, worker, ticket));
    }

    #[inline(always)]
    fn take_idle(&mut self) -> Option<u32> {
        if self.spec.pool_use_lifo { self.idle.pop_back() } else { self.idle.pop_front() }
    }

    /// G6, G7.
    fn create(&mut self, request: RequestId, cx: &mut Cx) {
        let slot = self.create_slot(request, cx);
        cx.request(request).pool_tag = slot;
        self.connect(slot, cx);
    }

    #[inline(always)]
    fn use_slot(&mut self, slot: u32, request: RequestId, cx: &mut Cx) {
        let now = cx.now();
        cx.meter(self.worker).in_use.up(now);
        let used = &mut self.slots[slot as usize];
        used.user = Some(request);
        let (conn, pings) = (used.conn, self.spec.pool_pre_ping && !used.fresh);
        match conn {
            Some(conn) if !pings && !self.is_stale(slot, cx) => self.lend_to(slot, request, conn, cx),
            _ => {
                cx.request(request).pool_tag = slot;
                self.make_usable(slot, cx);
            }
        }
    }

    /// R1: an empty slot is connected, a stale connection is closed and then connected; then P.
    fn make_usable(&mut self, slot: u32, cx: &mut Cx) {
        let used = &self.slots[slot as usize];
        if used.conn.is_none() {
            self.connect(slot, cx);
        } else if self.is_stale(slot, cx) {
            self.replace(slot, cx);
        } else if self.spec.pool_pre_ping && !used.fresh {
            self.before_ping(slot, cx);
        } else {
            self.lend(slot, cx);
        }
    }

    #[inline(always)]
    fn is_stale(&self, slot: u32, cx: &Cx) -> bool {
        let start = self.slots[slot as usize].start;
        self.spec.pool_recycle.is_some_and(|recycle| cx.now() - start > recycle) || self.invalidated.is_some_and(|stamp| stamp > start)
    }

    /// Closes in the caller, before its connect, one after the other.
    fn replace(&mut self, slot: u32, cx: &mut Cx) {
        let closing = self.close(slot, cx);
        self.pause(slot, Phase::Replacing, closing, cx);
    }

    /// R2.
    fn connect(&mut self, slot: u32, cx: &mut Cx) {
        let serial = self.next_serial();
        self.enter(slot, Phase::Connecting);
        let conn = cx.dial_upstream(self.worker, slot, serial);
        let connecting = &mut self.slots[slot as usize];
        connecting.start = cx.now();
        connecting.conn = Some(conn);
        cx.step(self.worker, PoolStep::ConnectStart, connecting.user, Some(conn));
    }

    pub(super) fn connected(&mut self, conn: ConnId, cx: &mut Cx) {
        let slot = cx.conn(conn).near_tag;
        let now = cx.now();
        cx.meter(self.worker).open.up(now);
        cx.step(self.worker, PoolStep::ConnectDone, self.slots[slot as usize].user, Some(conn));
        self.enter(slot, Phase::Initialising);
        if self.first.may_go_on(slot, conn, cx) {
            self.ready(slot, cx);
        }
    }

    pub(super) fn initialise_replied(&mut self, slot: u32, conn: ConnId, error: Option<Error>, cx: &mut Cx) {
        if let Some(why) = error {
            self.initialise_lost(slot, why, cx);
        } else if self.first.replied(conn, cx) {
            self.ready(slot, cx);
            self.let_next_go_on(cx);
        }
    }

    /// Those who waited for the initialisation go on, one after the other: each a turn of the event loop after the one
    /// before it or, where whoever runs goes on until it has to wait, when that one waits.
    fn let_next_go_on(&mut self, cx: &mut Cx) {
        let next = Event::PoolRing { worker: self.worker, alarm: INITIALISED };
        match self.spec.release {
            Release::Close => cx.after(Span::ZERO, Rank::Wake, next),
            Release::AsyncWith => cx.at_once(next),
        }
    }

    pub(super) fn initialised_next(&mut self, cx: &mut Cx) {
        if let Some(next) = self.first.next() {
            self.ready(next, cx);
            self.let_next_go_on(cx);
        }
    }

    /// The initialisation failed: its caller gets the error, the next new connection runs it again.
    pub(super) fn initialise_lost(&mut self, slot: u32, why: Error, cx: &mut Cx) {
        if self.first.runs_on(slot) {
            if self.first.fails_as_a_statement(self.slots[slot as usize].conn, cx) {
                self.invalidate_older(slot, cx);
            }
            self.give_up(slot, cx, Some(why));
        }
    }

    /// Connected. A connection made for this very checkout is looked at once more (R1): one that took longer than
    /// `pool_recycle` to open, or that was invalidated meanwhile, is thrown away and opened again.
    fn ready(&mut self, slot: u32, cx: &mut Cx) {
        let connected = &mut self.slots[slot as usize];
        connected.fresh = true;
        if std::mem::take(&mut connected.creating) && self.is_stale(slot, cx) { self.replace(slot, cx) } else { self.lend(slot, cx) }
    }

    /// R2 failed: a slot made for this checkout comes off the counter and nobody is woken; any other goes back empty.
    pub(super) fn connect_failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let slot = cx.conn(conn).near_tag;
        self.slots[slot as usize].conn = None;
        cx.step(self.worker, PoolStep::ConnectFail, self.slots[slot as usize].user, Some(conn));
        self.give_up(slot, cx, Some(why));
    }

    /// P2.
    fn before_ping(&mut self, slot: u32, cx: &mut Cx) {
        let own = cx.driver(self.worker).time(Operation::Ping);
        self.pause(slot, Phase::BeforePing, own, cx);
    }

    fn ping(&mut self, slot: u32, cx: &mut Cx) {
        self.enter(slot, Phase::Pinging);
        let pinged = &self.slots[slot as usize];
        let conn = pinged.conn.expect("a slot that is pinged has a connection");
        cx.step(self.worker, PoolStep::Ping, pinged.user, Some(conn));
        let extra_trips = cx.driver(self.worker).ping_trips;
        cx.query(conn, Statement { kind: StatementKind::Ping, extra_trips, ..Statement::default() });
    }

    pub(super) fn pinged(&mut self, slot: u32, error: Option<Error>, cx: &mut Cx) {
        if error.is_some() { self.ping_failed(slot, cx) } else { self.lend(slot, cx) }
    }

    /// P3: one dead connection makes all older ones suspect; they are replaced, unpinged, when next checked out.
    pub(super) fn ping_failed(&mut self, slot: u32, cx: &mut Cx) {
        self.invalidate_older(slot, cx);
        cx.step(self.worker, PoolStep::Invalidate, self.slots[slot as usize].user, self.slots[slot as usize].conn);
        self.close(slot, cx);
        self.connect(slot, cx);
    }

    /// Stamps the pool, unless it was stamped after this slot's connection was opened.
    pub(super) fn invalidate_older(&mut self, slot: u32, cx: &Cx) {
        let start = self.slots[slot as usize].start;
        if self.invalidated.is_none_or(|stamp| stamp < start) {
            self.invalidated = Some(cx.now());
        }
    }

    fn lend(&mut self, slot: u32, cx: &mut Cx) {
        let lent = &self.slots[slot as usize];
        let (request, conn) = (lent.user.expect("somebody asked"), lent.conn.expect("a slot that is lent has a connection"));
        self.lend_to(slot, request, conn, cx);
    }

    #[inline(always)]
    fn lend_to(&mut self, slot: u32, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let lent = &mut self.slots[slot as usize];
        lent.enter(Phase::Lent);
        lent.fresh = false;
        cx.request(request).pool_tag = ANSWERED;
        cx.step(self.worker, PoolStep::Checkout, Some(request), Some(conn));
        cx.grant(request, conn);
    }

    /// The checkout ends without a connection: whatever is there is closed. One that waits for the initialisation is in
    /// order, and closing it takes time.
    fn give_up(&mut self, slot: u32, cx: &mut Cx, why: Option<Error>) {
        let ran_first = self.first.runs_on(slot);
        let waited_for_first = self.slots[slot as usize].phase == Phase::Initialising && !ran_first;
        self.first.forget(slot);
        if let Some(conn) = self.slots[slot as usize].conn {
            if matches!(self.slots[slot as usize].phase, Phase::BeforePing | Phase::Pinging) {
                cx.step(self.worker, PoolStep::Invalidate, self.slots[slot as usize].user, Some(conn));
            }
            let closing = self.close(slot, cx);
            if waited_for_first {
                return self.pause(slot, Phase::GivingUp, closing, cx);
            }
        }
        self.refuse(slot, cx, why);
        if ran_first {
            self.hand_initialisation_on(cx);
        }
    }

    /// A slot made for this checkout comes off the counter, any other goes back empty; the request hears why.
    fn refuse(&mut self, slot: u32, cx: &mut Cx, why: Option<Error>) {
        let request = self.slots[slot as usize].user.expect("somebody asked");
        if std::mem::take(&mut self.slots[slot as usize].creating) {
            self.enter(slot, Phase::Idle);
            self.drop_slot(slot, cx)
        } else {
            self.return_empty(slot, cx)
        }
        cx.request(request).pool_tag = ANSWERED;
        if why.is_some() {
            cx.step(self.worker, PoolStep::Error, Some(request), None);
        }
        cx.refuse(request, why.unwrap_or(Error::DeadlineExceeded));
    }

    fn hand_initialisation_on(&mut self, cx: &mut Cx) {
        self.first.abandoned();
        if let Some(next) = self.first.next() {
            let conn = self.slots[next as usize].conn.expect("who waits for the initialisation has a connection");
            self.first.start(next, conn, cx);
        }
    }

    /// The asking task is cancelled: in the queue, in the very instant of its wake-up, or while its slot is made usable.
    pub(super) fn cancelled(&mut self, request: RequestId, cx: &mut Cx) {
        match cx.request(request).pool_tag {
            ANSWERED => {}
            WAITING => {
                self.stop_waiting(request, cx);
                cx.refuse(request, Error::DeadlineExceeded);
            }
            WOKEN | WOKEN_LATE => {
                self.stop_waiting(request, cx);
                cx.refuse(request, Error::DeadlineExceeded);
                if !self.idle.is_empty() {
                    self.wake(cx);
                }
            }
            slot => match self.slots[slot as usize].phase {
                Phase::BeforeReset | Phase::Resetting => self.reset_cancelled(slot, cx),
                Phase::Discarding => self.discard_cancelled(slot, cx),
                _ => self.give_up(slot, cx, None),
            },
        }
    }

    /// Time of the driver's own, after which [`QueuePool::phase_over`] goes on.
    pub(super) fn pause(&mut self, slot: u32, phase: Phase, span: Span, cx: &mut Cx) {
        let alarm = self.enter(slot, phase);
        if span.is_zero() {
            self.phase_over(slot, cx);
        } else {
            cx.after(span, Rank::Completion, Event::PoolRing { worker: self.worker, alarm });
        }
    }

    pub(super) fn phase_over(&mut self, slot: u32, cx: &mut Cx) {
        match self.slots[slot as usize].phase {
            Phase::Replacing => self.connect(slot, cx),
            Phase::BeforePing => self.ping(slot, cx),
            Phase::BeforeReset => self.reset(slot, cx),
            Phase::Discarding => self.discarded(slot, cx),
            Phase::GivingUp => self.refuse(slot, cx, None),
            phase => unreachable!("no time of the driver's own passes while a slot is {phase:?}"),
        }
    }
}
