//! Everything that can happen, in the order in which a request meets it.

use crate::ids;
use crate::kernel::ids::Id;
use crate::protocol::conn::Conn;
use crate::protocol::request::Request;

mod packed;

pub use packed::Packed;
use packed::{Field, packed};

ids! {
    /// A stream of the workload.
    StreamId,
    /// An application: a number of equal workers.
    AppId,
    /// A worker process, and the pool that lives in it; numbered through all apps.
    WorkerId,
}

/// The id of a request, stale once client and worker are both done with it.
pub type RequestId = Id<Request>;
/// The id of a connection, stale once both its ends are closed.
pub type ConnId = Id<Conn>;

packed! {
    /// One thing that happens. What an event carries beyond its ids stands in the request or the connection it names.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[allow(missing_docs)] // the fields are what their types say
    pub enum Event {
        // The client.
        /// A stream's next arrival is here.
        Arrive { stream: StreamId },
        /// A user of a closed stream has thought long enough about request `turn` of its own.
        Thought { stream: StreamId, user: u32, turn: u32 },
        /// The pause before another attempt is over.
        Retry { request: RequestId },
        /// The oldest deadline of a stream is reached.
        Impatient { stream: StreamId },
        /// The worker is done with a request.
        Finished { request: RequestId },

        // A worker process: all of these wait while its event loop is occupied.
        /// A request reaches its worker.
        Begin { request: RequestId },
        /// What a request waited for by itself is over; `turn` tells whether it still cares.
        Resume { request: RequestId, turn: u32 },
        /// The client has hung up: the request's task is cancelled.
        Cancel { request: RequestId },
        /// The step that occupied the event loop is over.
        LoopFree { worker: WorkerId },
        /// The event loop takes the next thing that waited for it.
        Turn { worker: WorkerId },

        // A worker and its own pool, between which no time passes.
        /// A request asks for a connection.
        Acquire { request: RequestId },
        /// A waiter was told that there is something to take, and looks.
        Woken { request: RequestId },
        /// The pool lends the connection to the request that the connection now names as its holder.
        Grant { conn: ConnId },
        /// The pool will not lend; the request holds the reason.
        Refuse { request: RequestId },
        /// A request no longer wants what it asked the pool for.
        Withdraw { request: RequestId },
        /// The holder gives the connection back.
        Release { conn: ConnId },
        /// The pool has taken the connection back; the holder goes on.
        Released { request: RequestId },
        /// An alarm that a pool set for itself.
        PoolRing { worker: WorkerId, alarm: u64 },

        // Over a wire, whose delay has passed: towards the server …
        /// Somebody wants a connection.
        Connect { conn: ConnId },
        /// A statement comes in.
        Query { conn: ConnId },
        /// The near end has closed.
        HangUp { conn: ConnId },
        // … and back to whoever holds the near end.
        /// The server has let the connection in.
        Accept { conn: ConnId },
        /// The statement is done; the connection holds the reply.
        Reply { conn: ConnId },
        /// The far end has closed, or never opened; the connection holds the reason.
        Lost { conn: ConnId },

        // Alarms that a server set for itself, and faults.
        /// The proxy's.
        ProxyRing { alarm: u64 },
        /// The database's.
        DatabaseRing { alarm: u64 },
        /// The next thing on the list of faults.
        Fault { index: u32 },
    }
}

impl Event {
    /// The request that its worker and its pool deal with, if the event is about a request.
    pub fn request(&self) -> Option<RequestId> {
        match *self {
            Event::Begin { request }
            | Event::Resume { request, .. }
            | Event::Cancel { request }
            | Event::Acquire { request }
            | Event::Woken { request }
            | Event::Refuse { request }
            | Event::Withdraw { request }
            | Event::Released { request } => Some(request),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::Slab;

    #[test]
    fn an_event_is_two_words_and_what_is_unpacked_is_what_was_packed() {
        let (mut requests, mut conns) = (Slab::default(), Slab::default());
        let (request, conn): (RequestId, ConnId) = (requests.claim(), conns.claim());
        let most = u32::MAX;
        let events = [
            Event::Arrive { stream: StreamId(most) },
            Event::Thought { stream: StreamId(1), user: most, turn: 2 },
            Event::Thought { stream: StreamId(most), user: 3, turn: most },
            Event::Resume { request, turn: most },
            Event::LoopFree { worker: WorkerId(most) },
            Event::PoolRing { worker: WorkerId(most), alarm: u64::MAX },
            Event::PoolRing { worker: WorkerId(0), alarm: 7 },
            Event::Grant { conn },
            Event::DatabaseRing { alarm: u64::MAX },
            Event::Fault { index: most },
        ];
        for event in events {
            assert_eq!(Event::from(Packed::from(event)), event);
        }
        assert_eq!(std::mem::size_of::<Packed>(), 16);
    }
}
