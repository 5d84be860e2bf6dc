//! Checkin (`Connection.close`, `_ConnectionFairy._reset`, `QueuePool._do_return_conn`), step by step.

use super::Release;
use super::queue_pool::{ANSWERED, Phase, QueuePool};
use crate::protocol::conn::{Condition, Near, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, RequestId};
use crate::protocol::fact::PoolStep;

impl QueuePool {
    /// K0: `Connection.close` rolls an open transaction back, and the pool then skips a rollback of its own.
    /// K1: otherwise the pool resets the connection, which costs the driver no round trip where no transaction is open.
    /// Both run in the caller, before the slot is free again.
    #[inline(always)]
    pub(super) fn take_back(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let returned = cx.conn(conn);
        returned.near = Near::Pool;
        let (slot, condition, status) = (returned.near_tag, returned.condition, returned.status);
        cx.request(request).pool_tag = slot;
        debug_assert_eq!(self.slots[slot as usize].user, Some(request), "who gives a connection back has it");
        match condition {
            Condition::Good if status != TxStatus::Idle => self.before_reset(slot, cx),
            Condition::Good => {
                cx.step(self.worker, PoolStep::Reset, Some(request), Some(conn));
                if self.spec.pool_reset_on_return.is_some() { self.before_reset(slot, cx) } else { self.check_in(slot, cx) }
            }
            Condition::Broken => {
                self.invalidate_older(slot, cx);
                self.invalidate(slot, cx);
            }
            Condition::Abandoned => self.invalidate(slot, cx),
        }
    }

    #[inline(always)]
    fn before_reset(&mut self, slot: u32, cx: &mut Cx) {
        let own = cx.driver(self.worker).times(&[Operation::Reset]);
        if own.is_zero() { self.reset(slot, cx) } else { self.pause(slot, Phase::BeforeReset, own, cx) }
    }

    #[inline(always)]
    pub(super) fn reset(&mut self, slot: u32, cx: &mut Cx) {
        let conn = self.slots[slot as usize].conn.expect("a slot that is reset has a connection");
        if cx.conn(conn).status == TxStatus::Idle {
            return self.check_in(slot, cx);
        }
        self.enter(slot, Phase::Resetting);
        cx.query(conn, Statement { kind: StatementKind::Rollback, ..Statement::default() });
    }

    /// K0 is done: the pool's `reset` event says that the transaction has been reset already.
    #[inline(always)]
    pub(super) fn reset_replied(&mut self, slot: u32, error: Option<Error>, cx: &mut Cx) {
        let user = self.slots[slot as usize].user;
        match error {
            None => {
                cx.step(self.worker, PoolStep::Reset, user, self.slots[slot as usize].conn);
                self.check_in(slot, cx);
            }
            Some(why) => {
                cx.request(user.expect("somebody gives it back")).failure.get_or_insert(why);
                self.invalidate(slot, cx);
            }
        }
    }

    /// K0 finds the connection gone: an error of `Connection.close` like that of any statement, which makes all older
    /// connections suspect and reaches the caller.
    pub(super) fn reset_lost(&mut self, slot: u32, why: Error, cx: &mut Cx) {
        self.invalidate_older(slot, cx);
        self.reset_replied(slot, Some(why), cx);
    }

    /// The task is cancelled during its reset: `async with` finishes the reset first, `close()` drops the connection.
    pub(super) fn reset_cancelled(&mut self, slot: u32, cx: &mut Cx) {
        if self.spec.release == Release::Close {
            self.invalidate(slot, cx);
        }
    }

    /// The connection is closed at once and its slot goes back empty.
    fn invalidate(&mut self, slot: u32, cx: &mut Cx) {
        let request = self.slots[slot as usize].user.expect("somebody gives it back");
        cx.step(self.worker, PoolStep::Invalidate, Some(request), self.slots[slot as usize].conn);
        self.close(slot, cx);
        self.return_empty(slot, cx);
        taken_back(request, cx);
    }

    /// K2, K3 for a slot without a connection.
    pub(super) fn return_empty(&mut self, slot: u32, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Checkin, self.slots[slot as usize].user, None);
        self.enter(slot, Phase::Idle);
        self.put_empty(slot, cx);
    }

    /// K2–K4. The first `pool_size` to come back survive a burst, whichever were opened as overflow.
    #[inline(always)]
    fn check_in(&mut self, slot: u32, cx: &mut Cx) {
        let request = self.slots[slot as usize].user.expect("somebody gives it back");
        cx.step(self.worker, PoolStep::Checkin, Some(request), self.slots[slot as usize].conn);
        if self.has_room() {
            let woke = self.put(slot, cx);
            if woke && self.spec.release == Release::AsyncWith {
                self.go_on_later(request, cx);
            } else {
                taken_back(request, cx);
            }
        } else {
            let closing = self.close(slot, cx);
            self.pause(slot, Phase::Discarding, closing, cx);
        }
    }

    /// The task is cancelled during K4: `async with` waits for the close, `close()` leaves it.
    pub(super) fn discard_cancelled(&mut self, slot: u32, cx: &mut Cx) {
        if self.spec.release == Release::Close {
            self.enter(slot, Phase::Idle);
            self.discarded(slot, cx);
        }
    }

    /// K4: during the close the slot is still counted, and afterwards nobody is woken.
    pub(super) fn discarded(&mut self, slot: u32, cx: &mut Cx) {
        let request = self.slots[slot as usize].user.expect("somebody gives it back");
        self.drop_slot(slot, cx);
        taken_back(request, cx);
    }
}

/// The request goes on. Its slot is somebody else's from here on, so a cancellation that comes before it has gone on
/// must not find it.
#[inline(always)]
fn taken_back(request: RequestId, cx: &mut Cx) {
    cx.request(request).pool_tag = ANSWERED;
    cx.at_once(Event::Released { request });
}
