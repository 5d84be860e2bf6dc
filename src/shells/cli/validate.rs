//! `poolcast validate`: live and simulated side by side, with a verdict.

use std::path::PathBuf;

use clap::Args;

use super::common::{Common, Format};
use super::live::{START, ServersArgs};
use super::progress::Progress;
use super::{Failure, Outcome, answer, complain, keep, page};
use crate::answers::report::html::points::Asked;
use crate::answers::report::html::validation;
use crate::answers::report::{json, validate as report};
use crate::answers::runner::{Course, course};
use crate::answers::validate::judge::{FEWEST, Found, Terms, document};
use crate::answers::validate::sitting::Sitting;
use crate::answers::validate::{self, Validation};
use crate::experiment::{Plan, Point, Problem};
use crate::kernel::time::Span;
use crate::measure::equivalence::Verdict;
use crate::measure::recording::{Recording, fitness};
use crate::shells::files::{self, Home};
use crate::shells::live::run::{self, Options};
use crate::shells::live::sitting;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast validate experiments/live/steady.ron --local
  poolcast validate experiments/live/overflow.ron --local --repetitions 5 --out results
  poolcast validate checkout.ron --url postgres://app:secret@localhost/shop --format json | jq '.metrics[]'

Each live run is simulated with the arrivals and demands that it really had. A figure agrees if an equivalence test (two
one-sided tests at 5 %) shows the difference to be within the margin, and differs if it shows it to be beyond.

Exit code 0: all figures agree. 1: a figure differs. 3: the machine or the runs were too noisy for a verdict.")]
pub(super) struct Validate {
    /// An experiment file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    servers: ServersArgs,
    /// Live runs of each point, each with other requests; one that the machine has spoilt is done again, as long as
    /// --at-most allows
    #[arg(long, value_name = "N", default_value_t = FEWEST as u32, value_parser = clap::value_parser!(u32).range(FEWEST as i64..=100))]
    repetitions: u32,
    /// How far apart times may be, as a share of the live ones; left out, 0.1 of a latency, 0.2 of a wait or a p99
    #[arg(long, value_name = "SHARE")]
    margin: Option<f64>,
    /// Simulates the file's own model; left out, its costs are measured beside the runs
    #[arg(long)]
    as_written: bool,
    /// Gives verdicts even where the machine is busy with something else
    #[arg(long)]
    judge_anyway: bool,
    /// Runs only this scenario (repeatable)
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Writes NAME.validate.txt, NAME.validate.json, NAME.validate.csv and each run's recording into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Writes the answer as one HTML page: every figure live and simulated, beside its margin
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// How long costs are measured beside each run, after a start that does not count.
const SITTING: Span = Span::from_secs(3);
const SITTING_START: Span = Span::from_millis(500);
/// So that the requests beside a run are not its own.
const SITTING_REPLICATIONS: u64 = 1_000_000;

impl Validate {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let experiment = self.common.chosen(&home, &self.scenario)?;
        let mut plan = self.common.planned(&experiment)?;
        home.load(&mut plan)?;
        if let Some(margin) = self.margin.filter(|margin| !(0.0..=10.0).contains(margin)) {
            let problem = Problem::nowhere(format!("--margin {margin} is no share"));
            return Err(Failure::Input(problem.help("0.1 allows a tenth of what was measured live")));
        }
        let options = self.servers.options(&plan, self.repetitions)?;
        let (mut found, progress) = (Vec::new(), self.common.progress());
        for index in 0..plan.points.len() {
            found.push(self.point(&plan, index, &options, &home.stem(), &progress)?);
        }
        progress.end();
        let document = document(&plan, &found, Terms { margin: self.margin, anyway: self.judge_anyway });
        answer(&text(self.common.format, &document))?;
        if let Some(directory) = &self.out {
            keep(directory, &format!("{}.validate", home.stem()), |format| text(format, &document))?;
        }
        if let Some(path) = &self.report {
            let asked = Asked { command: "validate", reproduce: self.line(&home), source: &experiment.source, file: &home.name };
            self.common.paged(path, || page::write(path, || validation::of(&asked, &document)))?;
        }
        match document.verdict {
            Verdict::Agrees => Ok(true),
            Verdict::Differs => Ok(false),
            Verdict::TooNoisy => Err(Failure::Outside(no_verdict(&document, self.judge_anyway))),
        }
    }

    /// All live runs of a point, each after a short measurement of costs; then the same requests simulated. A run that the
    /// machine has spoilt is followed by another one, as long as there is time.
    fn point<'a>(&self, plan: &'a Plan, index: usize, options: &Options, name: &str, progress: &Progress) -> Result<Found<'a>, Failure> {
        let point = &plan.points[index];
        let course = course(plan, point);
        let (wanted, points) = (u64::from(self.repetitions), plan.points.len() as u64);
        let seconds = (START + SITTING_START + SITTING + START + course.warmup + course.duration).seconds();
        let mut sitting = match self.as_written {
            true => None,
            false => Some(Sitting::new(&point.blueprint, sitting::trips(&point.blueprint, options)?)),
        };
        let (mut recordings, mut fit) = (Vec::new(), 0);
        for repetition in 0..2 * wanted {
            let in_time = progress.seconds() + seconds < self.servers.at_most().seconds();
            if fit == wanted || repetition >= wanted && !in_time {
                break;
            }
            let run = || {
                if let Some(sitting) = &mut sitting {
                    let brief = Course { seed: course.seed, warmup: SITTING_START, duration: SITTING };
                    let quiet = sitting.blueprint(&point.blueprint);
                    sitting.add(&run::run(&quiet, brief, SITTING_REPLICATIONS + repetition, options)?);
                }
                run::run(&point.blueprint, course, repetition, options)
            };
            let recording = progress.live(index as u64 * wanted + fit, points * wanted, seconds, run)?;
            let spoilt = if self.judge_anyway { Vec::new() } else { fitness::warnings(&recording, &point.blueprint) };
            fit += u64::from(spoilt.is_empty());
            progress.say(|| self.tell(point, &recording, repetition, &spoilt));
            if let Some(directory) = &self.out {
                files::write_pieces(&directory.join(format!("{name}-{index}-{repetition}.ndjson")), |print| recording.lines(print))?;
            }
            recordings.push(recording);
        }
        let (model, pace) = match &sitting {
            Some(sitting) => (sitting.model(&point.blueprint), sitting.pace()),
            None => (point.blueprint.clone(), 1.0),
        };
        let pairs = recordings.iter().map(|recording| validate::pair(point, recording, &model, course, pace)).collect();
        let calibrated = sitting.as_ref().map_or(Vec::new(), Sitting::measured);
        let notes = sitting.as_ref().map_or(Vec::new(), Sitting::notes);
        Ok(Found { point, pairs, calibrated, notes })
    }

    /// The command line that does it again, without passwords.
    fn line(&self, home: &Home) -> String {
        let flag = |is_given: bool, name: &str| is_given.then(|| name.to_owned());
        let margin = self.margin.iter().flat_map(|margin| ["--margin".to_owned(), margin.to_string()]);
        let words = [home.name.clone()].into_iter().chain(self.servers.words());
        let words = words.chain(["--repetitions".to_owned(), self.repetitions.to_string()]).chain(margin);
        let words = words.chain(flag(self.as_written, "--as-written")).chain(flag(self.judge_anyway, "--judge-anyway"));
        let words = words.chain(self.scenario.iter().flat_map(|name| ["--scenario".to_owned(), name.clone()]));
        self.common.line("validate", &words.collect::<Vec<_>>())
    }

    fn tell(&self, point: &Point, recording: &Recording, repetition: u64, spoilt: &[String]) {
        if !self.common.is_quiet() {
            let name = point.scenario.clone().map_or(String::new(), |name| format!("{name}: "));
            let (number, attempts) = (repetition + 1, recording.attempts.len());
            let but = if spoilt.is_empty() { String::new() } else { format!("; it does not count: {}", spoilt.join("; ")) };
            complain(&format!("{name}run {number}, {attempts} attempts{but}"));
        }
    }
}

fn no_verdict(document: &Validation, judged_anyway: bool) -> String {
    if document.host.fit || judged_anyway {
        let wide = document.metrics.iter().filter(|one| one.verdict == Verdict::TooNoisy).count();
        format!("no verdict: the runs spread too far for {wide} figures; more --repetitions or a longer --set duration=… would help")
    } else {
        "no verdict: the machine was busy with something else; on a quiet one, or with --judge-anyway, there is one".to_owned()
    }
}

fn text(format: Format, document: &Validation) -> String {
    match format {
        Format::Table => report::render(document),
        Format::Json => json::render(document),
        Format::Csv => report::csv(document),
    }
}
