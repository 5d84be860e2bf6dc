//! An experiment in a program of one's own: read or built in code, run on the spot, answered with typed figures.

use std::str::FromStr;

use crate::answers::check::all_endless;
use crate::answers::document::Document;
use crate::answers::report;
use crate::answers::report::findings;
use crate::answers::runner::{self, RunOptions};
use crate::experiment::{Experiment, Problem};

/// The text of an experiment file. Models that it names with `from` are those that come with poolcast.
impl FromStr for Experiment {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Experiment, Problem> {
        Experiment::parse(text, "experiment", &|_| None)
    }
}

impl Experiment {
    /// Runs every point on the threads of the current rayon pool, all cores if there is none of the caller's. Times in the
    /// answer are seconds. The same experiment gives the same document on every machine.
    ///
    /// # Errors
    ///
    /// What is wrong with the experiment, where, and what would be right; also if more is asked of every point than it can
    /// ever do and nobody gives up waiting, with the arithmetic. Files that it names (`Replay`, `Empirical`) are
    /// not read here: see [`run_with`](Experiment::run_with).
    pub fn run(&self) -> Result<Document, Problem> {
        self.run_with(&|_| None)
    }

    /// The same; `read` gives the text of a file that the experiment names.
    ///
    /// # Errors
    ///
    /// As [`run`](Experiment::run), and a file that `read` does not know.
    pub fn run_with(&self, read: &dyn Fn(&str) -> Option<String>) -> Result<Document, Problem> {
        let mut plan = self.plan(&[], None, None)?;
        plan.load(read)?;
        if let Some(finding) = all_endless(self, &plan, &[]) {
            return Err(findings::problem(&finding));
        }
        let options = RunOptions { jobs: 0, status_every: None };
        Ok(report::document(&plan, &runner::run(&plan, &options, &|_| ())))
    }
}
