//! `--report`: the answers of all commands as one page.

use std::path::Path;

use super::Failure;
use crate::answers::compare::Run;
use crate::answers::report::html::points::{self, Asked};
use crate::answers::report::{self, html};
use crate::answers::runner::{self, RunOptions};
use crate::experiment::Plan;
use crate::shells::files;

/// Runs every point of a plan and keeps what a page needs.
pub(super) fn run(plan: &Plan, options: &RunOptions, progress: &(dyn Fn(f64) + Sync)) -> Vec<Run> {
    let kept = runner::run_keeping(plan, options, progress);
    kept.into_iter().map(|(answer, outcomes)| Run { answer, outcomes }).collect()
}

/// Writes the page of a run.
pub(super) fn of_run(asked: &Asked, plan: &Plan, runs: &[Run], path: &Path) -> Result<(), Failure> {
    let answers: Vec<_> = runs.iter().map(|run| run.answer.clone()).collect();
    let document = report::document(plan, &answers);
    let data = points::of_run(asked, &document, runs, Vec::new());
    files::write_file(path, &html::render(&data))
}
