//! The way of a request at a terminal: one line for each thing it did, with a bar where in its time that was.

use super::lines::{Look, paint, width, wrapped};
use crate::answers::words::{plural, seconds};
use crate::kernel::time::Span;
use crate::measure::journey::{Doing, Journey, Segment};
use crate::simulation::blueprint::Blueprint;

/// Before the bars: two spaces, the name, the time, two spaces.
const LABEL: usize = 24;
/// The least that is drawn on.
const LEAST: usize = 16;
/// More lines than these are fewer if what follows on the same thing is one with it.
const MOST_LINES: usize = 40;
/// Stands for a space at which no line ends.
const JOINT: &str = "\u{1}";
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The way of a request, with colours, in so many columns.
pub fn render(journey: &Journey, blueprint: &Blueprint, columns: usize) -> String {
    let mut out = heading(journey, blueprint);
    for line in wrapped_parts(&parts(journey), columns.saturating_sub(2)) {
        out += &format!("  {line}\n");
    }
    let bars = columns.saturating_sub(LABEL).max(LEAST);
    for segment in &lines(journey) {
        out += &format!("  {}{:>9}  {}\n", paint(look(segment.doing), &format!("{:<11}", segment.doing.name())), took(segment), {
            bar(journey, segment, bars)
        });
    }
    out
}

/// `bookings 17  3.0 s, completed`, and below it when and where.
fn heading(journey: &Journey, blueprint: &Blueprint) -> String {
    let name = format!("{} {}", blueprint.workload[journey.stream.index()].name, journey.number);
    let end = match (journey.is_over, journey.failure) {
        (false, _) => paint(Look::Bad, "not over yet"),
        (true, None) => paint(Look::Good, "completed"),
        (true, Some(why)) => paint(Look::Bad, why.name()),
    };
    let attempts = if journey.attempts > 1 { format!(", {}", plural(journey.attempts.into(), "attempt")) } else { String::new() };
    let worker = journey.segments.last().map_or_else(String::new, |last| format!(", {}", worker_name(blueprint, last.worker.index())));
    let took = seconds(journey.took().seconds());
    let place = paint(Look::Faint, &format!("arrived at {:.3} s{worker}{attempts}", journey.arrived.seconds()));
    format!("{}  {took}, {end}\n  {place}\n", paint(Look::Strong, &name))
}

/// `api worker 2`.
pub fn worker_name(blueprint: &Blueprint, index: usize) -> String {
    let (app, number) = blueprint.workers().nth(index).expect("a worker belongs to an app");
    format!("{} worker {number}", app.name)
}

/// What it did, in order of first doing, each with the sum of its times: `pool wait 2.9 s`.
fn parts(journey: &Journey) -> Vec<String> {
    let mut sums: Vec<(Doing, Span)> = Vec::new();
    for segment in &journey.segments {
        let span = segment.to - segment.from;
        match sums.iter_mut().find(|(doing, _)| *doing == segment.doing) {
            Some((_, sum)) => *sum += span,
            None => sums.push((segment.doing, span)),
        }
    }
    sums.iter().map(|(doing, sum)| format!("{} {}", doing.name(), seconds(sum.seconds()))).collect()
}

/// Parts with bars between them, in lines of at most `columns`; no part is broken.
fn wrapped_parts(parts: &[String], columns: usize) -> Vec<String> {
    let whole: Vec<String> = parts.iter().map(|part| part.replace(' ', JOINT)).collect();
    wrapped(&whole.join(&format!("{JOINT}│ ")), columns).into_iter().map(|line| line.replace(JOINT, " ")).collect()
}

fn lines(journey: &Journey) -> Vec<Segment> {
    if journey.segments.len() <= MOST_LINES {
        return journey.segments.clone();
    }
    let mut merged: Vec<Segment> = Vec::new();
    for segment in &journey.segments {
        match merged.last_mut() {
            Some(last) if last.doing == segment.doing => last.to = segment.to,
            _ => merged.push(*segment),
        }
    }
    merged
}

fn took(segment: &Segment) -> String {
    seconds((segment.to - segment.from).seconds())
}

fn look(doing: Doing) -> Look {
    match doing {
        Doing::EventLoop | Doing::AppQueue | Doing::PoolWait | Doing::ProxyWait | Doing::RetryPause => Look::Bad,
        Doing::Query | Doing::Commit | Doing::Work | Doing::Await => Look::Good,
        _ => Look::Key,
    }
}

/// Where in the whole time: spaces, then a bar to an eighth of a column, so that even the shortest is seen.
fn bar(journey: &Journey, segment: &Segment, columns: usize) -> String {
    let whole = journey.took().nanos().max(1) as f64;
    let eighths =
        |at: crate::kernel::time::SimTime| ((at - journey.arrived).nanos() as f64 / whole * (8 * columns) as f64).round() as usize;
    let (from, to) = (eighths(segment.from), eighths(segment.to));
    let start = (from / 8).min(columns - 1);
    let length = to.saturating_sub(8 * start).max(1);
    let drawn = format!("{}{}", "█".repeat(length / 8), EIGHTHS[length % 8]);
    debug_assert!(width(&drawn) + start <= columns, "a bar stays inside its columns");
    format!("{}{}", " ".repeat(start), paint(look(segment.doing), &drawn))
}
