//! Looks at one system for whoever waits: a short one at once, then longer ones, the last of them the whole experiment.

use crate::answers::compare::Run;
use crate::answers::film;
use crate::answers::report;
use crate::answers::report::html::data::{Data, PointData, Tone, Verdict};
use crate::answers::report::html::film as pictures;
use crate::answers::report::html::points::{self, Asked};
use crate::answers::runner::{self, GoesOn, PATIENCE, RunOptions};
use crate::answers::words::{count, percent, span};
use crate::experiment::{Plan, Replications};
use crate::kernel::time::Span;
use crate::measure::histogram::Histogram;
use crate::measure::outcome::Outcome;

/// How much of an experiment a look takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Of warm-up and duration, one part in this many.
    pub part: u64,
    /// Replications, from the first on.
    pub replications: u64,
}

/// What was seen.
pub struct Look {
    /// For the page.
    pub data: Data,
    /// How much that is, in words.
    pub words: String,
    /// Virtual seconds that were run for it.
    pub seconds: f64,
}

/// Replications of the whole where the file asks for a precision: the first stage of that.
const FIRST_STAGE: u64 = runner::FIRST_STAGE;

/// The looks at the one system of `plan`, the shortest first. What happens at fixed times cannot be looked at in part.
pub fn levels(plan: &Plan) -> Vec<Level> {
    let all = match plan.replications {
        Replications::Fixed(number) => u64::from(number),
        Replications::Precise { at_most, .. } => u64::from(at_most).min(FIRST_STAGE),
    };
    let parts: &[u64] = if plan.points[0].blueprint.is_finite() { &[1] } else { &[64, 16, 4, 1] };
    let mut levels: Vec<Level> = parts.iter().map(|part| Level { part: *part, replications: 1 }).collect();
    levels.extend([4, all].into_iter().filter(|number| *number > 1 && *number <= all).map(|replications| Level { part: 1, replications }));
    levels.dedup();
    levels
}

/// Virtual seconds that a look runs, requests followed to their ends not counted.
pub fn seconds(plan: &Plan, level: Level) -> f64 {
    let course = runner::course(&shortened(plan, level), &plan.points[0]);
    (course.warmup + course.duration).seconds() * level.replications as f64
}

/// Looks, as long as `goes_on` says so.
///
/// Where requests wait for ever, following them to their ends takes longer than all the rest. A look at a part of the
/// experiment follows them for as long again as it lasted, and says what it missed.
pub fn look(plan: &Plan, level: Level, asked: &Asked, jobs: usize, goes_on: GoesOn) -> Option<Look> {
    let short = shortened(plan, level);
    let point = &short.points[0];
    let course = runner::course(&short, point);
    let whole = levels(plan).last() == Some(&level);
    let patience = if whole { course.duration + PATIENCE } else { course.duration };
    let outcomes = runner::run_while(&point.blueprint, course, patience, level.replications, jobs, goes_on)?;
    let (answer, outcomes) = if whole {
        runner::complete(&short, point, outcomes, &RunOptions { jobs, status_every: None })
    } else {
        (runner::answer(&short, point, &outcomes, Vec::new()), outcomes)
    };
    let document = report::document(&short, std::slice::from_ref(&answer));
    let run = Run { answer, outcomes };
    if !goes_on() {
        return None;
    }
    // The first replication, whatever happened in it: what stands beside this meets the same requests.
    let film = film::film_while(&point.blueprint, course, patience, (0, &run.outcomes[0]), goes_on)?;
    let film = pictures::data(film, &point.blueprint);
    let mut data = points::of_run(asked, &document, std::slice::from_ref(&run), vec![Some(film)]);
    data.experiment.text.clear();
    let words = words(plan, level, course.duration, whole);
    if !whole {
        as_seen(&mut data.points[0], &run.outcomes);
        if data.points[0].verdict != "unstable" {
            let sentence = format!("{}{}.", words[..1].to_uppercase(), &words[1..]);
            data.verdict =
                Verdict { tone: Tone::Open, sentence, more: vec!["What this look saw, not yet what the experiment says.".to_owned()] };
        }
        data.is_part = true;
        data.verdict.more.extend(missed(run.answer.point.requests.unfinished, patience));
    }
    data.verdict.more.extend(imprecise(plan).filter(|_| whole));
    Some(Look { data, words, seconds: seconds(plan, level) })
}

fn shortened(plan: &Plan, level: Level) -> Plan {
    let part = |span: Span| Span::from_nanos((span.nanos() / level.part).max(1));
    let warmup = if plan.warmup.is_zero() { Span::ZERO } else { part(plan.warmup) };
    let replications = Replications::Fixed(level.replications as u32);
    Plan { warmup, duration: part(plan.duration), replications, ..plan.clone() }
}

/// What was cut off at the end.
fn missed(unfinished: u64, patience: Span) -> Option<String> {
    let had = if unfinished == 1 { "1 request had".to_owned() } else { format!("{} requests had", count(unfinished)) };
    let followed = span(patience.seconds());
    (unfinished > 0).then(|| format!("{had} not ended {followed} after that, and were followed no further: they count as unfinished here."))
}

/// What the file asks for beyond the last look.
fn imprecise(plan: &Plan) -> Option<String> {
    let Replications::Precise { relative, at_most } = plan.replications else { return None };
    let beyond = u64::from(at_most) > FIRST_STAGE;
    beyond.then(|| {
        let wanted = percent(relative);
        format!("The file asks for a precision of {wanted} in up to {at_most} replications; this page stops after {FIRST_STAGE}, poolcast run goes on.")
    })
}

fn words(plan: &Plan, level: Level, duration: Span, whole: bool) -> String {
    let all = levels(plan).last().map_or(1, |last| last.replications);
    match (whole, level.part) {
        (true, _) if imprecise(plan).is_some() => format!("{all} replications of the whole experiment"),
        (true, _) => "the whole experiment".to_owned(),
        (false, 1) => format!("a look at {} of {all} replications", level.replications),
        _ => format!("a look at the first {} of {}, 1 of {all} replications", span(duration.seconds()), span(plan.duration.seconds())),
    }
}

/// Too short a run to speak of a steady state has no figures. A look shows what it saw all the same, and says that.
fn as_seen(point: &mut PointData, outcomes: &[Outcome]) {
    point.notes.clear();
    if point.verdict != "too short" {
        return;
    }
    "finite".clone_into(&mut point.verdict);
    let streams = || outcomes.iter().flat_map(|outcome| &outcome.streams);
    let latency = Histogram::merged(streams().map(|stream| &stream.latency));
    let wait = Histogram::merged(streams().map(|stream| &stream.pool_wait));
    let at = |histogram: &Histogram, p: f64| histogram.quantile(p).map(|nanos| nanos as f64 / 1e9);
    let failed: u64 = streams().flat_map(|stream| &stream.errors).sum();
    let completed: u64 = streams().map(|stream| stream.completed).sum();
    point.figures.insert("latency.p50", at(&latency, 0.5));
    point.figures.insert("latency.p99", at(&latency, 0.99));
    point.figures.insert("pool_wait.p99", at(&wait, 0.99));
    point.figures.insert("requests.error_rate", (failed + completed > 0).then(|| failed as f64 / (failed + completed) as f64));
    // A percentile needs a value beyond it.
    let known = points::PERCENTILES.iter().filter(|p| latency.count() as f64 * (1.0 - **p) >= 1.0);
    point.percentiles = known.filter_map(|p| Some((*p, at(&latency, *p)?, None, None))).collect();
}
