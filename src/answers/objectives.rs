//! Whether what must hold does.

use crate::answers::document::{Met, Point};
use crate::experiment::Objective;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::Confidence;
use crate::measure::outcome::Outcome;
use crate::measure::quantiles::Quantiles;

/// Each objective with what was measured. What cannot be measured is not met.
pub fn judge(objectives: &[Objective], point: &Point, outcomes: &[Outcome]) -> Vec<Met> {
    objectives.iter().map(|objective| met(objective, point, outcomes)).collect()
}

fn met(objective: &Objective, point: &Point, outcomes: &[Outcome]) -> Met {
    let steady = !matches!(point.verdict.as_str(), "unstable" | "too short");
    let (measured, limit) = match objective {
        Objective::Latency { p, below } => (quantile(outcomes, *p, steady, |stream| &stream.latency), below.seconds()),
        Objective::Wait { p, below } => (quantile(outcomes, *p, steady, |stream| &stream.pool_wait), below.seconds()),
        Objective::Errors { below } => (point.requests.error_rate, *below),
        Objective::Connections { below } => (Some(point.database.connections_max as f64), *below as f64),
        Objective::Recovery { below } => (point.recovery.last().and_then(|last| last.after), below.seconds()),
    };
    Met { objective: objective.to_string(), measured, met: measured.is_some_and(|measured| measured < limit) }
}

/// The quantile over all requests of all streams and replications, in seconds; nothing if too few lie beyond it.
fn quantile(outcomes: &[Outcome], p: f64, steady: bool, of: fn(&crate::measure::outcome::StreamOutcome) -> &Histogram) -> Option<f64> {
    let merged: Vec<Histogram> = outcomes.iter().map(|outcome| Histogram::merged(outcome.streams.iter().map(of))).collect();
    let figure = steady.then(|| Quantiles::of(&merged).quantile(p, Confidence::USUAL))?;
    figure.value().map(|ns| ns / 1e9)
}
