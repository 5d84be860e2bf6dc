//! A connection: two ends and a wire, one statement at a time.

use crate::kernel::time::{SimTime, Span};
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};

/// Who holds the near end: replies go there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Near {
    /// The pool of the worker.
    #[default]
    Pool,
    /// A request of the worker.
    Request(RequestId),
    /// The proxy.
    Proxy,
}

/// Which server is at the far end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Far {
    /// The proxy.
    Proxy,
    /// The database.
    #[default]
    Database,
}

/// What a proxy has done for a client's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing is needed, or there is no proxy.
    #[default]
    None,
    /// A server connection is waited for.
    Awaited,
    /// A server connection is there for it alone.
    Held,
}

/// What a statement is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementKind {
    /// The user's own.
    #[default]
    Query,
    /// Ends the transaction and keeps what it did.
    Commit,
    /// Ends the transaction.
    Rollback,
    /// Asks whether the connection lives.
    Ping,
    /// What a library asks on the first connection it opens.
    Initialise,
    /// Gives the session its first state back (`DISCARD ALL`, `RESET ALL`).
    Reset,
}

/// A statement on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What it is for.
    pub kind: StatementKind,
    /// Its service demand on an idle server.
    pub demand: Span,
    /// It begins a transaction.
    pub begins: bool,
    /// Round trips without demand that come before it (a BEGIN of its own, a ping's three messages).
    pub extra_trips: u8,
}

/// The state of a session's transaction after a statement, as PostgreSQL's ReadyForQuery says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TxStatus {
    /// `I`: none.
    #[default]
    Idle,
    /// `T`: inside one.
    InTransaction,
    /// `E`: inside one that has failed.
    Failed,
}

/// In what condition a request gives its connection back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Fit for use.
    #[default]
    Good,
    /// An error said that it is gone, and perhaps all others too.
    Broken,
    /// Left in the middle of a statement: of no further use.
    Abandoned,
}

/// A connection, or one being set up.
#[derive(Clone, Default)]
pub struct Conn {
    /// Who holds the near end.
    pub near: Near,
    /// Which server is at the far end.
    pub far: Far,
    /// The process at the near end, if it is a worker.
    pub worker: WorkerId,
    /// The n-th connection that this pool or proxy dialled, from 1.
    pub serial: u32,
    /// A number of the near end's owner's own.
    pub near_tag: u32,
    /// A number of the server's own.
    pub far_tag: u32,
    /// At a proxy.
    pub link: Link,
    /// The server has let it in, and the near end knows.
    pub up: bool,
    /// The near end is open.
    pub near_open: bool,
    /// The far end is open.
    pub far_open: bool,
    /// The near end has heard that the far end is closed.
    pub gone: bool,
    /// The statement on its way, running, or answered last.
    pub statement: Statement,
    /// When the near end sent its last statement.
    pub asked: SimTime,
    /// Statements sent on it, each BEGIN counted as one.
    pub statements: u32,
    /// What the last reply said went wrong.
    pub error: Option<Error>,
    /// Why the far end has closed.
    pub why: Option<Error>,
    /// What the last reply said of the transaction.
    pub status: TxStatus,
    /// In what condition it is given back.
    pub condition: Condition,
    /// No message towards the server arrives before this, nor one back before the other: messages never overtake.
    pub clear: [SimTime; 2],
}

/// A request's connections: more than one only where one session is opened inside another.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    innermost: Option<Lease>,
    outer: Vec<Lease>,
}

impl Leases {
    /// Nothing; buffers are kept.
    pub fn clear(&mut self) {
        self.innermost = None;
        self.outer.clear();
    }

    /// A session is opened.
    #[inline]
    pub fn push(&mut self, lease: Lease) {
        if let Some(outer) = self.innermost.replace(lease) {
            self.outer.push(outer);
        }
    }

    /// The innermost session is closed.
    #[inline]
    pub fn pop(&mut self) -> Option<Lease> {
        let innermost = self.innermost.take();
        if !self.outer.is_empty() {
            self.innermost = self.outer.pop();
        }
        innermost
    }

    /// The innermost.
    #[inline]
    pub fn last(&self) -> Option<&Lease> {
        self.innermost.as_ref()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.outer.iter().chain(&self.innermost)
    }

    /// The innermost, to change it.
    #[inline]
    pub fn last_mut(&mut self) -> Option<&mut Lease> {
        self.innermost.as_mut()
    }
}

/// A connection in a request's hands.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// The connection.
    pub conn: ConnId,
    /// An explicit transaction has been asked for.
    pub wants_transaction: bool,
    /// It will never be given back.
    pub leaked: bool,
}
