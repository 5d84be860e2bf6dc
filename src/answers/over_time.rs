//! The course of a fixed horizon: means over replications, window by window, each with its band.

use crate::answers::document::WindowFigures;
use crate::answers::runner::Course;
use crate::measure::intervals::{Confidence, Figure, mean, ratio};
use crate::measure::outcome::Outcome;
use crate::measure::windows::Window;

/// Slices of an outcome that make a window.
const SLICES: usize = 4;

/// The windows of the counted span. Each value is a mean over replications at the same time of the run, and each band a
/// 95 % interval of that mean: of one window by itself, not of the whole course at once.
pub fn windows(outcomes: &[Outcome], course: Course) -> Vec<WindowFigures> {
    let slices = outcomes.iter().map(|outcome| outcome.windows.len()).min().unwrap_or(0);
    let width = course.duration.seconds() / slices.max(1) as f64;
    let window = |first: usize| {
        let last = (first + SLICES).min(slices);
        let parts: Vec<&[Window]> = outcomes.iter().map(|outcome| &outcome.windows[first..last]).collect();
        let begin = course.warmup.seconds();
        figures(&parts, begin + first as f64 * width, begin + last as f64 * width)
    };
    (0..slices).step_by(SLICES).map(window).collect()
}

fn figures(replications: &[&[Window]], from: f64, until: f64) -> WindowFigures {
    let sum = |part: &[Window], what: fn(&Window) -> u64| part.iter().map(what).sum::<u64>();
    let total = |what: fn(&Window) -> u64| replications.iter().map(|part| sum(part, what)).sum::<u64>();
    let latencies: Vec<(f64, f64)> = replications
        .iter()
        .map(|part| (part.iter().map(|window| window.latency_sum).sum::<u128>() as f64 / 1e9, sum(part, |window| window.completed) as f64))
        .collect();
    let failures: Vec<(f64, f64)> = replications
        .iter()
        .map(|part| {
            let failed = sum(part, |window| window.failed);
            (failed as f64, (failed + sum(part, |window| window.completed)) as f64)
        })
        .collect();
    let waiting: Vec<f64> =
        replications.iter().map(|part| part.iter().map(|window| window.waiting).sum::<f64>() / part.len() as f64).collect();
    let (latency, error_rate, waiting) =
        (ratio(&latencies, Confidence::USUAL), ratio(&failures, Confidence::USUAL), mean(&waiting, Confidence::USUAL));
    WindowFigures {
        from,
        until,
        arrived: total(|window| window.arrived),
        completed: total(|window| window.completed),
        failed: total(|window| window.failed),
        latency: latency.value(),
        latency_ci95: band(&latency, f64::INFINITY),
        waiting: waiting.value(),
        waiting_ci95: band(&waiting, f64::INFINITY),
        error_rate: error_rate.value(),
        error_rate_ci95: band(&error_rate, 1.0),
    }
}

fn band(figure: &Figure, most: f64) -> Option<[f64; 2]> {
    figure.estimate().map(|estimate| estimate.within(0.0, most)).map(|estimate| [estimate.low, estimate.high])
}
