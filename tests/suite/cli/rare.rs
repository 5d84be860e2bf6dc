//! `poolcast rare` as a person or a script meets it.

use serde_json::Value;

use super::{SMALL, poolcast, refused};

#[test]
fn how_rare_a_timeout_is_is_told_to_people_and_to_scripts() {
    let asked = ["rare", "-", "--wait-above", "60ms", "--replications", "10", "--effort", "60"];
    let said = poolcast(&[&asked[..], &["--format", "json", "--jobs", "2"]].concat(), SMALL);
    assert_eq!(said.code, 0, "{}", said.err);
    let found: Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!((&found["event"], &found["repetitions"]), (&"wait above 60ms".into(), &10.into()));
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{found}"));
    let (low, high) = (number(&found["probability_ci95"][0]), number(&found["probability_ci95"][1]));
    // M/M/2 at a load of a quarter: C = 1/10, and e^(-(400 - 100) 0.060) of them wait so long.
    let exact = 0.1 * libm::exp(-18.0);
    assert!(low <= exact && exact <= high, "{low:e} to {high:e}, exactly {exact:e}");
    assert!(number(&found["plain_requests"]) > 100.0 * number(&found["requests"]), "{found}");
    let table = poolcast(&asked, SMALL).out;
    assert!(table.contains("a wait above 60ms") && table.contains("once in") && table.contains("times as many"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn slips_of_rare_are_told_with_the_remedy() {
    let endless = SMALL.replace("max_overflow: 0", "max_overflow: 0, pool_timeout: None");
    refused(&["rare", "-"], &endless, &["no pool of this system ever ends a wait", "--wait-above"]);
    let faults = SMALL.replace("proxy: Direct", "proxy: Direct, faults: [At(\"1s\", LockTable(lasting: \"1s\"))]");
    refused(&["rare", "-"], &faults, &["steady load"]);
    let vary = SMALL.replace("objectives:", "vary: [(\"apps.api.pool.pool_size\", [1, 2])], objectives:");
    refused(&["rare", "-"], &vary, &["2 points", "--set PATH=VALUE"]);
}
