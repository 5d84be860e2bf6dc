//! A complete system: every choice made, every default filled in, nothing checked away. A model is built from it.

use serde::Serialize;

use crate::kernel::latency::LatencySpec;
use crate::parts::client::{Balance, StreamSpec};
use crate::parts::database::Postgres;
use crate::parts::fault::At;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::driver::DriverSpec;

/// A complete system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Blueprint {
    /// What is asked of it; each stream goes to one of the apps.
    pub workload: Vec<StreamSpec>,
    /// The applications.
    pub apps: Vec<AppSpec>,
    /// What stands between them and the database.
    pub proxy: ProxySpec,
    /// The database.
    pub database: Postgres,
    /// The wires.
    pub network: Network,
    /// What goes wrong.
    pub faults: Vec<At>,
}

/// The wires, as round trips.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Network {
    /// App to its next hop.
    pub app: LatencySpec,
    /// Proxy to database.
    pub proxy: LatencySpec,
}

/// An application, complete: equal workers, each a process with its own event loop and its own pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppSpec {
    /// Its name.
    pub name: String,
    /// How many workers.
    pub workers: u32,
    /// How arrivals are spread over them.
    pub balance: Balance,
    /// Requests that a worker handles at once; the rest queue.
    pub concurrency: Option<u32>,
    /// The client library.
    pub driver: DriverSpec,
    /// The pool in each worker.
    pub pool: PoolSpec,
}
