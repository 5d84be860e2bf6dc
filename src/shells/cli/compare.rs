//! `poolcast compare`: which scenario is better, by how much, with paired intervals.

use std::path::PathBuf;

use clap::Args;

use super::common::{Common, Format};
use super::{Failure, Outcome, answer, keep, page};
use crate::answers::compare::{Comparisons, Run, compare};
use crate::answers::report::html::points::Asked;
use crate::answers::report::{compare as report, json};
use crate::answers::runner::{self, RunOptions};
use crate::experiment::diagnose::{Source, instead};
use crate::experiment::{Plan, Problem};
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast compare experiments/movehub.ron --baseline direct
  poolcast compare today.ron tomorrow.ron
  poolcast compare experiments/restart.ron --baseline plain --format json | jq '.comparisons[]'")]
pub(super) struct Compare {
    /// One experiment file with scenarios, or several files with one system each; the first is then the baseline
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The scenario (or file) that the others are compared with
    #[arg(long, value_name = "SCENARIO")]
    baseline: Option<String>,
    /// Compares only this scenario with the baseline (repeatable)
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Writes NAME.compare.txt, NAME.compare.json and NAME.compare.csv into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Writes the answer as one HTML page with charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Compare {
    pub(super) fn run(self) -> Outcome {
        let (home, source, plan, baseline) = match self.files.as_slice() {
            [file] => self.scenarios(Home::of(file))?,
            files => self.systems(files)?,
        };
        let jobs = self.common.jobs();
        let requests = |runs: &Vec<Run>| runs.iter().map(|run| run.answer.point.requests.arrived).sum();
        let runs = self.common.watched(|progress| run(&plan, jobs, progress), requests);
        let document = compare(&plan.question, plan.seed, &runs, &baseline);
        answer(&text(self.common.format, &document, &plan))?;
        if let Some(directory) = &self.out {
            keep(directory, &format!("{}.compare", home.stem()), |format| text(format, &document, &plan))?;
        }
        if let Some(path) = &self.report {
            let files = self.files.iter().map(|file| file.display().to_string());
            let scenarios = self.scenario.iter().flat_map(|name| ["--scenario".to_owned(), name.clone()]);
            let words = files.chain(["--baseline".to_owned(), baseline.clone()]).chain(scenarios);
            let reproduce = self.common.line("compare", &words.collect::<Vec<_>>());
            let asked = Asked { command: "compare", reproduce, source: &source, file: &home.name };
            self.common.paged(path, || page::of_comparison(&asked, &document, &plan, &runs, jobs, path))?;
        }
        Ok(true)
    }

    /// One file: its scenarios.
    fn scenarios(&self, home: Home) -> Result<(Home, Source, Plan, String), Failure> {
        let wanted: Vec<String> = match (&self.baseline, self.scenario.is_empty()) {
            (Some(baseline), false) => [std::slice::from_ref(baseline), &self.scenario].concat(),
            _ => Vec::new(),
        };
        let (experiment, plan) = self.common.plan(&home, &wanted)?;
        let mut known: Vec<&str> = plan.points.iter().filter_map(|point| point.scenario.as_deref()).collect();
        known.dedup();
        let refuse = |title: String, help: String| Err(Failure::Input(Problem::nowhere(title).help(help)));
        if known.len() < 2 {
            let title = format!("{} has no two scenarios to compare", home.name);
            return refuse(title, "write scenarios: {\"a\": Scenario(), \"b\": Scenario(set: […])}, or give two files".to_owned());
        }
        match &self.baseline {
            None => refuse(
                "compare needs a baseline".to_owned(),
                format!("add --baseline \"{}\" or another of: {}", known[0], known.join(", ")),
            ),
            Some(baseline) if !known.contains(&baseline.as_str()) => {
                refuse(format!("{} has no scenario \"{baseline}\"", home.name), instead(baseline, &known))
            }
            Some(baseline) => Ok((home, experiment.source, plan.clone(), baseline.clone())),
        }
    }

    /// Several files: one system each, called by its file's name. Only what is looked at for as long, with the same
    /// chance, can be paired.
    fn systems(&self, files: &[PathBuf]) -> Result<(Home, Source, Plan, String), Failure> {
        let refuse = |title: String, help: &str| Err(Failure::Input(Problem::nowhere(title).help(help)));
        let mut whole: Option<Plan> = None;
        let mut texts = String::new();
        for file in files {
            let home = Home::of(file);
            let (experiment, mut plan) = self.common.plan(&home, &self.scenario)?;
            texts += &format!("// {}\n{}\n", home.name, experiment.source.text);
            if plan.points.len() != 1 {
                let help =
                    "with several files each is one system: choose with --scenario NAME, and fix what is varied with --set PATH=VALUE";
                return refuse(format!("{} has {} points", home.name, plan.points.len()), help);
            }
            plan.points[0].scenario = Some(home.name.clone());
            let Some(whole) = &mut whole else {
                whole = Some(plan);
                continue;
            };
            if (plan.seed, plan.warmup, plan.duration, plan.replications) != (whole.seed, whole.warmup, whole.duration, whole.replications)
            {
                let title =
                    format!("{} has another seed, warmup, duration or number of replications than {}", home.name, files[0].display());
                return refuse(
                    title,
                    "only what meets the same requests can be compared: set them for all with --seed 1 --replications 10 --set duration=5min --set warmup=30s",
                );
            }
            whole.points.append(&mut plan.points);
        }
        let plan = whole.expect("there is at least one file");
        let names: Vec<&str> = plan.points.iter().filter_map(|point| point.scenario.as_deref()).collect();
        if let Some(twice) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
            return refuse(format!("{twice} is given twice"), "a system does not differ from itself");
        }
        let baseline = self.baseline.clone().unwrap_or_else(|| names[0].to_owned());
        if !names.contains(&baseline.as_str()) {
            return refuse(format!("none of the files is {baseline}"), &instead(&baseline, &names));
        }
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        Ok((Home::of(&files[0]), Source::new(&names.join(", "), &texts), plan.clone(), baseline))
    }
}

fn run(plan: &Plan, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Run> {
    let outcomes = runner::run_paired(plan, jobs, progress);
    // Counted must be the same requests in all of them.
    let (plan, outcomes) = match runner::with_longer_warm_up(plan, &outcomes) {
        Some(longer) => {
            let outcomes = runner::run_paired(&longer, jobs, progress);
            (longer, outcomes)
        }
        None => (plan.clone(), outcomes),
    };
    let options = RunOptions { jobs, status_every: None };
    let points = plan.points.iter().zip(outcomes);
    points.map(|(point, outcomes)| Run { answer: runner::conclude(&plan, point, &outcomes, &options), outcomes }).collect()
}

fn text(format: Format, document: &Comparisons, plan: &Plan) -> String {
    match format {
        Format::Table => report::render(document, plan.duration.seconds()),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}
