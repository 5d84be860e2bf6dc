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
    /// K0, K1: a transaction that is open is rolled back by `Connection.close`; the pool's own reset costs a round trip
    /// only where one is open, so it is one or the other. Both run in the caller, before the slot is free again.
    pub(super) fn take_back(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let slot = cx.conn(conn).near_tag;
        cx.conn(conn).near = Near::Pool;
        cx.request(request).pool_tag = slot;
        debug_assert_eq!(self.slots[slot as usize].user, Some(request), "who gives a connection back has it");
        let (condition, status) = (cx.conn(conn).condition, cx.conn(conn).status);
        match condition {
            Condition::Good if self.spec.pool_reset_on_return.is_some() || status != TxStatus::Idle => {
                cx.step(self.worker, PoolStep::Reset, Some(request), Some(conn));
                let own = cx.driver(self.worker).time(Operation::Reset);
                self.pause(slot, Phase::BeforeReset, own, cx);
            }
            Condition::Good => self.check_in(slot, cx),
            Condition::Broken => {
                self.invalidate_older(slot, cx);
                self.invalidate(slot, cx);
            }
            Condition::Abandoned => self.invalidate(slot, cx),
        }
    }

    pub(super) fn reset(&mut self, slot: u32, cx: &mut Cx) {
        let conn = self.slots[slot as usize].conn.expect("a slot that is reset has a connection");
        if cx.conn(conn).status == TxStatus::Idle {
            return self.check_in(slot, cx);
        }
        self.enter(slot, Phase::Resetting);
        cx.query(conn, Statement { kind: StatementKind::Rollback, ..Statement::default() });
    }

    /// K1 fails: logged and swallowed; the connection is closed, the slot goes back empty.
    pub(super) fn reset_replied(&mut self, slot: u32, error: Option<Error>, cx: &mut Cx) {
        if error.is_some() { self.invalidate(slot, cx) } else { self.check_in(slot, cx) }
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
        self.enter(slot, Phase::Idle);
        self.put_empty(slot, cx);
        taken_back(request, cx);
    }

    /// K2–K4. The first `pool_size` to come back survive a burst, whichever were opened as overflow.
    fn check_in(&mut self, slot: u32, cx: &mut Cx) {
        let request = self.slots[slot as usize].user.expect("somebody gives it back");
        cx.step(self.worker, PoolStep::Checkin, Some(request), self.slots[slot as usize].conn);
        if self.has_room() {
            self.enter(slot, Phase::Idle);
            let barges = self.spec.release == Release::Close;
            if barges {
                taken_back(request, cx);
            }
            self.put(slot, cx);
            if !barges {
                taken_back(request, cx);
            }
        } else {
            self.close(slot, cx);
            let closing = cx.driver(self.worker).time(Operation::Close);
            self.pause(slot, Phase::Discarding, closing, cx);
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
fn taken_back(request: RequestId, cx: &mut Cx) {
    cx.request(request).pool_tag = ANSWERED;
    cx.at_once(Event::Released { request });
}
