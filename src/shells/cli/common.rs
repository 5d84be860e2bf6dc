//! What all commands that run something understand.

use std::num::NonZeroUsize;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::page::Written;
use super::progress::Progress;
use super::{Failure, complain, is_watched};
use crate::answers::check::all_endless;
use crate::answers::report::findings;
use crate::answers::why::quoted;
use crate::answers::words::{count, seconds};
use crate::experiment::diagnose::instead;
use crate::experiment::{Experiment, Plan, Problem};
use crate::shells::files::Home;

/// What all commands that run something understand.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Sets a value of the system, of seed, warmup, duration or replications (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    pub(super) set: Vec<(String, String)>,
    /// The seed of all chance, instead of the file's
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Independent runs of each point, instead of the file's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) replications: Option<u32>,
    /// Threads; all cores if left out. The answer does not depend on it
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Prints nothing but the answer and errors
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Shows no progress bar
    #[arg(long)]
    no_progress: bool,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// One document for each file
    Json,
    /// One row for each point
    Csv,
}

impl Common {
    /// The experiment of `home` with these scenarios (all of them if none is named), and its plan, ready to be run.
    pub(super) fn plan(&self, home: &Home, scenarios: &[String]) -> Result<(Experiment, Plan), Failure> {
        let experiment = self.chosen(home, scenarios)?;
        let mut plan = self.planned(&experiment)?;
        home.load(&mut plan)?;
        Ok((experiment, plan))
    }

    /// Refuses a plan all of whose queues can only grow, with the arithmetic.
    pub(super) fn refuse_endless(&self, experiment: &Experiment, plan: &Plan) -> Result<(), Failure> {
        match all_endless(experiment, plan, &self.set) {
            Some(finding) => Err(Failure::Input(findings::problem(&finding))),
            None => Ok(()),
        }
    }

    /// The experiment of `home` with these scenarios, all of them if none is named.
    pub(super) fn chosen(&self, home: &Home, scenarios: &[String]) -> Result<Experiment, Failure> {
        let mut experiment = home.experiment()?;
        choose(&mut experiment, scenarios).map_err(Failure::Input)?;
        Ok(experiment)
    }

    /// The plan of an experiment; its data files are still to be loaded.
    pub(super) fn planned(&self, experiment: &Experiment) -> Result<Plan, Failure> {
        self.plan_with(experiment, &[]).map_err(Failure::Input)
    }

    /// The same with these values on top.
    pub(super) fn plan_with(&self, experiment: &Experiment, values: &[(String, String)]) -> Result<Plan, Problem> {
        experiment.plan(&[self.set.as_slice(), values].concat(), self.seed, self.replications)
    }

    /// Whether nothing but the answer and errors is to be printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The options that change the plan, as words of a command line.
    pub(super) fn words(&self) -> Vec<String> {
        let set = self.set.iter().flat_map(|(path, value)| ["--set".to_owned(), format!("{path}={value}")]);
        let seed = self.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]);
        let replications = self.replications.iter().flat_map(|number| ["--replications".to_owned(), number.to_string()]);
        set.chain(seed).chain(replications).collect()
    }

    /// The command line that gives the same answer again.
    pub(super) fn line(&self, command: &str, words: &[String]) -> String {
        let words = words.iter().cloned().chain(self.words());
        words.fold(format!("poolcast {command}"), |line, word| line + " " + &quoted(&word))
    }

    /// How many threads.
    pub(super) fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.map_or_else(cores, NonZeroUsize::get)
    }

    /// A progress bar, if somebody looks who wants one.
    pub(super) fn progress(&self) -> Progress {
        Progress::begin(is_watched() && !self.quiet && !self.no_progress)
    }

    /// Does `work` under a progress bar, and says how many requests it took in how long; `requests` counts them.
    pub(super) fn watched<T>(&self, work: impl FnOnce(&(dyn Fn(f64) + Sync)) -> T, requests: impl FnOnce(&T) -> u64) -> T {
        let progress = self.progress();
        let done = work(&|fraction| progress.done(fraction));
        let took = progress.end();
        if !self.quiet {
            complain(&format!("{} requests in {}", count(requests(&done)), seconds(took)));
        }
        done
    }

    /// Writes a page, and says how large it became and how long that took, with and without what was run once more for it.
    pub(super) fn paged(&self, path: &Path, write: impl FnOnce() -> Result<Written, Failure>) -> Result<(), Failure> {
        let progress = Progress::begin(false);
        let Written { bytes, took } = write()?;
        let pictures = progress.end() - took;
        if !self.quiet {
            let pictures = if pictures > took { format!(", {} to run its pictures", seconds(pictures)) } else { String::new() };
            complain(&format!("{}: {} kB, {} to write{pictures}", path.display(), bytes.div_ceil(1000), seconds(took)));
        }
        Ok(())
    }
}

/// Keeps only the scenarios of these names, if there are any.
pub(super) fn choose(experiment: &mut Experiment, names: &[String]) -> Result<(), Problem> {
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

/// `PATH=VALUE`.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() && !value.trim().is_empty() => Ok((path.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected PATH=VALUE such as apps.api.pool.pool_size=20".to_owned()),
    }
}
