//! A complete system: every choice made, every default filled in, nothing checked away. A model is built from it.

use serde::Serialize;

use crate::kernel::latency::LatencySpec;
use crate::parts::client::{Balance, StreamSpec};
use crate::parts::database::Postgres;
use crate::parts::fault::{At, FaultSpec};
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::driver::DriverSpec;
use crate::simulation::roster::Roster;

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

impl Blueprint {
    /// Apps that talk directly to a PostgreSQL as it comes, over wires that take no time, and nothing goes wrong. Whatever
    /// is to be different can be set in the fields.
    pub fn new(workload: Vec<StreamSpec>, apps: Vec<AppSpec>) -> Blueprint {
        let network = Network { app: LatencySpec::default(), proxy: LatencySpec::default() };
        Blueprint { workload, apps, proxy: ProxySpec::Direct, database: Postgres::default(), network, faults: Vec::new() }
    }

    /// Every worker that there ever is, in the order of their ids: its app, and its number there, from 1.
    pub fn workers(&self) -> impl Iterator<Item = (&AppSpec, u32)> {
        self.apps.iter().flat_map(|app| (1..=Roster::of(app, &self.faults).ever).map(move |number| (app, number)))
    }

    /// How many workers the app has where it has most: at the start, or after it was scaled out. Those that a deploy replaces
    /// and that are still there do not count.
    pub fn most_workers(&self, app: &AppSpec) -> u32 {
        let scaled = self.faults.iter().filter_map(|At(_, fault)| match fault {
            FaultSpec::Scale { app: name, workers } if *name == app.name => Some(*workers),
            _ => None,
        });
        scaled.fold(app.workers, u32::max)
    }

    /// Whether the question is about a fixed span of time rather than a steady state: something goes wrong in it, or
    /// arrivals change as time goes by.
    pub fn is_finite(&self) -> bool {
        !self.faults.is_empty() || self.workload.iter().any(|stream| !stream.arrivals.kind().stationary())
    }
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

impl AppSpec {
    /// One worker, which handles any number of requests at once, with an ideal driver.
    pub fn new(name: &str, pool: impl Into<PoolSpec>) -> AppSpec {
        AppSpec {
            name: name.to_owned(),
            workers: 1,
            balance: Balance::default(),
            concurrency: None,
            driver: DriverSpec::default(),
            pool: pool.into(),
        }
    }
}
