//! `poolcast check`: arithmetic and rules, no run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::import::Sources;
use super::{Failure, Outcome, answer, complain};
use crate::answers::check::{Finding, RULES, Severity, System, Worst, check, worst};
use crate::answers::report::findings::{document, render, tally, worst_cases};
use crate::answers::report::json;
use crate::experiment::{Experiment, Place, Plan, Point, Problem};
use crate::shells::files::Home;
use crate::shells::import::Imported;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast check experiments/movehub.ron
  poolcast check --env .env --pgbouncer pgbouncer.ini --postgres postgresql.conf --compose docker-compose.yml
  poolcast check checkout.ron --set apps.api.workers=12 --format json | jq '.findings[].rule'")]
pub(super) struct Check {
    /// Experiment files; `-` is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Sets a value of the system (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::common::assignment)]
    set: Vec<(String, String)>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Lists the rules and what each looks for
    #[arg(long, exclusive = true)]
    rules: bool,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As a compiler does
    Table,
    /// One document for all files
    Json,
}

/// Where the value of a path of one point stands.
type Where<'a> = Box<dyn Fn(&str) -> Option<Place> + 'a>;

/// What was found in one experiment.
struct Checked {
    findings: Vec<Finding>,
    cases: Vec<(String, Worst)>,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        if self.rules {
            answer(&list())?;
            return Ok(true);
        }
        let mut checked: Vec<Checked> = self.files.iter().map(|file| self.file(&Home::of(file))).collect::<Result<_, _>>()?;
        if let Some(imported) = self.sources.import()? {
            imported.guesses.iter().for_each(|guess| complain(&format!("guessed: {guess}")));
            checked.push(self.imported(&imported)?);
        }
        if checked.is_empty() {
            let problem = Problem::nowhere("there is nothing to check");
            return Err(Failure::Input(
                problem.help("give an experiment file, or configuration files: --env, --pgbouncer, --postgres, --compose"),
            ));
        }
        match self.format {
            Format::Table => {
                let texts: Vec<String> = checked.iter().map(text).collect();
                answer(&texts.join("\n"))?;
            }
            Format::Json => {
                let findings: Vec<Finding> = checked.iter().flat_map(|checked| checked.findings.iter().cloned()).collect();
                answer(&json::render(&document(&findings)))?;
            }
        }
        let fine = |checked: &Checked| checked.findings.iter().all(|finding| finding.severity != Severity::Error);
        Ok(checked.iter().all(fine))
    }

    fn file(&self, home: &Home) -> Result<Checked, Failure> {
        let experiment = home.experiment()?;
        let mut plan = experiment.plan(&self.set, None, None).map_err(Failure::Input)?;
        home.load(&mut plan)?;
        let mut places: Vec<Where> = Vec::new();
        for point in &plan.points {
            places.push(Box::new(|path| experiment.place(point, &self.set, path)));
        }
        Ok(checked(&plan, &places, None))
    }

    /// Configuration files: the places are those in them, what was guessed has none.
    fn imported(&self, imported: &Imported) -> Result<Checked, Failure> {
        let experiment = Experiment::parse(&imported.text, "the imported experiment", &|_| None).map_err(Failure::Input)?;
        let plan = experiment.plan(&self.set, None, None).map_err(Failure::Input)?;
        let place = |path: &str| imported.place(path);
        let places: Vec<Where> = plan.points.iter().map(|_| Box::new(place) as Where).collect();
        Ok(checked(&plan, &places, imported.surge))
    }
}

fn checked(plan: &Plan, places: &[Where], surge: Option<u64>) -> Checked {
    let systems = plan.points.iter().zip(places).map(|(point, place)| System {
        name: name(point),
        blueprint: &point.blueprint,
        objectives: &plan.objectives,
        surge,
        place,
    });
    let systems: Vec<System> = systems.collect();
    let cases = systems.iter().map(|system| (system.name.clone(), worst(system))).collect();
    Checked { findings: check(&systems), cases }
}

/// A point as a person would call it.
fn name(point: &Point) -> String {
    let vary = point.vary.iter().map(|(path, value)| format!("{} = {value}", path.rsplit('.').next().unwrap_or(path)));
    point.scenario.iter().cloned().chain(vary).collect::<Vec<_>>().join(", ")
}

fn text(checked: &Checked) -> String {
    let mut out = String::new();
    for finding in &checked.findings {
        out += &format!("{}\n\n", render(finding, checked.cases.len()));
    }
    out + &worst_cases(&checked.cases) + &format!("{}\n", tally(&checked.findings))
}

fn list() -> String {
    RULES.iter().map(|rule| format!("{}\n    {}\n", rule.name, rule.about)).collect()
}
