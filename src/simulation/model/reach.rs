//! Whether an event reaches whom it is for: what concerns something that has gone reaches nobody, and what comes to a process
//! whose event loop is occupied waits there. An event that is `TAKEN` from that line does not wait again.

use crate::protocol::conn::Near;
use crate::protocol::event::{ConnId, Packed, RequestId, WorkerId};
use crate::simulation::model::Model;

impl Model {
    /// Whether the request lives.
    #[inline]
    pub(super) fn lives(&self, request: RequestId) -> bool {
        self.world.requests.get(request).is_some()
    }

    /// Whether the request lives and its process takes the event now.
    #[inline]
    pub(super) fn runs<const TAKEN: bool>(&mut self, request: RequestId, event: Packed) -> bool {
        let Some(living) = self.world.requests.get(request) else { return false };
        self.takes::<TAKEN>(living.worker, event)
    }

    /// Whether the process takes the event now: else it waits for the event loop.
    #[inline]
    pub(super) fn takes<const TAKEN: bool>(&mut self, worker: WorkerId, event: Packed) -> bool {
        let waits = !TAKEN && self.workers.holds(worker);
        if waits {
            self.workers.hold(worker, event);
        }
        !waits
    }

    /// Whether a message reaches the holder of the near end, who takes it now.
    #[inline]
    pub(super) fn reaches_holder<const TAKEN: bool>(&mut self, conn: ConnId, event: Packed) -> bool {
        match self.world.conns.get(conn) {
            Some(open) if open.near_open => open.near == Near::Proxy || self.takes::<TAKEN>(open.worker, event),
            _ => false,
        }
    }

    /// Whether a message reaches the far end.
    #[inline]
    pub(super) fn reaches_server(&self, conn: ConnId) -> bool {
        self.world.conns.get(conn).is_some_and(|open| open.far_open)
    }
}
