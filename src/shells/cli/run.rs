//! `poolcast run`: what happens in this experiment.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::progress::Progress;
use super::{Failure, Outcome, answer, complain, is_watched};
use crate::answers::document::{Answer, Document};
use crate::answers::report::{self, csv, json, table};
use crate::answers::runner::{self, RunOptions};
use crate::answers::words::{count, seconds};
use crate::experiment::diagnose::instead;
use crate::experiment::{Experiment, Plan, Problem};
use crate::kernel::time::Span;
use crate::shells::files::{self, Home};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast run experiments/movehub.ron
  poolcast run checkout.ron --set apps.api.pool.pool_size=20 --set apps.api.pool.max_overflow=0
  poolcast run checkout.ron --format json | jq '.points[].latency.p99'")]
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
    /// Shows what pool.status(), SHOW POOLS and pg_stat_activity would show, at this interval of virtual time
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    status_every: Option<Span>,
    #[command(flatten)]
    common: Common,
}

/// What all commands that run something understand.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Sets a value of the system, of seed, warmup, duration or replications (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// The seed of all chance, instead of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Independent runs of each point, instead of the file's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    replications: Option<u32>,
    /// Threads; all cores if left out. The answer does not depend on it
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Prints nothing but the answer and errors
    #[arg(long, short)]
    quiet: bool,
    /// Shows no progress bar
    #[arg(long)]
    no_progress: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One document for each file
    Json,
    /// One row for each point
    Csv,
}

impl Run {
    pub(super) fn run(self) -> Outcome {
        // All files are read before any is run: a slip in the last one is told at once.
        let plans: Vec<(Home, Plan)> = self.files.iter().map(|file| self.plan(Home::of(file))).collect::<Result<_, _>>()?;
        let mut met = true;
        for (index, (home, plan)) in plans.iter().enumerate() {
            let answers = self.answers(plan);
            let document = report::document(plan, &answers);
            if index > 0 && self.common.format == Format::Table {
                answer("\n")?;
            }
            answer(&self.text(self.common.format, &document, &answers, &home.name))?;
            if let Some(directory) = &self.out {
                for (format, ending) in [(Format::Table, "txt"), (Format::Json, "json"), (Format::Csv, "csv")] {
                    let text = self.text(format, &document, &answers, &home.name);
                    let plain = anstream::adapter::strip_str(&text).to_string();
                    files::write(directory, &format!("{}.{ending}", home.stem()), &plain)?;
                }
            }
            met &= document.is_met();
        }
        Ok(met)
    }

    fn plan(&self, home: Home) -> Result<(Home, Plan), Failure> {
        let mut experiment = home.experiment()?;
        choose(&mut experiment, &self.scenario).map_err(Failure::Input)?;
        let mut plan = experiment.plan(&self.common.set, self.common.seed, self.common.replications).map_err(Failure::Input)?;
        home.load(&mut plan)?;
        if self.status_every.is_some_and(Span::is_zero) {
            return Err(Failure::Input(Problem::nowhere("--status-every 0s would look for ever").help("give an interval such as 10s")));
        }
        Ok((home, plan))
    }

    fn answers(&self, plan: &Plan) -> Vec<Answer> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let options = RunOptions { jobs: self.common.jobs.map_or_else(cores, NonZeroUsize::get), status_every: self.status_every };
        let progress = Progress::begin(is_watched() && !self.common.quiet && !self.common.no_progress);
        let answers = runner::run(plan, &options, &|done| progress.done(done));
        let took = progress.end();
        if !self.common.quiet {
            let requests = answers.iter().map(|answer| answer.point.requests.arrived).sum();
            complain(&format!("{} requests in {}", count(requests), seconds(took)));
        }
        answers
    }

    fn text(&self, format: Format, document: &Document, answers: &[Answer], file: &str) -> String {
        match format {
            Format::Table => table::render(document, answers, file),
            Format::Json => json::render(document),
            Format::Csv => csv::render(document),
        }
    }
}

/// Keeps only the scenarios of these names, if there are any.
fn choose(experiment: &mut Experiment, names: &[String]) -> Result<(), Problem> {
    let known: Vec<&str> = experiment.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let title = format!("{} has no scenario \"{name}\"", experiment.source.name);
            let help = if known.is_empty() { "leave --scenario out: this experiment has none".to_owned() } else { instead(name, &known) };
            return Err(Problem::nowhere(title).help(help));
        }
    }
    if !names.is_empty() {
        experiment.scenarios.retain(|scenario| names.contains(&scenario.name));
    }
    Ok(())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() && !value.trim().is_empty() => Ok((path.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected PATH=VALUE such as apps.api.pool.pool_size=20".to_owned()),
    }
}
