//! `--report`: the page of an answer, as it lies on the disk.

use serde_json::Value;

use super::{SMALL, poolcast, refused};

/// Runs a command with `--report`, and gives what it printed and the page's data. The page brings all that it needs.
fn reported(name: &str, arguments: &[&str], input: &str) -> (String, Value, usize) {
    let path = format!("{}/{name}.html", env!("CARGO_TARGET_TMPDIR"));
    let said = poolcast(&[arguments, &["--report", &path, "--quiet"]].concat(), input);
    assert!(said.code < 2 && said.err.is_empty(), "{}", said.err);
    let page = std::fs::read_to_string(&path).expect("the page is written");
    let (_, data) = page.split_once("<script id=\"data\" type=\"application/json\">").expect("it has data");
    let data = data.split_once("</script>").expect("which end").0;
    (said.out, serde_json::from_str(data).expect("and are JSON"), page.len())
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
}

#[test]
fn a_page_shows_what_the_answer_says_and_the_answer_is_the_same_without_it() {
    let (out, data, length) = reported("run", &["run", "-", "--replications", "1"], SMALL);
    assert_eq!(out, poolcast(&["run", "-", "--replications", "1", "--quiet"], SMALL).out);
    assert!(length < 200_000, "{length} bytes");
    let json = poolcast(&["run", "-", "--replications", "1", "--format", "json", "--quiet"], SMALL).out;
    let point = &serde_json::from_str::<Value>(&json).expect("it is JSON")["points"][0];
    let (shown, film) = (&data["points"][0], &data["points"][0]["film"]);
    assert!(data["verdict"]["sentence"].as_str().is_some_and(|sentence| sentence.starts_with("The objective is met: errors below 1 %")));
    assert!(data["reproduce"].as_str().is_some_and(|line| line.ends_with("--replications 1")));
    assert_eq!(data["experiment"]["text"], SMALL);
    // Where the time went, all together, is the latency.
    let spent: f64 = numbers(&film["spent"]["all"]).iter().sum();
    let latency = point["latency"]["mean"].as_f64().expect("a time");
    assert!((spent / latency - 1.0).abs() < 1e-3, "{spent} and {latency}");
    assert_eq!(film["spent"]["requests"], point["requests"]["arrived"]);
    // No peak is lost in the picture.
    let peak = numbers(&film["queue"]["most"]).into_iter().fold(0.0, f64::max);
    assert_eq!(Some(peak), shown["figures"]["queue_most"].as_f64());
    assert!(peak > 1.0, "some wait");
    let in_use = &film["in_use"][0];
    assert_eq!((&in_use["name"], &in_use["limit"]), (&"pools of api".into(), &2.into()));
    let mean = numbers(&in_use["mean"]).iter().sum::<f64>() / 240.0;
    let stated = point["pools"]["api"]["in_use_mean"].as_f64().expect("a mean");
    assert!((mean / stated - 1.0).abs() < 1e-3, "{mean} and {stated}");
    let longest = film["slowest"][0]["took"].as_f64().expect("a time");
    assert!((longest / point["latency"]["max"].as_f64().expect("a time") - 1.0).abs() < 1e-3);
    // Both connections are busy while somebody waits.
    assert_eq!(film["moment"]["lanes"].as_array().map(Vec::len), Some(2));
}

#[test]
fn scenarios_stand_side_by_side_and_no_name_becomes_markup() {
    let evil = r#"</script><b onclick=\"x\">'&"#;
    let scenarios = format!("scenarios: {{\"{evil}\": Scenario(), \"five\": Scenario(set: [(\"apps.api.pool.pool_size\", 5)])}}, warmup");
    let text = SMALL.replace("warmup", &scenarios);
    let (_, data, _) = reported("evil", &["run", "-"], &text);
    assert_eq!(data["points"][0]["name"], r#"</script><b onclick="x">'&"#);
    assert_eq!(data["comparisons"]["baseline"], data["points"][0]["name"]);
    assert_eq!(data["points"][0]["film"]["replication"], data["points"][1]["film"]["replication"], "the same requests");
    let (_, data, _) = reported("compare", &["compare", "-", "--baseline", "five"], &text);
    assert_eq!((&data["command"], &data["comparisons"]["baseline"]), (&"compare".into(), &"five".into()));
    assert!(data["reproduce"].as_str().is_some_and(|line| line.starts_with("poolcast compare - --baseline five")));
}

#[test]
fn sizes_and_sweeps_have_a_page_too() {
    let wanted = SMALL.replace("Errors(below: 0.01)", "Wait(p: 0.95, below: \"2ms\")").replace("replications: 4", "replications: 10");
    let (_, data, _) = reported("size", &["size", "-", "--tune", "apps.api.pool.pool_size=1..20"], &wanted);
    assert_eq!((&data["size"]["answer"]["apps.api.pool.pool_size"], &data["points"][0]["name"]), (&3.into(), &"pool_size = 3".into()));
    assert!(data["points"][0]["film"].is_object());
    let varied =
        wanted.replace("warmup", "vary: [(\"apps.api.pool.pool_size\", [2, 3, 4]), (\"workload.api.arrivals.rate\", [50, 100])], warmup");
    let (_, data, length) = reported("sweep", &["sweep", "-"], &varied);
    let grid = &data["grid"];
    assert_eq!((grid["cells"].as_array().map(Vec::len), &grid["axes"][1][0]), (Some(6), &"rate".into()));
    let best = grid["recommended"][0].as_u64().expect("one is") as usize;
    assert_eq!(data["points"][best]["name"], "apps.api.pool.pool_size = 3, workload.api.arrivals.rate = 100");
    assert!(length < 160_000, "{length} bytes");
}

#[test]
fn the_main_jobs_page_is_small_enough_to_send() {
    let options = ["--set", "duration=40s", "--set", "warmup=5s", "--replications", "2"];
    let (_, data, length) = reported("movehub", &[&["run", "experiments/movehub.ron"][..], &options].concat(), "");
    assert!(length < 400_000, "{length} bytes");
    let slices = data["points"][0]["film"]["queue"]["most"].as_array().map(Vec::len);
    assert_eq!(slices, Some(240), "however long the run: a longer one makes no larger page");
}

#[test]
fn a_page_is_about_one_experiment() {
    refused(
        &["run", "-", "experiments/restart.ron", "--report", "x.html"],
        SMALL,
        &["--report is about one experiment", "poolcast compare"],
    );
}
