//! Points × replications on threads; results in the order of the plan, whatever thread they came from.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::answers::document::Answer;
use crate::answers::objectives;
use crate::answers::starts;
use crate::answers::summary::{self, Asked};
use crate::experiment::{Plan, Point, Replications};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::outcome::{Counter, Outcome};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;
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
    counter.start(&model.world);
    let mut events = views.run(&mut model, blueprint, before, &mut counter);
    counter.begin(&mut model);
    events += views.run(&mut model, blueprint, SimTime::from_nanos(until.nanos() - 1), &mut counter);
    counter.close(&model.world);
    events += simulate(&mut model, until + course.duration + PATIENCE, &mut counter);
    (counter.finish(events), views.taken)
}

/// Whether somebody still waits for what is run.
pub type GoesOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// The same, as long as `goes_on` says so, with requests followed for no longer than `patience` after the counted span.
pub fn replicate_while(blueprint: &Blueprint, course: Course, patience: Span, replication: u64, goes_on: GoesOn) -> Option<Outcome> {
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let mut counter = Counter::new(blueprint.workload.len(), blueprint.apps.len(), from, until, SLICES);
    counter.start(&model.world);
    let mut events = simulate_while(&mut model, SimTime::from_nanos(from.nanos().saturating_sub(1)), &mut counter, goes_on)?;
    counter.begin(&mut model);
    events += simulate_while(&mut model, SimTime::from_nanos(until.nanos() - 1), &mut counter, goes_on)?;
    counter.close(&model.world);
    events += simulate_while(&mut model, until + patience, &mut counter, goes_on)?;
    Some(counter.finish(events))
}

/// Simulates in pieces, and asks after each of them whether to go on.
pub fn simulate_while(model: &mut Model, end: SimTime, observer: &mut impl Observer, goes_on: GoesOn) -> Option<u64> {
    const PIECES: u64 = 64;
    let (begin, mut events) = (model.world.agenda.now(), 0);
    for piece in 1..=PIECES {
        let next = SimTime::from_nanos(begin.nanos() + ((end - begin).nanos() / PIECES) * piece);
        events += simulate(model, if piece == PIECES { end } else { next }, observer);
        if !goes_on() {
            return None;
        }
        if observer.is_satisfied() {
            break;
        }
    }
    Some(events)
}

/// Replications from 0 on, as long as `goes_on` says so, on `jobs` threads; in their order.
pub fn run_while(
    blueprint: &Blueprint,
    course: Course,
    patience: Span,
    replications: u64,
    jobs: usize,
    goes_on: GoesOn,
) -> Option<Vec<Outcome>> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().expect("threads can be started");
    let one = |replication| replicate_while(blueprint, course, patience, replication, goes_on);
    threads.install(|| (0..replications).into_par_iter().map(one).collect())
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
    let workers = blueprint.workers().map(|(app, worker)| format!("{} worker {worker}", app.name));
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
    let outcomes = outcomes(plan, options.jobs, progress);
    plan.points.iter().zip(outcomes).map(|(point, outcomes)| complete(plan, point, outcomes, options).0).collect()
}

/// The same, with the outcomes that each answer is about.
pub fn run_keeping(plan: &Plan, options: &RunOptions, progress: &(dyn Fn(f64) + Sync)) -> Vec<(Answer, Vec<Outcome>)> {
    let outcomes = outcomes(plan, options.jobs, progress);
    plan.points.iter().zip(outcomes).map(|(point, outcomes)| complete(plan, point, outcomes, options)).collect()
}

/// The answer of one of a plan's points with all that it takes to stand behind it, and the outcomes that it is about.
///
/// Where the warm-up was left to the program and the start shows beyond it, the point is run again with one that is long
/// enough. Where something retries, it is run from an overloaded start too ([`starts`]).
pub fn complete(plan: &Plan, point: &Point, outcomes: Vec<Outcome>, options: &RunOptions) -> (Answer, Vec<Outcome>) {
    let alone = Plan { points: vec![point.clone()], ..plan.clone() };
    let (plan, outcomes) = match with_longer_warm_up(&alone, std::slice::from_ref(&outcomes)) {
        Some(plan) => {
            let outcomes = self::outcomes(&plan, options.jobs, &|_| {}).remove(0);
            (plan, outcomes)
        }
        None => (alone, outcomes),
    };
    (conclude(&plan, point, &outcomes, options), outcomes)
}

/// The plan with the warm-up that its points need, the same for all, if it was left to the program and these outcomes, some
/// of each point, show that it was too short.
pub fn with_longer_warm_up(plan: &Plan, outcomes: &[Vec<Outcome>]) -> Option<Plan> {
    let points = plan.points.iter().zip(outcomes).filter(|_| plan.warmup_is_auto);
    let warmups = points.filter_map(|(point, outcomes)| summary::longer_warm_up(&point.blueprint, outcomes, course(plan, point)));
    warmups.max().map(|warmup| Plan { warmup, ..plan.clone() })
}

/// The answer of one of a plan's points whose warm-up is long enough, looked at from both starts.
pub fn conclude(plan: &Plan, point: &Point, outcomes: &[Outcome], options: &RunOptions) -> Answer {
    let course = course(plan, point);
    let views = options.status_every.map_or(Vec::new(), |every| replicate_with_views(&point.blueprint, course, 0, Some(every)).1);
    let mut answer = answer(plan, point, outcomes, views);
    if let Some(overloaded) = starts::overloaded(&answer, course) {
        let other = run_all(&[&overloaded], course, outcomes.len() as u64, options.jobs, &|_| {}).remove(0);
        starts::judge(&mut answer, outcomes, &other);
    }
    answer
}

/// Outcomes of every point of a plan, of each as many as the plan asks for.
pub fn outcomes(plan: &Plan, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    let systems = systems(plan);
    match plan.replications {
        Replications::Fixed(replications) => all(&systems, u64::from(replications), jobs, progress),
        Replications::Precise { relative, at_most } => {
            let point = |(index, system): (usize, &System)| {
                let share = |done: f64| progress((index as f64 + done) / systems.len() as f64);
                staged(std::slice::from_ref(system), relative, u64::from(at_most), jobs, &share).remove(0)
            };
            systems.iter().enumerate().map(point).collect()
        }
    }
}

/// What the outcomes of one of a plan's points say.
pub fn answer(plan: &Plan, point: &Point, outcomes: &[Outcome], views: Vec<StatusView>) -> Answer {
    let vary = point.vary.iter().cloned().collect();
    let scenario = point.scenario.clone().unwrap_or_default();
    let asked = Asked { scenario, vary, blueprint: &point.blueprint, course: course(plan, point), measured: false };
    let mut answer = summary::answer(asked, outcomes, views);
    answer.point.objectives = objectives::judge(&plan.objectives, &answer.point, outcomes);
    if let Replications::Precise { relative, .. } = plan.replications {
        answer.point.notes.extend(summary::imprecision(&answer.point, outcomes, relative));
    }
    answer
}

/// How long a plan looks at one of its points, and with which chance.
pub fn course(plan: &Plan, point: &Point) -> Course {
    Course { seed: plan.seed, warmup: plan.warmup_of(&point.blueprint), duration: plan.duration }
}

/// Outcomes of every point, of all points the same replications: replication 7 met the same requests in each of them.
/// Where the plan asks for a precision, every point goes on until the last of them is there.
pub fn run_paired(plan: &Plan, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    match plan.replications {
        Replications::Fixed(replications) => all(&systems(plan), u64::from(replications), jobs, progress),
        Replications::Precise { relative, at_most } => staged(&systems(plan), relative, u64::from(at_most), jobs, progress),
    }
}

/// What is replicated.
type System<'a> = (&'a Blueprint, Course);

fn systems(plan: &Plan) -> Vec<System<'_>> {
    plan.points.iter().map(|point| (&point.blueprint, course(plan, point))).collect()
}

/// The first stage of a run to a given precision: with fewer, the intervals themselves are too uncertain to stop at.
pub const FIRST_STAGE: u64 = 32;

/// Replications in stages, each stage twice as many, until there are [enough](summary::is_enough) of each system for this
/// precision, or `at_most`.
///
/// Longer replications instead of more of them would cure a bias of the start too. But how long a replication is belongs
/// to the question (what happens when, what is compared with what), while the variance falls alike with either. A start
/// that shows, or a run shorter than fifty relaxation times, is told by the verdict, and ends the stages at once. Intervals
/// are looked at after whole stages only: whoever looks after each replication stops where chance made them narrow.
fn staged(systems: &[System], relative: f64, at_most: u64, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    let mut outcomes: Vec<Vec<Outcome>> = vec![Vec::new(); systems.len()];
    let mut target = at_most.min(FIRST_STAGE);
    loop {
        let from = outcomes.first().map_or(0, Vec::len) as u64;
        let tasks: Vec<(usize, u64)> =
            (from..target).flat_map(|replication| (0..systems.len()).map(move |system| (system, replication))).collect();
        let share = |done: f64| progress((from as f64 + done * (target - from) as f64) / at_most as f64);
        for ((system, _), outcome) in tasks.iter().zip(run_tasks(systems, &tasks, jobs, &share)) {
            outcomes[*system].push(outcome);
        }
        let are_enough =
            |((blueprint, course), outcomes): (&System, &Vec<Outcome>)| summary::is_enough(blueprint, outcomes, *course, relative);
        if target == at_most || systems.iter().zip(&outcomes).all(are_enough) {
            progress(1.0);
            return outcomes;
        }
        target = (2 * target).min(at_most);
    }
}

/// `replications` replications of each blueprint, on `jobs` threads. `progress` hears the fraction that is done.
pub fn run_all(
    blueprints: &[&Blueprint],
    course: Course,
    replications: u64,
    jobs: usize,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<Vec<Outcome>> {
    let systems: Vec<System> = blueprints.iter().map(|blueprint| (*blueprint, course)).collect();
    all(&systems, replications, jobs, progress)
}

fn all(systems: &[System], replications: u64, jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Vec<Outcome>> {
    let tasks: Vec<(usize, u64)> =
        (0..systems.len()).flat_map(|system| (0..replications).map(move |replication| (system, replication))).collect();
    let mut outcomes = run_tasks(systems, &tasks, jobs, progress);
    let mut points = Vec::with_capacity(systems.len());
    for _ in systems {
        let rest = outcomes.split_off(replications as usize);
        points.push(std::mem::replace(&mut outcomes, rest));
    }
    points
}

/// The replications of these numbers of one blueprint, on `jobs` threads.
pub fn run_range(blueprint: &Blueprint, course: Course, replications: Range<u64>, jobs: usize) -> Vec<Outcome> {
    let tasks: Vec<(usize, u64)> = replications.map(|replication| (0, replication)).collect();
    run_tasks(&[(blueprint, course)], &tasks, jobs, &|_| ())
}

/// `one` of each thing, on `jobs` threads; results in the order of the things.
pub fn each<T: Sync, R: Send>(things: &[T], jobs: usize, one: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().expect("threads can be started");
    threads.install(|| things.par_iter().with_max_len(1).map(one).collect())
}

/// The tasks, (system, replication) each, on `jobs` threads; outcomes in the order of the tasks.
fn run_tasks(systems: &[System], tasks: &[(usize, u64)], jobs: usize, progress: &(dyn Fn(f64) + Sync)) -> Vec<Outcome> {
    let done = AtomicUsize::new(0);
    let one = |&(system, replication): &(usize, u64)| {
        let (blueprint, course) = systems[system];
        let outcome = replicate(blueprint, course, replication);
        progress((done.fetch_add(1, Ordering::Relaxed) + 1) as f64 / tasks.len() as f64);
        outcome
    };
    each(tasks, jobs, one)
}
