//! The database at the end of every connection.

use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::Cx;
use crate::protocol::server::Server;

pub mod postgres;

pub use postgres::{Postgres, ServiceSpec};

/// What faults can do to a database, and what can be seen of it.
pub trait Database: Server {
    /// Ends every session with [`AdminShutdown`](crate::protocol::error::Error::AdminShutdown) and refuses new ones for `down`.
    fn restart(&mut self, down: Span, cx: &mut Cx);
    /// Ends this fraction of the sessions, chosen by the database's own dice.
    fn kill(&mut self, fraction: f64, cx: &mut Cx);
    /// Sessions by state, as a count over `pg_stat_activity` shows them.
    fn status(&self, now: SimTime) -> String;
}
