//! `poolcast check` as a person or a script meets it: the guide's starvation, its place, exit codes, JSON.

use std::time::Instant;

use poolcast::answers::check::{System, check, worst};
use poolcast::answers::report::findings::render;
use poolcast::experiment::Experiment;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::cli::{poolcast, refused};
use crate::experiment::mutations::{cases, mutated, mutation};

const MOVEHUB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/movehub.ron");

#[test]
fn the_guide_starves_in_session_mode_and_the_line_that_says_so_is_shown() {
    let said = poolcast(&["check", MOVEHUB], "");
    assert_eq!(said.code, 1, "{}", said.err);
    for part in [
        "error[session-mode-starvation]: session mode: 20 server connections for pools of 120",
        "movehub.ron:52:20",
        "default_pool_size is unset: 20 server connections for all workers together",
        "4 × (20 + 10) = 120",
        "in \"session, as in the guide\"",
        "default_pool_size of at least 120",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    assert!(!said.out.contains('\x1b'), "no colour where there is no terminal");
    let starvations = said.out.matches("[session-mode-starvation]").count();
    assert_eq!(starvations, 1, "the other scenarios do not starve");
}

#[test]
fn what_several_scenarios_share_is_said_once() {
    let said = poolcast(&["check", MOVEHUB, "--format", "json"], "");
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    let findings = document["findings"].as_array().expect("a list");
    let keys: Vec<&String> = findings[0].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["rule", "severity", "path", "file", "line", "column", "message", "help", "scenarios"]);
    let of = |rule: &str| findings.iter().filter(|finding| finding["rule"] == rule).collect::<Vec<_>>();
    let starvation = of("session-mode-starvation")[0];
    assert_eq!((&starvation["severity"], &starvation["path"]), (&"error".into(), &"proxy.default_pool_size".into()));
    assert_eq!(starvation["line"], 52);
    let recycled = of("recycle-over-server-lifetime");
    assert!(recycled.is_empty(), "an hour is no more than server_lifetime's hour");
    let slow = of("statement-timeout-over-pool-timeout");
    assert!(slow.is_empty(), "30 s is no more than 30 s");
    let waits = of("pool-timeout-and-query-wait");
    assert!(waits.iter().any(|finding| finding["scenarios"].as_array().is_some_and(|names| !names.is_empty())));
}

#[test]
fn a_check_takes_no_time_and_what_is_fine_ends_with_0() {
    let fine = r#"Experiment(question: "?", system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 10), steps: [Session([Query(Constant("5ms"))])])],
        apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0))],
    ), duration: "1min", seed: 1)"#;
    poolcast(&["check", "-"], fine);
    let began = Instant::now();
    let said = poolcast(&["check", "-"], fine);
    let took = began.elapsed().as_secs_f64();
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("1 × 5 = 5") && said.out.ends_with("nothing found\n"), "{}", said.out);
    // 50 ms are promised; a shared machine may be slow to start a process.
    assert!(took < 0.5, "{took} s");
}

#[test]
fn settings_count_and_slips_are_told() {
    let said = poolcast(&["check", MOVEHUB, "--set", "apps.api.workers=40"], "");
    for part in ["error[pools-over-slots]", "40 × (20 + 10) = 1 200", "error[clients-over-max-client-conn]", "--set:1:18"] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    refused(&["check", "-"], "Experiment(", &["error:"]);
    refused(&["check"], "", &["there is nothing to check", "--compose"]);
    refused(&["check", MOVEHUB, "--set", "apps.api.wokers=4"], "", &["did you mean `workers`?"]);
}

#[test]
fn the_rules_are_listed() {
    let said = poolcast(&["check", "--rules"], "");
    assert!(said.out.lines().count() >= 40 && said.out.contains("nested-sessions"), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
}

/// As many cases as `POOLCAST_FUZZ_CASES` says; each is one of three files after one to four mutations.
#[test]
fn whatever_can_be_planned_can_be_checked() {
    let mut runner = TestRunner::new(Config { cases: cases(500), failure_persistence: None, ..Config::default() });
    let strategy = (0..3_usize, proptest::collection::vec(mutation(), 1..5));
    let outcome = runner.run(&strategy, |(file, mutations)| {
        let text = [crate::experiment::MOVEHUB, crate::experiment::POOL_SIZE, crate::experiment::RESTART][file].to_owned();
        looked_over(&mutations.iter().fold(text, |text, mutation| mutated(&text, mutation)));
        Ok(())
    });
    outcome.unwrap_or_else(|failed| panic!("{failed}"));
}

/// Checks all systems of an experiment, if it is one.
fn looked_over(text: &str) {
    let Ok(experiment) = Experiment::parse(text, "test.ron", &|_| None) else { return };
    let Ok(plan) = experiment.plan(&[], None, None) else { return };
    for point in plan.points.iter().take(20).filter(|_| plan.data_files().is_empty()) {
        let place = |path: &str| experiment.place(point, &[], path);
        let system = System { name: String::new(), blueprint: &point.blueprint, objectives: &plan.objectives, surge: None, place: &place };
        assert!(worst(&system).slots > 0);
        for finding in check(&[system]) {
            assert!(!render(&finding, 1).is_empty());
        }
    }
}

/// What a rule calls an error, a run shows; and what cures the one cures the other.
#[test]
fn errors_of_a_check_are_errors_of_a_run() {
    let busy = r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 3000), steps: [Session([Query(Constant("50ms"))])])],"#;
    let fleet = r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 40, max_overflow: 5))],"#;
    let nested = r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 720),
        steps: [Session([Query(Constant("10ms")), Session([Query(Constant("20ms"))])])])],"#;
    let pausing = r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 2), steps: [Session([Transaction([Query(Constant("1ms")),
        Await(Constant("3s"))])])])],"#;
    let two = |more: &str| {
        format!(r#"apps: [App(name: "api", workers: 2, pool: SqlAlchemy(pool_size: 5, max_overflow: 10, pool_timeout: "1s"){more})],"#)
    };
    let cases = [
        ("pools-over-slots", "TooManyClients", format!("{busy} {fleet}"), ("service: Delay", "service: Delay, max_connections: 200")),
        (
            "clients-over-max-client-conn",
            "NoMoreConnections",
            format!("{busy} {fleet} proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 97),"),
            ("default_pool_size: 97", "default_pool_size: 97, max_client_conn: 180, query_wait_timeout: \"0s\""),
        ),
        ("nested-sessions", "PoolTimeout", format!("{nested} {}", two("")), ("))],", "), concurrency: 14)],")),
        (
            "idle-in-transaction",
            "IdleInTransactionTimeout",
            format!("{pausing} {}", two("")),
            ("service: Delay", "service: Delay, idle_in_transaction_session_timeout: \"9s\""),
        ),
    ];
    for (rule, error, system, (ill, cure)) in cases {
        let text = |system: &str| {
            format!(r#"Experiment(question: "?", system: System({system}), warmup: "0s", duration: "4s", replications: 2, seed: 1)"#)
        };
        let database = if rule == "idle-in-transaction" { "idle_in_transaction_session_timeout: \"2s\", " } else { "" };
        let sick = text(&format!("{system} database: Postgres({database}service: Delay)"));
        let well = text(&format!("{system} database: Postgres(service: Delay)")).replacen(ill, cure, 1);
        assert_eq!((finds(&sick, rule), fails(&sick, error)), (true, true), "{rule}: {sick}");
        assert_eq!((finds(&well, rule), fails(&well, error)), (false, false), "{rule}: {well}");
    }
}

fn finds(text: &str, rule: &str) -> bool {
    let said = poolcast(&["check", "-"], text);
    said.out.contains(&format!("error[{rule}]"))
}

fn fails(text: &str, error: &str) -> bool {
    let said = poolcast(&["run", "-", "--quiet", "--format", "json"], text);
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
    document["points"][0]["requests"]["errors"][error].as_u64().unwrap_or(0) > 0
}
