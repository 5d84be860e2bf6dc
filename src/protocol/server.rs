//! What can be dialled, and what dials on behalf of others.

use crate::copied;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;

/// How many connections a server lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// In all.
    pub most: u32,
    /// Of these, kept for superusers.
    pub reserved: u32,
}

/// Something at the far end of connections.
///
/// An implementer keeps to this: every `connect` is answered by one `accept` or `shut`; every `query` by one `reply`,
/// or by `shut`; after `hang_up` nothing is said about that connection any more.
pub trait Server: Send {
    /// Somebody wants a connection.
    fn connect(&mut self, conn: ConnId, cx: &mut Cx);
    /// A statement has come in; it stands in the connection.
    fn query(&mut self, conn: ConnId, cx: &mut Cx);
    /// The near end has closed.
    fn hang_up(&mut self, conn: ConnId, cx: &mut Cx);
    /// An alarm of its own.
    fn ring(&mut self, alarm: u64, cx: &mut Cx);
    /// From here on its dice, if it throws any, are those of `seed`.
    fn reseed(&mut self, seed: &Seed) {
        let _ = seed;
    }
    /// The connection that an alarm of its own is about, if it is about one.
    fn about(&self, alarm: u64) -> Option<ConnId> {
        let _ = alarm;
        None
    }
}

/// What PgBouncer's `SHOW POOLS` says, in its columns' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // named and documented by PgBouncer
pub struct ShowPools {
    pub cl_active: u64,
    pub cl_waiting: u64,
    pub sv_active: u64,
    pub sv_idle: u64,
    pub sv_used: u64,
    pub sv_tested: u64,
    pub sv_login: u64,
    pub maxwait: Span,
}

/// A server that has no data of its own: it dials another server for its clients.
pub trait Proxy: Server + CopiedProxy {
    /// A connection it dialled is open.
    fn opened(&mut self, conn: ConnId, cx: &mut Cx);
    /// A connection it dialled could not be opened; it is gone when this returns.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx);
    /// A statement it forwarded is answered; the reply stands in the connection.
    fn replied(&mut self, conn: ConnId, cx: &mut Cx);
    /// A connection it dialled was closed by the server; to be hung up.
    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx);
    /// Its process is replaced by another, which listens after `down`; all connections end.
    fn restart(&mut self, down: Span, cx: &mut Cx);
    /// One table of what it knows, as its own console would print it.
    fn status(&self, now: SimTime) -> String;
    /// The same as numbers, where its console is PgBouncer's.
    fn show_pools(&self, now: SimTime) -> Option<ShowPools> {
        let _ = now;
        None
    }
}

copied!(Proxy as CopiedProxy);
