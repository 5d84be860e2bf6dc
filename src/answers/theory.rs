//! What queueing theory says of a system, beside what was simulated: whoever compares them sees that the simulator is
//! right where theory has an answer, and what the system adds where it nearly has one.
//!
//! [`pool`] and [`database`] recognise the systems. They speak only where every condition of a result is known to hold,
//! or is known to fail by little; of everything else they say nothing.

use crate::answers::document::{Compared, Theory};
use crate::answers::runner::Course;
use crate::answers::theory::seen::Seen;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::{Confidence, Estimate, Figure, mean, ratio};
use crate::measure::outcome::{Outcome, StreamOutcome};
use crate::measure::quantiles::Quantiles;
use crate::simulation::blueprint::Blueprint;

mod database;
mod load;
mod pool;
mod seen;
mod steps;

/// A system that theory solves.
struct Solved {
    /// In Kendall's notation.
    model: String,
    /// What the result rests upon and holds.
    conditions: Vec<String>,
    /// What it rests upon and holds only nearly.
    nearly: Vec<String>,
    /// About how many of the requests wait for a connection: waits that are hardly ever seen are not compared.
    waited: f64,
    /// What it says: seconds, fractions, numbers, each as the document has them.
    says: Vec<(Metric, f64)>,
}

/// A figure of the document that theory knows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    Waited,
    MeanWait,
    WaitP99,
    ErrorRate,
    Throughput,
    MeanActive,
}

/// Of a share this many must be expected in each replication, else it has no interval worth the name.
const LEAST: f64 = 2.0;

/// What theory says of a system in a steady state.
pub fn beside(blueprint: &Blueprint, outcomes: &[Outcome], course: Course) -> Vec<Theory> {
    let seen = Seen::of(outcomes);
    let solved = pool::solve(blueprint, &seen).into_iter().chain(database::solve(blueprint, &seen));
    solved.map(|solved| compared(solved, outcomes, course)).filter(|theory| !theory.figures.is_empty()).collect()
}

fn compared(solved: Solved, outcomes: &[Outcome], course: Course) -> Theory {
    let requests = outcomes.iter().map(|outcome| sum(outcome, |stream| stream.arrived)).sum::<f64>();
    let is_seen = |share: f64| share * requests >= LEAST * outcomes.len() as f64;
    let figures = solved.says.iter().filter(|(metric, value)| match metric {
        Metric::Waited | Metric::MeanWait | Metric::WaitP99 => is_seen(solved.waited),
        Metric::ErrorRate => is_seen(*value),
        Metric::Throughput | Metric::MeanActive => true,
    });
    let figures = figures.filter_map(|&(metric, value)| metric.compare(value, outcomes, course));
    Theory {
        figures: figures.collect(),
        model: solved.model,
        exact: solved.nearly.is_empty(),
        conditions: solved.conditions,
        nearly: solved.nearly,
    }
}

impl Metric {
    /// As a path into the document's point.
    fn path(self) -> &'static str {
        match self {
            Metric::Waited => "pool_wait.waited",
            Metric::MeanWait => "pool_wait.mean",
            Metric::WaitP99 => "pool_wait.p99",
            Metric::ErrorRate => "requests.error_rate",
            Metric::Throughput => "requests.throughput",
            Metric::MeanActive => "database.active_mean",
        }
    }

    fn compare(self, value: f64, outcomes: &[Outcome], course: Course) -> Option<Compared> {
        let figure = self.simulated(outcomes, course);
        let simulated = figure.value()?;
        let interval = figure.estimate();
        Some(Compared {
            metric: self.path().to_owned(),
            value,
            simulated,
            simulated_ci95: interval.map(|estimate| [estimate.low, estimate.high]),
            difference: simulated - value,
            inside_interval: interval.map(|estimate| estimate.covers(value)),
        })
    }

    fn simulated(self, outcomes: &[Outcome], course: Course) -> Figure {
        let of = |pair: fn(&Outcome) -> (f64, f64)| ratio(&outcomes.iter().map(pair).collect::<Vec<_>>(), Confidence::USUAL);
        match self {
            Metric::Waited => of(|outcome| (sum(outcome, |s| s.waited), sum(outcome, |s| s.pool_wait.count()))),
            Metric::MeanWait => of(|outcome| {
                let waits = outcome.streams.iter().map(|stream| stream.pool_wait.sum() as f64 / 1e9).sum();
                (waits, sum(outcome, |s| s.pool_wait.count()))
            }),
            Metric::WaitP99 => {
                let waits: Vec<Histogram> = outcomes.iter().map(waits).collect();
                in_seconds(Quantiles::of(&waits).quantile(0.99, Confidence::USUAL))
            }
            Metric::ErrorRate => of(|outcome| {
                let failed = sum(outcome, |s| s.errors.iter().sum());
                (failed, failed + sum(outcome, |s| s.completed))
            }),
            Metric::Throughput => {
                let rates: Vec<f64> = outcomes.iter().map(|o| sum(o, |s| s.completed) / course.duration.seconds()).collect();
                mean(&rates, Confidence::USUAL)
            }
            Metric::MeanActive => {
                let numbers: Vec<f64> = outcomes.iter().map(|outcome| outcome.database.active.mean).collect();
                mean(&numbers, Confidence::USUAL)
            }
        }
    }
}

fn sum(outcome: &Outcome, what: impl Fn(&StreamOutcome) -> u64) -> f64 {
    outcome.streams.iter().map(what).sum::<u64>() as f64
}

fn waits(outcome: &Outcome) -> Histogram {
    let each: Vec<Histogram> = outcome.streams.iter().map(|stream| stream.pool_wait.clone()).collect();
    Histogram::merged(&each)
}

fn in_seconds(figure: Figure) -> Figure {
    match figure {
        Figure::Estimate(Estimate { value, low, high }) => {
            Figure::Estimate(Estimate { value: value / 1e9, low: low / 1e9, high: high / 1e9 })
        }
        Figure::Single(value) => Figure::Single(value / 1e9),
        unsupported => unsupported,
    }
}
