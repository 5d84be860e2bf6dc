//! Whether what must hold does.

use crate::answers::document::{Met, Point};
use crate::experiment::Objective;
use crate::kernel::time::Span;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::Confidence;
use crate::measure::outcome::Outcome;
use crate::measure::quantiles::Quantiles;
use crate::parts::fault::At;
use crate::simulation::blueprint::Blueprint;

/// Each objective with what was measured. What cannot be measured is not met.
pub fn judge(objectives: &[Objective], point: &Point, blueprint: &Blueprint, outcomes: &[Outcome]) -> Vec<Met> {
    objectives.iter().map(|objective| met(objective, point, blueprint, outcomes)).collect()
}

fn met(objective: &Objective, point: &Point, blueprint: &Blueprint, outcomes: &[Outcome]) -> Met {
    let steady = !matches!(point.verdict.as_str(), "unstable" | "too short");
    let (measured, limit) = match objective {
        Objective::Latency { p, below } => (quantile(outcomes, *p, steady, |stream| &stream.latency), below.seconds()),
        Objective::Wait { p, below } => (quantile(outcomes, *p, steady, |stream| &stream.pool_wait), below.seconds()),
        Objective::Errors { below } => (point.requests.error_rate, *below),
        Objective::Connections { below } => (Some(point.database.connections_max as f64), *below as f64),
        Objective::Recovery { below } => (recovery(blueprint, point, outcomes), below.seconds()),
    };
    Met { objective: objective.to_string(), measured, met: measured.is_some_and(|measured| measured < limit) }
}

/// The quantile over all requests of all streams and replications, in seconds; nothing if too few lie beyond it.
fn quantile(outcomes: &[Outcome], p: f64, steady: bool, of: fn(&crate::measure::outcome::StreamOutcome) -> &Histogram) -> Option<f64> {
    let merged: Vec<Histogram> = outcomes.iter().map(|outcome| Histogram::merged(outcome.streams.iter().map(of))).collect();
    let figure = steady.then(|| Quantiles::of(&merged).quantile(p, Confidence::USUAL))?;
    figure.value().map(|ns| ns / 1e9)
}

/// Seconds from the last fault until the mean latency, slice by slice and averaged over replications, is back where it
/// was before the first fault: within three standard deviations of the slices' mean, three slices in a row.
fn recovery(blueprint: &Blueprint, point: &Point, outcomes: &[Outcome]) -> Option<f64> {
    let slices = outcomes.iter().map(|outcome| outcome.windows.len()).min()?;
    let width = point.duration / slices as f64;
    let second = |at: Span| at.seconds() - point.warmup;
    let first = blueprint.faults.iter().map(|At(at, _)| second(*at)).fold(f64::INFINITY, f64::min);
    let last = blueprint.faults.iter().map(|At(at, _)| second(*at)).fold(f64::NEG_INFINITY, f64::max);
    let mean = |slice: usize| {
        let (sum, count) = outcomes
            .iter()
            .map(|outcome| &outcome.windows[slice])
            .fold((0, 0), |(sum, count), w| (sum + w.latency_sum, count + w.completed));
        (count > 0).then(|| sum as f64 / count as f64)
    };
    let before: Vec<f64> = (0..slices).take_while(|slice| (*slice + 1) as f64 * width <= first).filter_map(mean).collect();
    if before.len() < 5 {
        return None;
    }
    let usual = before.iter().sum::<f64>() / before.len() as f64;
    let spread = (before.iter().map(|x| (x - usual) * (x - usual)).sum::<f64>() / (before.len() - 1) as f64).sqrt();
    let back = |slice: usize| mean(slice).is_some_and(|latency| latency <= usual + 3.0 * spread);
    let after = (0..slices).filter(|slice| *slice as f64 * width >= last);
    let found = after.into_iter().find(|slice| slice + 3 <= slices && (*slice..slice + 3).all(back))?;
    Some((found as f64 * width - last).max(0.0))
}
