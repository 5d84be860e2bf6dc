//! What a live run has written down: every attempt of every request, every connection of the pools, and looks at the
//! servers and at the machine. Plain data; [`outcome`] counts it as a simulated run is counted.
//!
//! All times are nanoseconds since the start of the run, on one clock. What a driver had no part in is counted by whoever
//! was there: the client sends, the worker begins, asks, gets, states and gives back.

use std::io;

use serde::{Deserialize, Serialize};

use crate::protocol::error::Error;

pub mod costs;
pub mod fitness;
pub mod outcome;
#[cfg(test)]
mod tests;

/// Everything of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// What was run, and how.
    pub about: About,
    /// Attempts in the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// What became of the pools' connections, in order.
    pub pools: Vec<PoolEvent>,
    /// Looks at the servers, in order.
    pub looks: Vec<Look>,
    /// Looks at the machine, in order.
    pub health: Vec<Health>,
    /// What was done to the servers.
    pub faults: Vec<Struck>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// What was run, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of poolcast.
    pub poolcast: String,
    /// The seed of the plan.
    pub seed: u64,
    /// Which replication of the plan it was.
    pub replication: u64,
    /// Time not counted.
    pub warmup: u64,
    /// Time counted.
    pub duration: u64,
    /// The streams by number.
    pub streams: Vec<String>,
    /// The app of each worker, by the worker's number.
    pub workers: Vec<String>,
    /// What setting up a connection took of each worker's event loop, measured before the start, nanoseconds; zero where there is
    /// no loop to wait for.
    #[serde(default)]
    pub set_ups: Vec<u64>,
    /// `sleep` or `compute`: what a statement's demand was at the server.
    pub statements: String,
    /// Which programs and libraries took part, with their versions.
    pub versions: Vec<String>,
}

/// One attempt of one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The stream's number.
    pub stream: u32,
    /// The request's number in it: the same request as in a simulation of the same seed and replication.
    pub number: u64,
    /// Counted from 1.
    pub attempt: u32,
    /// The worker's number.
    pub worker: u32,
    /// When the request was to arrive.
    pub arrived: u64,
    /// When this attempt was to be sent: later than `arrived` for a retry.
    pub due: u64,
    /// When it was sent; 0 if its client gave up, or the run was over, in the pause before it.
    pub sent: u64,
    /// When the worker took it up.
    pub began: Option<u64>,
    /// Its checkouts in the order in which they were asked for.
    pub checkouts: Vec<Checkout>,
    /// Its statements in order.
    pub statements: Vec<Statement>,
    /// When the worker was done with it.
    pub ended: Option<u64>,
    /// When its client heard the end or gave up; nothing if the run was over first.
    pub heard: Option<u64>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// Another attempt follows.
    pub retried: bool,
}

/// A connection taken from the pool and given back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkout {
    /// Asked for.
    pub asked: u64,
    /// Got.
    pub got: Option<u64>,
    /// Began to give it back.
    pub given: Option<u64>,
    /// Had given it back.
    pub back: Option<u64>,
    /// Connections opened inside it, from asking the server to its being ready.
    pub connects: Vec<(u64, u64)>,
}

/// A statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Which of the attempt's checkouts it went to.
    pub checkout: u32,
    /// What it was.
    pub kind: StatementKind,
    /// What was drawn.
    pub demand: u64,
    /// What was asked of the server: `pg_sleep` knows only whole milliseconds, so the draw was rounded up or down by
    /// chance, right on average.
    pub served: u64,
    /// Sent.
    pub sent: u64,
    /// Answered.
    pub replied: Option<u64>,
}

/// What a statement was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatementKind {
    /// Work for the server.
    #[default]
    Query,
    /// The library's `BEGIN`, where it is told to send one.
    Begin,
    /// `COMMIT`.
    Commit,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// By the name it has here, if it has one.
    pub name: Option<Error>,
    /// As the library told it.
    pub text: String,
}

/// What became of a connection of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolEvent {
    /// The pool's worker.
    pub worker: u32,
    /// When.
    pub at: u64,
    /// Opened (true) or closed.
    pub opened: bool,
    /// How long the set-up took, if it was measured.
    pub took: Option<u64>,
}

/// A look at the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: u64,
    /// The experiment's sessions at the database, if it answered.
    pub sessions: Option<u32>,
    /// Those with a statement under way.
    pub active: Option<u32>,
    /// Client connections at the proxy.
    pub proxy_clients: Option<u32>,
    /// Of those, waiting for a server connection.
    pub proxy_waiting: Option<u32>,
    /// Server connections of the proxy.
    pub proxy_servers: Option<u32>,
    /// Of those, linked to a client.
    pub proxy_linked: Option<u32>,
}

/// A look at the machine: cores in use since the look before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// When.
    pub at: u64,
    /// Taken away by the hypervisor.
    pub steal: f64,
    /// By poolcast itself and the drivers that are part of it.
    pub client: f64,
    /// By the busiest driver process.
    pub busiest_driver: f64,
    /// By the servers that poolcast has started.
    pub servers: f64,
    /// By everybody else.
    pub foreign: f64,
}

/// Something that was done to a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Struck {
    /// What, as a file writes it.
    pub what: String,
    /// When it was to happen.
    pub due: u64,
    /// When it began.
    pub at: u64,
    /// When it was over: the server answers again.
    pub until: u64,
}

impl Recording {
    /// One line of JSON for each thing, under the name of what it is: `{"about": …}`, `{"attempt": …}`, `{"pool": …}` ….
    pub fn lines(&self, print: &mut dyn FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        let mut line = |name: &str, thing: &dyn Fn() -> serde_json::Result<String>| print(&format!("{{\"{name}\":{}}}\n", thing()?));
        line("about", &|| serde_json::to_string(&self.about))?;
        for attempt in &self.attempts {
            line("attempt", &|| serde_json::to_string(attempt))?;
        }
        for event in &self.pools {
            line("pool", &|| serde_json::to_string(event))?;
        }
        for look in &self.looks {
            line("look", &|| serde_json::to_string(look))?;
        }
        for health in &self.health {
            line("health", &|| serde_json::to_string(health))?;
        }
        for struck in &self.faults {
            line("fault", &|| serde_json::to_string(struck))?;
        }
        for warning in &self.warnings {
            line("warning", &|| serde_json::to_string(warning))?;
        }
        Ok(())
    }
}

impl Attempt {
    /// Whether the client's story ended with this attempt.
    pub fn is_last(&self) -> bool {
        !self.retried
    }

    /// How late the worker took it up, in nanoseconds: the driver's and the machine's fault.
    pub fn lateness(&self) -> Option<u64> {
        self.began.map(|began| began.saturating_sub(self.due))
    }
}
