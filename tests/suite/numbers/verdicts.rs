//! Verdicts are right as often as they promise.

use poolcast::answers::runner::{FIRST_STAGE, course};
use poolcast::answers::summary::is_enough;
use rayon::prelude::*;

use super::macro_runs::{Repeated, are_many, covers, number, promise};
use super::truth::Queue;

fn verdicts(repeated: Repeated, verdict: &str) -> (usize, usize) {
    let found = repeated.each(|run| run.point().verdict == verdict);
    (found.iter().filter(|is| **is).count(), found.len())
}

#[test]
fn more_than_can_be_served_is_called_unstable() {
    let queue = Queue::of_ten(1.05);
    let (times, all) = verdicts(Repeated { requests: 5_000.0, ..Repeated::of(queue) }, "unstable");
    promise("M/M/10, load 1.05: called unstable", times, all, 99.0..=100.0);
}

#[test]
fn a_run_of_five_hundred_requests_near_capacity_is_called_too_short() {
    let (times, all) = verdicts(Repeated { requests: 500.0, ..Repeated::of(Queue::of_ten(0.95)) }, "too short");
    promise("M/M/10, load 0.95, 500 requests: called too short", times, all, 99.0..=100.0);
}

/// Half the interval over the value.
const PRECISION: f64 = 0.015;

#[test]
fn where_a_run_to_a_given_precision_stops_the_intervals_still_cover() {
    let repeated = Repeated { requests: 3_700.0, ..Repeated::of(Queue::of_ten(0.8)) };
    let (plan, queue) = (repeated.plan(), repeated.queue);
    let stop = |seed: u64| {
        let mut outcomes = repeated.replications(&plan, seed, 0..FIRST_STAGE);
        while !is_enough(&plan.points[0].blueprint, &outcomes, course(&plan, &plan.points[0]), PRECISION) {
            let have = outcomes.len() as u64;
            outcomes.extend(repeated.replications(&plan, seed, have..2 * have));
        }
        let run = repeated.answered(&plan, seed, outcomes);
        let point = run.point();
        let mean = covers(point.latency.mean_ci95, queue.mean_wait() + queue.service);
        (mean, covers(point.pool_wait.times.p99_ci95, queue.wait_quantile(0.99)), point.replications)
    };
    let stopped: Vec<_> = (0..number()).into_par_iter().map(stop).collect();
    let all = stopped.len();
    let allowed = if are_many() { 92.0..=100.0 } else { 88.0..=100.0 };
    let of = |what: &str| format!("M/M/10, load 0.8, run to ± 1.5 %: {what}");
    promise(&of("mean latency"), stopped.iter().filter(|(mean, ..)| *mean).count(), all, allowed.clone());
    promise(&of("p99 of the wait"), stopped.iter().filter(|(_, p99, _)| *p99).count(), all, allowed);
    assert!(stopped.iter().any(|(.., replications)| *replications > FIRST_STAGE), "the precision had to be worked for");
}
