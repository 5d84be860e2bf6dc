//! From answers and outcomes to the document that a page shows.

use std::collections::BTreeMap;

use super::data::{Data, File, FilmData, Grid, PointData, Verdict, WaveData};
use super::{grid, verdict};
use crate::answers::compare::{Comparisons, Run, compare};
use crate::answers::document::{Answer, Document, Point, Wave};
use crate::answers::report::grid::{USUAL, figure};
use crate::answers::report::{layers, recovery, sweep, table};
use crate::answers::size::Size;
use crate::answers::why::advise;
use crate::answers::{basis, deadlocks, waves, words};
use crate::experiment::diagnose::Source;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::{Confidence, Figure};
use crate::measure::outcome::Outcome;
use crate::measure::quantiles::Quantiles;

/// The percentiles that a page draws.
pub const PERCENTILES: [f64; 14] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999, 0.99999];

/// What a command was asked: for the head of a page, and so that it can be asked again.
pub struct Asked<'a> {
    /// Which command.
    pub command: &'static str,
    /// The command line.
    pub reproduce: String,
    /// The experiment's file.
    pub source: &'a Source,
    /// For the commands that it suggests.
    pub file: &'a str,
}

/// Of a run, with a film of each point or none.
pub fn of_run(asked: &Asked, document: &Document, runs: &[Run], films: Vec<Option<FilmData>>) -> Data {
    let answers: Vec<Answer> = runs.iter().map(|run| run.answer.clone()).collect();
    let films = films.into_iter().chain(std::iter::repeat_with(|| None));
    Data {
        points: runs.iter().zip(films).map(|(run, film)| point(run, film, asked.file)).collect(),
        comparisons: beside_the_first(document, runs),
        grid: varied(document),
        ..head(asked, document, verdict::of_run(&answers))
    }
}

/// Of a comparison.
pub fn of_comparison(asked: &Asked, document: &Document, comparisons: Comparisons, runs: &[Run], films: Vec<Option<FilmData>>) -> Data {
    let data = of_run(asked, document, runs, films);
    Data { verdict: verdict::of_comparison(&comparisons), comparisons: Some(comparisons), ..data }
}

/// Of a sweep, of which the figures were kept; `figure` is the one in the table.
pub fn of_sweep(asked: &Asked, document: &Document, figure: &str) -> Data {
    let points: Vec<&Point> = document.points.iter().collect();
    let grid = grid::table(&points, figure);
    let mut verdict = verdict::of_points(&points);
    let recommended = grid.as_ref().and_then(|grid| grid.recommended.as_ref());
    verdict.more.extend(recommended.map(|(at, rule)| format!("Recommended is {}: {rule}.", sweep::name(points[*at]))));
    Data { points: points.iter().map(|point| figures_of(point, None)).collect(), grid, ..head(asked, document, verdict) }
}

/// Of a search for a size. `document` and the one run are about the answer, or about the largest setting without one.
pub fn of_size(asked: &Asked, document: &Document, size: Size, runs: &[Run], films: Vec<Option<FilmData>>) -> Data {
    let mut data = of_run(asked, document, runs, films);
    let shown = size.answer.as_ref().or(size.tried.last().map(|tried| &tried.values));
    for (point, values) in data.points.iter_mut().zip(shown) {
        let values: Vec<String> =
            values.iter().map(|(path, value)| format!("{} = {value}", path.rsplit('.').next().unwrap_or(path))).collect();
        point.name = values.join(", ");
    }
    Data { verdict: verdict::of_size(&size), size: Some(size), ..data }
}

/// All but the points: nothing is there yet.
pub fn head(asked: &Asked, document: &Document, verdict: Verdict) -> Data {
    Data {
        command: asked.command,
        poolcast: env!("CARGO_PKG_VERSION"),
        question: document.question.clone(),
        about: table::about(document),
        digest: if document.points.is_empty() { String::new() } else { table::short_digest(&document.points) },
        reproduce: asked.reproduce.clone(),
        verdict,
        points: Vec::new(),
        comparisons: None,
        size: None,
        grid: None,
        validation: None,
        is_part: false,
        experiment: File { name: asked.source.name.to_string(), text: asked.source.text.to_string() },
    }
}

/// Scenarios that met the same requests can be compared at no cost, with the first of them.
fn beside_the_first(document: &Document, runs: &[Run]) -> Option<Comparisons> {
    let first = &runs.first()?.answer.point;
    let same = |point: &Point| (point.replications, point.warmup) == (first.replications, first.warmup) && point.vary.is_empty();
    let paired = runs.len() > 1 && first.replications > 1 && runs.iter().all(|run| same(&run.answer.point));
    paired.then(|| compare(&document.question, document.seed, runs, &first.scenario))
}

/// Where values are varied, points are best seen as a table too.
fn varied(document: &Document) -> Option<Grid> {
    let points: Vec<&Point> = document.points.iter().collect();
    points.iter().any(|point| !point.vary.is_empty()).then(|| grid::table(&points, USUAL)).flatten()
}

/// One point.
pub fn point(run: &Run, film: Option<FilmData>, file: &str) -> PointData {
    let answer = &run.answer;
    let advice = advise(answer);
    PointData {
        percentiles: percentiles(&answer.point, &run.outcomes),
        errors: errors(answer),
        layers: layers::cells(answer),
        why: advice.why,
        command: advice.next.as_ref().and_then(|next| next.command(file, &answer.point.scenario)),
        next: advice.next.map(|next| next.words),
        film,
        ..figures_of(&answer.point, Some(answer.queue_peak.0))
    }
}

/// What is known of a point of which only the figures were kept.
pub fn figures_of(point: &Point, queue_most: Option<f64>) -> PointData {
    const PATHS: [&str; 6] =
        ["latency.p50", "latency.p99", "pool_wait.p99", "requests.error_rate", "requests.throughput", "database.connections_max"];
    let mut figures: BTreeMap<&'static str, Option<f64>> = PATHS.iter().map(|path| (*path, figure(point, path))).collect();
    figures.insert("queue_most", queue_most);
    let within = [("latency.p99", point.latency.p99_ci95), ("requests.error_rate", point.requests.error_rate_ci95)];
    PointData {
        name: sweep::name(point),
        verdict: point.verdict.clone(),
        figures,
        within: within.into_iter().filter_map(|(path, interval)| Some((path, interval?))).collect(),
        objectives: point.objectives.clone(),
        percentiles: Vec::new(),
        errors: Vec::new(),
        recovery: recovery::paragraphs(point),
        waves: point.waves.iter().map(|wave| wave_of(point, wave)).collect(),
        deadlocks: point.deadlocks.as_ref().map(|found| deadlocks::sentence(found, point.replications)),
        layers: Vec::new(),
        why: String::new(),
        next: None,
        command: None,
        basis: basis::sentence(point),
        notes: point.notes.clone(),
        film: None,
    }
}

fn wave_of(point: &Point, wave: &Wave) -> WaveData {
    let (from, until) = (point.warmup, point.warmup + point.duration);
    WaveData { place: wave.place.clone(), sentence: waves::sentence(wave), from, until, curve: wave.curve.clone() }
}

/// What the runs carry of the distribution of latencies, each with its interval; nothing where there is no steady state.
fn percentiles(point: &Point, outcomes: &[Outcome]) -> Vec<(f64, f64, Option<f64>, Option<f64>)> {
    if point.latency.mean.is_none() {
        return Vec::new();
    }
    let merged: Vec<Histogram> =
        outcomes.iter().map(|outcome| Histogram::merged(outcome.streams.iter().map(|stream| &stream.latency))).collect();
    let quantiles = Quantiles::of(&merged);
    let one = |p: &f64| match quantiles.quantile(*p, Confidence::USUAL) {
        Figure::Estimate(found) => Some((*p, found.value / 1e9, Some(found.low.max(0.0) / 1e9), Some(found.high / 1e9))),
        figure => figure.value().map(|value| (*p, value / 1e9, None, None)),
    };
    PERCENTILES.iter().filter_map(one).collect()
}

fn errors(answer: &Answer) -> Vec<(String, u64, f64, String)> {
    let requests = &answer.point.requests;
    let ended = (requests.completed + requests.failed).max(1) as f64;
    let text = |name: &str| answer.error_texts.get(name).cloned().unwrap_or_default();
    let mut errors: Vec<_> =
        requests.errors.iter().map(|(name, number)| (name.clone(), *number, *number as f64 / ended, text(name))).collect();
    if requests.unfinished > 0 {
        let share = requests.unfinished as f64 / requests.arrived.max(1) as f64;
        let text = format!("had not ended when they were no longer followed ({})", words::count(requests.unfinished));
        errors.push(("unfinished".to_owned(), requests.unfinished, share, text));
    }
    errors.sort_by_key(|(_, number, ..)| std::cmp::Reverse(*number));
    errors
}
