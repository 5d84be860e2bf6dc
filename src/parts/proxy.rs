//! What may stand between the pools and the database.

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Seed;
use crate::kinds;
use crate::protocol::server::{Proxy, Slots};

mod direct;
#[cfg(test)]
mod disorder;
#[cfg(test)]
mod house;
mod list;
pub mod pgbouncer;
pub mod rds_proxy;

/// A proxy as a file writes it.
pub trait ProxyKind {
    /// Says what is wrong with the parameters and what would be right.
    fn check(&self) -> Result<(), Invalid>;
    /// The proxy in front of a database with these slots, or nothing for a direct connection.
    fn build(&self, database: Slots, seed: &Seed) -> Option<Box<dyn Proxy>>;
}

kinds! {
    /// What may stand between the pools and the database, as an experiment file writes it.
    pub enum ProxySpec: ProxyKind {
        PgBouncer(pgbouncer::PgBouncer),
        RdsProxy(rds_proxy::RdsProxy),
    } unit {
        Direct(direct::Direct),
    }
}
