//! The smallest setting that meets every objective, how far the load may grow until it no longer does, and what limits it.
//!
//! With 95 % confidence all that is said of sizes is true together: the risk is split over every look at every objective of
//! every size that may be tried (`search::most_tried` of them). What lies within a margin around its limit may stay
//! undecided; then the answer is the smallest size that was shown to meet, and never one that was not.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answers::document::Named;
use crate::answers::evidence::{Proof, Shown, Standard, Verdict, prove};
use crate::answers::load;
use crate::answers::search::{self, most_tried};
use crate::experiment::{Plan, Point, Problem, Replications};
use crate::measure::intervals::Confidence;
use crate::simulation::blueprint::Blueprint;

mod paste;
mod reasons;
mod share;

/// What is tuned: one path, or several that share a total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Where in the system.
    pub paths: Vec<String>,
    /// The least.
    pub low: u64,
    /// The most.
    pub high: u64,
}

/// The plan of one point with these values set.
pub type PlanAt<'a> = &'a dyn Fn(&[(String, u64)]) -> Result<Plan, Problem>;

/// What is to be done.
pub struct Task<'a> {
    /// One or two things to tune.
    pub axes: &'a [Axis],
    /// The one point of the experiment with these values set.
    pub plan_at: PlanAt<'a>,
    /// Half the width of the margin around a limit within which nothing needs to be decided, as a share of the limit.
    pub indifference: f64,
    /// Replications of one size after which what is open stays open; 16 times the experiment's if nothing is said.
    pub at_most: Option<u64>,
    /// Threads.
    pub jobs: usize,
    /// Hears of every size that was tried.
    pub heard: &'a dyn Fn(&Tried),
}

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// Whether a setting in the range meets every objective.
    pub feasible: bool,
    /// The smallest one that does.
    pub answer: Option<Map<String, Value>>,
    /// What keeps it from being smaller, or what keeps all settings from meeting the objectives.
    pub binding: String,
    /// All settings that were tried, in order.
    pub tried: Vec<Tried>,
    /// How far the load may grow.
    pub cliff: Option<Cliff>,
    /// The worst case against every limit.
    pub limits: Vec<String>,
    /// The answer's settings as configuration files write them; of the largest setting if there is no answer.
    pub configuration: Named<String>,
    /// What is to be said besides.
    pub notes: Vec<String>,
}

/// A setting, and what was shown of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// What was set.
    pub values: Map<String, Value>,
    /// Of all objectives together.
    pub verdict: Verdict,
    /// How many it took.
    pub replications: u64,
    /// Of each objective.
    pub objectives: Vec<Shown>,
}

/// Where the answer stops holding. Loads are multiples of the experiment's.
#[derive(Clone, Debug, Serialize)]
pub struct Cliff {
    /// The highest load that was shown to be carried.
    pub holds_at: f64,
    /// The lowest one that was not, if there is one up to [`MOST_LOAD`].
    pub fails_at: Option<f64>,
    /// The objectives that are not met there.
    pub objectives: Vec<String>,
}

/// Loads are tried in steps of a twentieth of today's, up to so many steps: four times today's.
const LOAD_STEPS: u64 = 60;
const LOAD_STEP: f64 = 0.05;
/// The most values of the first of two things: for each of them the second is looked for.
pub const MOST_VALUES: u64 = 24;
/// Where more is not always better, so many values of the range are tried besides.
const MOST_CURVE: u64 = 32;
/// Fewer replications have intervals that are too wide to be worth a look.
const FEWEST_REPLICATIONS: u64 = 10;
/// What an experiment begins with that asks for a precision instead of a number.
const FIRST_REPLICATIONS: u64 = 16;

/// A size that was tried, with all that is known of it.
struct Case {
    values: Vec<(String, u64)>,
    proof: Proof,
}

/// Finds the smallest setting.
pub fn size(task: &Task) -> Result<Size, Problem> {
    let mut cases = Vec::new();
    let (found, is_monotone) = match task.axes {
        [axis] => along(task, axis, &[], most_tried(axis.low, axis.high), &mut cases)?,
        [first, second] => in_plane(task, first, second, &mut cases)?,
        _ => unreachable!("one or two things are tuned"),
    };
    cases.sort_by_key(|case| case.values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    let chosen = found.or_else(|| cases.last().map(|case| case.values.clone())).expect("at least one size was tried");
    let case = cases.iter().find(|case| case.values == chosen).expect("it was tried");
    let feasible = case.proof.verdict == Verdict::Meets;
    let plan = (task.plan_at)(&chosen)?;
    let blueprint = &plan.points[0].blueprint;
    Ok(Size {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: plan.question.clone(),
        seed: plan.seed,
        feasible,
        answer: feasible.then(|| object(&chosen)),
        binding: reasons::binding(&cases, &chosen, feasible),
        tried: cases.iter().map(tried).collect(),
        cliff: feasible.then(|| cliff(task, &plan)),
        limits: reasons::limits(blueprint),
        configuration: paste::configuration(blueprint),
        notes: reasons::notes(task, &cases, is_monotone),
    })
}

type Found = (Option<Vec<(String, u64)>>, bool);

/// The smallest value of one axis beside what is `fixed`; of all searches together `most` sizes are tried at most.
fn along(task: &Task, axis: &Axis, fixed: &[(String, u64)], most: u64, cases: &mut Vec<Case>) -> Result<Found, Problem> {
    let mut wrong = None;
    let mut values_of = Vec::new();
    let found = search::search(axis.low, axis.high, &mut |value| {
        if wrong.is_some() {
            return Verdict::Misses;
        }
        match one(task, axis, fixed, value, most) {
            Ok(case) => {
                let verdict = case.proof.verdict;
                values_of.push((value, case.values.clone()));
                cases.push(case);
                verdict
            }
            Err(problem) => {
                wrong = Some(problem);
                Verdict::Misses
            }
        }
    });
    if let Some(problem) = wrong {
        return Err(problem);
    }
    if !found.is_monotone && task.axes.len() == 1 {
        let step = ((axis.high - axis.low) / MOST_CURVE).max(1) as usize;
        for value in (axis.low..=axis.high).step_by(step).filter(|value| found.tried.iter().all(|(known, _)| known != value)) {
            cases.push(one(task, axis, fixed, value, most)?);
        }
    }
    let smallest = found.smallest.and_then(|smallest| values_of.into_iter().find(|(value, _)| *value == smallest));
    Ok((smallest.map(|(_, values)| values), found.is_monotone))
}

fn one(task: &Task, axis: &Axis, fixed: &[(String, u64)], value: u64, most: u64) -> Result<Case, Problem> {
    let mut values = fixed.to_vec();
    match axis.paths.as_slice() {
        [path] => values.push((path.clone(), value)),
        paths => {
            let ones: Vec<(String, u64)> = fixed.iter().cloned().chain(paths.iter().map(|path| (path.clone(), 1))).collect();
            values.extend(share::of(value, paths, &(task.plan_at)(&ones)?.points[0].blueprint)?);
        }
    }
    let plan = (task.plan_at)(&values)?;
    let case = Case { proof: prove(&plan, &standard(task, &plan, most), task.jobs), values };
    (task.heard)(&tried(&case));
    Ok(case)
}

/// For each value of the first the smallest of the second; of these the one with the fewest connections at worst. What a
/// smaller first value needs of the second is enough for a larger one too.
fn in_plane(task: &Task, first: &Axis, second: &Axis, cases: &mut Vec<Case>) -> Result<Found, Problem> {
    let most = (first.high - first.low + 1) * most_tried(second.low, second.high);
    let mut best: Option<(u64, Vec<(String, u64)>)> = None;
    let (mut high, mut monotone) = (second.high, true);
    for value in first.low..=first.high {
        let fixed = [(first.paths[0].clone(), value)];
        let (found, is_monotone) = along(task, &Axis { high, ..second.clone() }, &fixed, most, cases)?;
        monotone &= is_monotone;
        let Some(values) = found else { continue };
        high = values.last().map_or(high, |(_, needed)| (*needed).max(second.low));
        let cost = cost(&(task.plan_at)(&values)?.points[0].blueprint);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, values));
        }
    }
    Ok((best.map(|(_, values)| values), monotone))
}

fn standard(task: &Task, plan: &Plan, most: u64) -> Standard {
    let first = match plan.replications {
        Replications::Fixed(number) => u64::from(number).max(FEWEST_REPLICATIONS),
        Replications::Precise { .. } => FIRST_REPLICATIONS,
    };
    let at_most = task.at_most.unwrap_or(16 * first).max(first);
    let looks = most * Standard::looks(first, at_most) * plan.objectives.len() as u64;
    Standard { confidence: Confidence::USUAL.for_each_of(looks as usize), indifference: task.indifference, first, at_most }
}

/// The load at which it stops holding.
fn cliff(task: &Task, plan: &Plan) -> Cliff {
    let standard = standard(task, plan, most_tried(1, LOAD_STEPS));
    let load = |step: u64| 1.0 + LOAD_STEP * step as f64;
    let mut broken = Vec::new();
    let found = search::edge(1, LOAD_STEPS, &mut |step| {
        let more = Point { blueprint: load::times(&plan.points[0].blueprint, load(step)), ..plan.points[0].clone() };
        let proof = prove(&Plan { points: vec![more], ..plan.clone() }, &standard, task.jobs);
        let holds = proof.verdict == Verdict::Meets;
        let missed = proof.shown.into_iter().filter(|shown| shown.verdict != Verdict::Meets).map(|shown| shown.objective).collect();
        broken.push((step, missed));
        // Looked for is the first load that is too much: there "meets" means that something is missed.
        if holds { Verdict::Misses } else { Verdict::Meets }
    });
    let objectives = broken.into_iter().find(|(step, _)| Some(*step) == found.smallest).map_or(Vec::new(), |(_, missed)| missed);
    Cliff { holds_at: load(found.smallest.unwrap_or(LOAD_STEPS + 1) - 1), fails_at: found.smallest.map(load), objectives }
}

/// Connections at worst: at the database, and a little for those of the pools.
fn cost(blueprint: &Blueprint) -> u64 {
    let worst = reasons::worst(blueprint);
    let most = |connections: Option<u64>| connections.unwrap_or(1_000_000);
    most(worst.database[0]) * 1_000_000 + most(worst.pools.1)
}

fn tried(case: &Case) -> Tried {
    let proof = &case.proof;
    Tried { values: object(&case.values), verdict: proof.verdict, replications: proof.replications, objectives: proof.shown.clone() }
}

fn object(values: &[(String, u64)]) -> Map<String, Value> {
    values.iter().map(|(path, value)| (path.clone(), Value::from(*value))).collect()
}

fn in_words(values: &[(String, u64)]) -> String {
    values.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", ")
}
