//! Points × replications on threads; results in the order of the plan, whatever thread they came from.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

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
const PATIENCE: Span = Span::from_secs(600);

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
    let done = AtomicUsize::new(0);
    let one = |&(point, replication): &(usize, u64)| {
        let outcome = replicate(blueprints[point], course, replication);
        progress((done.fetch_add(1, Ordering::Relaxed) + 1) as f64 / tasks.len() as f64);
        outcome
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().expect("threads can be started");
    let mut outcomes: Vec<Outcome> = threads.install(|| tasks.par_iter().with_max_len(1).map(one).collect());
    let mut points = Vec::with_capacity(blueprints.len());
    for _ in blueprints {
        let rest = outcomes.split_off(replications as usize);
        points.push(std::mem::replace(&mut outcomes, rest));
    }
    points
}
