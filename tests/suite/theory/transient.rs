//! Systems that start empty and whose arrivals change in time: a fixed horizon, many replications, no warm-up.

use poolcast::answers::runner::{Course, run_all};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::outcome::Outcome;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::run::simulate;

use super::exact::{self, Figure, Row, span};
use super::systems;
use super::verdict::{self, Judged, compare};

const REPLICATIONS: u64 = 2000;

fn judged(id: &str) -> Vec<Judged> {
    let row = exact::rows("mt").iter().find(|row| row.id == id).expect("the row is in the tables");
    let horizon = span(row.given.horizon.expect("the row has an end"));
    let blueprint = systems::blueprint(&row.given);
    let outcomes = run_all(&[&blueprint], Course { seed: 1, warmup: Span::ZERO, duration: horizon }, REPLICATIONS, 2, &|_| ()).remove(0);
    let (moments, all): (Vec<_>, Vec<_>) = row.figures().partition(|figure| matches!(figure.name, "in_system" | "waiting"));
    let mut judged: Vec<Judged> = all.iter().map(|figure| total(row, figure, &outcomes, horizon)).collect();
    judged.extend(at_moments(row, &moments, &blueprint));
    judged
}

fn total(row: &Row, figure: &Figure, outcomes: &[Outcome], horizon: Span) -> Judged {
    let over = |outcome: &Outcome| {
        let limit = figure.at.expect("a tail has a place") * 1e6;
        outcome.streams[0].pool_wait.bins().filter(|bin| bin.low as f64 > limit).map(|bin| bin.count).sum::<u64>() as f64
    };
    let value = |outcome: &Outcome| match figure.name {
        "arrivals" => outcome.streams[0].arrived as f64,
        "delayed" => outcome.streams[0].waited as f64,
        "sum_of_waits" => outcome.streams[0].pool_wait.sum() as f64 / 1e6,
        "queue_area" => outcome.pools[0].pending.mean * horizon.seconds() * 1e3,
        "waits_over" => over(outcome),
        other => panic!("nobody knows how to read {other} off an outcome"),
    };
    let values: Vec<f64> = outcomes.iter().map(value).collect();
    compare(format!("{} {} {:?}", row.id, figure.name, figure.at), figure.exact, &values)
}

/// How many are in the system, and wait, at certain moments.
fn at_moments(row: &Row, figures: &[Figure], blueprint: &Blueprint) -> Vec<Judged> {
    let mut order: Vec<(SimTime, usize)> =
        figures.iter().enumerate().map(|(i, figure)| (SimTime::ZERO + span(figure.at.expect("a moment")), i)).collect();
    order.sort();
    let mut values = vec![Vec::new(); figures.len()];
    for replication in 0..REPLICATIONS {
        let mut model = Model::new(blueprint, &Seed::new(2, replication)).expect("the blueprint is in order");
        for &(moment, figure) in &order {
            simulate(&mut model, moment, &mut ());
            let pool = &model.world.pools[0];
            let inside = if figures[figure].name == "waiting" { 0 } else { pool.in_use.value() };
            values[figure].push((inside + pool.pending.value()) as f64);
        }
    }
    let judge =
        |(figure, values): (&Figure, &Vec<f64>)| compare(format!("{} {} {:?}", row.id, figure.name, figure.at), figure.exact, values);
    figures.iter().zip(&values).map(judge).collect()
}

#[test]
fn a_burst_builds_up_and_drains_as_kolmogorov_says() {
    verdict::assert_all(&judged("mt-burst-c5"));
}

#[test]
fn a_rate_that_swings_makes_a_queue_that_lags_behind_it_as_kolmogorov_says() {
    verdict::assert_all(&judged("mt-sin-c10"));
}

#[test]
fn a_cold_start_reaches_its_steady_state_as_kolmogorov_says() {
    verdict::assert_all(&judged("mt-coldstart-c10"));
}
