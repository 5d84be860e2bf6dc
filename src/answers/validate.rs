//! Live and simulated side by side: figures, margins and a verdict for each, and where a model is off, in what.
//!
//! Every live run is simulated with the requests that it really had: when they came and what they asked of the server. So
//! a pair of runs differs by the model and by what the machine did meanwhile, and by nothing else. Whether that
//! difference is within a margin is an [equivalence test](crate::measure::equivalence).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answers::runner::{Course, PATIENCE, SLICES, replicate};
use crate::experiment::Point;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::equivalence::Verdict;
use crate::measure::journeys::{Journeys, Keep};
use crate::measure::outcome::Outcome;
use crate::measure::recording::fitness::{self, Fitness};
use crate::measure::recording::{Recording, outcome};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

pub mod faults;
pub mod ingredients;
pub mod judge;
pub mod metrics;
pub mod replay;
pub mod sitting;

use ingredients::Both;
use sitting::Measured;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// Live runs of each point.
    pub repetitions: u64,
    /// `differs` if a figure does; `agrees` if all do; else `too noisy`.
    pub verdict: Verdict,
    /// One after the other, point by point.
    pub metrics: Vec<Compared>,
    /// What requests spent their time on, live and simulated, point by point.
    pub ingredients: Vec<Ingredient>,
    /// How the machine fared: of all runs the worst.
    pub host: Host,
    /// What the simulated side rests on, point by point; empty if it is the file's own model.
    pub calibrated: Vec<Measured>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// A figure, live and simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // times in seconds
pub struct Compared {
    pub scenario: String,
    pub vary: Map<String, Value>,
    pub metric: String,
    /// The mean of the live runs.
    pub live: f64,
    /// The least and the most of them.
    pub live_spread: [f64; 2],
    /// The mean of the simulated runs.
    pub simulated: f64,
    /// Simulated less live.
    pub difference: f64,
    /// Its interval at 90 %, of the pairs; nothing with a single pair.
    pub difference_ci90: Option<[f64; 2]>,
    /// How far apart they may be.
    pub margin: f64,
    pub verdict: Verdict,
}

/// What requests that ended well in both spent on something: mean seconds for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Ingredient {
    pub scenario: String,
    pub vary: Map<String, Value>,
    /// `checkout`, `queueing`, `connect`, `statements`, `giving back` or `application`.
    pub what: String,
    pub live: f64,
    pub simulated: f64,
    /// Simulated less live, with its interval at 90 %.
    pub difference: f64,
    pub difference_ci90: Option<[f64; 2]>,
    /// Whether it is what the figures differ by.
    pub off: bool,
}

/// How the machine fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Whether a verdict can rest on it.
    pub fit: bool,
    /// Of all runs the worst.
    #[serde(flatten)]
    pub worst: Fitness,
    /// Runs that were left out because the machine was busy with something else.
    pub left_out: u64,
}

/// A live run, and the same requests simulated.
pub struct Pair {
    /// Counted as a simulated run is.
    pub live: Outcome,
    /// By the model.
    pub simulated: Outcome,
    /// What the requests that ended well in both spent their time on.
    pub spent: Vec<Both>,
    /// From the first fault until the last request had failed, live and simulated; nothing without a fault.
    pub failing: Option<[Span; 2]>,
    /// How the machine fared.
    pub fitness: Fitness,
    /// What the recording says of it.
    pub warnings: Vec<String>,
}

/// Simulates what a recording of `point` has in it, with `model` in place of the point's own; statements take `pace`
/// times what was asked.
pub fn pair(point: &Point, recording: &Recording, model: &Blueprint, course: Course, pace: f64) -> Pair {
    let fitness = fitness::of(recording, &point.blueprint);
    let warnings = fitness::warnings(recording, &point.blueprint);
    let recording = replay::on_time(recording, &point.blueprint);
    let replayed = replay::replayed(model, &recording, pace);
    let replication = recording.about.replication;
    let journeys = journeys(&replayed, course, replication);
    Pair {
        live: outcome::of(&recording, SLICES),
        simulated: replicate(&replayed, course, replication),
        spent: ingredients::both(&recording, &journeys),
        failing: faults::failing(&recording, &journeys),
        fitness,
        warnings,
    }
}

fn journeys(blueprint: &Blueprint, course: Course, replication: u64) -> Vec<crate::measure::journey::Journey> {
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let mut journeys = Journeys::new(Keep::All, from, until);
    simulate(&mut model, until + course.duration + PATIENCE, &mut journeys);
    journeys.finish()
}

/// How the machine fared in these runs, `left_out` of which do not count.
pub fn host<'a>(runs: impl Iterator<Item = &'a Fitness>, left_out: u64, fit: bool) -> Host {
    let worst = runs.fold(Fitness::default(), |worst, run| Fitness {
        late_p50: worst.late_p50.max(run.late_p50),
        late_p99: worst.late_p99.max(run.late_p99),
        begun_p99: run.begun_p99.map(|begun| begun.max(worst.begun_p99.unwrap_or(0.0))).or(worst.begun_p99),
        busiest_driver: worst.busiest_driver.max(run.busiest_driver),
        steal: worst.steal.max(run.steal),
        foreign: worst.foreign.max(run.foreign),
    });
    Host { fit, worst, left_out }
}
