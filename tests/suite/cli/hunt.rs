//! `poolcast hunt` as a person meets it: a planted failure is found, made simple, and written so that it comes again.

use std::fs;

use serde_json::Value;

use super::{SMALL, directory, poolcast, refused};

#[test]
fn a_retry_storm_that_was_planted_is_found_and_shrunk_to_the_stall_alone() {
    let planted = fs::read_to_string("experiments/retry-storm.ron").expect("it is there").replace("duration: \"40s\"", "duration: \"12s\"");
    let directory = directory("hunt");
    let hunt = |jobs: &str, name: &str| {
        let out = directory.join(name);
        let words = ["hunt", "-", "--replications", "2", "--looks", "1", "--tries", "80", "--format", "json"];
        let said = poolcast(&[&words[..], &["--jobs", jobs, "--out", &out.display().to_string()]].concat(), &planted);
        assert_eq!(said.code, 1, "a day was found\n{}", said.err);
        (said.out, fs::read_to_string(out).expect("it was written"))
    };
    let (document, file) = hunt("1", "one.ron");
    let found: Value = serde_json::from_str(&document).expect("it is JSON");
    let troubles: Vec<&str> = found["troubles"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(troubles.len() == 1 && troubles[0].contains("LockTable(lasting: "), "{troubles:?}");
    assert!(found["tried"].as_u64() >= found["broke"].as_u64() && found["broke"].as_u64() > Some(0), "{found}");
    assert_eq!((document, file.clone()), hunt("2", "two.ron"), "the same seed finds the same day on any number of threads");
    let lasting = troubles[0].split('"').nth(3).and_then(|span| span.strip_suffix("ms")).expect("less than two seconds, in milliseconds");
    let shorter = format!("{}ms", (lasting.parse::<f64>().expect("a number") * 0.94) as u64);
    let holds = poolcast(&["run", "-", "--quiet", "--replications", "1"], &file.replace(&format!("{lasting}ms"), &shorter));
    assert_eq!(holds.code, 0, "nothing milder does: {shorter} instead of {lasting}ms\n{}", holds.out);
    let again = poolcast(&["run", "-", "--quiet", "--replications", "2", "--format", "json"], &file);
    assert_eq!(again.code, 1, "the file brings it about again\n{file}\n{}", again.err);
    let again: Value = serde_json::from_str(&again.out).expect("it is JSON");
    assert_eq!(again["points"][0]["objectives"], found["objectives"]);
}

#[test]
fn a_system_that_holds_is_told_to_hold_and_slips_have_a_remedy() {
    let directory = directory("hunt-nothing");
    let out = directory.join("nothing.ron").display().to_string();
    let mild = ["hunt", "-", "--longest", "10ms", "--factor", "1.1", "--tries", "8", "--looks", "1", "--out", &out];
    let said = poolcast(&mild, &SMALL.replace("Errors(below: 0.01)", "Errors(below: 0.9)"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("no bad day within the bounds") && !fs::exists(&out).expect("it can be looked for"), "{}", said.out);
    refused(&["hunt", "-"], &SMALL.replace("Errors(below: 0.01)", ""), &["no objectives to break", "objectives: ["]);
    refused(&["hunt", "-"], &SMALL.replace("Errors(below: 0.01)", "Latency(p: 0.5, below: \"1ms\")"), &["not met on a good day either"]);
    refused(&["hunt", "-"], &SMALL.replace("objectives:", "vary: [(\"apps.api.pool.pool_size\", [1, 2])], objectives:"), &["one system"]);
}
