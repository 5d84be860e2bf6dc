//! `poolcast merge`: parts of a sweep from one or more directories, put together.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;

use super::common::Format;
use super::{Failure, Outcome, answer, sheet};
use crate::answers::grid::{Grid, Head, Piece};
use crate::answers::report::grid::USUAL;
use crate::answers::report::{csv, grid as table, json, rows};
use crate::experiment::Problem;
use crate::shells::files;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast merge results                          # all parts wrote into one directory
  poolcast merge node-1 node-2 node-3 --out all")]
pub(super) struct Merge {
    /// Directories that `poolcast sweep --out` wrote
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// Writes NAME.csv, NAME.ndjson, NAME.json and NAME.txt (and NAME.parquet, if built with the feature) into this
    /// directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The figure in a table, as a path into the JSON document
    #[arg(long, value_name = "PATH", default_value = USUAL)]
    figure: String,
}

/// What a directory of results belongs to.
const HEAD: &str = "sweep.json";
/// Where its points are.
const POINTS: &str = "points";

impl Merge {
    pub(super) fn run(self) -> Outcome {
        check_figure(&self.figure)?;
        let mut whole: Option<(String, Head)> = None;
        let mut pieces = Vec::new();
        for directory in &self.directories {
            let name = directory.display().to_string();
            let Some(head) = read::<Head>(directory, HEAD)? else {
                let title = format!("{name} holds no results of a sweep");
                return Err(Failure::Input(Problem::nowhere(title).help("give directories that `poolcast sweep --out DIR` wrote")));
            };
            if let Some((first, whole)) = &whole {
                whole.agrees(first, &head, &name).map_err(Failure::Input)?;
            }
            pieces.extend(finished(directory, &head, &|_| true)?);
            whole.get_or_insert((name, head));
        }
        let (_, head) = whole.expect("there is at least one directory");
        let grid = Grid::of(head, pieces).map_err(Failure::Input)?;
        conclude(&grid, self.out.as_deref(), self.format, &self.figure)
    }
}

/// Refuses a path that leads to no figure, before anything is run for it.
pub(super) fn check_figure(path: &str) -> Result<(), Failure> {
    if table::is_figure(path) {
        return Ok(());
    }
    let problem = Problem::nowhere(format!("a result has no figure {path}"));
    Err(Failure::Input(
        problem
            .help("give a path into the JSON document, such as latency.p99, pool_wait.mean, requests.error_rate or pools.api.in_use_mean"),
    ))
}

/// The answer to a whole sweep, printed and written.
pub(super) fn conclude(grid: &Grid, out: Option<&Path>, format: Format, figure: &str) -> Outcome {
    let document = grid.document();
    if let Some(out) = out {
        let plain = anstream::adapter::strip_str(&table::render(grid, figure)).to_string();
        for (ending, text) in [("txt", plain), ("json", json::render(&document)), ("csv", rows::csv(grid)), ("ndjson", rows::ndjson(grid))]
        {
            files::write(out, &format!("{}.{ending}", grid.head.name), text)?;
        }
        #[cfg(feature = "parquet")]
        files::write(out, &format!("{}.parquet", grid.head.name), crate::answers::report::parquet::parquet(grid))?;
    }
    answer(&match format {
        Format::Table => table::render_on(sheet(), grid, figure),
        Format::Json => json::render(&document),
        Format::Csv => csv::render(&document),
    })?;
    Ok(document.is_met())
}

/// Begins or goes on in a directory: gives what is finished there, unless it belongs to something else.
pub(super) fn begin(out: &Path, head: &Head, wanted: &dyn Fn(usize) -> bool) -> Result<Vec<Piece>, Failure> {
    match read::<Head>(out, HEAD)? {
        Some(there) => head.agrees("this", &there, &out.display().to_string()).map_err(Failure::Input)?,
        None => files::write(out, HEAD, json::render(head))?,
    }
    finished(out, head, wanted)
}

/// Keeps a finished point.
pub(super) fn keep(out: &Path, piece: &Piece) -> Result<(), Failure> {
    files::write(&out.join(POINTS), &file_of(piece.index), json::render(piece))
}

fn finished(directory: &Path, head: &Head, wanted: &dyn Fn(usize) -> bool) -> Result<Vec<Piece>, Failure> {
    let points = directory.join(POINTS);
    let mut pieces = Vec::new();
    for name in files::names(&points, ".json")? {
        let index = name.trim_end_matches(".json").parse::<usize>().ok().filter(|index| *index < head.points && wanted(*index));
        let Some(index) = index else { continue };
        let Some(piece) = read::<Piece>(&points, &name)? else { continue };
        if piece.index != index || piece.fingerprint != head.fingerprint {
            let title = format!("{} belongs to another sweep than {}", points.join(&name).display(), directory.join(HEAD).display());
            return Err(Failure::Input(Problem::nowhere(title).help("remove it, and run the sweep again: it goes on where it stopped")));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

fn file_of(index: usize) -> String {
    format!("{index:06}.json")
}

fn read<T: DeserializeOwned>(directory: &Path, name: &str) -> Result<Option<T>, Failure> {
    let Some(text) = files::read(directory, name)? else { return Ok(None) };
    let broken = |error: serde_json::Error| {
        let title = format!("{} is not what poolcast wrote: {error}", directory.join(name).display());
        Failure::Input(Problem::nowhere(title).help("remove it, and run the sweep again: it goes on where it stopped"))
    };
    serde_json::from_str(&text).map(Some).map_err(broken)
}
