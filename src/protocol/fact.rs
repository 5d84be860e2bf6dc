//! What parts tell observers. Nothing in the core reads a fact.

use crate::kernel::time::Span;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};

/// One step of a pool, under the names that `poolcast trace --events` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum PoolStep {
    Request,
    Wait,
    Wake,
    ConnectStart,
    ConnectDone,
    ConnectFail,
    Ping,
    Reset,
    Checkout,
    Checkin,
    Invalidate,
    Close,
    Timeout,
    Error,
}

impl PoolStep {
    /// Its name in a printed trace.
    pub fn name(self) -> &'static str {
        match self {
            PoolStep::Request => "request",
            PoolStep::Wait => "wait",
            PoolStep::Wake => "wake",
            PoolStep::ConnectStart => "connect_start",
            PoolStep::ConnectDone => "connect_done",
            PoolStep::ConnectFail => "connect_fail",
            PoolStep::Ping => "ping",
            PoolStep::Reset => "reset",
            PoolStep::Checkout => "checkout",
            PoolStep::Checkin => "checkin",
            PoolStep::Invalidate => "invalidate",
            PoolStep::Close => "close",
            PoolStep::Timeout => "timeout",
            PoolStep::Error => "error",
        }
    }
}

/// Some of the steps, so that nobody is told of what nobody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(u16);

impl Steps {
    /// Every step.
    pub const ALL: Steps = Steps(u16::MAX);

    /// These steps.
    pub const fn of(steps: &[PoolStep]) -> Steps {
        let (mut bits, mut index) = (0, 0);
        while index < steps.len() {
            bits |= 1 << steps[index] as u16;
            index += 1;
        }
        Steps(bits)
    }

    /// Whether `step` is one of them.
    pub const fn has(self, step: PoolStep) -> bool {
        self.0 >> step as u16 & 1 == 1
    }

    /// Those of both.
    pub const fn and(self, others: Steps) -> Steps {
        Steps(self.0 | others.0)
    }
}

/// Something that an observer may count.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// A request was born.
    Arrived {
        /// It.
        request: RequestId,
    },
    /// A request has ended for its client, well (`None`) or badly. Its worker may still have to clear up.
    Ended {
        /// It.
        request: RequestId,
        /// Why it failed.
        failure: Option<Error>,
    },
    /// A pool did something.
    Pool {
        /// Whose pool.
        worker: WorkerId,
        /// What.
        step: PoolStep,
        /// For whom.
        request: Option<RequestId>,
        /// With which connection: its number in this pool, 0 for none.
        conn: u32,
    },
    /// The proxy linked a client to a server connection after the client had waited so long.
    Linked {
        /// The client's connection.
        client: ConnId,
        /// How long it had waited.
        waited: Span,
    },
    /// A client waits for a server connection, of which the proxy opens no more.
    ProxyFull {
        /// The client's connection.
        client: ConnId,
    },
    /// The proxy told a client that something is wrong.
    ProxyError {
        /// What.
        why: Error,
    },
    /// The database let a connection in.
    DatabaseConnect,
    /// The database refused a connection.
    DatabaseRefused {
        /// Why.
        why: Error,
    },
}
