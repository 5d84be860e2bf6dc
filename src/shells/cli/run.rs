//! `poolcast run`: what happens in this experiment.

use std::path::{Path, PathBuf};

use clap::Args;

use super::common::{Common, Format};
use super::metrics::Metrics;
use super::{Failure, Outcome, answer, keep, page, sheet};
use crate::answers::compare::Run as Seen;
use crate::answers::document::{Answer, Document};
use crate::answers::report::html::points::Asked;
use crate::answers::report::lines::Sheet;
use crate::answers::report::{self, csv, json, table};
use crate::answers::runner::{self, RunOptions};
use crate::experiment::{Experiment, Plan, Problem};
use crate::kernel::time::Span;
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast run experiments/movehub.ron
  poolcast run checkout.ron --set apps.api.pool.pool_size=20 --set apps.api.pool.max_overflow=0
  poolcast run checkout.ron --format json | jq '.points[].latency.p99'
  poolcast run checkout.ron --scenario direct --metrics direct.om    (then promtool tsdb create-blocks-from openmetrics direct.om DIR)")]
pub(super) struct Run {
    /// Experiment files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs only this scenario (repeatable)
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Writes what a terminal would show once more as NAME.txt, NAME.json and NAME.csv into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Writes the answer as one HTML page with charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Shows what pool.status(), SHOW POOLS and pg_stat_activity would show, at this interval of virtual time
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    status_every: Option<Span>,
    #[command(flatten)]
    metrics: Metrics,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(super) fn run(self) -> Outcome {
        // All files are read before any is run: a slip in the last one is told at once.
        self.check_report()?;
        let plans: Vec<(Home, Experiment, Plan)> = self.files.iter().map(|file| self.plan(Home::of(file))).collect::<Result<_, _>>()?;
        self.metrics.write(&plans)?;
        let mut met = true;
        for (index, (home, experiment, plan)) in plans.iter().enumerate() {
            let answers = match &self.report {
                Some(path) => self.reported(path, home, experiment, plan)?,
                None => self.answers(plan),
            };
            let document = report::document(plan, &answers);
            if index > 0 && self.common.format == Format::Table {
                answer("\n")?;
            }
            answer(&self.text(sheet(), self.common.format, &document, &answers, &home.name))?;
            if let Some(directory) = &self.out {
                keep(directory, &home.stem(), |format| self.text(Sheet::USUAL, format, &document, &answers, &home.name))?;
            }
            met &= document.is_met();
        }
        Ok(met)
    }

    fn plan(&self, home: Home) -> Result<(Home, Experiment, Plan), Failure> {
        let (experiment, plan) = self.common.plan(&home, &self.scenario)?;
        self.common.refuse_endless(&experiment, &plan)?;
        if self.status_every.is_some_and(Span::is_zero) {
            return Err(Failure::Input(Problem::nowhere("--status-every 0s would look for ever").help("give an interval such as 10s")));
        }
        self.metrics.check()?;
        Ok((home, experiment, plan))
    }

    fn answers(&self, plan: &Plan) -> Vec<Answer> {
        let options = RunOptions { jobs: self.common.jobs(), status_every: self.status_every };
        let requests = |answers: &Vec<Answer>| answers.iter().map(|answer| answer.point.requests.arrived).sum();
        self.common.watched(|progress| runner::run(plan, &options, progress), requests)
    }

    /// The answers, once they are written as a page.
    fn reported(&self, path: &Path, home: &Home, experiment: &Experiment, plan: &Plan) -> Result<Vec<Answer>, Failure> {
        let options = RunOptions { jobs: self.common.jobs(), status_every: self.status_every };
        let requests = |runs: &Vec<Seen>| runs.iter().map(|run| run.answer.point.requests.arrived).sum();
        let runs = self.common.watched(|progress| page::run(plan, &options, progress), requests);
        let words = [home.name.clone()].into_iter().chain(self.scenario.iter().flat_map(|name| ["--scenario".to_owned(), name.clone()]));
        let reproduce = self.common.line("run", &words.collect::<Vec<_>>());
        let asked = Asked { command: "run", reproduce, source: &experiment.source, file: &home.name };
        self.common.paged(path, || page::of_run(&asked, plan, &runs, options.jobs, path))?;
        Ok(runs.into_iter().map(|run| run.answer).collect())
    }

    fn check_report(&self) -> Result<(), Failure> {
        if self.report.is_some() && self.files.len() > 1 {
            let problem = Problem::nowhere("--report is about one experiment");
            return Err(Failure::Input(problem.help("give one file, or set systems of several files side by side: poolcast compare")));
        }
        Ok(())
    }

    fn text(&self, sheet: Sheet, format: Format, document: &Document, answers: &[Answer], file: &str) -> String {
        match format {
            Format::Table => table::render_on(sheet, document, answers, file),
            Format::Json => json::render(document),
            Format::Csv => csv::render(document),
        }
    }
}
