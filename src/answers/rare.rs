//! What is too rare for plain simulation: the probability that a wait for a connection is too long, down to once in years.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::answers::check::pools::habits;
use crate::answers::runner;
use crate::experiment::{Plan, Point, Problem, Replications};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::measure::brink::{Brink, TooLong};
use crate::measure::intervals::{self, Confidence, Estimate};
use crate::protocol::error::Error;
use crate::simulation::blueprint::{AppSpec, Blueprint};

mod climb;
mod survey;

use climb::{Found, Lost, Way};
use survey::{NoWay, survey};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    /// Which waits are too long.
    pub too_long: TooLong,
    /// Climbs from each level in each repetition.
    pub effort: usize,
    /// Threads.
    pub jobs: usize,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rare {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// The scenario that was looked at.
    pub scenario: String,
    /// `PoolTimeout`, or `wait above 2s`.
    pub event: String,
    /// Of one checkout; nothing where none was ever seen.
    pub probability: Option<f64>,
    /// Over the repetitions.
    pub probability_ci95: Option<[f64; 2]>,
    /// Seconds from one to the next at this load, on average.
    pub seconds_between: Option<f64>,
    /// The same interval.
    pub seconds_between_ci95: Option<[f64; 2]>,
    /// They come in clusters, of so many on average.
    pub together: Option<f64>,
    /// Independent repetitions.
    pub repetitions: u64,
    /// Of each level the share of climbs that reached it from the one below; of the first, climbs per checkout.
    pub levels: Vec<f64>,
    /// Requests that were simulated.
    pub requests: u64,
    /// Requests that plain simulation would need for as narrow an interval.
    pub plain_requests: Option<f64>,
    /// What is to be said besides.
    pub notes: Vec<String>,
}

/// Fewer repetitions have intervals that are too wide to be worth a look.
const FEWEST: u32 = 10;
/// Repetitions of the first stage, where a precision is asked for.
const FIRST_STAGE: u32 = 32;
/// A survey lasts so many times as long as the experiment at most.
const SURVEY: f64 = 100.0;
/// A climb lasts so many times as long as the experiment at most.
const PATIENCE: f64 = 10.0;

/// Finds how rare it is at one point of a plan. `progress` hears the fraction that is done.
pub fn rare(plan: &Plan, point: &Point, task: &Task, progress: &(dyn Fn(f64) + Sync)) -> Result<Rare, Problem> {
    let seed = Seed::new(plan.seed, 0).descendant("rare/survey");
    let mut answer = unanswered(plan, point, task);
    let way = match survey(way(plan, point, task)?, &seed, plan.duration.scaled(SURVEY)) {
        Ok((way, requests)) => {
            answer.requests = requests;
            way
        }
        Err(no_way) => {
            answer.notes.push(in_words(no_way));
            return Ok(answer);
        }
    };
    match repetitions(plan, &way, task.jobs, progress) {
        Ok(found) => state(&mut answer, &way, &found),
        Err(Lost) => answer.notes.push(in_words(NoWay::Lost)),
    }
    Ok(answer)
}

/// As many repetitions as the plan has replications; for a precision, in stages that double.
fn repetitions(plan: &Plan, way: &Way, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Result<Vec<Found>, Lost> {
    let (mut target, at_most, wanted) = match plan.replications {
        Replications::Fixed(number) => (number.max(FEWEST), number.max(FEWEST), 0.0),
        Replications::Precise { relative, at_most } => (at_most.clamp(FEWEST, FIRST_STAGE), at_most.max(FEWEST), relative),
    };
    let done = AtomicU64::new(0);
    let mut all: Vec<Found> = Vec::new();
    loop {
        let one = |repetition: &u64| {
            let found = way.climb(&Seed::new(plan.seed, *repetition));
            progress((done.fetch_add(1, Ordering::Relaxed) + 1) as f64 / f64::from(at_most));
            found
        };
        let missing: Vec<u64> = (all.len() as u64..u64::from(target)).collect();
        let found: Result<Vec<Found>, Lost> = runner::each(&missing, jobs, one).into_iter().collect();
        all.extend(found?);
        let is_enough = || estimate(&all).is_some_and(|estimate| estimate.relative_half_width() <= wanted);
        if target == at_most || is_enough() {
            return Ok(all);
        }
        target = (2 * target).min(at_most);
    }
}

/// The way up, before it is surveyed.
fn way<'a>(plan: &Plan, point: &'a Point, task: &Task) -> Result<Way<'a>, Problem> {
    let blueprint = &point.blueprint;
    if blueprint.is_finite() {
        let title = "how rare a timeout is can be asked of a steady load, and here something changes as time goes by";
        return Err(Problem::nowhere(title).help("leave faults and schedules out, or count what happens with `poolcast run`"));
    }
    let patience = patience(blueprint, task.too_long);
    let Some(shortest) = patience.iter().flatten().copied().reduce(f64::min) else {
        let title = "no pool of this system ever ends a wait, so there are no timeouts to look for";
        return Err(Problem::nowhere(title).help("say which waits are too long: --wait-above 2s"));
    };
    Ok(Way {
        blueprint,
        brink: Brink::new(task.too_long, patience.into(), shortest / 100.0),
        warmup: plan.warmup_of(blueprint),
        ground: plan.duration,
        calm: 0.0,
        levels: Vec::new(),
        effort: task.effort,
        patience: plan.duration.scaled(PATIENCE),
    })
}

/// How long a wait there may be in each worker's pool, in nanoseconds; nothing where none is too long.
fn patience(blueprint: &Blueprint, too_long: TooLong) -> Vec<Option<f64>> {
    let of_app = |app: &AppSpec| match too_long {
        TooLong::Above(span) => app.pool.kind().most_connections().map(|_| span),
        TooLong::TimedOut => habits(&app.pool).wait.and_then(|(_, patience)| patience),
    };
    let nanos = |span: Span| (span.nanos() as f64).max(1.0);
    blueprint.apps.iter().flat_map(|app| (0..app.workers).map(move |_| of_app(app).map(nanos))).collect()
}

/// The answer before anything is known.
fn unanswered(plan: &Plan, point: &Point, task: &Task) -> Rare {
    Rare {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: plan.question.clone(),
        seed: plan.seed,
        scenario: point.scenario.clone().unwrap_or_default(),
        event: match task.too_long {
            TooLong::TimedOut => Error::PoolTimeout.name().to_owned(),
            TooLong::Above(span) => format!("wait above {span}"),
        },
        probability: None,
        probability_ci95: None,
        seconds_between: None,
        seconds_between_ci95: None,
        together: None,
        repetitions: 0,
        levels: Vec::new(),
        requests: 0,
        plain_requests: None,
        notes: Vec::new(),
    }
}

/// Writes what was found into the answer.
fn state(answer: &mut Rare, way: &Way, found: &[Found]) {
    let checkouts: f64 = found.iter().map(|found| found.checkouts).sum();
    answer.repetitions = found.len() as u64;
    answer.requests += found.iter().map(|found| found.requests).sum::<u64>();
    answer.levels = shares(way, found, checkouts);
    let there = found.iter().filter(|found| found.expected > 0.0).count();
    if there < FEWEST as usize {
        let more = 4 * way.effort;
        let of = found.len();
        answer.notes.push(format!("{there} of {of} repetitions saw one: too few for an interval to rely on; --effort {more} does more"));
    }
    let Some(estimate) = estimate(found) else { return };
    let sum = |of: usize| found.iter().map(|found| found.clusters[of]).sum::<f64>();
    let spacing = way.ground.seconds() * found.len() as f64 / checkouts;
    answer.probability = Some(estimate.value);
    answer.probability_ci95 = Some([estimate.low, estimate.high]);
    answer.seconds_between = Some(spacing / estimate.value);
    answer.seconds_between_ci95 = (estimate.low > 0.0).then(|| [spacing / estimate.high, spacing / estimate.low]);
    answer.together = Some(sum(1) / sum(0));
    answer.plain_requests = plain(&estimate, sum(2) / sum(1));
}

/// The probability of one checkout, if it was ever seen. What repetitions find is skewed, and a sample that lacks the largest
/// of them does not know it: the interval is the cautious one.
fn estimate(found: &[Found]) -> Option<Estimate> {
    let pairs: Vec<(f64, f64)> = found.iter().map(|found| (found.expected, found.checkouts)).collect();
    let values = intervals::linearised(&pairs).filter(|values| values.len() > 1)?;
    let estimate = intervals::cautious_mean_with(&values, Confidence::USUAL.t(values.len()));
    (estimate.value > 0.0).then(|| estimate.within(0.0, 1.0))
}

fn shares(way: &Way, found: &[Found], checkouts: f64) -> Vec<f64> {
    let reached = |level: usize| found.iter().filter_map(|found| found.reached.get(level)).sum::<u64>() as f64;
    let began = |level: usize| if level == 0 { checkouts } else { (way.effort * found.len()) as f64 };
    (0..way.levels.len()).map(|level| reached(level) / began(level)).collect()
}

/// Requests that plain simulation needs for as narrow an interval of a share p, half of it being h p: z² (1 - p) g / (p h²).
/// Here g says how much those that come in one cluster know of each other: the mean of the clusters' squares over their mean.
fn plain(estimate: &Estimate, clustering: f64) -> Option<f64> {
    let (p, h) = (estimate.value, estimate.relative_half_width());
    (h > 0.0).then(|| NORMAL_975 * NORMAL_975 * (1.0 - p) * clustering / (p * h * h))
}

/// The 97.5 % quantile of the normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

fn in_words(no_way: NoWay) -> String {
    match no_way {
        NoWay::Flat => "the pools never become fuller than they mostly are, so nothing leads to a wait that is too long".to_owned(),
        NoWay::TooHigh(rate) => format!(
            "no wait was too long up to a level that is reached at one checkout in {:.0e}: if there are any, they are rarer still",
            1.0 / rate
        ),
        NoWay::Stuck => "the way up ends where no copy came any higher: more of them may (--effort)".to_owned(),
        NoWay::Lost => "once many waited the system did not become calm again for ten times the experiment's duration: this is no rare \
             event but a system that does not recover, see `poolcast run`"
            .to_owned(),
    }
}
