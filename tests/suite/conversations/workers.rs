//! Workers that come and go: who gets requests, when a process ends, and what becomes of its connections.

use super::{one_user, said};

/// One user, who thinks so long and has these steps; one worker with this pool; and these faults.
fn with(think: &str, steps: &str, app: &str, faults: &str) -> Vec<String> {
    said(&format!(
        r#"workload: [{}], apps: [App(name: "api", {app})], proxy: Direct, network: Network(app: Constant("0s")),
           database: Postgres(connect: Constant("0s"), service: Delay), faults: [{faults}]"#,
        one_user(think, steps, "")
    ))
}

/// What pools did, in the first so many seconds.
fn pools(lines: &[String], steps: &[&str]) -> Vec<String> {
    lines.iter().filter(|line| steps.iter().any(|step| line.contains(step))).cloned().collect()
}

#[test]
fn a_new_worker_gets_requests_beside_the_old_one_and_the_old_one_ends_with_its_connections() {
    let deploy = r#"At("2500ms", Deploy(app: "api", each: "1s", overlap: "1s"))"#;
    let lines = with("1s", r#"Session([Query(Constant("10ms"))])"#, "pool: SqlAlchemy()", deploy);
    assert_eq!(
        pools(&lines, &["checkout", "close"])[..6],
        [
            "1s a0 checkout 1 @0",
            "2010ms a1 checkout 1 @0",
            "3020ms a2 checkout 1 @0",
            "3500ms pool close 1 @0",
            "4030ms a3 checkout 1 @1",
            "5040ms a4 checkout 1 @1",
        ]
    );
    assert!(pools(&lines, &["fails"]).is_empty(), "nobody notices");
}

#[test]
fn a_worker_that_is_sent_away_finishes_what_it_has() {
    let deploy = r#"At("1500ms", Deploy(app: "api", each: "0s", overlap: "0s"))"#;
    let lines = with("1s", r#"Session([Query(Constant("2s"))])"#, "pool: SqlAlchemy()", deploy);
    assert_eq!(
        lines[..8],
        [
            "1s a0 arrives",
            "1s a0 connectdone 1 @0",
            "1s a0 checkout 1 @0",
            "3s a0 checkin 1 @0",
            "3s a0 is served",
            "3s pool close 1 @0",
            "4s a1 arrives",
            "4s a1 connectdone 1 @1",
        ]
    );
}

#[test]
fn who_waits_for_a_place_at_a_worker_that_is_sent_away_still_gets_it() {
    let deploy = r#"At("10500ms", Deploy(app: "api", each: "0s", overlap: "0s"))"#;
    let stream = r#"Stream(name: "batch", arrivals: Batches(rate: 0.1, size: 3), steps: [Session([Query(Constant("1s"))])])"#;
    let lines = said(&format!(
        r#"workload: [{stream}], apps: [App(name: "api", concurrency: 1, pool: SqlAlchemy())], proxy: Direct,
           network: Network(app: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay),
           faults: [{deploy}]"#
    ));
    let served = lines.iter().filter(|line| line.contains("is served")).count();
    let arrived = lines.iter().filter(|line| line.contains("arrives")).count();
    assert!(served + 6 >= arrived && served > 30, "{served} of {arrived} are served");
    assert!(lines.iter().all(|line| !line.contains("fails")), "{lines:?}");
}

#[test]
fn a_worker_that_scaling_adds_opens_what_its_library_opens_at_its_start() {
    let pool = r#"pool: PsycopgPool(min_size: 2)"#;
    let lines = with("100s", r#"Session([Query(Constant("10ms"))])"#, pool, r#"At("10s", Scale(app: "api", workers: 3))"#);
    let opened: Vec<String> = pools(&lines, &["connectdone"]).into_iter().map(|line| line.replace("pool connectdone ", "")).collect();
    assert_eq!(opened[..6], ["0s 1 @0", "0s 2 @0", "10s 1 @1", "10s 2 @1", "10s 1 @2", "10s 2 @2"]);
}

#[test]
fn scaling_in_sends_the_last_workers_away_and_closes_what_leaked_there() {
    let leak = r#"Session([Leak(probability: 1), Query(Constant("10ms"))])"#;
    let lines = with("1s", leak, "workers: 2, pool: SqlAlchemy()", r#"At("2500ms", Scale(app: "api", workers: 1))"#);
    assert_eq!(
        pools(&lines, &["checkout", "close"])[..5],
        ["1s a0 checkout 1 @0", "2010ms a1 checkout 1 @1", "2500ms pool close 1 @1", "3020ms a2 checkout 2 @0", "4030ms a3 checkout 3 @0"]
    );
}

#[test]
fn a_connection_that_is_being_opened_when_its_process_ends_is_open_nowhere() {
    let lines = said(
        r#"workload: [Stream(name: "user", arrivals: Closed(users: 1, think: Constant("100s")), steps: [Await(Constant("1s"))])],
           apps: [App(name: "api", pool: PsycopgPool(min_size: 2))], proxy: Direct, network: Network(app: Constant("0s")),
           database: Postgres(connect: Constant("5s"), service: Delay),
           faults: [At("2s", Deploy(app: "api", each: "0s", overlap: "0s"))]"#,
    );
    let opened = pools(&lines, &["connectdone", "close"]);
    assert_eq!(opened, ["7s pool connectdone 1 @1", "7s pool connectdone 2 @1"]);
}

#[test]
fn a_driver_that_computes_at_each_set_up_lets_everybody_else_in_its_process_wait() {
    let users = r#"Stream(name: "api", arrivals: Closed(users: 3, think: Constant("1s")), steps: [Session([Query(Constant("5ms"))])])"#;
    let lines = said(&format!(
        r#"workload: [{users}], apps: [App(name: "api", driver: Custom(connect: Constant("4ms")), pool: SqlAlchemy())],
           proxy: Direct, network: Network(app: Constant("0s")), database: Postgres(connect: Constant("2ms"), service: Delay)"#
    ));
    // All are let in after 2 ms and set up one after the other. What follows from the first one's set-up stands behind the others'
    // in the line: their proofs were asked for in the same instant. So nobody's statement is sent before the last.
    let connected = ["1006ms a0 connectdone 1 @0", "1010ms a1 connectdone 2 @0", "1014ms a2 connectdone 3 @0"];
    assert_eq!(pools(&lines, &["connectdone"])[..3], connected);
    assert_eq!(pools(&lines, &["served"])[..3], ["1019ms a0 is served", "1019ms a1 is served", "1019ms a2 is served"]);
}
