//! `poolcast size`.

use serde_json::Value;

use super::{SMALL, poolcast, refused};

/// SMALL with a pool whose waits must be short: with two connections the p95 wait is ln 2 / 0.3 = 2.3 ms.
fn asked() -> String {
    SMALL
        .replace("Errors(below: 0.01)", "Wait(p: 0.95, below: \"2ms\"), Errors(below: 0.01)")
        .replace("replications: 4", "replications: 10")
}

#[test]
fn the_smallest_size_is_told_with_its_cliff_its_sums_and_what_to_paste() {
    let said = poolcast(&["size", "-", "--tune", "apps.api.pool.pool_size=1..20"], &asked());
    assert_eq!(said.code, 0, "{}", said.err);
    let flowing = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "apps.api.pool.pool_size = 3 is the smallest setting that meets every objective",
        "✗ misses",
        "✓ meets",
        "cliff it holds up to",
        "pools: 1 × 3 = 3 connections",
        "of 97 slots (100 − 3 reserved)",
        "create_engine(url, pool_size=3, max_overflow=0, pool_timeout=30)",
        "DB_POOL_SIZE=3",
        "max_connections = 100",
    ] {
        assert!(flowing.contains(part), "{part:?} is not in\n{}", said.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
}

#[test]
fn a_size_is_one_document_with_the_keys_of_the_contract() {
    let said = poolcast(&["size", "-", "--tune", "apps.api.pool.pool_size=1..20", "--format", "json"], &asked());
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!((&document["feasible"], &document["answer"]["apps.api.pool.pool_size"]), (&true.into(), &3.into()));
    assert!(document["binding"].is_string() && document["cliff"]["holds_at"].as_f64().is_some_and(|load| load >= 1.0));
    let tried = document["tried"].as_array().expect("a list");
    let verdicts: Vec<(u64, &str)> = tried
        .iter()
        .map(|one| (one["values"]["apps.api.pool.pool_size"].as_u64().expect("a number"), one["verdict"].as_str().expect("a word")))
        .collect();
    assert_eq!(verdicts, [(1, "misses"), (2, "misses"), (3, "meets"), (4, "meets"), (6, "meets")]);
    assert_eq!(tried[0]["objectives"][0]["objective"], "p95 wait below 2ms");
}

#[test]
fn a_range_in_which_nothing_is_enough_says_what_binds_and_exits_with_1() {
    let said = poolcast(&["size", "-", "--tune", "apps.api.pool.pool_size=1..2", "--set", "workload.api.arrivals.rate=500"], &asked());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("no setting in the range") && said.out.contains("the pools of api are exhausted"), "{}", said.out);
    assert!(!said.out.contains("create_engine"), "there is nothing to paste");
    let few = asked().replace("Errors(", "Connections(below: 2), Errors(");
    let said = poolcast(&["size", "-", "--tune", "apps.api.pool.pool_size=1..20"], &few);
    assert_eq!(said.code, 1, "{}", said.err);
    let flowing = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("pool_size = 2 and more do not meet") && flowing.contains("connections below 2"), "{}", said.out);
}

#[test]
fn where_more_is_not_always_better_the_whole_range_is_shown() {
    let most = asked().replace("Errors(", "Connections(below: 5), Errors(");
    let said = poolcast(&["size", "-", "--tune", "apps.api.pool.pool_size=1..12", "--format", "json"], &most);
    assert_eq!(said.code, 0, "{}", said.err);
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!(document["answer"]["apps.api.pool.pool_size"], 3);
    assert_eq!(document["tried"].as_array().map(Vec::len), Some(12), "{document}");
    assert!(document["notes"][0].as_str().is_some_and(|note| note.contains("more is not always better")), "{document}");
}

#[test]
fn two_things_are_tuned_to_the_fewest_connections_and_a_total_is_shared() {
    let two = ["--tune", "apps.api.workers=1..3", "--tune", "apps.api.pool.pool_size=1..8"];
    let said = poolcast(&[&["size", "-", "--format", "json"], &two[..]].concat(), &asked());
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    assert_eq!((&document["answer"]["apps.api.workers"], &document["answer"]["apps.api.pool.pool_size"]), (&1.into(), &3.into()));
    let apps = asked()
        .replace("apps: [", "apps: [App(name: \"jobs\", pool: SqlAlchemy(pool_size: 2, max_overflow: 0)), ")
        .replace("workload: [Stream(name: \"api\",", "workload: [Stream(name: \"jobs\", app: \"jobs\", arrivals: Poisson(rate: 10), steps: [Session([Query(Constant(\"5ms\"))])]), Stream(name: \"api\", app: \"api\",");
    let total = ["--tune", "apps.api.pool.pool_size+apps.jobs.pool.pool_size=2..20"];
    let said = poolcast(&[&["size", "-", "--format", "json"], &total[..]].concat(), &apps);
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    let answer = |app: &str| document["answer"][format!("apps.{app}.pool.pool_size")].as_u64().expect("an answer");
    assert!(answer("api") >= answer("jobs") && answer("api") + answer("jobs") <= 4, "{document}");
}

#[test]
fn slips_of_a_size_are_told_with_the_remedy() {
    let tune = "apps.api.pool.pool_size=1..20";
    refused(&["size", "-", "--tune", "apps.api.pool.pool_sise=1..20"], &asked(), &["--tune:1", "did you mean `pool_size`?"]);
    refused(&["size", "-", "--tune", "apps.api.pool.pool_size=20..1"], &asked(), &["the least comes first"]);
    refused(&["size", "-", "--tune", "apps.api.pool.pool_size=many"], &asked(), &["PATH=LOW..HIGH"]);
    refused(&["size", "-"], &asked(), &["--tune"]);
    refused(&["size", "-", "--tune", tune, "--tune", tune, "--tune", tune], &asked(), &["once or twice"]);
    let nothing = SMALL.replace("Errors(below: 0.01)", "");
    refused(&["size", "-", "--tune", tune], &nothing, &["no objectives", "objectives: ["]);
}
