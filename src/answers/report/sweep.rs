//! A sweep: one line for each point.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use super::layers::cell;
use super::lines::{Look, Sheet, paint};
use super::table::{next, sign};
use super::theory;
use crate::answers::document::{Answer, Point};
use crate::answers::why::{Advice, advise};
use crate::answers::words::{count, percent, seconds_within};

/// The lines, and below them why the first point of each kind is as it is.
pub fn render(sheet: Sheet, answers: &[Answer], file: &str) -> String {
    let advice: Vec<Advice> = answers.iter().map(advise).collect();
    let points: Vec<(&Point, &str)> = answers.iter().zip(&advice).map(|(answer, advice)| (&answer.point, advice.binds)).collect();
    lines(sheet, &points) + &reasons(sheet, answers, &advice, file)
}

/// One line for each point and what binds there.
pub fn lines(sheet: Sheet, points: &[(&Point, &str)]) -> String {
    let Some((first, _)) = points.first() else { return String::new() };
    let scenarios = points.iter().any(|(point, _)| point.scenario != first.scenario);
    let paths: Vec<&String> = first.vary.keys().collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header(scenarios, &paths, points));
    for (point, binds) in points {
        table.add_row(row(scenarios, &paths, point, binds));
    }
    let texts = usize::from(scenarios);
    let columns = table.column_count();
    for (index, column) in table.column_iter_mut().enumerate().skip(texts) {
        if index + 1 < columns {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::from("\n");
    for (index, line) in table.to_string().lines().enumerate() {
        let line = format!(" {}", line.trim_end());
        out += &if index == 0 { paint(Look::Faint, &line) } else { coloured(&line) };
        out.push('\n');
    }
    out + &objectives(sheet, first)
        + &theory::line(sheet, &points.iter().map(|(point, _)| *point).collect::<Vec<_>>())
        + &verdicts(sheet, points)
}

fn header(scenarios: bool, paths: &[&String], points: &[(&Point, &str)]) -> Vec<String> {
    let mut cells: Vec<String> = scenarios.then(|| "scenario".to_owned()).into_iter().collect();
    cells.extend(paths.iter().map(|path| short(path, paths)));
    cells.extend(["requests/s", "p50", "p99", "wait p99", "errors"].map(str::to_owned));
    if points.iter().any(|(point, _)| !point.objectives.is_empty()) {
        cells.push("met".to_owned());
    }
    cells.push("binds".to_owned());
    cells
}

fn row(scenarios: bool, paths: &[&String], point: &Point, binds: &str) -> Vec<String> {
    let mut cells: Vec<String> = scenarios.then(|| point.scenario.clone()).into_iter().collect();
    cells.extend(paths.iter().map(|path| point.vary.get(*path).map_or(String::new(), plain)));
    let p99 = match (point.latency.p99, point.latency.p99_ci95) {
        (Some(value), Some(interval)) => seconds_within(value, interval),
        (figure, _) => cell(figure, &point.verdict),
    };
    let rate = point.requests.throughput;
    cells.push(if rate >= 10.0 { count(rate.round() as u64) } else { format!("{rate:.2}") });
    cells.push(cell(point.latency.p50, &point.verdict));
    cells.push(p99);
    cells.push(cell(point.pool_wait.times.p99, &point.verdict));
    cells.push(point.requests.error_rate.map_or("–".to_owned(), percent));
    if !point.objectives.is_empty() {
        cells.push(point.objectives.iter().map(|met| sign(met.met)).collect());
    }
    cells.push(binds.to_owned());
    cells
}

/// The last step of a path, or more of them where two paths end alike.
pub(super) fn short(path: &str, all: &[&String]) -> String {
    let steps: Vec<&str> = path.split('.').collect();
    let tail = |from: usize| steps[from..].join(".");
    let alike = |tail: &str| all.iter().filter(|other| other.ends_with(tail)).count() > 1;
    (0..steps.len()).rev().map(tail).find(|tail| !alike(tail)).unwrap_or_else(|| path.to_owned())
}

pub(super) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn coloured(line: &str) -> String {
    line.replace('✓', &paint(Look::Good, "✓")).replace('✗', &paint(Look::Bad, "✗")).replace('✕', &paint(Look::Bad, "✕"))
}

/// What the signs stand for, in their order.
fn objectives(sheet: Sheet, point: &Point) -> String {
    if point.objectives.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = point.objectives.iter().map(|met| met.objective.as_str()).collect();
    sheet.labelled("met", Look::Faint, &names.join(" · "))
}

/// Why there are no figures, told of the first point of each verdict that has none.
fn verdicts(sheet: Sheet, points: &[(&Point, &str)]) -> String {
    let mut told: Vec<&str> = Vec::new();
    let mut out = String::new();
    for (point, _) in points {
        let verdict = point.verdict.as_str();
        let note = point.notes.iter().find(|note| note.starts_with(verdict)).filter(|_| !told.contains(&verdict));
        if let Some(note) = note {
            told.push(verdict);
            out += &sheet.labelled("note", Look::Faint, &format!("({}) {note}", name(point)));
        }
    }
    out
}

/// "transaction, pool_size = 5".
pub(super) fn name(point: &Point) -> String {
    let vary = point.vary.iter().map(|(path, value)| format!("{path} = {}", plain(value)));
    let parts: Vec<String> = (!point.scenario.is_empty()).then(|| point.scenario.clone()).into_iter().chain(vary).collect();
    parts.join(", ")
}

/// One reason for each layer that binds somewhere, told of the first point where it does.
fn reasons(sheet: Sheet, answers: &[Answer], advice: &[Advice], file: &str) -> String {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, advice) in advice.iter().enumerate() {
        if advice.next.is_some() || advice.binds != "–" {
            first.entry(advice.binds).or_insert(index);
        }
    }
    let mut indices: Vec<usize> = first.into_values().collect();
    indices.sort_unstable();
    let mut out = String::new();
    for index in indices {
        let point = &answers[index].point;
        out += &sheet.labelled("why", Look::Key, &format!("({}) {}", name(point), advice[index].why));
        out += &next(sheet, &advice[index], point, file);
    }
    out
}
