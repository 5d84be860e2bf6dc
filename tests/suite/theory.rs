//! The simulator against exact results of queueing theory.
//!
//! An ideal system (no network, connections that cost nothing, service that takes its demand) is a queue of the
//! textbooks. `tests/theory/exact.json` holds such systems and their exact values, each family with the method by which
//! they were computed; [`systems`] writes each as a blueprint, [`figures`] reads the same quantities off the
//! replications, [`verdict`] compares.
//!
//! Each row is run in 32 replications of a fixed seed of its own. The interval of each figure at 99.9 % must contain the
//! exact value, and the estimate must lie within 1 % of it, or within the interval's half-width if that is larger. Errors
//! too small for any single row show in the spread of all standardised deviations together.
//!
//! What the textbooks have and no pool of the simulator does, so that it is not here: the newest waiter first, waiters of
//! exponential patience, connections of exponential lifetime, servers with a set-up time, and networks in which a
//! connection is given back before the next queue is joined. Timeouts rarer than one in ten thousand are out of reach of
//! plain simulation: there only the waits are looked at.

mod beside;
mod exact;
mod figures;
mod formulas;
mod sizing;
mod systems;
mod transient;
mod verdict;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use poolcast::answers::runner::run_all;

use exact::Row;
use verdict::{Judged, judge};

/// Independent replications of each row.
const REPLICATIONS: u64 = 32;

/// Families of rows in a steady state.
const FAMILIES: [&str; 15] =
    ["mmc", "pools", "loss", "mmck", "mdc", "mg1", "ps", "pool_db", "pat_det", "rare", "closed", "overflow", "held", "batch", "mmpp"];

/// Runs the rows of `family` once, whoever asks first.
fn judged(family: &str) -> &'static [Judged] {
    static DONE: [OnceLock<Vec<Judged>>; FAMILIES.len()] = [const { OnceLock::new() }; FAMILIES.len()];
    let place = FAMILIES.iter().position(|name| *name == family).expect("the family is listed");
    DONE[place].get_or_init(|| exact::rows(family).iter().flat_map(run).collect())
}

fn run(row: &Row) -> Vec<Judged> {
    let (blueprint, course) = (systems::blueprint(&row.given), systems::course(row));
    let outcomes = run_all(&[&blueprint], course, REPLICATIONS, 2, &|_| ()).remove(0);
    let arrived: u64 = outcomes.iter().map(|outcome| outcome.streams[0].arrived).sum();
    let ended: u64 = outcomes.iter().map(|outcome| outcome.streams[0].completed + outcome.streams[0].errors.iter().sum::<u64>()).sum();
    assert_eq!(arrived, ended, "{}: every request that was counted is followed to its end", row.id);
    row.figures().map(|figure| judge(row, &figure, &outcomes, course.duration)).collect()
}

fn holds(family: &str) {
    verdict::assert_all(judged(family));
}

#[test]
fn exponential_service_waits_as_erlang_says() {
    holds("mmc");
}

#[test]
fn every_kind_of_pool_waits_as_erlang_says() {
    holds("pools");
}

#[test]
fn a_queue_with_a_limit_refuses_and_waits_as_its_birth_death_chain_says() {
    holds("mmck");
}

#[test]
fn a_pool_without_patience_refuses_as_erlang_says_whatever_the_distribution_of_service() {
    holds("loss");
}

#[test]
fn constant_service_waits_as_crommelin_says() {
    holds("mdc");
}

#[test]
fn general_service_on_one_connection_waits_as_pollaczek_and_khinchine_say() {
    holds("mg1");
}

#[test]
fn statements_that_share_cores_take_as_long_as_processor_sharing_says() {
    holds("ps");
}

#[test]
fn a_pool_before_a_busy_database_only_moves_the_queue() {
    holds("pool_db");
}

#[test]
fn waiters_with_a_timeout_fail_and_wait_as_baccelli_and_hebuterne_say() {
    holds("pat_det");
}

#[test]
fn a_timeout_that_is_hardly_ever_reached_leaves_waits_nearly_as_they_are() {
    holds("rare");
}

#[test]
fn users_who_think_wait_as_the_arrival_theorem_says() {
    holds("closed");
}

#[test]
fn overflow_connections_cost_what_their_markov_chain_says() {
    holds("overflow");
}

#[test]
fn connections_held_while_the_application_works_starve_others_as_their_markov_chain_says() {
    holds("held");
}

#[test]
fn batches_wait_as_their_markov_chain_says() {
    holds("batch");
}

#[test]
fn bursts_wait_as_the_matrix_geometric_solution_says() {
    holds("mmpp");
}

/// A squared standardised deviation of 32 replications has the mean 31/29. Those of one row hang together, so each row
/// counts once, by their mean; over more than a hundred rows the mean strays by about a tenth. It shows errors that are too
/// small for any row, and intervals that are too wide.
#[test]
fn all_deviations_together_are_as_large_as_chance_makes_them() {
    let mut rows: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for judged in FAMILIES.iter().flat_map(|family| judged(family)) {
        if let Some(deviation) = judged.deviation {
            rows.entry(judged.row()).or_default().push(deviation);
        }
    }
    assert!(rows.len() >= 100, "{} rows are too few to say", rows.len());
    let mean_of = |values: &mut dyn Iterator<Item = f64>| {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let square = mean_of(&mut rows.values().map(|row| mean_of(&mut row.iter().map(|z| z * z))));
    let bias = mean_of(&mut rows.values().map(|row| mean_of(&mut row.iter().copied())));
    assert!((0.7..=1.4).contains(&square), "the mean square of the deviations of {} rows is {square:.3}", rows.len());
    let outside = rows.values().flatten().filter(|z| z.abs() > 2.0).count() as f64 / rows.values().flatten().count() as f64;
    assert!((0.01..=0.1).contains(&outside), "{:.1} % of the deviations are larger than two standard errors", 100.0 * outside);
    assert!(bias.abs() < 0.4, "waits are too long or too short throughout: {bias:.3} standard errors on average");
}
