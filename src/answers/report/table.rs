//! The answer as a person reads it at a terminal: every layer one line, what binds, what to try.

use super::layers::{self, cell};
use super::lines::{LABEL, Look, Sheet, paint, sparkline, wrapped};
use super::{recovery, sweep, theory, waves};
use crate::answers::basis;
use crate::answers::document::{Answer, Document, Met, Point};
use crate::answers::why::{Advice, advise};
use crate::answers::words::{clock, count, percent, plural, seconds, seconds_within, span};

/// More points than these are told in one line each.
const MOST_BLOCKS: usize = 6;
/// More notes than these would hide the answer.
const MOST_NOTES: usize = 3;
/// Columns of the queue's curve, on a usual sheet.
const CURVE: usize = 40;

/// The whole answer with colours; `file` is the experiment's, for the commands it suggests.
pub fn render(document: &Document, answers: &[Answer], file: &str) -> String {
    render_on(Sheet::USUAL, document, answers, file)
}

/// The same on a sheet of any width.
pub fn render_on(sheet: Sheet, document: &Document, answers: &[Answer], file: &str) -> String {
    let mut out = heading(sheet, document);
    let is_sweep = answers.len() > MOST_BLOCKS || answers.iter().any(|answer| !answer.point.vary.is_empty());
    if is_sweep {
        out += &sweep::render(sheet, answers, file);
    } else {
        for answer in answers {
            out += "\n";
            out += &block(sheet, answer, file);
        }
    }
    out + &digest(&document.points)
}

/// `✓ p99 latency below 500ms 61 s`, with colour.
pub fn objective(met: &Met) -> (String, usize) {
    let text = format!("{} {}   {}", sign(met.met), met.objective, measured(met));
    let columns = super::lines::width(&text);
    (paint(if met.met { Look::Good } else { Look::Bad }, sign(met.met)) + &text[sign(met.met).len()..], columns)
}

/// ✓ or ✗.
pub fn sign(met: bool) -> &'static str {
    if met { "✓" } else { "✗" }
}

/// What to try, with its command.
pub fn next(sheet: Sheet, advice: &Advice, point: &Point, file: &str) -> String {
    let Some(next) = &advice.next else { return String::new() };
    let mut out = sheet.labelled("next", Look::Key, &next.words);
    if let Some(command) = next.command(file, &point.scenario) {
        out += &format!("{}{}\n", " ".repeat(LABEL), paint(Look::Strong, &command));
    }
    out
}

pub(super) fn heading(sheet: Sheet, document: &Document) -> String {
    let mut out = String::new();
    for line in wrapped(&document.question, sheet.columns()) {
        out += &format!("{}\n", paint(Look::Strong, &line));
    }
    if document.points.is_empty() {
        return out;
    }
    out + &paint(Look::Faint, &about(document)) + "\n"
}

/// "5 min × 10 replications · 4 scenarios · seed 1 · 10 090 000 requests".
pub(super) fn about(document: &Document) -> String {
    let Some(first) = document.points.first() else { return String::new() };
    let requests: u64 = document.points.iter().map(|point| point.requests.arrived).sum();
    let replications = document.points.iter().map(|point| point.replications).max().unwrap_or(0);
    format!(
        "{} × {} · {} · seed {} · {}",
        span(first.duration),
        plural(replications, "replication"),
        plural(document.points.len() as u64, if first.vary.is_empty() && !first.scenario.is_empty() { "scenario" } else { "point" }),
        document.seed,
        plural(requests, "request"),
    )
}

fn block(sheet: Sheet, answer: &Answer, file: &str) -> String {
    let point = &answer.point;
    let mut out = title(point);
    out += &layers::render(sheet, answer);
    out += &latency("latency", point, None);
    if point.streams.0.len() > 1 {
        for (name, _) in point.streams.iter() {
            out += &latency(name, point, Some(name));
        }
    }
    out += &theory::lines(sheet, point);
    out += &queue(sheet, answer);
    out += &by_time(sheet, point);
    out += &recovery::lines(sheet, point);
    out += &waves::lines(sheet, point);
    out += &errors(sheet, answer);
    out += &objectives(sheet, point);
    out += &notes(sheet, point);
    out += &sheet.labelled("basis", Look::Faint, &basis::sentence(point));
    let advice = advise(answer);
    out += &sheet.labelled("why", Look::Key, &advice.why);
    out += &next(sheet, &advice, point, file);
    out + &statuses(answer)
}

fn title(point: &Point) -> String {
    let name = if point.scenario.is_empty() { String::new() } else { paint(Look::Strong, &point.scenario) };
    let verdict = match point.verdict.as_str() {
        "stable" | "finite" => String::new(),
        "unstable" => paint(Look::Bad, "✕ unstable"),
        other => paint(Look::Bad, other),
    };
    match (name.is_empty(), verdict.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("{name}\n"),
        (true, false) => format!("{verdict}\n"),
        (false, false) => format!("{name}   {verdict}\n"),
    }
}

fn latency(label: &str, point: &Point, stream: Option<&str>) -> String {
    let figures = stream.and_then(|name| point.streams.get(name));
    let times = figures.map_or(&point.latency, |figures| &figures.latency);
    let requests = figures.map_or(&point.requests, |figures| &figures.requests);
    let shown = |figure| cell(figure, &point.verdict);
    let p99 = match (times.p99, times.p99_ci95) {
        (Some(value), Some(interval)) => seconds_within(value, interval),
        (figure, _) => shown(figure),
    };
    let rate = if requests.throughput >= 10.0 { count(requests.throughput.round() as u64) } else { format!("{:.2}", requests.throughput) };
    let text = format!("p50 {}   p95 {}   p99 {p99}   {rate}/s", shown(times.p50), shown(times.p95));
    format!("  {} {text}\n", super::lines::left(label, LABEL - 3))
}

fn queue(sheet: Sheet, answer: &Answer) -> String {
    let (most, at) = answer.queue_peak;
    if most < 1.0 {
        return String::new();
    }
    let curve = paint(Look::Key, &sparkline(&answer.queue, CURVE + sheet.more()));
    format!("  {}{curve}  peak {} at {}\n", super::lines::left("queue", LABEL - 2), count(most as u64), clock(at))
}

/// The course of a fixed horizon: mean latencies, and the worst of them with its band.
fn by_time(sheet: Sheet, point: &Point) -> String {
    let latencies = point.windows.iter().map(|window| window.latency.unwrap_or(0.0)).collect::<Vec<f64>>();
    let worst = point.windows.iter().reduce(|worst, next| if next.latency > worst.latency { next } else { worst });
    let Some((worst, value)) = worst.and_then(|window| Some((window, window.latency?))) else { return String::new() };
    let value = worst.latency_ci95.map_or_else(|| seconds(value), |band| seconds_within(value, band));
    let curve = paint(Look::Key, &sparkline(&latencies, CURVE + sheet.more()));
    format!("  {}{curve}  mean {value} at {}\n", super::lines::left("by time", LABEL - 2), clock(worst.from))
}

fn errors(sheet: Sheet, answer: &Answer) -> String {
    let requests = &answer.point.requests;
    let mut out = String::new();
    for (name, number) in &requests.errors {
        let text = answer.error_texts.get(name).map_or("", String::as_str);
        let share = percent(*number as f64 / (requests.completed + requests.failed).max(1) as f64);
        out += &sheet.labelled(
            if out.is_empty() { "errors" } else { "" },
            Look::Bad,
            &format!("{} × {name}, {share}: {text}", count(*number)),
        );
    }
    if requests.unfinished > 0 {
        let text = format!("{} had not ended when they were no longer followed", plural(requests.unfinished, "request"));
        out += &sheet.labelled(if out.is_empty() { "errors" } else { "" }, Look::Bad, &text);
    }
    out
}

fn objectives(sheet: Sheet, point: &Point) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for met in &point.objectives {
        let (text, columns) = objective(met);
        if used > 0 && used + 4 + columns > sheet.columns() {
            out.push('\n');
            used = 0;
        }
        out += if used == 0 { "  " } else { "    " };
        out += &text;
        used += if used == 0 { 2 } else { 4 } + columns;
    }
    if used > 0 {
        out.push('\n');
    }
    out
}

fn notes(sheet: Sheet, point: &Point) -> String {
    let mut out: String = point.notes.iter().take(MOST_NOTES).map(|note| sheet.labelled("note", Look::Faint, note)).collect();
    if point.notes.len() > MOST_NOTES {
        let rest = plural((point.notes.len() - MOST_NOTES) as u64, "more note");
        out += &sheet.labelled("", Look::Faint, &format!("{rest} of this kind: --format json has all"));
    }
    out
}

pub(super) fn measured(met: &Met) -> String {
    match met.measured {
        None => "cannot be said".to_owned(),
        Some(value) if met.objective.starts_with("errors") => percent(value),
        Some(value) if met.objective.starts_with("connections") => count(value as u64),
        Some(value) => seconds(value),
    }
}

fn statuses(answer: &Answer) -> String {
    let mut out = String::new();
    for (second, view) in &answer.statuses {
        out += &paint(Look::Faint, &format!("  at {}", seconds(*second)));
        out.push('\n');
        for line in view.lines() {
            out += &format!("    {line}\n");
        }
    }
    out
}

/// One line that is equal wherever the same experiment runs.
pub fn digest<'a>(points: impl IntoIterator<Item = &'a Point>) -> String {
    format!("{}\n", paint(Look::Faint, &format!("digest {}", short_digest(points))))
}

/// Of all points together, 16 digits.
pub(super) fn short_digest<'a>(points: impl IntoIterator<Item = &'a Point>) -> String {
    let digests: Vec<&str> = points.into_iter().map(|point| point.digest.as_str()).collect();
    let digest = match digests.as_slice() {
        [only] => (*only).to_owned(),
        all => blake3::hash(all.concat().as_bytes()).to_hex().to_string(),
    };
    digest.chars().take(16).collect()
}
