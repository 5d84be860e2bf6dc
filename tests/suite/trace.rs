//! `poolcast trace`: the ways of requests, the steps of pools, the timeline.

use std::collections::BTreeMap;
use std::{env, fs};

use serde_json::Value;

use super::cli::{directory, poolcast, refused};

/// Two connections for a little too much: requests wait, in the pool and for the event loop.
const BUSY: &str = r#"Experiment(
    question: "Who waits for whom?",
    system: System(
        workload: [
            Stream(name: "api", arrivals: Poisson(rate: 60), deadline: "150ms", steps: [
                Work(Constant("2ms")),
                Session([Query(Exponential(mean: "9ms")), Transaction([Query(Exponential(mean: "9ms"))])]),
            ]),
            Stream(name: "report", arrivals: Regular(rate: 2), steps: [Session([Query(Constant("80ms"))])],
                retry: Retry(attempts: 3, backoff: Constant("20ms"))),
        ],
        apps: [App(name: "web", workers: 2, pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_pre_ping: true))],
        proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 3),
        network: Network(app: Constant("0.4ms"), proxy: Constant("0.2ms")),
        database: Postgres(connect: Constant("3ms"), service: Delay),
        faults: [At("3s", RestartDatabase(down: "200ms"))],
    ),
    warmup: "2s", duration: "4s", replications: 2, seed: 1,
)"#;

const GOLDEN: &str = "tests/golden/trace.txt";

fn said(arguments: &[&str]) -> String {
    let said = poolcast(&[&["trace", "-"], arguments].concat(), BUSY);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out
}

#[test]
fn the_ways_of_requests_are_what_they_were_when_somebody_last_looked() {
    let asked = [
        vec!["--slowest", "3"],
        vec!["--request", "0", "--stream", "api"],
        vec!["--request", "6", "--stream", "report"],
        vec!["--request", "0", "--stream", "api", "--replication", "1", "--set", "proxy.default_pool_size=1"],
    ];
    let found: String = asked.iter().map(|asked| format!("$ poolcast trace - {}\n{}\n", asked.join(" "), said(asked))).collect();
    if env::var_os("POOLCAST_BLESS").is_some() {
        fs::write(GOLDEN, &found).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(golden == found, "found\n{found}\nIf this is as it should be, run POOLCAST_BLESS=1 cargo test --test suite trace::");
    assert!(found.lines().all(|line| line.starts_with('$') || line.chars().count() <= 80), "{found}");
}

#[test]
fn events_are_lines_of_json_in_the_order_of_their_times() {
    let text = said(&["--events"]);
    let kinds = [
        "request",
        "wait",
        "wake",
        "connect_start",
        "connect_done",
        "connect_fail",
        "ping",
        "reset",
        "checkout",
        "checkin",
        "invalidate",
        "close",
        "timeout",
        "error",
    ];
    let (mut before, mut met) = (0.0, BTreeMap::new());
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is an object");
        let keys: Vec<&String> = event.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["t", "event", "app", "worker", "request", "conn", "stream"]);
        let (t, kind) = (event["t"].as_f64().expect("seconds"), event["event"].as_str().expect("a word"));
        assert!(line.starts_with(&format!("{{\"t\": {t:.9}, ")) && t >= before, "{line}");
        assert!(kinds.contains(&kind) && event["app"] == "web" && (1..=2).contains(&event["worker"].as_u64().expect("a number")), "{line}");
        assert!(event["request"].is_null() == event["stream"].is_null(), "{line}");
        before = t;
        *met.entry(kind.to_owned()).or_insert(0) += 1;
    }
    assert!(met["request"] > 200 && met["checkout"] > 150 && met["wait"] > 50 && met["ping"] > 100 && met["invalidate"] > 10, "{met:?}");
    assert_eq!(text, said(&["--events", "--replication", "0", "--seed", "1"]), "the same run gives the same bytes");
    assert_ne!(text, said(&["--events", "--replication", "1"]));
}

#[test]
fn a_way_has_no_gap_and_waits_for_what_the_pools_say() {
    let text = said(&["--events"]);
    let events = || text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is an object"));
    let waits = events().filter(|event| event["event"] == "wait" && event["stream"] == "api");
    let waiters: Vec<u64> = waits.filter_map(|event| event["request"].as_u64()).take(4).collect();
    for number in waiters.into_iter().chain(0..4) {
        let of = |event: &Value, kind: &str| event["stream"] == "api" && event["request"] == number && event["event"] == kind;
        let at = |kind: &str| events().find(|event| of(event, kind)).and_then(|event| event["t"].as_f64());
        let waited = at("wait").map(|from| at("wake").or_else(|| at("timeout")).expect("it ends") - from);
        let way = said(&["--request", &number.to_string(), "--stream", "api"]);
        let shown = way
            .lines()
            .find(|line| line.starts_with("  pool wait"))
            .map(|line| line.split_whitespace().nth(2).expect("a time").parse::<f64>().expect("a time"));
        match (waited, shown) {
            (None, None) => {}
            (Some(waited), Some(shown)) => assert!((waited * 1e3 - shown).abs() < 0.06, "{waited} s in {way}"),
            other => panic!("{other:?} in\n{way}"),
        }
    }
}

fn timeline(arguments: &[&str]) -> Vec<Value> {
    let file = directory("timeline").join("trace.json").display().to_string();
    said(&[&["--out", file.as_str()], arguments].concat());
    let document: Value = serde_json::from_str(&fs::read_to_string(&file).expect("it was written")).expect("it is JSON");
    document["traceEvents"].as_array().expect("a list of events").clone()
}

#[test]
fn the_timeline_keeps_to_the_trace_event_format() {
    let events = timeline(&["--from", "2.5s", "--until", "4s"]);
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_else(|| panic!("{key} of {event}")).to_owned();
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or_else(|| panic!("{key} of {event}"));
    let (mut before, mut open) = (0.0, BTreeMap::<String, Vec<String>>::new());
    let (mut busy, mut met) = (BTreeMap::<(u64, u64), f64>::new(), BTreeMap::new());
    for event in &events {
        let (ph, ts, name) = (text(event, "ph"), number(event, "ts"), text(event, "name"));
        let track = (event["pid"].as_u64().expect("a process"), event["tid"].as_u64().expect("a thread"));
        assert!(ts >= before, "{event} comes after {before}");
        before = ts;
        match ph.as_str() {
            "M" => assert!(ts == 0.0 && ["process_name", "thread_name"].contains(&name.as_str()) && event["args"]["name"].is_string()),
            "b" => open.entry(text(event, "id")).or_default().push(name),
            "e" => assert_eq!(open.get_mut(&text(event, "id")).and_then(Vec::pop), Some(name), "{event} ends what began last"),
            "X" => {
                assert!(number(event, "dur") > 0.0 && ts >= busy.get(&track).copied().unwrap_or(0.0), "{event} overlaps");
                busy.insert(track, ts + number(event, "dur") - 0.0005);
            }
            "C" => assert!(event["args"].as_object().expect("counts").values().all(Value::is_u64), "{event}"),
            _ => panic!("{event}"),
        }
        assert!(ph == "M" || (2_500_000.0..=4_000_000.0).contains(&ts), "{event}");
        *met.entry(ph).or_insert(0) += 1;
    }
    assert!(open.values().all(Vec::is_empty), "not ended: {open:?}");
    assert_eq!(met["b"], met["e"]);
    assert!(met["b"] > 300 && met["X"] > 200 && met["C"] > 100 && met["M"] >= 5, "{met:?}");
}

#[test]
fn whoever_asks_for_what_is_not_there_is_told_what_is() {
    refused(&["trace", "-"], BUSY, &["--events", "--request", "--slowest", "--out"]);
    refused(&["trace", "-", "--request", "1"], BUSY, &["there are several", "api, report"]);
    refused(&["trace", "-", "--request", "1", "--stream", "apy"], BUSY, &["did you mean `api`?"]);
    refused(&["trace", "-", "--request", "999999", "--stream", "report"], BUSY, &["request 999999 of report does not arrive", "11 do"]);
    refused(&["trace", "-", "--out", "x.json", "--from", "7s"], BUSY, &["between 7s and 6s there is nothing to draw"]);
    let two = BUSY.replace("warmup:", r#"scenarios: {"a": Scenario(), "b": Scenario()}, warmup:"#);
    refused(&["trace", "-", "--events"], &two, &["has 2 systems", "add --scenario \"a\" or another of: a, b"]);
    let varied = BUSY.replace("warmup:", r#"vary: [("apps.web.workers", [2, 3])], warmup:"#);
    refused(&["trace", "-", "--events"], &varied, &["add --set apps.web.workers=2 or other values"]);
    let file = directory("no-timeline").join("file");
    fs::write(&file, "").expect("the target directory can be written to");
    let said = poolcast(&["trace", "-", "--out", &file.join("x.json").display().to_string()], BUSY);
    assert_eq!(said.code, 3, "{}", said.err);
}
