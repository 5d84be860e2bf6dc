//! `--report`: the answers of commands that run something, as one page.

use std::path::Path;

use super::Failure;
use super::progress::Progress;
use crate::answers::compare::{Comparisons, Run};
use crate::answers::document::Document;
use crate::answers::film;
use crate::answers::report;
use crate::answers::report::html::data::{Data, FilmData};
use crate::answers::report::html::points::{self, Asked};
use crate::answers::report::html::{self, film as pictures};
use crate::answers::runner::{self, Course, RunOptions};
use crate::answers::size::Size;
use crate::experiment::{Plan, Point};
use crate::kernel::time::Span;
use crate::shells::files;

/// More points than these are shown by their figures alone: pictures of all would be neither small nor read.
const MOST_FILMED: usize = 6;

/// What became of a page: its size, and the seconds that it took when all pictures were there.
pub(super) struct Written {
    pub(super) bytes: usize,
    pub(super) took: f64,
}

/// Runs every point of a plan and keeps what a page needs.
pub(super) fn run(plan: &Plan, options: &RunOptions, progress: &(dyn Fn(f64) + Sync)) -> Vec<Run> {
    let kept = runner::run_keeping(plan, options, progress);
    kept.into_iter().map(|(answer, outcomes)| Run { answer, outcomes }).collect()
}

/// Writes the page of a run.
pub(super) fn of_run(asked: &Asked, plan: &Plan, runs: &[Run], jobs: usize, path: &Path) -> Result<Written, Failure> {
    let films = films(plan, runs, jobs);
    write(path, || points::of_run(asked, &document(plan, runs), runs, films))
}

/// Writes the page of a comparison.
pub(super) fn of_comparison(
    asked: &Asked,
    comparisons: &Comparisons,
    plan: &Plan,
    runs: &[Run],
    jobs: usize,
    path: &Path,
) -> Result<Written, Failure> {
    let films = films(plan, runs, jobs);
    write(path, || points::of_comparison(asked, &document(plan, runs), comparisons.clone(), runs, films))
}

/// Writes the page of a sweep, of which the figures were kept.
pub(super) fn of_sweep(asked: &Asked, document: &Document, figure: &str, path: &Path) -> Result<Written, Failure> {
    write(path, || points::of_sweep(asked, document, figure))
}

/// Writes the page of a search for a size; `plan` is that of its answer, which is run for the pictures.
pub(super) fn of_size(asked: &Asked, size: &Size, plan: &Plan, jobs: usize, path: &Path) -> Result<Written, Failure> {
    let runs = run(plan, &RunOptions { jobs, status_every: None }, &|_| ());
    let films = films(plan, &runs, jobs);
    write(path, || points::of_size(asked, &document(plan, &runs), size.clone(), &runs, films))
}

fn document(plan: &Plan, runs: &[Run]) -> Document {
    report::document(plan, &runs.iter().map(|run| run.answer.clone()).collect::<Vec<_>>())
}

/// A film of each point in the same replication, unless there are too many.
fn films(plan: &Plan, runs: &[Run], jobs: usize) -> Vec<Option<FilmData>> {
    if runs.len() > MOST_FILMED {
        return Vec::new();
    }
    let worst = film::worst_replication(runs.iter().map(|run| run.outcomes.as_slice()));
    let pairs: Vec<(&Point, &Run)> = plan.points.iter().zip(runs).collect();
    runner::each(&pairs, jobs, |(point, run)| {
        let outcome = run.outcomes.get(worst as usize)?;
        // The warm-up may have become longer than planned.
        let course = Course { warmup: Span::from_seconds(run.answer.point.warmup), ..runner::course(plan, point) };
        Some(pictures::data(film::film(&point.blueprint, course, worst, outcome), &point.blueprint))
    })
}

/// Makes a page and writes it.
pub(super) fn write(path: &Path, make: impl FnOnce() -> Data) -> Result<Written, Failure> {
    let progress = Progress::begin(false);
    let page = html::render(&make());
    files::write_file(path, &page)?;
    Ok(Written { bytes: page.len(), took: progress.end() })
}
