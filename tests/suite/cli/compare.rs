//! `poolcast compare`.

use serde_json::Value;

use super::{SMALL, poolcast, refused};

fn two() -> String {
    let scenarios = r#"scenarios: {"as is": Scenario(), "small": Scenario(set: [("apps.api.pool.pool_size", 1)])}, objectives:"#;
    SMALL.replace("objectives:", scenarios).replace("duration: \"20s\"", "duration: \"60s\"")
}

#[test]
fn a_comparison_says_in_a_sentence_what_a_scenario_does() {
    let said = poolcast(&["compare", "-", "--baseline", "as is"], &two());
    assert_eq!(said.code, 0, "{}", said.err);
    let first = said.out.lines().find(|line| line.starts_with("small ")).unwrap_or_else(|| panic!("{}", said.out));
    assert!(first.starts_with("small raises p99 latency by ") && first.ends_with(" (paired, 4 replications)"), "{first}");
    assert!(said.out.contains("1 system against as is") && said.out.contains("6 comparisons; all intervals"), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
}

#[test]
fn a_comparison_is_one_document_with_the_keys_of_the_contract() {
    let said = poolcast(&["compare", "-", "--baseline", "as is", "--format", "json"], &two());
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!(document["baseline"], "as is");
    let comparisons = document["comparisons"].as_array().expect("a list");
    let wait = comparisons.iter().find(|one| one["metric"] == "pool_wait.mean").expect("waits are compared");
    let keys: Vec<&String> = wait.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["scenario", "metric", "baseline", "value", "difference", "difference_ci95", "relative", "verdict"]);
    assert_eq!((&wait["scenario"], &wait["verdict"]), (&"small".into(), &"higher".into()));
    let figure = |key: &str| wait[key].as_f64().expect(key);
    assert!((figure("value") - figure("baseline") - figure("difference")).abs() < 1e-9);
    assert!((figure("difference") / figure("baseline") - figure("relative")).abs() < 1e-9);
    let rows = poolcast(&["compare", "-", "--baseline", "as is", "--format", "csv"], &two()).out;
    assert_eq!(rows.lines().count(), 7, "a header and six rows:\n{rows}");
}

#[test]
fn two_files_are_compared_as_two_systems() {
    let directory = super::directory("compare");
    let [one, other] = [("one", SMALL.to_owned()), ("other", SMALL.replace("pool_size: 2", "pool_size: 1"))].map(|(name, text)| {
        let file = directory.join(format!("{name}.ron"));
        std::fs::write(&file, text).expect("the target directory can be written to");
        file.display().to_string()
    });
    let said = poolcast(&["compare", &one, &other, "--format", "json"], "");
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    assert_eq!((&document["baseline"], &document["comparisons"][0]["scenario"]), (&one.as_str().into(), &other.as_str().into()));
    refused(&["compare", &one, &one], "", &["is given twice"]);
    let longer = directory.join("longer.ron");
    std::fs::write(&longer, SMALL.replace("20s", "30s")).expect("the target directory can be written to");
    refused(&["compare", &one, &longer.display().to_string()], "", &["another seed, warmup, duration", "--set duration="]);
}

#[test]
fn slips_of_a_comparison_are_told_with_the_remedy() {
    refused(&["compare", "-"], &two(), &["needs a baseline", "--baseline \"as is\""]);
    refused(&["compare", "-", "--baseline", "as it is"], &two(), &["has no scenario \"as it is\"", "as is"]);
    refused(&["compare", "-", "--baseline", "as is"], SMALL, &["no two scenarios to compare"]);
}
