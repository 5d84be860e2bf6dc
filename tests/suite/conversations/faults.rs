//! What goes wrong with the database or the proxy, and what requests hear of it, fault by fault.
//!
//! Workers that come and go (`Deploy`, `Scale`) are in `workers.rs`, a `Partition` and leaks in `conversations.rs`; what the
//! parts themselves say in a fault is tested beside them.

use poolcast::kernel::time::Span;

use super::{one_user, said};

/// One user who thinks for a second and has a statement of 100 ms: what becomes of each request.
fn ends(pool: &str, proxy: &str, connect: &str, fault: &str) -> Vec<String> {
    let lines = said(&format!(
        r#"workload: [{}], apps: [App(name: "api", pool: {pool})], proxy: {proxy},
           network: Network(app: Constant("0s"), proxy: Constant("0s")),
           database: Postgres(connect: Constant("{connect}"), service: Sharing(cores: 1, sigma: 0.0, kappa: 0.0)), faults: [{fault}]"#,
        one_user("1s", r#"Session([Query(Constant("100ms"))])"#, "")
    ));
    lines.into_iter().filter(|line| line.contains("served") || line.contains("fails")).collect()
}

fn to_the_database(fault: &str) -> Vec<String> {
    ends("SqlAlchemy()", "Direct", "0s", fault)
}

const BOUNCER: &str = r#"PgBouncer(pool_mode: Transaction, cpu_per_query: "0s")"#;

#[test]
fn a_restart_ends_what_is_under_way_refuses_and_then_says_that_it_is_starting() {
    let ends = to_the_database(r#"At("2150ms", RestartDatabase(down: "1500ms", starting: "1s"))"#);
    assert_eq!(
        ends[..5],
        [
            "1100ms a0 is served",
            "2150ms a1 fails: AdminShutdown",
            "3150ms a2 fails: ConnectionRefused",
            "4150ms a3 fails: CannotConnectNow",
            "5250ms a4 is served"
        ]
    );
}

#[test]
fn a_crash_says_nothing_and_lets_nobody_in_while_it_recovers() {
    let ends = to_the_database(r#"At("2150ms", CrashDatabase(recovery: "1500ms"))"#);
    assert_eq!(ends[1..4], ["2150ms a1 fails: ConnectionLost", "3150ms a2 fails: CannotConnectNow", "4250ms a3 is served"]);
}

#[test]
fn a_failover_says_nothing_and_another_server_takes_over() {
    let ends = to_the_database(r#"At("2150ms", Failover(down: "1500ms"))"#);
    assert_eq!(ends[1..4], ["2150ms a1 fails: ConnectionLost", "3150ms a2 fails: ConnectionRefused", "4250ms a3 is served"]);
}

#[test]
fn a_session_that_is_killed_fails_its_request_and_the_next_one_connects_anew() {
    let ends = to_the_database(r#"At("2150ms", KillConnections(fraction: 1.0))"#);
    assert_eq!(ends[1..3], ["2150ms a1 fails: AdminShutdown", "3250ms a2 is served"]);
    let idle = to_the_database(r#"At("1500ms", KillConnections(fraction: 1.0))"#);
    assert_eq!(idle[1..3], ["2100ms a1 fails: AdminShutdown", "3200ms a2 is served"], "one that was idle fails the next request");
    assert_eq!(to_the_database(r#"At("2150ms", KillConnections(fraction: 0.0))"#)[1], "2200ms a1 is served");
}

#[test]
fn a_slow_database_stretches_what_runs_for_as_long_as_it_is_slow() {
    let ends = to_the_database(r#"At("1050ms", SlowDatabase(factor: 5, lasting: "2s"))"#);
    assert_eq!(ends[..3], ["1300ms a0 is served", "2800ms a1 is served", "3900ms a2 is served"], "half of the first, all of the second");
}

#[test]
fn slow_connects_delay_who_opens_one_and_nobody_else() {
    let fault = r#"At("1500ms", SlowConnects(factor: 10, lasting: "2s"))"#;
    let without_pool = ends("NullPool", "Direct", "20ms", fault);
    assert_eq!(without_pool[..4], ["1120ms a0 is served", "2420ms a1 is served", "3720ms a2 is served", "4840ms a3 is served"]);
    let pooled = ends("SqlAlchemy()", "Direct", "20ms", fault);
    assert_eq!(pooled[..3], ["1120ms a0 is served", "2220ms a1 is served", "3320ms a2 is served"]);
}

#[test]
fn behind_the_lock_of_a_migration_statements_wait_and_keep_their_connections() {
    let lock = r#"At("1500ms", LockTable(lasting: "2s"))"#;
    let users = super::two_users("1s", "1900ms", r#"Session([Query(Constant("100ms"))])"#, "");
    let lines = said(&format!(
        r#"workload: [{users}], apps: [App(name: "api", pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: "1s"))],
           proxy: Direct, network: Network(app: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay), faults: [{lock}]"#
    ));
    let ends: Vec<&String> = lines.iter().filter(|line| line.contains("served") || line.contains("fails")).take(3).collect();
    // The other user's came first and holds the one connection; nobody tells the pool that it only waits.
    assert_eq!(ends, ["1100ms a0 is served", "3100ms a1 fails: PoolTimeout", "3600ms b0 is served"], "{lines:#?}");
}

#[test]
fn a_proxy_that_restarts_ends_its_clients_without_a_word_and_refuses_until_it_listens() {
    let ends = ends("SqlAlchemy()", BOUNCER, "0s", r#"At("2150ms", RestartProxy(down: "1500ms"))"#);
    assert_eq!(ends[1..4], ["2150ms a1 fails: ConnectionLost", "3150ms a2 fails: ConnectionRefused", "4250ms a3 is served"]);
}

#[test]
fn after_a_failed_login_pgbouncer_tries_again_fifteen_seconds_later_and_fails_everybody_else_until_then() {
    let users = super::two_users("1s", "1300ms", r#"Session([Query(Constant("100ms"))])"#, "");
    let lines = said(&format!(
        r#"workload: [{users}], apps: [App(name: "api", pool: SqlAlchemy())], proxy: {BOUNCER},
           network: Network(app: Constant("0s"), proxy: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay),
           faults: [At("2150ms", RestartDatabase(down: "1500ms"))]"#
    ));
    let at = |what: &str| at_of(lines.iter().find(|line| line.ends_with(what)).unwrap_or_else(|| panic!("{what}: {lines:#?}")));
    // At 2.7 s b's second request lets it try, and waits for the next try; the database is up again from 3.65 s on.
    assert!((17.8..18.5).contains(&at("b1 is served")), "{}", at("b1 is served"));
    let failing = lines.iter().filter(|line| line.contains("ServerLoginFailing")).count();
    assert!(at("a2 fails: ServerLoginFailing") < 3.2 && failing > 10, "{failing}");
    assert!(lines.iter().all(|line| !line.contains("is served") || at_of(line) < 2.2 || at_of(line) > 17.8), "nobody is served meanwhile");
}

/// The time at which a line was said, in seconds.
fn at_of(line: &str) -> f64 {
    Span::parse(line.split(' ').next().expect("a time")).expect("it is one").seconds()
}
