//! An application process: its event loop, its requests' steps, its pool's customers.

use serde::{Deserialize, Serialize};

use crate::parts::pool::PoolSpec;
use crate::protocol::driver::DriverSpec;

/// How arrivals are spread over an app's workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// By the request's own dice.
    Random,
    /// To the worker with the fewest requests, the first among equals.
    LeastBusy,
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
