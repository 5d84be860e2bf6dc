//! One replication, looked at closely: every step of the pools, the way of single requests, all of it as a timeline.

use crate::answers::runner::{Course, PATIENCE};
use crate::kernel::rng::Seed;
use crate::kernel::time::SimTime;
use crate::measure::journey::Journey;
use crate::measure::journeys::{Journeys, Keep};
use crate::measure::trace::{Level, Levels, Step, Telling, Trace};
use crate::protocol::event::StreamId;
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// All that is needed to draw one replication.
pub struct Recorded {
    /// Requests that arrived.
    pub journeys: Vec<Journey>,
    /// What the pools did.
    pub steps: Vec<Step>,
    /// What the pools counted.
    pub levels: Vec<Level>,
}

/// The steps of all pools in one replication of a checked blueprint, from the start (the warm-up included) to the end of
/// the counted span, as lines of JSON: `t` in seconds since the start with nine decimals, `event`, `app`, `worker` (from
/// 1 in each app), `request` (its number in its stream, from 0), `conn` (its number in its pool, from 1) and `stream`;
/// `null` for what a step does not concern. Stops when `print` says false.
pub fn events(blueprint: &Blueprint, course: Course, replication: u64, mut print: impl FnMut(&str) -> bool) {
    let names = Names::of(blueprint);
    let mut model = model(blueprint, course, replication);
    let mut telling = Telling::to(|step: &Step| print(&names.line(step)));
    simulate(&mut model, SimTime::ZERO + course.warmup + course.duration, &mut telling);
}

/// The way of one request, or how many its stream had by the end of the counted span if it was not among them.
pub fn request(blueprint: &Blueprint, course: Course, replication: u64, stream: StreamId, number: u64) -> Result<Journey, u64> {
    let until = SimTime::ZERO + course.warmup + course.duration;
    let mut model = model(blueprint, course, replication);
    let mut journeys = Journeys::new(Keep::One(stream, number), SimTime::ZERO, until);
    simulate(&mut model, until + course.duration + PATIENCE, &mut journeys);
    let arrived = journeys.arrived();
    journeys.finish().pop().ok_or(arrived)
}

/// The ways of the requests that took longest, the longest first, of all that arrived in the counted span.
pub fn slowest(blueprint: &Blueprint, course: Course, replication: u64, most: usize) -> Vec<Journey> {
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let mut model = model(blueprint, course, replication);
    let mut journeys = Journeys::new(Keep::Slowest(most), from, until);
    simulate(&mut model, until + course.duration + PATIENCE, &mut journeys);
    journeys.finish()
}

/// All that happened in `from..until`, and what began before it for the counts of the pools.
pub fn record(blueprint: &Blueprint, course: Course, replication: u64, from: SimTime, until: SimTime) -> Recorded {
    let mut model = model(blueprint, course, replication);
    let mut watching = (Journeys::new(Keep::All, from, until), (Trace::default(), Levels::default()));
    simulate(&mut model, until, &mut watching);
    let (journeys, (trace, levels)) = watching;
    Recorded { journeys: journeys.finish(), steps: trace.steps, levels: levels.changes }
}

fn model(blueprint: &Blueprint, course: Course, replication: u64) -> Model {
    Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds")
}

/// What people call the workers and streams of a system, as text in JSON.
struct Names {
    /// App and number in it, of each worker.
    workers: Vec<(String, u32)>,
    streams: Vec<String>,
}

impl Names {
    fn of(blueprint: &Blueprint) -> Names {
        let quoted = |name: &str| serde_json::Value::from(name).to_string();
        let workers = blueprint.workers().map(|(app, worker)| (quoted(&app.name), worker));
        Names { workers: workers.collect(), streams: blueprint.workload.iter().map(|stream| quoted(&stream.name)).collect() }
    }

    fn line(&self, step: &Step) -> String {
        let (app, worker) = &self.workers[step.worker.index()];
        let (seconds, nanos) = (step.at.nanos() / 1_000_000_000, step.at.nanos() % 1_000_000_000);
        let number = |number: Option<u64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
        let (request, conn) = (number(step.request.map(|(_, number)| number)), number(step.conn.map(u64::from)));
        let stream = step.request.map_or("null", |(stream, _)| &self.streams[stream.index()]);
        format!(
            r#"{{"t": {seconds}.{nanos:09}, "event": "{}", "app": {app}, "worker": {worker}, "request": {request}, "conn": {conn}, "stream": {stream}}}{}"#,
            step.event.name(),
            '\n'
        )
    }
}
