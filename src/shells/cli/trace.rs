//! `poolcast trace`: one replication, looked at closely.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::common::{assignment, choose};
use super::{Failure, Outcome, answer, answer_long, columns, complain};
use crate::answers::report::lines::WIDTH;
use crate::answers::report::{timeline, waterfall};
use crate::answers::runner;
use crate::answers::trace;
use crate::answers::words::count;
use crate::experiment::diagnose::instead;
use crate::experiment::{Plan, Problem};
use crate::kernel::time::{SimTime, Span};
use crate::measure::journey::Journey;
use crate::protocol::event::StreamId;
use crate::shells::files::{self, Home};
use crate::simulation::blueprint::Blueprint;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["events", "request", "slowest", "out"]).required(true).multiple(false), after_help = "Examples:
  poolcast trace checkout.ron --slowest 3
  poolcast trace checkout.ron --request 4711 --stream bookings
  poolcast trace checkout.ron --events | jq 'select(.event == \"timeout\")'
  poolcast trace checkout.ron --out trace.json --from 40s --until 50s    (then open it at https://ui.perfetto.dev)")]
pub(super) struct Trace {
    /// An experiment file; `-` is standard input
    file: PathBuf,
    /// Every step of every pool, the warm-up included: a line of JSON each, times in seconds since the start
    #[arg(long)]
    events: bool,
    /// The way of this request of its stream, counted from 0
    #[arg(long, value_name = "N")]
    request: Option<u64>,
    /// The ways of the requests that took longest, of those counted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    slowest: Option<u16>,
    /// Writes requests, connections, workers and pools as a timeline in Chrome's trace event format
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The stream of --request, if there are several
    #[arg(long, value_name = "NAME", requires = "request")]
    stream: Option<String>,
    /// The timeline begins so long after the start; at the end of the warm-up if left out
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, requires = "out")]
    from: Option<Span>,
    /// The timeline ends so long after the start; with the counted span if left out
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, requires = "out")]
    until: Option<Span>,
    /// Looks at this scenario; needed if there are several
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Sets a value of the system, of seed, warmup or duration (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// The seed of all chance, instead of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Which of the independent runs, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1_000_000))]
    replication: u64,
}

impl Trace {
    pub(super) fn run(self) -> Outcome {
        let plan = self.plan(&Home::of(&self.file))?;
        let (blueprint, course) = (&plan.points[0].blueprint, runner::course(&plan, &plan.points[0]));
        if let Some(number) = self.request {
            let stream = self.stream(blueprint).map_err(Failure::Input)?;
            let found = trace::request(blueprint, course, self.replication, stream, number);
            let journey = found.map_err(|arrived| never_arrived(blueprint, stream, number, arrived))?;
            show(&[journey], blueprint)?;
        } else if let Some(most) = self.slowest {
            show(&trace::slowest(blueprint, course, self.replication, most.into()), blueprint)?;
        } else if let Some(path) = &self.out {
            let end = course.warmup + course.duration;
            let (from, until) = (self.from.unwrap_or(course.warmup), self.until.unwrap_or(end).min(end));
            if from >= until {
                let problem = Problem::nowhere(format!("between {from} and {until} there is nothing to draw"));
                return Err(Failure::Input(problem.help(format!("the run ends after {end}: give a --from before --until and that"))));
            }
            let (from, until) = (SimTime::ZERO + from, SimTime::ZERO + until);
            let recorded = trace::record(blueprint, course, self.replication, from, until);
            files::write_pieces(path, |print| timeline::write(&recorded, blueprint, from, until, print))?;
            complain(&format!("{} requests drawn in {}", count(recorded.journeys.len() as u64), path.display()));
        } else {
            answer_long(|print| trace::events(blueprint, course, self.replication, print))?;
        }
        Ok(true)
    }

    /// The one system that is looked at.
    fn plan(&self, home: &Home) -> Result<Plan, Failure> {
        let mut experiment = home.experiment()?;
        choose(&mut experiment, self.scenario.as_slice()).map_err(Failure::Input)?;
        let mut plan = experiment.plan(&self.set, self.seed, None).map_err(Failure::Input)?;
        if plan.points.len() > 1 {
            return Err(Failure::Input(one_of_several(&plan, &home.name)));
        }
        home.load(&mut plan)?;
        Ok(plan)
    }

    fn stream(&self, blueprint: &Blueprint) -> Result<StreamId, Problem> {
        let known: Vec<&str> = blueprint.workload.iter().map(|stream| stream.name.as_str()).collect();
        let index = match &self.stream {
            Some(name) => known
                .iter()
                .position(|stream| stream == name)
                .ok_or_else(|| Problem::nowhere(format!("there is no stream \"{name}\"")).help(instead(name, &known)))?,
            None if known.len() == 1 => 0,
            None => {
                let problem = Problem::nowhere("requests are counted in each stream, and there are several");
                return Err(problem.help(format!("add --stream with one of: {}", known.join(", "))));
            }
        };
        Ok(StreamId(index as u32))
    }
}

fn one_of_several(plan: &Plan, file: &str) -> Problem {
    let problem = Problem::nowhere(format!("{file} has {} systems, and one can be looked at", plan.points.len()));
    let mut scenarios: Vec<&str> = plan.points.iter().filter_map(|point| point.scenario.as_deref()).collect();
    scenarios.dedup();
    let problem = match scenarios.as_slice() {
        [] | [_] => problem,
        [first, ..] => problem.help(format!("add --scenario \"{first}\" or another of: {}", scenarios.join(", "))),
    };
    let sets: Vec<String> = plan.points[0].vary.iter().map(|(path, value)| format!("--set {path}={value}")).collect();
    problem.help(if sets.is_empty() { String::new() } else { format!("add {} or other values", sets.join(" ")) })
}

fn never_arrived(blueprint: &Blueprint, stream: StreamId, number: u64, arrived: u64) -> Failure {
    let name = &blueprint.workload[stream.index()].name;
    let problem = Problem::nowhere(format!("request {number} of {name} does not arrive before the end"));
    Failure::Input(problem.help(match arrived {
        0 => "none arrives".to_owned(),
        _ => format!("{} do, counted from 0", count(arrived)),
    }))
}

fn show(journeys: &[Journey], blueprint: &Blueprint) -> Result<(), Failure> {
    let columns = columns().unwrap_or(WIDTH);
    let ways: Vec<String> = journeys.iter().map(|journey| waterfall::render(journey, blueprint, columns)).collect();
    answer(&ways.join("\n"))
}
