//! What of the replications decides whether a result of theory can hold at all.

use crate::measure::outcome::Outcome;
use crate::protocol::error::Error;

/// What happened in all replications together.
pub struct Seen {
    /// Requests that failed because they waited too long for a connection.
    pub timed_out: u64,
    /// Requests that failed for any other reason, or had not ended.
    pub otherwise_failed: u64,
    /// Most that waited at once in the pools of one app.
    pub most_waiting: u64,
}

impl Seen {
    /// Summed up.
    pub fn of(outcomes: &[Outcome]) -> Seen {
        let streams = || outcomes.iter().flat_map(|outcome| &outcome.streams);
        let pools = outcomes.iter().flat_map(|outcome| &outcome.pools);
        let timed_out = streams().map(|stream| stream.errors[Error::PoolTimeout as usize]).sum();
        Seen {
            timed_out,
            otherwise_failed: streams().map(|stream| stream.arrived - stream.completed).sum::<u64>() - timed_out,
            most_waiting: pools.map(|pool| pool.pending.most).max().unwrap_or(0),
        }
    }
}
