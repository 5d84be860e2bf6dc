//! Whole experiments, repeated hundreds of times: how often what the program says of one is true.
//!
//! `POOLCAST_MACRO_RUNS` says how many (200 if it is not set); from 1,000 on chance leaves room for promises as narrow as
//! those of the published table.

use std::ops::{Range, RangeInclusive};
use std::sync::Mutex;

use poolcast::answers::document::{Answer, Point};
use poolcast::answers::runner::{Course, answer, course, replicate};
use poolcast::experiment::{Experiment, Plan};
use poolcast::measure::outcome::Outcome;
use rayon::prelude::*;

use super::recursion;
use super::truth::Queue;

/// The default of an experiment.
pub const REPLICATIONS: u64 = 32;

/// How many macro-runs.
pub fn number() -> u64 {
    std::env::var("POOLCAST_MACRO_RUNS").map_or(200, |text| text.parse().expect("POOLCAST_MACRO_RUNS is a number"))
}

/// Whether there are enough of them for narrow promises.
pub fn are_many() -> bool {
    number() >= 1000
}

/// What a replication is made by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Engine {
    /// The recursion of Kiefer and Wolfowitz.
    Recursion,
    /// The simulator.
    Simulator,
}

/// An experiment to be repeated.
#[derive(Clone, Copy, Debug)]
pub struct Repeated {
    pub queue: Queue,
    pub engine: Engine,
    /// Requests that each replication counts.
    pub requests: f64,
}

/// One of the repetitions.
pub struct MacroRun {
    pub answer: Answer,
    pub outcomes: Vec<Outcome>,
}

impl Repeated {
    /// By the recursion, as long as a run must be to speak of a steady state (50 relaxation times), and with as many
    /// requests as a p99 needs.
    pub fn of(queue: Queue) -> Repeated {
        let gap = queue.capacity().sqrt() - queue.rate().sqrt();
        let relaxed = if queue.patience.is_some() { 0.0 } else { 50.0 * queue.rate() / (gap * gap) };
        Repeated { queue, engine: Engine::Recursion, requests: relaxed.max(5_000.0) }
    }

    /// What `look` sees in each of the repetitions, in their order.
    pub fn each<T: Send>(&self, look: impl Fn(MacroRun) -> T + Sync) -> Vec<T> {
        let plan = self.plan();
        let one = |seed| look(self.answered(&plan, seed, self.replications(&plan, seed, 0..REPLICATIONS)));
        (0..number()).into_par_iter().map(one).collect()
    }

    /// Some replications of the repetition of this seed.
    pub fn replications(&self, plan: &Plan, seed: u64, which: Range<u64>) -> Vec<Outcome> {
        let course = Course { seed, ..course(plan, &plan.points[0]) };
        let one = |replication| match self.engine {
            Engine::Recursion => recursion::replicate(&self.queue, course, replication),
            Engine::Simulator => replicate(&plan.points[0].blueprint, course, replication),
        };
        which.map(one).collect()
    }

    /// The repetition of this seed.
    pub fn answered(&self, plan: &Plan, seed: u64, outcomes: Vec<Outcome>) -> MacroRun {
        let plan = Plan { seed, ..plan.clone() };
        MacroRun { answer: answer(&plan, &plan.points[0], &outcomes, Vec::new()), outcomes }
    }

    /// The experiment as a file would ask for it.
    pub fn plan(&self) -> Plan {
        let Queue { servers, service, patience, .. } = self.queue;
        let timeout = patience.map_or("None".to_owned(), |seconds| format!("\"{}us\"", (seconds * 1e6).round()));
        let text = format!(
            r#"Experiment(
                question: "How long does one wait?",
                system: System(
                    workload: [Stream(name: "api", arrivals: Poisson(rate: {}), steps: [Session([Query(Exponential(mean: "{}us"))])])],
                    apps: [App(name: "api", workers: 1, pool: SqlAlchemy(
                        pool_size: {servers}, max_overflow: 0, pool_timeout: {timeout}, pool_reset_on_return: None,
                    ))],
                    proxy: Direct,
                    network: Network(app: Constant("0s")),
                    database: Postgres(max_connections: 1000, connect: Constant("0s"), service: Delay),
                ),
                duration: "{}us", seed: 1,
            )"#,
            self.queue.rate(),
            (service * 1e6).round(),
            (1e6 * self.requests / self.queue.rate()).round(),
        );
        let experiment = Experiment::parse(&text, "queue", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
        experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"))
    }
}

impl MacroRun {
    /// What the document says.
    pub fn point(&self) -> &Point {
        &self.answer.point
    }
}

/// Whether `truth` lies in an interval; where none is stated, as of a system that is called unstable, it does not.
pub fn covers(interval: Option<[f64; 2]>, truth: f64) -> bool {
    interval.is_some_and(|[low, high]| low <= truth && truth <= high)
}

/// Writes a line of the table, and holds it against what is promised: a percentage of `all`.
pub fn promise(what: &str, times: usize, all: usize, allowed: RangeInclusive<f64>) {
    let found = 100.0 * times as f64 / all as f64;
    line(what, &format!("{found:.1} %"), &format!("{}–{} %", allowed.start(), allowed.end()), all);
    assert!(allowed.contains(&found), "{what}: {found:.1} % of {all}, promised {allowed:?}");
}

/// Writes a line of the table.
pub fn line(what: &str, found: &str, allowed: &str, all: usize) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    println!("| {what} | {found} | {allowed} | {all} |");
}
