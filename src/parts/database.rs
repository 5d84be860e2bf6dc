//! The database at the end of every connection.

use crate::copied;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::server::Server;

pub mod postgres;

pub use postgres::{Postgres, PostgresServer, ServiceSpec};

/// A database that is away for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What its sessions hear as they end.
    pub farewell: Error,
    /// How long nobody answers connection requests.
    pub refuses: Span,
    /// How long after that clients are told that it is not ready yet.
    pub starts: Span,
}

/// What faults can do to a database, and what can be seen of it.
pub trait Database: Server + CopiedDatabase {
    /// Ends every session and lets nobody in until the outage is over.
    fn go_down(&mut self, outage: Outage, cx: &mut Cx);
    /// For so long statements take `factor` times as long. Several such spells multiply.
    fn slow_down(&mut self, factor: f64, lasting: Span, cx: &mut Cx);
    /// Connection set-ups that begin within this time take `factor` times as long.
    fn slow_connects(&mut self, factor: f64, lasting: Span, cx: &mut Cx);
    /// Statements that begin within this time wait for its end before they run.
    fn lock(&mut self, lasting: Span, cx: &mut Cx);
    /// Ends this fraction of the sessions, chosen by the database's own dice.
    fn kill(&mut self, fraction: f64, cx: &mut Cx);
    /// Sessions by state, as a count over `pg_stat_activity` shows them.
    fn status(&self, now: SimTime) -> String;
}

copied!(Database as CopiedDatabase);
