//! `poolcast cliff`: the load from which on a system does not come back.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use super::common::{Common, Format};
use super::{Failure, Outcome, answer, complain, is_watched};
use crate::answers::cliff::{Cliff as Document, Task, cliff};
use crate::answers::report::{cliff as report, json};
use crate::experiment::{Experiment, Plan, Problem};
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast cliff retries.ron --tune workload.api.arrivals.rate=100..900
  poolcast cliff restart.ron --scenario pre-ping --tune workload.api.arrivals.rate=100..2000 --format json

Each load is looked at in pairs of runs that meet the same requests: one from rest, one pushed, by the faults of the file
or, where it has none, by an overload at the start. Between the two edges a system works until something happens.")]
pub(super) struct Cliff {
    /// Experiment file
    file: PathBuf,
    /// What to tune and its range, such as workload.api.arrivals.rate=100..900; more of it is harder
    #[arg(long, value_name = "PATH=LOW..HIGH", value_parser = range)]
    tune: Range,
    /// The scenario, where the file has several
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Most replications of one value; four times the experiment's if left out
    #[arg(long, value_name = "N")]
    at_most: Option<NonZeroU64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Debug)]
struct Range {
    path: String,
    low: f64,
    high: f64,
}

impl Cliff {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let experiment = self.common.chosen(&home, self.scenario.as_slice())?;
        let plan_at = |value: f64| self.plan_at(&home, &experiment, value);
        let task = Task {
            path: &self.tune.path,
            range: (self.tune.low, self.tune.high),
            plan_at: &plan_at,
            at_most: self.at_most.map(NonZeroU64::get),
            jobs: self.common.jobs(),
            heard: &|tried| {
                if is_watched() && !self.common.is_quiet() {
                    complain(&report::line(tried));
                }
            },
        };
        let document = cliff(&task).map_err(Failure::Input)?;
        answer(&text(self.common.format, &document))?;
        Ok(true)
    }

    fn plan_at(&self, home: &Home, experiment: &Experiment, value: f64) -> Result<Plan, Problem> {
        let mut plan = self.common.plan_with(experiment, &[(self.tune.path.clone(), value.to_string())])?;
        if plan.points.len() != 1 {
            let title = format!("{} has {} points, and cliff is about one system", home.name, plan.points.len());
            return Err(Problem::nowhere(title).help("choose with --scenario NAME, and fix what is varied with --set PATH=VALUE"));
        }
        match home.load(&mut plan) {
            Ok(()) => Ok(plan),
            Err(Failure::Input(problem)) => Err(problem),
            Err(Failure::Outside(why)) => Err(Problem::nowhere(why)),
        }
    }
}

fn text(format: Format, document: &Document) -> String {
    match format {
        Format::Table => report::render(document),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}

fn range(text: &str) -> Result<Range, String> {
    const WANTED: &str = "expected PATH=LOW..HIGH with numbers, such as workload.api.arrivals.rate=100..900";
    let (path, range) = text.split_once('=').ok_or(WANTED)?;
    let (low, high) = range.split_once("..").ok_or(WANTED)?;
    let number = |text: &str| text.trim().trim_start_matches('=').parse::<f64>().ok().filter(|value| value.is_finite()).ok_or(WANTED);
    let (low, high) = (number(low)?, number(high)?);
    if path.trim().is_empty() || low >= high {
        return Err(format!("{WANTED}; the least comes first"));
    }
    Ok(Range { path: path.trim().to_owned(), low, high })
}
