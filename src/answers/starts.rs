//! Two starts: whether a system that retries gets out of an overload again, or stays in it for as long as it runs.

use crate::answers::document::Answer;
use crate::answers::runner::Course;
use crate::answers::words::{percent, seconds};
use crate::kernel::time::Span;
use crate::measure::intervals::{Confidence, Estimate, Figure, mean, ratio};
use crate::measure::outcome::Outcome;
use crate::measure::stationary::{Verdict, falls, starts_disagree};
use crate::parts::client::StreamSpec;
use crate::parts::workload::Schedule;
use crate::simulation::blueprint::Blueprint;

/// How much the overload asks for, of what the busiest queue can do.
const OVERLOAD: f64 = 3.0;

/// The same system with an overload in the first half of the warm-up, where that may make a difference: something retries,
/// the question is about a steady state, and there is a warm-up. The requests of the overload are streams of their own
/// beside the others, so all others are the same requests as before.
pub fn overloaded(answer: &Answer, course: Course) -> Option<Blueprint> {
    let blueprint = &answer.blueprint;
    let retries = blueprint.workload.iter().any(|stream| stream.retry.as_ref().is_some_and(|retry| retry.attempts > 1));
    if !retries || course.warmup.is_zero() || answer.point.verdict != Verdict::Stable.to_string() {
        return None;
    }
    Some(with_overload(blueprint, answer.point.basis.utilisation, Span::from_nanos(course.warmup.nanos() / 2)))
}

/// The same system with an overload from the start until `end`: of three times what the busiest queue can do, of which it
/// now does this share if that is known. The requests of the overload are streams of their own.
pub fn with_overload(blueprint: &Blueprint, utilisation: Option<f64>, end: Span) -> Blueprint {
    let times = OVERLOAD / utilisation.unwrap_or(1.0).clamp(0.01, 1.0);
    let mut overloaded = blueprint.clone();
    overloaded.workload.extend(blueprint.workload.iter().filter_map(|stream| overload(stream, times, end)));
    overloaded
}

fn overload(stream: &StreamSpec, times: f64, end: Span) -> Option<StreamSpec> {
    let rate = stream.arrivals.kind().rate().filter(|rate| rate.is_finite() && *rate > 0.0)?;
    let arrivals = Schedule(vec![(Span::ZERO, (times * rate).min(1e9)), (end, 0.0)]).into();
    Some(StreamSpec { name: format!("{} (overload)", stream.name), arrivals, ..stream.clone() })
}

/// What the two starts say together: that the answer holds from either; or that there are two steady states, and the
/// figures are of one of them; or that the end of the overload was not to be seen.
pub fn judge(answer: &mut Answer, empty: &[Outcome], overloaded: &[Outcome]) {
    let (Figure::Estimate(low), Figure::Estimate(high)) = (at_the_end(empty), at_the_end(overloaded)) else { return };
    if !starts_disagree(&low, &high) {
        return;
    }
    let note = if falls(&series(overloaded)) == Some(true) {
        format!(
            "slow to recover: after an overload at the start {} requests were still under way at the end, and falling, \
             instead of {}",
            between(&high),
            between(&low)
        )
    } else {
        answer.point.verdict = Verdict::Metastable.to_string();
        format!(
            "metastable: started empty, {} requests are under way at the end, as in the figures here; after an overload at the \
             start, {}: mean latency {}, {} of requests fail, and retries keep it so",
            between(&low),
            between(&high),
            latency(overloaded, answer.blueprint.workload.len()),
            failures(overloaded, answer.blueprint.workload.len()),
        )
    };
    answer.point.notes.insert(0, note);
}

/// Requests under way in the last quarter of the counted span.
fn at_the_end(outcomes: &[Outcome]) -> Figure {
    let last = |one: &Vec<f64>| {
        let quarter = &one[one.len() - one.len() / 4..];
        quarter.iter().sum::<f64>() / quarter.len().max(1) as f64
    };
    mean(&series(outcomes).iter().map(last).collect::<Vec<f64>>(), Confidence::USUAL)
}

fn series(outcomes: &[Outcome]) -> Vec<Vec<f64>> {
    outcomes.iter().map(|outcome| outcome.windows.iter().map(|window| window.in_system).collect()).collect()
}

fn between(estimate: &Estimate) -> String {
    format!("{:.0}–{:.0}", estimate.low.max(0.0), estimate.high)
}

/// Of the streams that were there before the overload's.
fn latency(outcomes: &[Outcome], streams: usize) -> String {
    let of = |outcome: &Outcome| {
        let streams = &outcome.streams[..streams];
        let (sum, count) = streams.iter().fold((0.0, 0), |(sum, count), s| (sum + s.latency.sum() as f64 / 1e9, count + s.latency.count()));
        (sum, count as f64)
    };
    ratio(&outcomes.iter().map(of).collect::<Vec<_>>(), Confidence::USUAL).value().map_or("–".to_owned(), seconds)
}

fn failures(outcomes: &[Outcome], streams: usize) -> String {
    let of = |outcome: &Outcome| {
        let streams = &outcome.streams[..streams];
        let failed: u64 = streams.iter().flat_map(|stream| &stream.errors).sum();
        let completed: u64 = streams.iter().map(|stream| stream.completed).sum();
        (failed as f64, (failed + completed) as f64)
    };
    ratio(&outcomes.iter().map(of).collect::<Vec<_>>(), Confidence::USUAL).value().map_or("–".to_owned(), percent)
}
