//! The part of the document that is about faults.

use serde::{Deserialize, Serialize};

/// What became of the system after a fault. *Back* is inside the interval in which windows lay before the first fault; times
/// are seconds from the beginning of the (last) fault, means over replications with 95 % intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// What went wrong, in words.
    pub fault: String,
    /// When it began, in seconds from the start of the run.
    pub at: f64,
    /// When it was over by itself.
    pub over: f64,
    /// `unhurt`, `recovers`, `still recovering` (at the end of the run), `metastable` (load is what it was and the system is
    /// not, and does not come nearer), `load has grown`, `overtaken by the next fault`, or `undecided`.
    pub verdict: String,
    /// Until latency and error rate are back; nothing unless they are in every replication.
    pub after: Option<f64>,
    #[allow(missing_docs)]
    pub after_ci95: Option<[f64; 2]>,
    /// Replications in which they are back.
    pub back_in: u64,
    /// Mean latency.
    pub latency: Back,
    /// Failed requests as a share of those that ended.
    pub error_rate: Back,
    /// Connections at the database.
    pub connections: Back,
    /// Requests that failed until then, per replication, less those that would have failed anyway.
    pub lost: Option<f64>,
    #[allow(missing_docs)]
    pub lost_ci95: Option<[f64; 2]>,
    /// Connections that the database let in or turned away per second before.
    pub connects_per_second: f64,
    /// In the fullest second since the fault: the storm of those who come back.
    pub connects_per_second_peak: f64,
    /// The most that were being set up at the database at once.
    pub logins_peak: u64,
    /// The most requests that waited for a connection, in the pools or at the proxy.
    pub waiting_peak: u64,
    /// The most of them at the proxy.
    pub proxy_waiting_peak: u64,
    /// The most connections at the database from the fault until then.
    pub connections_peak: u64,
    /// The most client connections of the proxy.
    pub client_connections_peak: u64,
}

/// One quantity through a fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Back {
    /// The interval in which its windows lay before.
    pub before: Option<[f64; 2]>,
    /// The worst mean over replications of a window since.
    pub worst: Option<f64>,
    /// Until it was back inside; nothing unless it is in every replication.
    pub after: Option<f64>,
    #[allow(missing_docs)]
    pub after_ci95: Option<[f64; 2]>,
}
