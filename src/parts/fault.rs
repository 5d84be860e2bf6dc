//! What can go wrong, and when.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;

/// A fault at an instant of the run, as an experiment file writes it: `At("1min", RestartDatabase(down: "3s"))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct At(
    /// When, from the start of the run (the warm-up counts).
    pub Span,
    /// What.
    pub FaultSpec,
);

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FaultSpec {
    /// Every session ends with `terminating connection due to administrator command`; new ones are refused for `down`, then
    /// told that the server is starting up.
    RestartDatabase {
        /// How long connections are refused.
        down: Span,
        /// How long after that they hear `the database system is starting up`.
        #[serde(default)]
        starting: Span,
    },
    /// A backend crashes, so PostgreSQL ends all sessions without a word, and lets nobody in until the log is replayed.
    CrashDatabase {
        /// How long it replays.
        recovery: Span,
    },
    /// The server is gone, its sessions with it; another takes its place after `down`.
    Failover {
        /// How long nobody answers connection requests.
        down: Span,
    },
    /// Statements take longer: a checkpoint, a noisy neighbour, a bad disk.
    SlowDatabase {
        /// So many times as long.
        factor: f64,
        /// For how long.
        lasting: Span,
    },
    /// Connection set-ups that begin now take longer.
    SlowConnects {
        /// So many times as long.
        factor: f64,
        /// For how long.
        lasting: Span,
    },
    /// The way to the database is cut and nobody is told: what is sent arrives when the way is free again.
    Partition {
        /// For how long.
        lasting: Span,
    },
    /// PgBouncer's process is replaced: every connection on both sides ends without a word, and nobody listens for `down`.
    RestartProxy {
        /// How long connections are refused.
        down: Span,
    },
    /// An exclusive lock on the table that all use (a migration): statements wait for its end, and keep their connections.
    LockTable {
        /// How long it is held.
        lasting: Span,
    },
    /// A rolling deploy: the app's workers are replaced one after the other. Each new one is up before the old one, which
    /// then gets no more requests, finishes those that it has and closes its connections.
    Deploy {
        /// Whose workers.
        app: String,
        /// From one replacement to the next; zero replaces all at once.
        each: Span,
        /// How long the old one goes on beside the new one.
        overlap: Span,
    },
    /// From now on the app has so many workers: new ones begin at once, and those that are too many get no more requests,
    /// finish those that they have and close their connections.
    Scale {
        /// Whose workers.
        app: String,
        /// How many.
        workers: u32,
    },
    /// This fraction of the database's sessions ends.
    KillConnections {
        /// Of all sessions, 0 ..= 1.
        fraction: f64,
    },
}

impl FaultSpec {
    /// A restart after which the server is ready as soon as it answers.
    pub fn restart(down: Span) -> FaultSpec {
        FaultSpec::RestartDatabase { down, starting: Span::ZERO }
    }

    /// The app whose workers come and go, if that is what happens.
    pub fn app(&self) -> Option<&String> {
        match self {
            FaultSpec::Deploy { app, .. } | FaultSpec::Scale { app, .. } => Some(app),
            _ => None,
        }
    }

    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            FaultSpec::KillConnections { fraction } if !(0.0..=1.0).contains(fraction) => {
                Err(Invalid::field("fraction", "a fraction lies between 0 and 1"))
            }
            FaultSpec::SlowDatabase { factor, .. } | FaultSpec::SlowConnects { factor, .. } if !(0.001..=100_000.0).contains(factor) => {
                Err(Invalid::field("factor", "factor says how many times as long it takes: 10 is ten times as long"))
            }
            FaultSpec::Scale { workers: 0, .. } => {
                Err(Invalid::field("workers", "an app without workers answers nobody: scale to 1 or more"))
            }
            _ => Ok(()),
        }
    }
}
