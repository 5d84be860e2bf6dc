//! `poolcast rare`: how rare a checkout timeout is that plain runs never see.

use std::path::PathBuf;

use clap::Args;

use super::common::{Common, Format};
use super::{Failure, Outcome, answer, keep};
use crate::answers::rare::{Rare as Document, Task, rare};
use crate::answers::report::{json, rare as report};
use crate::experiment::Problem;
use crate::kernel::time::Span;
use crate::measure::brink::TooLong;
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast rare checkout.ron
  poolcast rare checkout.ron --wait-above 2s --set apps.api.pool.pool_size=12
  poolcast rare checkout.ron --format json | jq .probability

Runs are copied whenever they come nearer to a timeout than most, and the copies go on with chance of their own: what would
happen once in years is met a thousand times (multilevel splitting with fixed effort). The experiment's replications are
independent repetitions, over which the interval is. For steady loads; not for faults and schedules.")]
pub(super) struct Rare {
    /// Experiment file
    file: PathBuf,
    /// The scenario, where the file has several
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// How rare a wait of more than this is, instead of the pool's own timeout
    #[arg(long, value_name = "SPAN", value_parser = Span::parse)]
    wait_above: Option<Span>,
    /// Copies that go on from each level, in each repetition; more make a narrower interval
    #[arg(long, value_name = "N", default_value_t = 800, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    effort: u32,
    /// Writes NAME.rare.txt, NAME.rare.json and NAME.rare.csv into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Rare {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let experiment = self.common.chosen(&home, self.scenario.as_slice())?;
        let mut plan = self.common.planned(&experiment)?;
        if plan.points.len() != 1 {
            let title = format!("{} has {} points, and rare is about one system", home.name, plan.points.len());
            let help = "choose with --scenario NAME, and fix what is varied with --set PATH=VALUE";
            return Err(Failure::Input(Problem::nowhere(title).help(help)));
        }
        home.load(&mut plan)?;
        self.common.refuse_endless(&experiment, &plan)?;
        let too_long = self.wait_above.map_or(TooLong::TimedOut, TooLong::Above);
        let task = Task { too_long, effort: self.effort as usize, jobs: self.common.jobs() };
        let requests = |found: &Result<Document, Problem>| found.as_ref().map_or(0, |found| found.requests);
        let found = self.common.watched(|progress| rare(&plan, &plan.points[0], &task, progress), requests);
        let document = found.map_err(Failure::Input)?;
        answer(&text(self.common.format, &document))?;
        if let Some(directory) = &self.out {
            keep(directory, &format!("{}.rare", home.stem()), |format| text(format, &document))?;
        }
        Ok(true)
    }
}

fn text(format: Format, document: &Document) -> String {
    match format {
        Format::Table => report::render(document),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}
