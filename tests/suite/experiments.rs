//! The experiments that come with poolcast, run from their files: what they must show, and that nobody changes it unseen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use poolcast::answers::document::{Answer, Point};
use poolcast::answers::runner::{RunOptions, run};
use poolcast::experiment::Plan;
use poolcast::shells::files::Home;

mod golden;
mod jobs;
mod movehub;
mod restart;
mod shows;
mod starvation;
mod views;

/// Every experiment in a size that a test can wait for: warm-up, duration, replications.
const SIZES: &[(&str, &str, &str, u32)] = &[
    ("movehub", "10s", "60s", 2),
    ("pool-size", "1min", "9min", 2),
    ("restart", "10s", "90s", 2),
    ("bad-minutes", "10s", "2min", 2),
    ("deploy", "10s", "2min", 2),
    ("scaling", "0s", "4min", 2),
    ("retries", "2s", "40s", 2),
    ("nested-sessions", "10s", "1min", 2),
    ("blocking-call", "5s", "10s", 3),
    ("leaks", "0s", "15min", 2),
    ("long-transactions", "1min", "10min", 3),
    ("nullpool-against-pooled", "5s", "20s", 3),
    ("overflow-churn", "5s", "1min", 3),
    ("recycling-wave", "5s", "150s", 2),
    ("retry-storm", "2s", "20s", 2),
    ("session-starvation", "0s", "3min", 2),
    ("timeouts-under-overload", "10s", "2min", 2),
];

/// All of them, run once for all tests, in the order of [`SIZES`].
static ANSWERS: LazyLock<BTreeMap<&str, Vec<Answer>>> = LazyLock::new(|| {
    let run_one = |(name, ..): &(&'static str, _, _, _)| (*name, run(&small(name), &RunOptions { jobs: 2, status_every: None }, &|_| {}));
    SIZES.iter().map(run_one).collect()
});

/// An experiment's plan with these values set.
fn plan(name: &str, sets: &[(&str, &str)], replications: u32) -> Plan {
    let home = Home::of(Path::new(&format!("experiments/{name}.ron")));
    let experiment = home.experiment().expect("the experiment reads");
    let sets: Vec<(String, String)> = sets.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let mut plan = experiment.plan(&sets, None, Some(replications)).expect("its systems are complete");
    home.load(&mut plan).expect("its data files read");
    plan
}

/// An experiment's plan in its small size.
fn small(name: &str) -> Plan {
    let (_, warmup, duration, replications) = SIZES.iter().find(|(its, ..)| *its == name).expect("every experiment has a small size");
    plan(name, &[("warmup", warmup), ("duration", duration)], *replications)
}

/// The same with nothing but this scenario.
fn only(mut plan: Plan, scenario: &str) -> Plan {
    plan.points.retain(|point| point.scenario.as_deref() == Some(scenario));
    assert_eq!(plan.points.len(), 1, "there is one scenario {scenario:?}");
    plan
}

/// The figures of a scenario in the small size.
fn figures(name: &str, scenario: &str) -> &'static Point {
    let answer = ANSWERS[name].iter().find(|answer| answer.point.scenario == scenario);
    &answer.unwrap_or_else(|| panic!("{name} has a scenario {scenario:?}")).point
}

/// Requests that failed with this error.
fn errors(point: &Point, error: &str) -> u64 {
    point.requests.errors.get(error).copied().unwrap_or(0)
}
