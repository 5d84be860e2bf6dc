//! `poolcast hunt`: the mildest bad day that breaks an objective, as an experiment that brings it about.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use clap::Args;

use super::common::{Common, Format};
use super::{Failure, Outcome, answer, complain, is_watched};
use crate::answers::hunt::{Bounds, Heard, Hunt as Document, Task, hunt};
use crate::answers::report::{hunt as report, json};
use crate::experiment::Problem;
use crate::kernel::time::Span;
use crate::shells::files::{self, Home};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast hunt experiments/retry-storm.ron
  poolcast hunt checkout.ron --longest 5s --factor 3 --troubles 2 --tries 2000 --out bad-day.ron

Bad days are drawn from mild to bad: faults of all kinds, slowdowns and surges of load, one at a time and several, of any length
within the bounds. The first that breaks an objective is made as simple as it can be: troubles are left out, replaced by simpler
ones, shortened, weakened and moved, in steps of a thousandth of the bounds. Whenever a simpler day is found its experiment is
written, so that nothing is lost when the hunt is interrupted. Exit code 1: such a day was found.")]
pub(super) struct Hunt {
    /// Experiment file of one system, with objectives
    file: PathBuf,
    /// The longest that anything lasts
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = Span::parse)]
    longest: Span,
    /// The most times as slow, or as many requests, as usual
    #[arg(long, value_name = "TIMES", default_value = "5", value_parser = factor)]
    factor: f64,
    /// The most troubles in one day
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    troubles: u8,
    /// Bad days to try before it is given up
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    tries: u32,
    /// Replications of each day that is tried; the day that is found is run with all of the experiment's
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    looks: u32,
    /// Where the experiment that brings the day about is written; NAME.hunt.ron if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Hunt {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let experiment = self.common.chosen(&home, &[])?;
        if experiment.objectives.is_empty() {
            let help = "say what must hold: objectives: [Errors(below: 0.01), Recovery(below: \"30s\")]";
            return Err(Failure::Input(Problem::nowhere(format!("{} has no objectives to break", home.name)).help(help)));
        }
        if !experiment.scenarios.is_empty() || !experiment.vary.is_empty() {
            let help = "give a file of its own to the system that is to be hunted in";
            return Err(Failure::Input(
                Problem::nowhere(format!("{} has scenarios or vary, and hunt is about one system", home.name)).help(help),
            ));
        }
        let mut plan = self.common.planned(&experiment)?;
        home.load(&mut plan)?;
        self.common.refuse_endless(&experiment, &plan)?;
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.hunt.ron", home.stem())));
        let unwritten = RefCell::new(None);
        let task = Task {
            experiment: &experiment,
            plan: &plan,
            sets: &self.common.set,
            bounds: Bounds { lasting: self.longest, factor: self.factor, troubles: usize::from(self.troubles) },
            tries: self.tries,
            replications: self.looks,
            jobs: self.common.jobs(),
            heard: &|heard| {
                if let Some(text) = &heard.file
                    && let Err(failure) = write(&out, text)
                {
                    *unwritten.borrow_mut() = Some(failure);
                }
                self.tell(heard);
            },
        };
        let document = hunt(&task).map_err(Failure::Input)?;
        if let Some(text) = &document.file {
            write(&out, text)?;
        }
        if let Some(failure) = unwritten.into_inner() {
            return Err(failure);
        }
        answer(&text(self.common.format, &document, &out))?;
        Ok(!document.found)
    }

    /// A line for people who wait, every now and then.
    fn tell(&self, heard: &Heard) {
        if is_watched() && !self.common.is_quiet() && (heard.file.is_some() || heard.tried.is_multiple_of(25)) {
            let what = if heard.file.is_some() {
                "broken; a simpler day is looked for".to_owned()
            } else {
                format!("at most {:.0} % of a limit", 100.0 * heard.nearest)
            };
            complain(&format!("{:>5} tried: {what}", heard.tried));
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    files::write_pieces(path, |print| print(text))
}

fn text(format: Format, document: &Document, out: &Path) -> String {
    match format {
        Format::Table => report::render(document, &out.display().to_string()),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "expected how many times, such as 5".to_owned())?;
    if (1.0..=1000.0).contains(&factor) { Ok(factor) } else { Err("a factor lies between 1 and 1000, such as 5".to_owned()) }
}
