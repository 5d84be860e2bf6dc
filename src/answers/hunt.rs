//! The mildest bad day that breaks an objective: looked for among faults, their timing, slowdowns and surges of load, from
//! mild to bad, and then made as simple as it can be.
//!
//! Days are drawn and simplified by proptest. Every day is a pure function of the seed, and whether it breaks an objective
//! does not depend on the number of threads; so the same hunt finds the same day on every machine.

use std::cell::RefCell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::Serialize;

use crate::answers::document::Met;
use crate::answers::runner;
use crate::experiment::{Experiment, Objective, Plan, Problem, Replications};
use crate::kernel::rng::Seed;
use crate::simulation::blueprint::Blueprint;

mod file;
mod trouble;

pub use trouble::{Bounds, Trouble};
use trouble::{MOMENTS, STEPS, befall, kinds};

/// What is to be done.
pub struct Task<'a> {
    /// The file that is hunted in.
    pub experiment: &'a Experiment,
    /// Its one point.
    pub plan: &'a Plan,
    /// What was set on the command line, to be written into the file.
    pub sets: &'a [(String, String)],
    /// The most that a bad day may bring.
    pub bounds: Bounds,
    /// Days to try before it is given up.
    pub tries: u32,
    /// Replications of each day.
    pub replications: u32,
    /// Threads.
    pub jobs: usize,
    /// Hears of every day that was tried, and of the text of the file when it is the simplest so far.
    pub heard: &'a dyn Fn(&Heard),
}

/// A day that was tried.
pub struct Heard {
    /// How many so far.
    pub tried: u32,
    /// How near the nearest day that broke nothing came: the measured over the limit.
    pub nearest: f64,
    /// The experiment file of the simplest day so far, if this is it.
    pub file: Option<String>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hunt {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// Whether a day was found that breaks an objective.
    pub found: bool,
    /// What happens on it, as a file writes it.
    pub troubles: Vec<String>,
    /// The objectives on that day, with all replications of the experiment.
    pub objectives: Vec<Met>,
    /// Days that were tried, each a system of its own.
    pub tried: u32,
    /// Of those, how many broke an objective.
    pub broke: u32,
    /// How near the nearest day that broke nothing came: the measured over the limit.
    pub nearest: f64,
    /// The file that brings the day about.
    #[serde(skip)]
    pub file: Option<String>,
}

/// Troubles at once, and the share of the bounds, of one round after the other: from mild to bad.
const ROUNDS: [(usize, f64); 8] = [(1, 0.25), (1, 0.5), (2, 0.25), (1, 1.0), (2, 0.5), (3, 0.5), (2, 1.0), (3, 1.0)];
/// Simpler days that are tried once one was found.
const SIMPLER: u32 = 400;

/// What is known on the way.
#[derive(Default)]
struct Known {
    tried: u32,
    broke: u32,
    nearest: f64,
}

/// Hunts.
pub fn hunt(task: &Task) -> Result<Hunt, Problem> {
    refuse_broken(task)?;
    let known = RefCell::new(Known::default());
    let mut runner = TestRunner::new_with_rng(config(task), TestRng::from_seed(RngAlgorithm::ChaCha, &seed(task.plan)));
    for (troubles, share) in ROUNDS.into_iter().filter(|(troubles, _)| *troubles <= task.bounds.troubles) {
        let outcome = runner.run(&days(&task.plan.points[0].blueprint, troubles, share), |day| try_day(task, &day, &known));
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(_, day)) => {
                let day = mildest(task, day, &known);
                return found(task, &day, &known.borrow());
            }
            Err(TestError::Abort(why)) => return Err(Problem::nowhere(format!("the hunt was given up: {why}"))),
        }
    }
    Ok(document(task, &known.borrow()))
}

fn config(task: &Task) -> Config {
    Config {
        cases: task.tries.div_ceil(ROUNDS.len() as u32).max(1),
        max_shrink_iters: SIMPLER,
        failure_persistence: None,
        ..Config::default()
    }
}

fn seed(plan: &Plan) -> [u8; 32] {
    let mut words = Seed::new(plan.seed, 0).stream("hunt/days");
    let mut seed = [0; 32];
    seed.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&words.word().to_le_bytes()));
    seed
}

/// Days with so many troubles, each up to that share of the bounds.
fn days(blueprint: &Blueprint, troubles: usize, share: f64) -> impl Strategy<Value = Vec<Trouble>> + use<> {
    let most = ((f64::from(STEPS) * share) as u32).max(1);
    let one = (select(kinds(blueprint)), 0..blueprint.apps.len(), 0..=MOMENTS, 1..=most, 1..=most);
    let one = one.prop_map(|(kind, app, moment, lasting, strength)| Trouble { kind, app, moment, lasting, strength });
    vec(one, 1..=troubles)
}

/// The same troubles, each as short and as weak as it may be. proptest halves the way from nothing, and stops short where one
/// amount happens to do no harm that a smaller one does; so each is looked for again from nothing on.
fn mildest(task: &Task, mut day: Vec<Trouble>, known: &RefCell<Known>) -> Vec<Trouble> {
    let amounts: [fn(&mut Trouble) -> &mut u32; 2] = [|trouble| &mut trouble.lasting, |trouble| &mut trouble.strength];
    for index in 0..day.len() {
        for amount in amounts {
            let with = |steps: u32| {
                let mut milder = day.clone();
                *amount(&mut milder[index]) = steps;
                milder
            };
            let steps = least(*amount(&mut day[index].clone()), |steps| breaks(task, &with(steps), known));
            day = with(steps);
        }
    }
    day
}

/// The least steps that break something, to within a twentieth, where `most` do: doubled from one on, then halved between.
fn least(most: u32, breaks: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, most);
    let mut tried = 1;
    while tried < high {
        if breaks(tried) {
            high = tried;
        } else {
            low = tried;
            tried *= 2;
        }
    }
    while high - low > (high / 20).max(1) {
        let middle = low + (high - low) / 2;
        if breaks(middle) { high = middle } else { low = middle }
    }
    high
}

/// Fails if the day breaks an objective: proptest then looks for a simpler one.
fn try_day(task: &Task, day: &[Trouble], known: &RefCell<Known>) -> Result<(), TestCaseError> {
    if breaks(task, day, known) { Err(TestCaseError::fail("an objective is broken")) } else { Ok(()) }
}

/// Whether that day breaks an objective.
fn breaks(task: &Task, day: &[Trouble], known: &RefCell<Known>) -> bool {
    let befallen = befall(task.plan, &task.bounds, day);
    let objectives = judged(task, &befallen, task.replications);
    let broken = is_broken(&objectives);
    let mut known = known.borrow_mut();
    known.tried += 1;
    known.broke += u32::from(broken);
    if !broken {
        known.nearest = known.nearest.max(nearest(&task.plan.objectives, &objectives));
    }
    let file = if broken { text(task, &befallen, &objectives, &known).ok() } else { None };
    (task.heard)(&Heard { tried: known.tried, nearest: known.nearest, file });
    broken
}

fn refuse_broken(task: &Task) -> Result<(), Problem> {
    let objectives = judged(task, &task.plan.points[0].blueprint, task.replications);
    match objectives.iter().find(|met| !met.met && !met.objective.starts_with("recover")) {
        Some(met) => Err(Problem::nowhere(format!("the objective \"{}\" is not met on a good day either", met.objective))
            .help("hunt looks for what breaks a system that holds: see `poolcast run`, or give more --looks")),
        None => Ok(()),
    }
}

fn judged(task: &Task, blueprint: &Blueprint, replications: u32) -> Vec<Met> {
    let mut plan = Plan { replications: Replications::Fixed(replications), ..task.plan.clone() };
    plan.points[0].blueprint = blueprint.clone();
    let outcomes = runner::outcomes(&plan, task.jobs, &|_| {}).remove(0);
    runner::answer(&plan, &plan.points[0], &outcomes, Vec::new()).point.objectives
}

fn is_broken(objectives: &[Met]) -> bool {
    objectives.iter().any(|met| !met.met)
}

/// The largest measured over its limit.
fn nearest(objectives: &[Objective], judged: &[Met]) -> f64 {
    let share = |(objective, met): (&Objective, &Met)| met.measured.map(|measured| measured / limit(objective));
    objectives.iter().zip(judged).filter_map(share).fold(0.0, f64::max)
}

fn limit(objective: &Objective) -> f64 {
    match objective {
        Objective::Latency { below, .. } | Objective::Wait { below, .. } | Objective::Recovery { below } => below.seconds(),
        Objective::Errors { below } => *below,
        Objective::Connections { below } => *below as f64,
    }
}

fn found(task: &Task, day: &[Trouble], known: &Known) -> Result<Hunt, Problem> {
    let befallen = befall(task.plan, &task.bounds, day);
    let all = match task.plan.replications {
        Replications::Fixed(number) => number.max(task.replications),
        Replications::Precise { .. } => task.replications,
    };
    let objectives = judged(task, &befallen, all);
    let file = text(task, &befallen, &objectives, known)?;
    Ok(Hunt { found: true, troubles: troubles(task, &befallen), objectives, file: Some(file), ..document(task, known) })
}

fn document(task: &Task, known: &Known) -> Hunt {
    Hunt {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: task.plan.question.clone(),
        seed: task.plan.seed,
        found: false,
        troubles: Vec::new(),
        objectives: Vec::new(),
        tried: known.tried,
        broke: known.broke,
        nearest: known.nearest,
        file: None,
    }
}

/// What the day brings beyond what the file has.
fn troubles(task: &Task, befallen: &Blueprint) -> Vec<String> {
    let usual = &task.plan.points[0].blueprint;
    let faults = befallen.faults.iter().filter(|fault| !usual.faults.contains(fault)).map(file::fault);
    let surges = befallen.workload.iter().zip(&usual.workload).filter(|(now, before)| now.arrivals != before.arrivals);
    let surge = |name: &str, arrivals: &str| format!("{name}: {}", arrivals.replace(',', ", "));
    faults.chain(surges.map(|(now, _)| surge(&now.name, &ron::to_string(&now.arrivals).expect("arrivals can be written")))).collect()
}

fn text(task: &Task, befallen: &Blueprint, objectives: &[Met], known: &Known) -> Result<String, Problem> {
    let broken = objectives.iter().filter(|met| !met.met);
    let broken =
        broken.map(|met| met.measured.map_or(met.objective.clone(), |measured| format!("{} (measured {measured:.3})", met.objective)));
    let bounds = &task.bounds;
    let mut said = vec![
        format!("Found by `poolcast hunt`, seed {}: the simplest of {} bad days that broke an objective.", task.plan.seed, known.broke),
        format!("Broken: {}", broken.collect::<Vec<_>>().join(", ")),
    ];
    said.extend(troubles(task, befallen).into_iter().map(|trouble| format!("By:     {trouble}")));
    said.push(format!(
        "Tried:  {} systems, nothing longer than {}, slower or more than {} times, {} troubles at once at most.",
        known.tried, bounds.lasting, bounds.factor, bounds.troubles
    ));
    file::write(task.experiment, befallen, task.sets, &said)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_least_is_found_to_within_a_twentieth_with_few_tries() {
        for edge in [1, 2, 3, 17, 40, 370, 999, 1000] {
            let tries = Cell::new(0);
            let found = least(1000, |steps| {
                tries.set(tries.get() + 1);
                steps >= edge
            });
            assert!(found >= edge && found - edge <= (edge / 20).max(1) && tries.get() <= 20, "{found} for {edge} in {}", tries.get());
        }
        assert!(least(440, |steps| steps >= 37 && !(200..230).contains(&steps)) <= 39, "harm that is not done by more is found");
    }
}
