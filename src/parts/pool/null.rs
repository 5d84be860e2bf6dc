//! SQLAlchemy's `NullPool` (2.1): a connection for each checkout. No parameters.

use super::{Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::protocol::error::Error;
use crate::protocol::event::WorkerId;

mod checkouts;

/// No pool: connects at checkout, closes at checkin, never waits, has no limit. Ping and recycle have no effect.
pub struct NullPool;

impl Example for NullPool {
    const EXAMPLE: &'static str = "NullPool";
    const WHAT: &'static str = "SQLAlchemy's NullPool: a new connection for each checkout, closed at checkin. No limit, no waiting.";
}

impl PoolKind for NullPool {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(checkouts::Checkouts::new(worker))
    }
    fn most_connections(&self) -> Option<u64> {
        None
    }
    fn size(&self) -> String {
        "no pool".to_owned()
    }
    fn timeout_text(&self) -> String {
        Error::PoolTimeout.text().to_owned()
    }
}
