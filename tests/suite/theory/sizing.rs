//! The smallest pool against its exact value: `tests/theory/sizing.json` says what is asked and what is right.

use poolcast::answers::evidence::{Standard, Verdict, prove};
use poolcast::answers::search::{Search, most_tried, search};
use poolcast::experiment::{Objective, Plan, Point, Replications};
use poolcast::kernel::time::Span;
use poolcast::measure::intervals::Confidence;
use serde::Deserialize;
use serde_json::json;

use super::exact::{Given, span};
use super::systems;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "units")]
    _units: String,
    #[serde(rename = "method")]
    _method: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    rate: f64,
    service: f64,
    timeout: Option<f64>,
    wait: Option<Wait>,
    errors: Option<f64>,
    /// Of a replication: a queue that is nearly critical takes long to forget its start.
    requests: f64,
    from: u64,
    to: u64,
    smallest: u64,
    at: f64,
    below: f64,
    /// Too rare to be shown by plain simulation.
    #[serde(default)]
    rare: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    p: f64,
    below: f64,
}

const FIRST: u64 = 16;

fn rows() -> Vec<Row> {
    let table: Table = serde_json::from_str(include_str!("../../theory/sizing.json")).expect("the table is right");
    for row in &table.rows {
        let limit = row.errors.unwrap_or_else(|| row.wait.as_ref().expect("something is asked").below);
        assert!(row.at < limit && limit < row.below, "{}: the limit lies between the two values", row.id);
    }
    table.rows
}

/// Seeds for each row; the continuous integration takes one, a thorough run 20.
fn seeds() -> u64 {
    std::env::var("POOLCAST_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

fn plan(row: &Row, connections: u64, seed: u64) -> Plan {
    let given = json!({"c": connections, "rate": row.rate, "service": {"Exponential": row.service}, "timeout": row.timeout});
    let given: Given = serde_json::from_value(given).expect("these are fields of it");
    let wait = row.wait.as_ref().map(|wait| Objective::Wait { p: wait.p, below: span(wait.below) });
    Plan {
        question: row.id.clone(),
        seed,
        warmup: Span::from_seconds(row.requests / row.rate / 10_000.0),
        warmup_is_auto: false,
        duration: Span::from_seconds(row.requests / row.rate / 1000.0),
        replications: Replications::Fixed(FIRST as u32),
        objectives: wait.into_iter().chain(row.errors.map(|below| Objective::Errors { below })).collect(),
        points: vec![Point { scenario: None, vary: Vec::new(), blueprint: systems::blueprint(&given) }],
    }
}

/// 95 % for all looks at all sizes together; a margin of 1 %, so that even close cases are decided.
fn sized(row: &Row, seed: u64, at_most: u64) -> Search {
    let looks = Standard::looks(FIRST, at_most);
    let confidence = Confidence::USUAL.for_each_of((most_tried(row.from, row.to) * looks) as usize);
    let standard = Standard { confidence, indifference: 0.01, first: FIRST, at_most };
    search(row.from, row.to, &mut |connections| prove(&plan(row, connections, seed), &standard, 2).verdict)
}

#[test]
fn the_smallest_pool_is_the_one_that_theory_says() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let rows: Vec<Row> = rows().into_iter().filter(|row| !row.rare).collect();
    for seed in 0..seeds() {
        for row in &rows {
            cases += 1;
            let found = sized(row, seed, 4096);
            println!("{}, seed {seed}: {:?}", row.id, found.smallest);
            if found.smallest != Some(row.smallest) {
                wrong.push(format!("{}, seed {seed}: {} is right, found {found:?}", row.id, row.smallest));
            }
        }
    }
    println!("{} of {cases} right", cases - wrong.len());
    assert!(wrong.is_empty(), "{} of {cases} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// One in a million cannot be shown with a few million requests: then nothing too small may be called enough.
#[test]
fn what_is_too_rare_to_be_shown_is_never_taken_for_met() {
    for row in rows().iter().filter(|row| row.rare) {
        let found = sized(row, 1, 64);
        assert!(found.smallest.is_none_or(|smallest| smallest >= row.smallest), "{found:?}");
        let missed = found.tried.iter().filter(|(_, verdict)| *verdict == Verdict::Misses).map(|(connections, _)| *connections);
        assert!(missed.max().is_none_or(|largest| largest < row.smallest), "{found:?}");
    }
}
