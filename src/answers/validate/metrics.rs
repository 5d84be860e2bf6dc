//! What is compared: the figures of one run, and how far apart they may be.

use crate::measure::histogram::Histogram;
use crate::measure::outcome::Outcome;
use crate::protocol::error::Error;

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Answered per second.
    Throughput,
    /// Of completed requests.
    Latency(Point),
    /// Of checkouts that got a connection.
    PoolWait(Point),
    /// Requests that failed so.
    Failed(Error),
    /// How long after a fault the last request failed.
    Failing,
    /// Connections opened by pools.
    Connects,
    /// The most that were open at once.
    MostConnections,
}

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The mean.
    Mean,
    /// So many in a hundred do not exceed it.
    P(u8),
}

const POINTS: [Point; 4] = [Point::Mean, Point::P(50), Point::P(90), Point::P(99)];

/// All figures that are compared, with the errors that any of these outcomes has.
pub fn all(outcomes: &[&Outcome]) -> Vec<Metric> {
    let latencies = POINTS.map(Metric::Latency);
    let waits = POINTS.map(Metric::PoolWait);
    let met = Error::ALL.iter().enumerate().filter(|(index, _)| outcomes.iter().any(|outcome| failed(outcome, *index) > 0));
    let errors = met.map(|(_, error)| Metric::Failed(*error));
    let first = [Metric::Throughput].into_iter().chain(latencies).chain(waits);
    first.chain(errors).chain([Metric::Failing, Metric::Connects, Metric::MostConnections]).collect()
}

impl Metric {
    /// By the name that it has in the documents.
    pub fn name(self) -> String {
        let point = |of: &str, point: Point| match point {
            Point::Mean => format!("{of}.mean"),
            Point::P(percent) => format!("{of}.p{percent}"),
        };
        match self {
            Metric::Throughput => "requests.throughput".to_owned(),
            Metric::Latency(at) => point("latency", at),
            Metric::PoolWait(at) => point("pool_wait", at),
            Metric::Failed(error) => format!("requests.errors.{}", error.name()),
            Metric::Failing => "recovery.failing".to_owned(),
            Metric::Connects => "pools.connects".to_owned(),
            Metric::MostConnections => "pools.open_max".to_owned(),
        }
    }

    /// Its value in one run of so many seconds, if the run has one.
    pub fn value(self, outcome: &Outcome, seconds: f64) -> Option<f64> {
        let of = |point: Point, histogram: &Histogram| match point {
            Point::Mean => histogram.mean().map(|ns| ns / 1e9),
            Point::P(percent) => histogram.quantile(f64::from(percent) / 100.0).map(|ns| ns as f64 / 1e9),
        };
        let streams = || outcome.streams.iter();
        let value = match self {
            Metric::Throughput => streams().map(|stream| stream.completed).sum::<u64>() as f64 / seconds,
            Metric::Latency(at) => return of(at, &Histogram::merged(streams().map(|stream| &stream.latency))),
            Metric::PoolWait(at) => return of(at, &Histogram::merged(streams().map(|stream| &stream.pool_wait))),
            Metric::Failed(error) => failed(outcome, error as usize) as f64,
            // No outcome knows when faults struck: it is told with the requests themselves.
            Metric::Failing => return None,
            Metric::Connects => outcome.pools.iter().map(|pool| pool.connects).sum::<u64>() as f64,
            Metric::MostConnections => outcome.pools.iter().map(|pool| pool.open.most).sum::<u64>() as f64,
        };
        Some(value)
    }

    /// How far from its live mean a figure may be, in its own unit, when so many requests arrive in a run: a share of it,
    /// but never less than what the clocks and schedulers of a machine blur. `relative` stands in for the shares of all
    /// times.
    ///
    /// The shares are what a simulation can be expected to reach whose costs were measured in other runs: a hundredth in
    /// the time that a connection is held is a tenth in the wait of a pool that is busy nine tenths of its time.
    pub fn margin(self, live: f64, arrived: f64, relative: Option<f64>) -> f64 {
        let time = |share: f64, least: f64| f64::max(relative.unwrap_or(share) * live, least);
        match self {
            Metric::Throughput => 0.02 * live,
            Metric::Latency(Point::P(99..)) => time(0.2, 2e-3),
            Metric::Latency(_) => time(0.1, 0.5e-3),
            Metric::PoolWait(Point::P(99..)) => time(0.2, 2e-3),
            Metric::PoolWait(_) => time(0.2, 0.5e-3),
            Metric::Failed(_) => f64::max(0.1 * live, (0.005 * arrived).max(2.0)),
            // A restarted server is ready when it is; the next request to see it comes when it comes.
            Metric::Failing => f64::max(relative.unwrap_or(0.1) * live, 0.05),
            Metric::Connects => f64::max(0.05 * live, 2.0),
            Metric::MostConnections => f64::max(0.05 * live, 1.0),
        }
    }
}

fn failed(outcome: &Outcome, error: usize) -> u64 {
    outcome.streams.iter().map(|stream| stream.errors[error]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::outcome::StreamOutcome;

    #[test]
    fn only_errors_that_somebody_met_are_compared() {
        let mut stream = StreamOutcome { errors: vec![0; Error::ALL.len()], ..StreamOutcome::default() };
        stream.errors[Error::PoolTimeout as usize] = 3;
        stream.latency.record(5_000_000);
        let outcome = Outcome { streams: vec![stream], ..Outcome::default() };
        let met: Vec<Metric> = all(&[&outcome]).into_iter().filter(|metric| matches!(metric, Metric::Failed(_))).collect();
        assert_eq!(met, [Metric::Failed(Error::PoolTimeout)]);
        assert_eq!(met[0].value(&outcome, 10.0), Some(3.0));
        assert_eq!(met[0].name(), "requests.errors.PoolTimeout");
        assert_eq!(Metric::Latency(Point::P(99)).value(&outcome, 10.0), Some(0.005));
        assert_eq!(Metric::PoolWait(Point::Mean).value(&outcome, 10.0), None, "nobody checked anything out");
    }

    #[test]
    fn a_margin_is_a_share_of_what_is_large_and_never_below_what_clocks_blur() {
        let mean = Metric::Latency(Point::Mean);
        assert_eq!((mean.margin(0.1, 1e3, None), mean.margin(0.001, 1e3, None)), (0.1 * 0.1, 0.5e-3));
        assert_eq!(mean.margin(0.1, 1e3, Some(0.02)), 0.02 * 0.1);
    }
}
