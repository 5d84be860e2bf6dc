//! What is too rare for plain simulation, held against the tails that queueing theory knows.

use poolcast::answers::rare::{Rare, Task, rare};
use poolcast::experiment::{Plan, Replications};
use poolcast::kernel::time::Span;
use poolcast::measure::brink::TooLong;
use rayon::prelude::*;

use super::macro_runs::{Repeated, covers, line};
use super::truth::Queue;

/// A queue, which of its waits are too long, and how likely that is.
struct Case {
    queue: Queue,
    too_long: TooLong,
    exact: f64,
}

/// Waiters who leave after so long.
fn impatient(servers: u32, load: f64, patience: f64) -> Case {
    let queue = Queue { servers, load, service: 0.010, patience: Some(patience) };
    Case { queue, too_long: TooLong::TimedOut, exact: queue.prob_refused() }
}

/// Waiters who wait for ever, some of them longer than this.
fn patient(servers: u32, load: f64, limit: f64) -> Case {
    let queue = Queue { servers, load, service: 0.010, patience: None };
    Case { queue, too_long: TooLong::Above(Span::from_seconds(limit)), exact: queue.tail(limit) }
}

impl Case {
    fn name(&self) -> String {
        let Queue { servers, load, .. } = self.queue;
        match self.too_long {
            TooLong::TimedOut => format!("M/M/{servers}+D, load {load}: a timeout, {:.1e}", self.exact),
            TooLong::Above(span) => format!("M/M/{servers}, load {load}: a wait above {span}, {:.1e}", self.exact),
        }
    }

    fn plan(&self, seed: u64) -> Plan {
        Plan { seed, ..Repeated { requests: 2_000.0, ..Repeated::of(self.queue) }.plan() }
    }

    fn found(&self, seed: u64, effort: usize) -> Rare {
        let (plan, task) = (self.plan(seed), Task { too_long: self.too_long, effort, jobs: 1 });
        rare(&plan, &plan.points[0], &task, &|_| {}).unwrap_or_else(|problem| panic!("{problem:?}"))
    }
}

/// Whether the whole table is asked for: a hundred seeds of each case.
fn are_many() -> bool {
    std::env::var("POOLCAST_MACRO_RUNS").is_ok()
}

/// Repeats the case with a few seeds, or a hundred, and holds against the truth how often the interval covers, how narrow it is,
/// and how many times as many requests plain simulation would need.
fn holds(case: &Case) {
    let (seeds, effort, misses) = if are_many() { (100, 800, 7) } else { (5, 60, 1) };
    let found: Vec<Rare> = (0..seeds).into_par_iter().map(|seed| case.found(seed, effort)).collect();
    let covered = found.iter().filter(|found| covers(found.probability_ci95, case.exact)).count() as u64;
    let mean = |of: &dyn Fn(&Rare) -> f64| found.iter().map(of).sum::<f64>() / seeds as f64;
    let requests = mean(&|found| found.requests as f64);
    let times = mean(&|found| found.plain_requests.unwrap_or(0.0)) / requests;
    let bias = mean(&|found| found.probability.unwrap_or(0.0)) / case.exact - 1.0;
    let half = mean(&|found| found.probability_ci95.map_or(0.0, |[low, high]| 0.5 * (high - low) / case.exact));
    let text = format!("{covered} % | {:+.0} % | ± {:.0} % | {:.1} million", 100.0 * bias, 100.0 * half, requests / 1e6);
    line(&case.name(), &text, &format!("{times:.0}"), seeds as usize);
    assert!(covered + misses >= seeds, "{}: covered {covered} of {seeds}", case.name());
    assert!(times > 100.0, "{}: plain simulation needs {times:.0} times as many requests", case.name());
}

#[test]
fn a_timeout_in_a_thousand_million_is_found_with_less_than_a_hundredth_of_the_requests() {
    holds(&impatient(1, 0.5, 0.380));
    if are_many() {
        [impatient(2, 0.6, 0.240), impatient(5, 0.7, 0.120), patient(3, 0.6, 0.165), impatient(3, 0.6, 0.100)].iter().for_each(holds);
    }
}

#[test]
fn the_answer_depends_on_the_seed_and_on_nothing_else() {
    let case = impatient(2, 0.6, 0.100);
    let plan = Plan { replications: Replications::Fixed(10), ..case.plan(7) };
    let on = |jobs| rare(&plan, &plan.points[0], &Task { too_long: case.too_long, effort: 60, jobs }, &|_| {}).expect("it can be asked");
    assert_eq!(on(1), on(2));
    assert_ne!(on(1).probability, case.found(8, 60).probability);
}
