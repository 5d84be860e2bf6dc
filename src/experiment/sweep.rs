//! Single values to set, and the grid of scenarios times `vary` in the order written.

use std::ops::Range;

use serde_json::Value;

use super::diagnose::{Problem, Source};
use super::tree::{self, Form, Node};

/// A value for a path, and where that is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Where in the system.
    pub path: String,
    /// What.
    pub value: Value,
    /// The text it stands in.
    pub source: Source,
    /// The path's place there.
    pub path_span: Range<usize>,
    /// The value's place there.
    pub value_span: Range<usize>,
}

/// Values that a path takes one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Where in the system.
    pub path: String,
    /// The values; never empty.
    pub settings: Vec<Setting>,
}

/// One cell of the grid: a scenario, if there are any, and one setting of each axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell<'a> {
    /// The scenario's place in the list.
    pub scenario: Option<usize>,
    /// One of each axis, in order.
    pub vary: Vec<&'a Setting>,
}

/// The most cells a grid may have: a longer one is a slip of the keyboard.
pub const MOST_POINTS: usize = 100_000;

impl Setting {
    /// `--set path=value`: the value in RON, or as it stands where it is none (`30s`).
    pub fn of_command_line(path: &str, text: &str) -> Setting {
        let source = Source::new("--set", &format!("{path}={text}"));
        let value = tree::parse(text).and_then(|node| node.value()).unwrap_or_else(|_| Value::String(text.to_owned()));
        Setting { path: path.to_owned(), value, path_span: 0..path.len(), value_span: path.len() + 1..source.text.len(), source }
    }
}

/// Reads `[("apps.api.workers", 4), …]`.
pub fn settings(source: &Source, node: &Node) -> Result<Vec<Setting>, Problem> {
    let remedy = "write set: [(\"apps.api.workers\", 4)]";
    let pair = |entry: &Node| {
        let (path, value) = pair(source, entry, remedy)?;
        setting(source, path, value)
    };
    list(source, node, remedy)?.iter().map(pair).collect()
}

/// Reads `[("apps.api.workers", [1, 2, 4]), …]`.
pub fn axes(source: &Source, node: &Node) -> Result<Vec<Axis>, Problem> {
    let remedy = "write vary: [(\"apps.api.workers\", [1, 2, 4])]";
    let mut axes: Vec<Axis> = Vec::new();
    for entry in list(source, node, remedy)? {
        let (path, values) = pair(source, entry, remedy)?;
        let values = list(source, values, remedy)?;
        if values.is_empty() {
            return Err(source.problem(entry.head(), "this has no values to take", "").help(remedy));
        }
        let settings: Vec<Setting> = values.iter().map(|value| setting(source, path, value)).collect::<Result<_, _>>()?;
        if let Some(other) = axes.iter().find(|axis| axis.path == settings[0].path) {
            let first = other.settings[0].path_span.clone();
            let title = format!("`{}` is varied twice", other.path);
            return Err(source.problem(path.head(), title, "").also(first, "first here").help("give all its values in one list"));
        }
        axes.push(Axis { path: settings[0].path.clone(), settings });
    }
    Ok(axes)
}

/// All combinations, the last axis fastest; nothing if there are more than [`MOST_POINTS`].
pub fn grid<'a>(scenarios: usize, axes: &[&'a Axis]) -> Option<Vec<Cell<'a>>> {
    let per_scenario = axes.iter().try_fold(1_usize, |size, axis| size.checked_mul(axis.settings.len()))?;
    per_scenario.checked_mul(scenarios.max(1)).filter(|size| *size <= MOST_POINTS)?;
    let names = if scenarios == 0 { vec![None] } else { (0..scenarios).map(Some).collect() };
    let mut cells: Vec<Cell> = names.into_iter().map(|scenario| Cell { scenario, vary: Vec::new() }).collect();
    for axis in axes {
        let longer = |cell: &Cell<'a>, setting: &'a Setting| {
            let mut cell = cell.clone();
            cell.vary.push(setting);
            cell
        };
        cells = cells.iter().flat_map(|cell| axis.settings.iter().map(move |setting| longer(cell, setting))).collect();
    }
    Some(cells)
}

fn list<'a>(source: &Source, node: &'a Node, remedy: &str) -> Result<&'a [Node], Problem> {
    match &node.form {
        Form::List(items) => Ok(items),
        _ => Err(source.problem(node.head(), "expected a list in brackets", "").help(remedy)),
    }
}

fn pair<'a>(source: &Source, entry: &'a Node, remedy: &str) -> Result<(&'a Node, &'a Node), Problem> {
    match entry.items() {
        [path, value] if path.text().is_some() => Ok((path, value)),
        _ => Err(source.problem(entry.head(), "expected a path in quotes and what it becomes", "").help(remedy)),
    }
}

fn setting(source: &Source, path: &Node, value: &Node) -> Result<Setting, Problem> {
    Ok(Setting {
        path: path.text().expect("the pair was checked").to_owned(),
        value: value.value().map_err(|broken| source.problem(broken.span, broken.why, ""))?,
        source: source.clone(),
        path_span: path.head(),
        value_span: value.head(),
    })
}
