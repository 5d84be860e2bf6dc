//! SQLAlchemy's `NullPool`: a connection for each checkout.

use super::{Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::protocol::event::WorkerId;

/// No pool: connects at checkout, closes at checkin, never waits, has no limit.
pub struct NullPool;

impl Example for NullPool {
    const EXAMPLE: &'static str = "NullPool";
}

impl PoolKind for NullPool {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn build(&self, _: WorkerId) -> Box<dyn Pool> {
        todo!()
    }
    fn most_connections(&self) -> Option<u64> {
        None
    }
    fn size(&self) -> String {
        "no pool".to_owned()
    }
    fn timeout_text(&self) -> String {
        "a NullPool never waits".to_owned()
    }
}
