//! The parts of the document that are about waves and deadlocks.

use serde::{Deserialize, Serialize};

/// Connections that are opened together, again and again, without a fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Where they go: `database` or `proxy`.
    pub place: String,
    /// Connects per second, on average.
    pub mean: f64,
    /// In the fullest second, mean over replications.
    pub peak: f64,
    /// Waves, in all replications together.
    pub count: u64,
    /// Seconds from one wave to the next; nothing if that differs, or if too few were seen to say.
    pub period: Option<f64>,
    /// The setting that makes them, where one has that time.
    pub setting: Option<String>,
    /// What that setting looks at: `age` (they are replaced together) or `idle` (they are closed when nothing happens, and
    /// opened together when something does).
    pub cause: Option<String>,
    /// The setting beside it that would spread them, if that kind has one.
    pub jitter: Option<String>,
    /// The fullest second of each part of the counted span (all parts are equally long), mean over replications.
    pub curve: Vec<f64>,
}

/// Pools, or a proxy, that came to a standstill because all who held their connections waited for another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deadlocks {
    /// How many.
    pub seen: u64,
    /// In so many replications: one deadlock leads to the next, but only within a run.
    pub runs: u64,
    /// Hours of this load until the first one of each replication, or to its end, all together.
    pub hours: f64,
    /// The probability of meeting one within an hour of this load.
    pub per_hour: f64,
    /// Its exact 95 % interval, for a first one that is as likely at any time.
    pub per_hour_ci95: [f64; 2],
    /// Who held and who waited in the first one.
    pub first: Option<String>,
}
