//! Points × replications on threads; results in the order of the plan, whatever thread they came from.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::answers::document::Answer;
use crate::answers::objectives;
use crate::answers::summary::{self, Asked};
use crate::experiment::{Plan, Point, Replications};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::outcome::{Counter, Outcome};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// How long to look, and with which chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The master seed.
    pub seed: u64,
    /// Not counted.
    pub warmup: Span,
    /// Counted.
    pub duration: Span,
}

/// Slices into which the counted span is cut for the picture over time.
pub const SLICES: u32 = 240;

/// Requests are followed beyond the end for as long as the counted span lasted, and ten minutes more: what has not
/// ended then counts as unfinished.
pub const PATIENCE: Span = Span::from_secs(600);

/// One look at a running system: the second since its start, and what its own consoles would print.
pub type StatusView = (f64, String);

/// One replication of `blueprint`. The same arguments give the same outcome, to the bit.
pub fn replicate(blueprint: &Blueprint, course: Course, replication: u64) -> Outcome {
    replicate_with_views(blueprint, course, replication, None).0
}

/// The same, with a look at the system every so often up to the end of the counted span.
pub fn replicate_with_views(blueprint: &Blueprint, course: Course, replication: u64, every: Option<Span>) -> (Outcome, Vec<StatusView>) {
    let seed = Seed::new(course.seed, replication);
    let mut model = Model::new(blueprint, &seed).expect("a checked blueprint builds");
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let mut counter = Counter::new(blueprint.workload.len(), blueprint.apps.len(), from, until, SLICES);
    let mut views = Views { every, next: SimTime::ZERO, taken: Vec::new() };
    // An event at the very instant at which the count begins belongs to it.
    let before = SimTime::from_nanos(from.nanos().saturating_sub(1));
    let mut events = views.run(&mut model, blueprint, before, &mut counter);
    counter.begin(&mut model);
    events += views.run(&mut model, blueprint, SimTime::from_nanos(until.nanos() - 1), &mut counter);
    counter.close(&model.world);
    events += simulate(&mut model, until + course.duration + PATIENCE, &mut counter);
    (counter.finish(events), views.taken)
}

struct Views {
    every: Option<Span>,
    next: SimTime,
    taken: Vec<StatusView>,
}

impl Views {
    fn run(&mut self, model: &mut Model, blueprint: &Blueprint, end: SimTime, counter: &mut Counter) -> u64 {
        let mut events = 0;
        if let Some(every) = self.every {
            while self.next <= end {
                events += simulate(model, self.next, counter);
                self.taken.push((self.next.seconds(), view(model, blueprint)));
                self.next = self.next + every;
            }
        }
        events + simulate(model, end, counter)
    }
}

/// SQLAlchemy's `pool.status()` of each worker, PgBouncer's SHOW POOLS, and PostgreSQL's sessions by state.
fn view(model: &Model, blueprint: &Blueprint) -> String {
    let mut lines = Vec::new();
    let workers = blueprint.apps.iter().flat_map(|app| (1..=app.workers).map(move |worker| format!("{} worker {worker}", app.name)));
    for (name, pool) in workers.zip(model.pools()) {
        lines.push(format!("{name}: {}", pool.status()));
    }
    let now = model.world.agenda.now();
    lines.extend(model.proxy().map(|proxy| proxy.status(now)));
    lines.push(model.database().status(now));
    lines.join("\n")
}

/// How to go about a run. Nothing here changes a figure.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Threads.
    pub jobs: usize,
    /// Look at the first replication of each point every so often.
    pub status_every: Option<Span>,
}

/// Runs every point of a plan.
pub fn run(plan: &Plan, options: &RunOptions, progress: &(dyn Fn(f64) + Sync)) -> Vec<Answer> {
    let course = course(plan);
    let answers = plan.points.iter().zip(outcomes(plan, options.jobs, progress)).map(|(point, outcomes)| {
        let views = options.status_every.map_or(Vec::new(), |every| replicate_with_views(&point.blueprint, course, 0, Some(every)).1);
        answer(plan, point, &outcomes, views)
    });
    answers.collect()
}

/// Outcomes of every point of a plan, of each as many as the plan asks for.
pub fn outcomes(plan: &Plan, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    let course = course(plan);
    let blueprints: Vec<&Blueprint> = plan.points.iter().map(|point| &point.blueprint).collect();
    match plan.replications {
        Replications::Fixed(replications) => run_all(&blueprints, course, u64::from(replications), jobs, progress),
        Replications::Precise { relative, at_most } => {
            let point = |(index, blueprint): (usize, &&Blueprint)| {
                let share = |done: f64| progress((index as f64 + done) / blueprints.len() as f64);
                precisely(blueprint, course, relative, u64::from(at_most), jobs, &share)
            };
            blueprints.iter().enumerate().map(point).collect()
        }
    }
}

/// What the outcomes of one of a plan's points say.
pub fn answer(plan: &Plan, point: &Point, outcomes: &[Outcome], views: Vec<StatusView>) -> Answer {
    let vary = point.vary.iter().cloned().collect();
    let asked = Asked { scenario: point.scenario.clone().unwrap_or_default(), vary, blueprint: &point.blueprint, course: course(plan) };
    let mut answer = summary::answer(asked, outcomes, views);
    answer.point.objectives = objectives::judge(&plan.objectives, &answer.point, &point.blueprint, outcomes);
    answer
}

/// How long a plan looks, and with which chance.
pub fn course(plan: &Plan) -> Course {
    Course { seed: plan.seed, warmup: plan.warmup, duration: plan.duration }
}

/// Outcomes of every point, of all points the same replications: replication 7 met the same requests in each of them.
/// Where the plan asks for a precision, every point goes on until the last of them is there.
pub fn run_paired(plan: &Plan, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    let blueprints: Vec<&Blueprint> = plan.points.iter().map(|point| &point.blueprint).collect();
    let (mut target, most, relative) = match plan.replications {
        Replications::Fixed(replications) => (u64::from(replications), u64::from(replications), 1.0),
        Replications::Precise { relative, at_most } => (FIRST_STAGE.min(u64::from(at_most)), u64::from(at_most), relative),
    };
    let mut points: Vec<Vec<Outcome>> = vec![Vec::new(); blueprints.len()];
    loop {
        let from = points.first().map_or(0, Vec::len) as u64;
        let tasks: Vec<(usize, u64)> =
            (from..target).flat_map(|replication| (0..blueprints.len()).map(move |point| (point, replication))).collect();
        let share = |done: f64| progress((from as f64 + done * (target - from) as f64) / most as f64);
        for ((point, _), outcome) in tasks.iter().zip(run_tasks(&blueprints, course(plan), &tasks, jobs, &share)) {
            points[*point].push(outcome);
        }
        if target == most || points.iter().all(|outcomes| summary::is_precise(outcomes, relative)) {
            progress(1.0);
            return points;
        }
        target = (2 * target).min(most);
    }
}

/// Replications in stages, each stage twice as many, until the 95 % intervals of mean latency, p99 and error rate are
/// no wider than `relative` of their value to either side, or there are `at_most`.
fn precisely(
    blueprint: &Blueprint,
    course: Course,
    relative: f64,
    at_most: u64,
    jobs: usize,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut target = at_most.min(FIRST_STAGE);
    loop {
        let from = outcomes.len() as u64;
        let tasks: Vec<(usize, u64)> = (from..target).map(|replication| (0, replication)).collect();
        outcomes.extend(run_tasks(&[blueprint], course, &tasks, jobs, &|done| {
            progress((from as f64 + done * (target - from) as f64) / at_most as f64)
        }));
        if target == at_most || summary::is_precise(&outcomes, relative) {
            progress(1.0);
            return outcomes;
        }
        target = (2 * target).min(at_most);
    }
}

/// The first stage of a run to a given precision: with fewer, the intervals themselves are too uncertain to stop at.
const FIRST_STAGE: u64 = 16;

/// `replications` replications of each blueprint, on `jobs` threads. `progress` hears the fraction that is done.
pub fn run_all(
    blueprints: &[&Blueprint],
    course: Course,
    replications: u64,
    jobs: usize,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Vec<Outcome>> {
    let tasks: Vec<(usize, u64)> =
        (0..blueprints.len()).flat_map(|point| (0..replications).map(move |replication| (point, replication))).collect();
    let mut outcomes = run_tasks(blueprints, course, &tasks, jobs, progress);
    let mut points = Vec::with_capacity(blueprints.len());
    for _ in blueprints {
        let rest = outcomes.split_off(replications as usize);
        points.push(std::mem::replace(&mut outcomes, rest));
    }
    points
}

/// The replications of these numbers of one blueprint, on `jobs` threads.
pub fn run_range(blueprint: &Blueprint, course: Course, replications: Range<u64>, jobs: usize) -> Vec<Outcome> {
    let tasks: Vec<(usize, u64)> = replications.map(|replication| (0, replication)).collect();
    run_tasks(&[blueprint], course, &tasks, jobs, &|_| ())
}

/// The tasks, (point, replication) each, on `jobs` threads; outcomes in the order of the tasks.
fn run_tasks(
    blueprints: &[&Blueprint],
    course: Course,
    tasks: &[(usize, u64)],
    jobs: usize,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Outcome> {
    let done = AtomicUsize::new(0);
    let one = |&(point, replication): &(usize, u64)| {
        let outcome = replicate(blueprints[point], course, replication);
        progress((done.fetch_add(1, Ordering::Relaxed) + 1) as f64 / tasks.len() as f64);
        outcome
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().expect("threads can be started");
    threads.install(|| tasks.par_iter().with_max_len(1).map(one).collect())
}
