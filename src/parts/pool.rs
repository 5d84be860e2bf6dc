//! A worker's connection pool: the trait of all kinds, and what a file may name.

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::{copied, kinds};

pub use ended::end;

pub mod asyncpg_pool;
pub mod bb8;
pub mod database_sql;
pub mod deadpool;
mod ended;
mod first_connect;
pub mod hikari;
pub mod node_postgres;
pub mod npgsql;
pub mod null;
pub mod pgx;
mod places;
pub mod psycopg_pool;
pub mod r2d2;
pub mod sqlalchemy;
pub mod sqlx;

/// A pool, which lives in one worker process.
///
/// An implementer keeps to this: every `acquire` is answered by one `grant` or `refuse` (also after `withdraw`); every
/// `release` by one `Event::Released`; a connection is lent to one request at a time; the meters of
/// [`Cx::meter`] follow the pool's own counters. A request that deals with the pool may carry one number of the
/// pool's (`Request::pool_tag`), a connection another (`Conn::near_tag`).
pub trait Pool: Send + CopiedPool {
    /// The run begins: what the library opens at its start, and the timers it sets.
    fn start(&mut self, cx: &mut Cx) {
        let _ = cx;
    }
    /// A request asks for a connection.
    fn acquire(&mut self, request: RequestId, cx: &mut Cx);
    /// A waiter that was told to look looks.
    fn woken(&mut self, request: RequestId, cx: &mut Cx) {
        let _ = (request, cx);
        unreachable!("this kind of pool hands connections over and wakes nobody");
    }
    /// `request` no longer wants what it asked for. It may have been answered already in this instant.
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx);
    /// `request` gives `conn` back; the condition stands in the connection.
    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx);
    /// A connection it dialled is open.
    fn opened(&mut self, conn: ConnId, cx: &mut Cx);
    /// A connection it dialled could not be opened; it is gone when this returns.
    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx);
    /// A statement of the pool's own is answered; the reply stands in the connection.
    fn replied(&mut self, conn: ConnId, cx: &mut Cx);
    /// The far end of a connection in the pool's hands has closed. It is still to be hung up.
    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx);
    /// The far end of a connection that `request` holds has closed. It is still to be given back.
    fn lost_while_lent(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let _ = (request, conn, cx);
    }
    /// An alarm of its own.
    fn ring(&mut self, alarm: u64, cx: &mut Cx);
    /// From here on its dice, if it throws any, are those of `seed`.
    fn reseed(&mut self, seed: &Seed) {
        let _ = seed;
    }
    /// A statement outside a transaction begins one (SQLAlchemy's autobegin).
    fn autobegin(&self) -> bool {
        false
    }
    /// Connections that are checked out, as the pool counts them, and requests that wait.
    fn gauges(&self) -> Gauges;
    /// What the library itself would print of its state.
    fn status(&self) -> String;
}

copied!(Pool as CopiedPool);

/// A pool's own counters, for invariants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Checked out: lent, being opened, checked, reset or closed.
    pub in_use: u64,
    /// Places in the idle list, empty ones included.
    pub idle: u64,
    /// Requests that wait.
    pub pending: u64,
    /// Most that may be in use, if there is a limit.
    pub limit: Option<u64>,
}

/// A pool as a file writes it.
pub trait PoolKind {
    /// Says what is wrong with the parameters and what would be right.
    fn check(&self) -> Result<(), Invalid>;
    /// The pool of one worker; `seed` is the pool's own, for its dice if it throws any.
    fn build(&self, worker: WorkerId, seed: &Seed) -> Box<dyn Pool>;
    /// Most connections one pool opens at once; nothing without a limit.
    fn most_connections(&self) -> Option<u64>;
    /// Its size as people say it: "20+10".
    fn size(&self) -> String;
    /// What the log says when the wait is over.
    fn timeout_text(&self) -> String;
}

kinds! {
    /// A worker's connection pool as an experiment file writes it.
    pub enum PoolSpec: PoolKind {
        SqlAlchemy(sqlalchemy::SqlAlchemy),
        PsycopgPool(psycopg_pool::PsycopgPool),
        AsyncpgPool(asyncpg_pool::AsyncpgPool),
        Hikari(hikari::Hikari),
        Pgx(pgx::Pgx),
        DatabaseSql(database_sql::DatabaseSql),
        Sqlx(sqlx::Sqlx),
        Deadpool(deadpool::Deadpool),
        Bb8(bb8::Bb8),
        R2d2(r2d2::R2d2),
        NodePostgres(node_postgres::NodePostgres),
        Npgsql(npgsql::Npgsql),
    } unit {
        NullPool(null::NullPool),
    }
}

/// Which idle connection is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum QueueOrder {
    /// The one that came back first.
    #[default]
    Fifo,
    /// The one that came back last.
    Lifo,
}

/// What a pool's size must be.
fn size(name: &str, size: u32) -> Result<(), Invalid> {
    if !(1..=1_000_000).contains(&size) {
        return Err(Invalid::field(name, format!("{name} is 1 or more, up to a million")));
    }
    Ok(())
}

/// What the least number of connections must be.
fn at_most(name: &str, least: u32, most_name: &str, most: u32) -> Result<(), Invalid> {
    if least > most {
        return Err(Invalid::field(name, format!("{name} is at most {most_name}, which is {most}")));
    }
    Ok(())
}

/// What the period of a timer must be.
fn period(name: &str, period: Span) -> Result<(), Invalid> {
    if period < Span::from_millis(1) {
        return Err(Invalid::field(name, format!("{name} is a period: at least 1ms")));
    }
    Ok(())
}

/// "4–20", or "20" where nothing grows.
fn range(least: u32, most: u32) -> String {
    if least == most { most.to_string() } else { format!("{least}–{most}") }
}
