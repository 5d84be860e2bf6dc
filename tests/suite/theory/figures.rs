//! Quantities of the theory, read off a replication: each as a ratio of two numbers.

use poolcast::kernel::time::Span;
use poolcast::measure::histogram::Histogram;
use poolcast::measure::outcome::Outcome;
use poolcast::protocol::error::Error;

use super::exact::{Figure, Given};

const MS: f64 = 1e6;

/// What `outcome` says of `figure`, as (Y, X) of a ratio whose exact value is known; times in milliseconds.
pub fn ratio(figure: &Figure, given: &Given, outcome: &Outcome, duration: Span) -> (f64, f64) {
    let (stream, pool, database) = (&outcome.streams[0], &outcome.pools[0], &outcome.database);
    let (wait, latency) = (&stream.pool_wait, &stream.latency);
    let refused = (stream.errors[Error::PoolTimeout as usize] + stream.errors[Error::PoolQueueFull as usize]) as f64;
    let arrived = stream.arrived as f64;
    match figure.name {
        "prob_wait" => (stream.waited as f64, wait.count() as f64),
        "mean_wait" => (wait.sum() as f64 / MS, wait.count() as f64),
        "mean_square_wait" => (squares(wait), wait.count() as f64),
        "wait_over" => (above(wait, figure), wait.count() as f64),
        "prob_refused" => (refused, arrived),
        "prob_wait_or_refused" => (stream.waited as f64 + refused, arrived),
        "mean_wait_all" => (wait.sum() as f64 / MS + refused * given.timeout.expect("waits that end have a longest"), arrived),
        "connects_per_request" => (pool.connects as f64, arrived),
        "mean_sojourn" => (latency.sum() as f64 / MS, latency.count() as f64),
        "mean_square_sojourn" => (squares(latency), latency.count() as f64),
        "sojourn_over" => (above(latency, figure), latency.count() as f64),
        "throughput" => (stream.completed as f64, duration.nanos() as f64 / MS),
        "mean_waiting" => (pool.pending.mean, 1.0),
        "mean_in_use" => (pool.in_use.mean, 1.0),
        "mean_open" => (pool.open.mean, 1.0),
        "mean_active" => (database.active.mean, 1.0),
        "mean_busy" => (database.busy.mean, 1.0),
        other => panic!("nobody knows how to read {other} off an outcome"),
    }
}

/// How many exceed the figure's time; within a bin values are taken to be spread evenly.
fn above(histogram: &Histogram, figure: &Figure) -> f64 {
    let limit = figure.at.expect("a tail has a place") * MS;
    let part = |low: u64, high: u64| ((high as f64 + 0.5 - limit) / (high - low + 1) as f64).clamp(0.0, 1.0);
    histogram.bins().map(|bin| bin.count as f64 * part(bin.low, bin.high)).sum()
}

/// The sum of squares, each value taken in the middle of its bin.
fn squares(histogram: &Histogram) -> f64 {
    let middle = |low: u64, high: u64| 0.5 * (low as f64 + high as f64) / MS;
    histogram.bins().map(|bin| bin.count as f64 * middle(bin.low, bin.high) * middle(bin.low, bin.high)).sum()
}
