//! Intervals cover the truth as often as they promise.

use std::ops::RangeInclusive;

use poolcast::measure::histogram::Histogram;
use poolcast::measure::intervals::{Confidence, mean};
use poolcast::measure::paired::{Direction, difference};
use poolcast::measure::quantiles::Quantiles;

use super::macro_runs::{Engine, MacroRun, Repeated, are_many, covers, line, number, promise};
use super::truth::Queue;

/// In percent, of intervals that promise 95: with 200 repetitions chance alone makes that much of a difference.
pub fn of_means() -> RangeInclusive<f64> {
    if are_many() { 93.0..=97.0 } else { 90.5..=99.0 }
}

fn of_quantiles() -> RangeInclusive<f64> {
    if are_many() { 92.0..=98.0 } else { 90.0..=99.5 }
}

/// What one repetition says of a queue whose requests wait for ever.
struct Seen {
    wait: f64,
    wait_covered: bool,
    latency_covered: bool,
    quantiles_covered: Vec<Option<bool>>,
    verdict: String,
    variance_of_waiting: f64,
}

const LEVELS: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

fn look(queue: Queue, run: MacroRun) -> Seen {
    let point = run.point();
    let waits: Vec<Histogram> = run.outcomes.iter().map(|outcome| outcome.streams[0].pool_wait.clone()).collect();
    let quantiles = Quantiles::of(&waits);
    let quantile = |p: f64| {
        let estimate = quantiles.quantile(p, Confidence::USUAL).estimate()?;
        Some(estimate.covers(1e9 * queue.wait_quantile(p)))
    };
    let waiting: Vec<f64> =
        run.outcomes.iter().map(|o| o.windows.iter().map(|w| w.waiting).sum::<f64>() / o.windows.len() as f64).collect();
    Seen {
        wait: pooled_mean(&waits) / 1e9,
        wait_covered: covers(point.pool_wait.times.mean_ci95, queue.mean_wait()),
        latency_covered: covers(point.latency.mean_ci95, queue.mean_wait() + queue.service),
        quantiles_covered: LEVELS.map(quantile).into(),
        verdict: point.verdict.clone(),
        variance_of_waiting: variance(&waiting),
    }
}

fn pooled_mean(histograms: &[Histogram]) -> f64 {
    let count: u64 = histograms.iter().map(Histogram::count).sum();
    histograms.iter().map(Histogram::sum).sum::<u128>() as f64 / count as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// Everything that is promised of such a queue.
fn holds(repeated: Repeated) {
    let queue = repeated.queue;
    let seen = repeated.each(|run| look(queue, run));
    let all = seen.len();
    let of = |what: &str| format!("M/M/10, load {}: {what}", queue.load);
    promise(&of("mean wait"), seen.iter().filter(|s| s.wait_covered).count(), all, of_means());
    promise(&of("mean latency"), seen.iter().filter(|s| s.latency_covered).count(), all, of_means());
    for (at, p) in LEVELS.iter().enumerate() {
        let stated: Vec<bool> = seen.iter().filter_map(|s| s.quantiles_covered[at]).collect();
        // A p99.9 needs 20,000 requests; a quantile of which all but chance is 0 has nothing to miss.
        if stated.len() == all && queue.wait_quantile(*p) > 0.0 {
            promise(&of(&format!("p{} of the wait", 100.0 * p)), stated.iter().filter(|c| **c).count(), all, of_quantiles());
        }
    }
    promise(&of("called stable"), seen.iter().filter(|s| s.verdict == "stable").count(), all, 94.0..=100.0);
    promise(&of("called unstable"), seen.iter().filter(|s| s.verdict == "unstable").count(), all, 0.0..=0.5);
    let waits: Vec<f64> = seen.iter().map(|s| s.wait / queue.mean_wait() - 1.0).collect();
    let bias = mean(&waits, Confidence::USUAL).estimate().expect("there are many");
    line(&of("bias of the mean wait"), &format!("{:+.2} %", 100.0 * bias.value), "±0.5 %", all);
    assert!(bias.value.abs() < 0.005 || (!are_many() && bias.covers(0.0)), "the empty start shows after the warm-up: {bias:?}");
    let found = seen.iter().map(|s| s.variance_of_waiting).sum::<f64>() / all as f64;
    let exact = queue.asymptotic_variance_of_waiting() / repeated.plan().duration.seconds();
    line(&of("variance of the mean queue"), &format!("{:+.1} %", 100.0 * (found / exact - 1.0)), "±10 %", all);
    assert!((found / exact - 1.0).abs() < 0.1, "the variance of a replication's mean queue is {found}, exactly {exact}");
}

#[test]
fn at_half_load_intervals_cover() {
    holds(Repeated::of(Queue::of_ten(0.5)));
}

#[test]
fn at_four_fifths_intervals_cover() {
    let repeated = Repeated::of(Queue::of_ten(0.8));
    // As many as a p99.9 needs.
    holds(if are_many() { Repeated { requests: 20_400.0, ..repeated } } else { repeated });
}

#[test]
fn at_nine_tenths_intervals_cover() {
    holds(Repeated::of(Queue::of_ten(0.9)));
}

#[test]
fn at_nineteen_twentieths_intervals_cover() {
    if are_many() {
        holds(Repeated::of(Queue::of_ten(0.95)));
    }
}

/// What the document says of a queue whose waits end.
fn impatience_holds(engine: Engine) {
    let queue = Queue { patience: Some(0.010), ..Queue::of_ten(0.95) };
    let repeated = Repeated { engine, ..Repeated::of(queue) };
    let covered = repeated.each(|run| {
        let point = run.point();
        (covers(point.requests.error_rate_ci95, queue.prob_refused()), covers(point.pool_wait.times.mean_ci95, queue.mean_wait()))
    });
    let of = |what: &str| format!("M/M/10+D, load 0.95, timeout 10 ms, {engine:?}: {what}");
    promise(&of("error rate"), covered.iter().filter(|(errors, _)| *errors).count(), covered.len(), of_means());
    promise(&of("mean wait"), covered.iter().filter(|(_, wait)| *wait).count(), covered.len(), of_means());
}

#[test]
fn waits_that_end_in_timeouts_are_covered() {
    impatience_holds(Engine::Recursion);
}

#[test]
fn the_whole_simulator_covers_as_the_recursion_does() {
    impatience_holds(Engine::Simulator);
    let queue = Queue::of_ten(0.8);
    let repeated = Repeated { engine: Engine::Simulator, ..Repeated::of(queue) };
    let covered = repeated.each(|run| {
        let point = run.point();
        (covers(point.pool_wait.times.mean_ci95, queue.mean_wait()), covers(point.pool_wait.times.p99_ci95, queue.wait_quantile(0.99)))
    });
    let of = |what: &str| format!("M/M/10, load 0.8, Simulator: {what}");
    promise(&of("mean wait"), covered.iter().filter(|(wait, _)| *wait).count(), covered.len(), of_means());
    promise(&of("p99 of the wait"), covered.iter().filter(|(_, p99)| *p99).count(), covered.len(), of_quantiles());
}

#[test]
fn the_same_system_with_other_seeds_differs_as_seldom_as_promised() {
    let repeated = Repeated::of(Queue::of_ten(0.8));
    let waits = repeated.each(|run| {
        let each = run.outcomes.iter().map(|outcome| outcome.streams[0].pool_wait.mean().expect("somebody waited"));
        each.collect::<Vec<f64>>()
    });
    let pairs = number() as usize / 2;
    let differ = |pair: &&[Vec<f64>]| difference(&pair[0], &pair[1], Confidence::USUAL, 1).direction() != Direction::Undecided;
    let differing = waits.chunks_exact(2).filter(differ).count();
    let allowed = if are_many() { 3.0..=7.0 } else { 1.0..=11.0 };
    promise("M/M/10, load 0.8, against itself: called different", differing, pairs, allowed);
}
