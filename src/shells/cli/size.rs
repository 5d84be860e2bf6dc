//! `poolcast size`: the smallest setting that meets every objective, and the cliff beside it.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::Args;

use super::common::{Common, Format};
use super::{Failure, Outcome, answer, complain, is_watched, keep, page};
use crate::answers::report::html::points::Asked;
use crate::answers::report::{json, size as report};
use crate::answers::size::{Axis, MOST_VALUES, Size as Document, Task, size};
use crate::experiment::diagnose::Source;
use crate::experiment::{Experiment, Plan, Problem};
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast size checkout.ron --tune apps.api.pool.pool_size=1..60
  poolcast size fleet.ron --tune apps.api.workers=1..12 --tune apps.api.pool.pool_size=1..40
  poolcast size fleet.ron --tune apps.api.pool.pool_size+apps.jobs.pool.pool_size=10..97   # a total that two apps share

The answer was shown to meet every objective of the file, with 95 % confidence for all sizes that were tried together, in
runs as long as the file says. What is within --indifference of a limit may stay open; the answer does not rely on it.
Exit code 1: no setting in the range is enough.")]
pub(super) struct Size {
    /// Experiment file, with objectives
    file: PathBuf,
    /// What to tune and its range; twice for two things; PATH+PATH for a total that apps share
    #[arg(long, required = true, value_name = "PATH=LOW..HIGH", value_parser = axis)]
    tune: Vec<Axis>,
    /// The scenario, where the file has several
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Share of a limit within which nothing needs to be decided
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = indifference)]
    indifference: f64,
    /// Most replications of one setting; 16 times the experiment's if left out
    #[arg(long, value_name = "N")]
    at_most: Option<NonZeroU64>,
    /// Writes NAME.size.txt, NAME.size.json and NAME.size.csv into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Writes the answer as one HTML page with charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Size {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let experiment = self.experiment(&home)?;
        let plan_at = |values: &[(String, u64)]| self.plan_at(&home, &experiment, values);
        let task = Task {
            axes: &self.tune,
            plan_at: &plan_at,
            indifference: self.indifference,
            at_most: self.at_most.map(NonZeroU64::get),
            jobs: self.common.jobs(),
            heard: &|tried| {
                if is_watched() && !self.common.is_quiet() {
                    complain(&report::line(tried));
                }
            },
        };
        let document = size(&task).map_err(Failure::Input)?;
        answer(&text(self.common.format, &document))?;
        if let Some(directory) = &self.out {
            keep(directory, &format!("{}.size", home.stem()), |format| text(format, &document))?;
        }
        if let Some(path) = &self.report {
            self.write_page(path, &home, &experiment, &document)?;
        }
        Ok(document.feasible)
    }

    /// The pictures are of the answer, or of the largest setting without one.
    fn write_page(&self, path: &Path, home: &Home, experiment: &Experiment, document: &Document) -> Result<(), Failure> {
        let shown = document.answer.as_ref().or(document.tried.last().map(|tried| &tried.values));
        let values = shown.into_iter().flatten().filter_map(|(path, value)| Some((path.clone(), value.as_u64()?)));
        let plan = self.plan_at(home, experiment, &values.collect::<Vec<_>>()).map_err(Failure::Input)?;
        let tune = self.tune.iter().flat_map(|axis| ["--tune".to_owned(), format!("{}={}..{}", axis.paths.join("+"), axis.low, axis.high)]);
        let scenario = self.scenario.iter().flat_map(|name| ["--scenario".to_owned(), name.clone()]);
        let words: Vec<String> = [home.name.clone()].into_iter().chain(tune).chain(scenario).chain(self.further()).collect();
        let reproduce = self.common.line("size", &words);
        let asked = Asked { command: "size", reproduce, source: &experiment.source, file: &home.name };
        self.common.paged(path, || page::of_size(&asked, document, &plan, self.common.jobs(), path))
    }

    /// What else was asked for, as words of a command line.
    fn further(&self) -> Vec<String> {
        let at_most = self.at_most.iter().flat_map(|number| ["--at-most".to_owned(), number.to_string()]);
        ["--indifference".to_owned(), self.indifference.to_string()].into_iter().chain(at_most).collect()
    }

    fn experiment(&self, home: &Home) -> Result<Experiment, Failure> {
        let experiment = self.common.chosen(home, self.scenario.as_slice())?;
        let refuse = |title: String, help: String| Err(Failure::Input(Problem::nowhere(title).help(help)));
        if experiment.objectives.is_empty() {
            let title = format!("{} has no objectives, so every size is enough", home.name);
            return refuse(title, "say what must hold: objectives: [Latency(p: 0.99, below: \"500ms\"), Errors(below: 0.001)]".to_owned());
        }
        if self.tune.len() > 2 {
            return refuse(format!("{} things cannot be tuned at once", self.tune.len()), "give --tune once or twice".to_owned());
        }
        if let [first, second] = self.tune.as_slice() {
            if first.paths.len() + second.paths.len() > 2 {
                return refuse("a shared total is tuned alone".to_owned(), "give --tune once".to_owned());
            }
            if first.high - first.low >= MOST_VALUES {
                let title = format!("{}..{} are many values for the first of two things", first.low, first.high);
                return refuse(
                    title,
                    format!("for each of them the second is looked for: give at most {MOST_VALUES}, or tune the other one first"),
                );
            }
        }
        Ok(experiment)
    }

    fn plan_at(&self, home: &Home, experiment: &Experiment, values: &[(String, u64)]) -> Result<Plan, Problem> {
        let values: Vec<(String, String)> = values.iter().map(|(path, value)| (path.clone(), value.to_string())).collect();
        let mut plan = self.common.plan_with(experiment, &values).map_err(|problem| of_tune(problem, &values))?;
        if plan.points.len() != 1 {
            let title = format!("{} has {} points, and size is about one system", home.name, plan.points.len());
            return Err(Problem::nowhere(title).help("choose with --scenario NAME, and fix what is varied with --set PATH=VALUE"));
        }
        match home.load(&mut plan) {
            Ok(()) => Ok(plan),
            Err(Failure::Input(problem)) => Err(problem),
            Err(Failure::Outside(why)) => Err(Problem::nowhere(why)),
        }
    }
}

/// What is set by --tune is told as that.
fn of_tune(mut problem: Problem, values: &[(String, String)]) -> Problem {
    if let Some(source) = problem.source.as_mut().filter(|source| &*source.name == "--set")
        && values.iter().any(|(path, value)| *source.text == *format!("{path}={value}"))
    {
        *source = Source::new("--tune", &source.text);
    }
    problem
}

fn text(format: Format, document: &Document) -> String {
    match format {
        Format::Table => report::render(document),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}

fn axis(text: &str) -> Result<Axis, String> {
    const WANTED: &str = "expected PATH=LOW..HIGH with whole numbers, such as apps.api.pool.pool_size=1..60";
    let (paths, range) = text.split_once('=').ok_or(WANTED)?;
    let (low, high) = range.split_once("..").ok_or(WANTED)?;
    let number = |text: &str| text.trim().trim_start_matches('=').parse::<u64>().map_err(|_| WANTED.to_owned());
    let (low, high) = (number(low)?, number(high)?);
    let paths: Vec<String> = paths.split('+').map(|path| path.trim().to_owned()).collect();
    if low > high {
        return Err(format!("the range {low}..{high} is empty: the least comes first"));
    }
    if high - low > 100_000 || paths.iter().any(String::is_empty) {
        return Err(WANTED.to_owned());
    }
    Ok(Axis { paths, low, high })
}

fn indifference(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "expected a share such as 0.1".to_owned())?;
    if (0.0..1.0).contains(&share) { Ok(share) } else { Err("a share lies between 0 and 1, such as 0.1".to_owned()) }
}
