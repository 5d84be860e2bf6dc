//! A sweep as a person reads it: one line for each point where one thing varies, and a table with colours where two do.

use anstyle::{Ansi256Color, Style};
use serde_json::Value;

use super::lines::{Look, Sheet, left, paint, width};
use super::sweep::{coloured, plain, short};
use super::{sweep, table};
use crate::answers::document::Point;
use crate::answers::grid::Grid;
use crate::answers::words::{mean, percent, seconds};

/// The figure that a table shows if nothing else is asked for.
pub const USUAL: &str = "latency.p99";

/// Backgrounds from low to high: a scale that is as clear without colour vision. The first ones are dark.
const SCALE: [u8; 7] = [54, 61, 31, 36, 77, 149, 226];
const DARK: usize = 3;

/// What varies, and its values in order; the scenario is one of it.
pub(super) struct Axis {
    /// Short, but no two axes have the same.
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// One point's place on the axes, and what to show there.
pub(super) struct Cell {
    pub(super) at: Vec<usize>,
    text: String,
    pub(super) value: Option<f64>,
}

/// The whole answer with colours; `figure` is a path into the result document, for tables.
pub fn render(grid: &Grid, figure: &str) -> String {
    render_on(Sheet::USUAL, grid, figure)
}

/// The same on a sheet of any width.
pub fn render_on(sheet: Sheet, grid: &Grid, figure: &str) -> String {
    let document = grid.document();
    let mut out = table::heading(sheet, &document);
    let axes: Vec<Axis> = axes(&document.points.iter().collect::<Vec<_>>()).into_iter().filter(|axis| axis.values.len() > 1).collect();
    if axes.len() < 2 {
        let points: Vec<(&Point, &str)> = grid.pieces.iter().map(|piece| (&piece.point, piece.binds.as_str())).collect();
        out += &sweep::lines(sheet, &points);
    } else {
        let cells: Vec<Cell> = document.points.iter().map(|point| cell(point, &axes, figure)).collect();
        out += &tables(sheet, &axes, &cells);
        out += &legend(sheet, &document.points, &cells, figure);
    }
    out + &table::digest(&document.points)
}

/// Whether a path can lead to a figure of a point. Pools and streams bear the experiment's names.
pub fn is_figure(path: &str) -> bool {
    let point = serde_json::to_value(Point::default()).expect("a point is plain data");
    let named = path.split('.').count() >= 3 && (path.starts_with("pools.") || path.starts_with("streams."));
    named
        || path
            .split('.')
            .try_fold(&point, |at, step| at.get(step))
            .is_some_and(|at| at.is_number() || (at.is_null() && !path.ends_with("ci95")))
}

/// A number at a path into a point of the result document.
pub fn figure(point: &Point, path: &str) -> Option<f64> {
    let point = serde_json::to_value(point).expect("a point is plain data");
    path.split('.').try_fold(&point, |at, step| at.get(step)).and_then(Value::as_f64)
}

pub(super) fn axes(points: &[&Point]) -> Vec<Axis> {
    let mut axes = vec![Axis { name: "scenario".to_owned(), values: Vec::new() }];
    let paths: Vec<&String> = points.first().map_or(Vec::new(), |point| point.vary.keys().collect());
    axes.extend(paths.iter().map(|path| Axis { name: short(path, &paths), values: Vec::new() }));
    for point in points {
        for (axis, value) in axes.iter_mut().zip(place(point)) {
            if !axis.values.contains(&value) {
                axis.values.push(value);
            }
        }
    }
    axes
}

fn place(point: &Point) -> Vec<String> {
    std::iter::once(point.scenario.clone()).chain(point.vary.values().map(plain)).collect()
}

pub(super) fn cell(point: &Point, axes: &[Axis], path: &str) -> Cell {
    let names = ["scenario".to_owned()];
    let paths: Vec<&String> = point.vary.keys().collect();
    let all = names.into_iter().chain(paths.iter().map(|path| short(path, &paths)));
    let mine: Vec<(String, String)> = all.zip(place(point)).collect();
    let position = |axis: &Axis| {
        let (_, value) = mine.iter().find(|(name, _)| *name == axis.name).expect("all points have the same axes");
        axis.values.iter().position(|known| known == value).expect("the axis has the values of all points")
    };
    let value = figure(point, path);
    let missed = if point.objectives.iter().all(|met| met.met) { "" } else { " ✗" };
    let text = match value {
        Some(value) => format!("{}{missed}", amount(path, value)),
        None if point.verdict == "unstable" => "✕".to_owned(),
        None => format!("–{missed}"),
    };
    Cell { at: axes.iter().map(position).collect(), text, value }
}

/// The last axis goes across, the one before it down, and for every combination of the others there is a table.
fn tables(sheet: Sheet, axes: &[Axis], cells: &[Cell]) -> String {
    let (others, [down, across]) = axes.split_at(axes.len() - 2) else { unreachable!("there are two axes or more") };
    let mut combinations: Vec<&[usize]> = cells.iter().map(|cell| &cell.at[..others.len()]).collect();
    combinations.dedup();
    let one = |combination: &[usize]| {
        let these: Vec<&Cell> = cells.iter().filter(|cell| cell.at.starts_with(combination)).collect();
        let fixed = others.iter().zip(combination).map(|(axis, at)| format!("{} {}", axis.name, axis.values[*at]));
        let title = fixed.collect::<Vec<_>>().join(", ");
        let title = if title.is_empty() { String::new() } else { format!("{}\n", paint(Look::Strong, &title)) };
        format!("\n{title}{}", table(sheet, down, across, &these, range(cells)))
    };
    combinations.into_iter().map(one).collect()
}

/// As many columns side by side as fit; the rest below.
fn table(sheet: Sheet, down: &Axis, across: &Axis, cells: &[&Cell], range: Option<(f64, f64)>) -> String {
    let label = down.values.iter().chain([&down.name]).map(|text| width(text)).max().unwrap_or(0).min(24);
    let column =
        across.values.iter().map(|text| width(text)).chain(cells.iter().map(|cell| width(&cell.text))).max().unwrap_or(0).min(20) + 1;
    let fit = ((sheet.columns() - label - 3) / (column + 1)).max(1);
    let (rows, columns) = (down.values.len(), across.values.len());
    let mut out = String::new();
    for first in (0..columns).step_by(fit) {
        let shown = first..columns.min(first + fit);
        out += &format!("{}\n", paint(Look::Faint, &format!("  {} {} →", left(&down.name, label), across.name)));
        let heads: String =
            across.values[shown.clone()].iter().map(|value| format!("{:>column$} ", left(value, column.min(width(value))))).collect();
        out += &format!("  {} {}\n", " ".repeat(label), paint(Look::Faint, heads.trim_end()));
        for row in 0..rows {
            let at = |column: usize| cells.iter().find(|cell| cell.at.ends_with(&[row, column]));
            let line: String =
                shown.clone().map(|place| at(place).map_or(" ".repeat(column + 1), |cell| shade(cell, column, range))).collect();
            out += &format!("  {} {}\n", left(&down.values[row], label), line.trim_end());
        }
    }
    out
}

fn shade(cell: &Cell, column: usize, range: Option<(f64, f64)>) -> String {
    let text = format!("{:>column$}", cell.text);
    let Some(value) = cell.value else { return coloured(&text) + " " };
    let step = range.map_or(0, |(low, high)| step(value, low, high));
    let style = Style::new().bg_color(Some(Ansi256Color(SCALE[step]).into()));
    let style = style.fg_color(Some(Ansi256Color(if step < DARK { 15 } else { 16 }).into()));
    format!("{style}{text}{style:#} ")
}

/// Where a value lies between the lowest and the highest, in equal ratios: latencies differ by orders of magnitude.
fn step(value: f64, low: f64, high: f64) -> usize {
    let log = |x: f64| libm::log(x.max(low.max(high * 1e-6)));
    let share = (log(value) - log(low)) / (log(high) - log(low));
    if share.is_finite() { (share * (SCALE.len() - 1) as f64).round() as usize } else { 0 }
}

fn range(cells: &[Cell]) -> Option<(f64, f64)> {
    let values = || cells.iter().filter_map(|cell| cell.value);
    (values().count() > 0).then(|| (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max)))
}

fn legend(sheet: Sheet, points: &[Point], cells: &[Cell], path: &str) -> String {
    let mut parts = vec![path.to_owned()];
    if cells.iter().any(|cell| cell.text.ends_with('✗')) {
        let names: Vec<&str> = points[0].objectives.iter().map(|met| met.objective.as_str()).collect();
        parts.push(format!("✗ not met: {}", names.join(" · ")));
    }
    if cells.iter().any(|cell| cell.text == "✕") {
        parts.push("✕ unstable: there is no steady value".to_owned());
    }
    if cells.iter().any(|cell| cell.text.starts_with('–')) {
        parts.push("– too few values for the figure".to_owned());
    }
    format!("\n{}", sheet.labelled("shown", Look::Faint, &parts.join("; ")))
}

pub(super) fn amount(path: &str, value: f64) -> String {
    let is_time = ["latency.", "pool_wait.", "proxy_wait."].iter().any(|times| path.contains(times));
    match path {
        _ if path.ends_with("rate") || path.ends_with("utilisation") || path.ends_with("waited") => percent(value),
        _ if is_time && !path.ends_with("count") => seconds(value),
        _ => mean(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_rise_with_the_value() {
        let steps: Vec<usize> = [0.001, 0.01, 0.1, 1.0].iter().map(|value| step(*value, 0.001, 1.0)).collect();
        assert_eq!(steps, [0, 2, 4, 6]);
        assert_eq!((step(0.0, 0.0, 1.0), step(5.0, 5.0, 5.0), step(0.0, 0.0, 0.0)), (0, 0, 0));
    }

    #[test]
    fn a_path_leads_to_a_figure_or_is_none() {
        let is = ["latency.p99", "pool_wait.waited", "requests.error_rate", "database.connections_max", "pools.api.in_use_mean"];
        let is_not = ["latency", "latency.p98", "vary", "requests.error_rate_ci95", "", "pools.api"];
        assert!(is.into_iter().all(is_figure) && !is_not.into_iter().any(is_figure));
    }

    #[test]
    fn what_varies_in_two_ways_is_a_table_and_what_is_unstable_a_cross() {
        let point = |workers: u32, size: u32, p99: Option<f64>| {
            let mut point = Point { verdict: if p99.is_some() { "stable" } else { "unstable" }.to_owned(), ..Point::default() };
            point.vary.insert("apps.api.workers".to_owned(), workers.into());
            point.vary.insert("apps.api.pool.pool_size".to_owned(), size.into());
            point.latency.p99 = p99;
            point
        };
        let points = [point(1, 5, None), point(1, 10, Some(0.012)), point(2, 5, Some(0.25)), point(2, 10, Some(0.011))];
        let axes: Vec<Axis> = axes(&points.iter().collect::<Vec<_>>()).into_iter().filter(|axis| axis.values.len() > 1).collect();
        let cells: Vec<Cell> = points.iter().map(|point| cell(point, &axes, USUAL)).collect();
        let text = tables(Sheet::USUAL, &axes, &cells) + &legend(Sheet::USUAL, &points, &cells, USUAL);
        let plain = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<String> = plain.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[1..5], ["workers pool_size →", "5 10", "1 ✕ 12.0 ms", "2 250 ms 11.0 ms"], "{plain}");
        assert!(plain.contains("✕ unstable"), "{plain}");
    }
}
