//! Each rule on an answer that it is made for, and silence on one that it is not.

use super::*;
use crate::answers::document::{Named, PoolUse, StreamFigures};
use crate::experiment::Experiment;

const QUIET: &str = r#"Experiment(
    question: "?", duration: "100s", seed: 1,
    system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 100), steps: [Work(Constant("1ms")), Session([Query(Constant("5ms"))])])],
        apps: [App(name: "web", workers: 4, pool: SqlAlchemy(pool_size: 20, max_overflow: 10))],
        proxy: Direct,
        network: Network(app: Constant("0s"), proxy: Constant("0s")),
        database: Postgres(max_connections: 200),
    ),
)"#;

/// What a quiet run of this system, with these settings, would say; 100 requests a second.
fn quiet(sets: &[(&str, &str)]) -> Answer {
    let experiment = Experiment::parse(QUIET, "test.ron", &|_| None).expect("the text is right");
    let sets: Vec<(String, String)> = sets.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let plan = experiment.plan(&sets, None, None).unwrap_or_else(|problem| panic!("{problem}"));
    let blueprint = plan.points[0].blueprint.clone();
    let mut point = crate::answers::document::Point { replications: 1, duration: 100.0, verdict: "stable".into(), ..Default::default() };
    point.requests.arrived = 10_000;
    point.requests.completed = 10_000;
    point.latency = Times { count: 10_000, p50: Some(0.006), p99: Some(0.02), ..Times::default() };
    point.pool_wait.times = Times { count: 10_000, p50: Some(0.0), p99: Some(0.000_1), ..Times::default() };
    point.pools =
        Named(vec![("web".into(), PoolUse { in_use_mean: 2.0, in_use_max: 9, open_max: 12, connects: 12, ..Default::default() })]);
    point.streams = Named(vec![("api".into(), StreamFigures { requests: point.requests.clone(), ..Default::default() })]);
    point.database.utilisation = Some(0.1);
    Answer {
        point,
        blueprint,
        queue: vec![0.0; 10],
        queue_peak: (0.0, 0.0),
        in_use: Named(vec![("web".into(), vec![2.0; 10])]),
        linked_mean: None,
        busy_when_waiting: None,
        statuses: Vec::new(),
        error_texts: Default::default(),
    }
}

fn fail(answer: &mut Answer, name: &str, number: u64) {
    answer.point.requests.failed += number;
    answer.point.requests.errors.insert(name.to_owned(), number);
}

/// Holds that `advice` names what it should and suggests these settings.
fn holds(answer: &Answer, binds: &str, says: &[&str], set: &[(&str, &str)]) {
    let advice = advise(answer);
    assert_eq!(advice.binds, binds, "{advice:?}");
    for part in says {
        assert!(advice.why.contains(part), "{part:?} is not in {:?}", advice.why);
    }
    let found = advice.next.as_ref().map_or(Vec::new(), |next| next.set.iter().map(|(p, v)| (p.as_str(), v.as_str())).collect());
    assert_eq!(found, set, "{advice:?}");
}

#[test]
fn a_system_at_ease_is_left_alone() {
    holds(&quiet(&[]), "–", &["nothing binds"], &[]);
    assert_eq!(advise(&quiet(&[])).next, None);
    let mut unexplained = quiet(&[]);
    fail(&mut unexplained, "ConnectionLost", 3);
    holds(&unexplained, "–", &["see the errors"], &[]);
}

#[test]
fn session_mode_with_too_few_server_connections_names_default_pool_size() {
    let proxy = "PgBouncer(pool_mode: Session, max_db_connections: 100, max_client_conn: 1000)";
    let mut answer = quiet(&[("proxy", proxy)]);
    answer.point.proxy.waiting_mean = 30.0;
    let says = ["20 server connections", "default_pool_size is 20, which it is if left unset", "may hold 120 (web 4 × 20+10)"];
    holds(&answer, "PgBouncer", &says, &[("proxy.default_pool_size", "120"), ("proxy.max_db_connections", "120")]);
    answer.point.proxy.waiting_mean = 0.0;
    holds(&answer, "–", &[], &[]);
    fail(&mut answer, "QueryWaitTimeout", 1);
    holds(&answer, "PgBouncer", &[], &[("proxy.default_pool_size", "120"), ("proxy.max_db_connections", "120")]);
}

#[test]
fn session_mode_beyond_the_databases_slots_names_transaction_mode() {
    let proxy = "PgBouncer(pool_mode: Session, default_pool_size: 50, max_client_conn: 1000)";
    let mut answer = quiet(&[("proxy", proxy), ("database.max_connections", "100")]);
    answer.point.proxy.waiting_mean = 30.0;
    holds(&answer, "PgBouncer", &["default_pool_size is 50"], &[("proxy.pool_mode", "Transaction")]);
}

#[test]
fn transaction_mode_names_the_lowest_of_its_limits() {
    let proxy = "PgBouncer(pool_mode: Transaction, default_pool_size: 40, max_db_connections: 10, max_client_conn: 1000)";
    let mut answer = quiet(&[("proxy", proxy)]);
    answer.point.proxy_wait.times.p99 = Some(0.015);
    holds(&answer, "PgBouncer", &["10 server connections (max_db_connections is 10)"], &[("proxy.max_db_connections", "15")]);
}

#[test]
fn clients_turned_away_by_pgbouncer_name_max_client_conn() {
    let mut answer = quiet(&[("proxy", "PgBouncer(pool_mode: Transaction)")]);
    fail(&mut answer, "NoMoreConnections", 50);
    holds(&answer, "max_client_conn", &["accepts 100 clients", "may hold 120"], &[("proxy.max_client_conn", "120")]);
}

#[test]
fn a_busy_pgbouncer_process_is_told_from_a_small_pool() {
    let mut answer = quiet(&[("proxy", "PgBouncer(pool_mode: Transaction, cpu_per_query: \"9500us\")")]);
    answer.point.proxy.waiting_mean = 5.0;
    holds(&answer, "PgBouncer's core", &["100 statements a second at 9500us each", "95 %"], &[]);
}

#[test]
fn rds_proxy_names_pinning_only_where_sessions_are_pinned() {
    for (pin, word) in [("0.1", "pin"), ("0.0", "shorter transactions")] {
        let mut answer = quiet(&[("proxy", &format!("RdsProxy(max_connections_percent: 50, pin_probability: {pin})"))]);
        fail(&mut answer, "BorrowTimeout", 5);
        holds(&answer, "RDS Proxy", &["100 database connections"], &[]);
        assert!(advise(&answer).next.expect("there is advice").words.contains(word));
    }
}

#[test]
fn an_exhausted_pool_names_a_size_that_fits_the_load() {
    let mut answer = quiet(&[("apps.web.pool", "SqlAlchemy(pool_size: 5, max_overflow: 0)")]);
    let usage = &mut answer.point.pools.0[0].1;
    *usage = PoolUse { in_use_mean: 18.0, in_use_max: 20, pending_mean: 8.0, pending_max: 40, timeouts: 700, ..Default::default() };
    fail(&mut answer, "PoolTimeout", 700);
    // 18 · (1 + 700 / 10000) / 4 = 4.815 in use per worker; 4.815 + 3 √4.815 = 11.4.
    let says = ["18.0 of 20 connections", "4 workers with 5+0 each", "700 gave up after pool_timeout"];
    holds(&answer, "app pool", &says, &[("apps.web.pool.pool_size", "12")]);
}

#[test]
fn a_pool_that_would_outgrow_the_database_gets_a_proxy_instead() {
    let mut answer = quiet(&[("database.max_connections", "30"), ("apps.web.pool", "SqlAlchemy(pool_size: 5, max_overflow: 0)")]);
    answer.point.pools.0[0].1 = PoolUse { in_use_mean: 18.0, in_use_max: 20, pending_max: 40, timeouts: 7, ..Default::default() };
    holds(&answer, "app pool", &[], &[]);
    assert!(advise(&answer).next.expect("there is advice").words.contains("PgBouncer(pool_mode: Transaction)"));
}

#[test]
fn saturated_cores_get_fewer_statements_if_the_work_fits_and_more_cores_if_not() {
    let busy = |rate: &str| {
        let mut answer = quiet(&[("workload.api.arrivals.rate", rate), ("database.service", "Sharing(cores: 8, sigma: 0.03, kappa: 0.0)")]);
        answer.point.database.utilisation = Some(1.0);
        answer.point.database.active_mean = 100.0;
        answer.point.streams.0[0].1.requests.arrived = rate.parse::<u64>().expect("a number") * 100;
        answer
    };
    // 800/s · 5 ms = 4 cores of work, 4.84 with eight statements at once.
    holds(
        &busy("800"),
        "database cores",
        &["8 cores", "100.0 statements"],
        &[("apps.web.pool.pool_size", "3"), ("apps.web.pool.max_overflow", "0")],
    );
    // 1600/s · 5 ms = 8 cores of work: 9.68 with contention, over 0.7.
    holds(&busy("1600"), "database cores", &["8 cores"], &[("database.service.cores", "14")]);
}

#[test]
fn cores_that_are_busy_only_while_requests_wait_are_what_they_wait_for() {
    let mut answer = quiet(&[("database.service", "Sharing(cores: 8, sigma: 0.03, kappa: 0.0)")]);
    answer.point.database.utilisation = Some(0.45);
    answer.busy_when_waiting = Some(0.99);
    answer.queue_peak = (700.0, 12.0);
    holds(
        &answer,
        "database cores",
        &["bursts", "45 %", "99 %", "700"],
        &[("apps.web.pool.pool_size", "3"), ("apps.web.pool.max_overflow", "0")],
    );
}

#[test]
fn refused_connections_name_max_connections_and_what_the_pools_may_open() {
    let mut answer = quiet(&[("database.max_connections", "100")]);
    answer.point.database.refused = 44;
    fail(&mut answer, "TooManyClients", 40);
    holds(&answer, "max_connections", &["97 slots", "100 − 3 reserved", "refused 44", "may hold 120"], &[]);
    assert!(advise(&answer).next.expect("there is advice").words.contains("at most 24 connections for each of the 4 workers"));
}

#[test]
fn occupied_event_loops_name_the_number_of_workers() {
    let mut answer = quiet(&[("apps.web.workers", "1")]);
    answer.point.streams.0[0].1.requests.arrived = 95_000;
    // 950/s · 1 ms = 0.95 of one event loop, over 0.7.
    holds(&answer, "event loop", &["95 % occupied"], &[("apps.web.workers", "2")]);
    answer.point.streams.0[0].1.requests.arrived = 80_000;
    holds(&answer, "–", &[], &[]);
}

#[test]
fn overflow_that_comes_and_goes_names_the_same_total_without_overflow() {
    let mut answer = quiet(&[]);
    answer.point.pools.0[0].1.connects = 4_000;
    answer.point.pool_wait.times.p99 = Some(0.012);
    holds(
        &answer,
        "overflow",
        &["40 connections for every hundred"],
        &[("apps.web.pool.pool_size", "30"), ("apps.web.pool.max_overflow", "0")],
    );
    let mut none = quiet(&[("apps.web.pool", "NullPool")]);
    none.point.pools.0[0].1.connects = 10_000;
    none.point.pool_wait.times.p99 = Some(0.012);
    holds(&none, "connecting", &["100 connections for every hundred", "NullPool"], &[]);
}

#[test]
fn recycling_is_named_when_it_alone_makes_requests_wait() {
    let mut answer = quiet(&[("apps.web.pool.pool_recycle", "10s")]);
    answer.point.pools.0[0].1.connects = 110;
    answer.point.pool_wait.times.p999 = Some(0.05);
    holds(&answer, "recycling", &["10 s old", "110 times"], &[("apps.web.pool.pool_recycle", "40s")]);
}

#[test]
fn leaks_and_nested_sessions_are_causes_and_not_pool_sizes() {
    let leak = r#"[Session([Query(Constant("5ms")), Leak(probability: 0.01)])]"#;
    let mut answer = quiet(&[("workload.api.steps", leak)]);
    fail(&mut answer, "PoolTimeout", 100);
    answer.in_use = Named(vec![("web".into(), vec![10.0, 60.0, 120.0])]);
    holds(&answer, "leaked connections", &["1.0 % of its sessions", "1.00 connections a second", "after 120 s all 120"], &[]);
    let nested = r#"[Session([Session([Query(Constant("5ms"))])])]"#;
    let mut answer = quiet(&[("workload.api.steps", nested)]);
    fail(&mut answer, "PoolTimeout", 100);
    answer.point.pools.0[0].1.pending_max = 40;
    holds(&answer, "nested sessions", &["2 connections at once from one pool of 30", "deadlock"], &[]);
}

#[test]
fn a_restart_is_named_only_if_most_failures_are_its_own() {
    let mut answer = quiet(&[("faults", r#"[At("1min", RestartDatabase(down: "3s"))]"#)]);
    fail(&mut answer, "AdminShutdown", 40);
    let set = [("apps.web.pool.pool_pre_ping", "true")];
    holds(&answer, "the fault", &["1 min after the start", "for 3s", "40 requests"], &set);
    fail(&mut answer, "ConnectionRefused", 100);
    holds(&answer, "the fault", &["140 requests"], &[]); // no ping opens a connection where nobody answers
    fail(&mut answer, "DeadlineExceeded", 400);
    holds(&answer, "–", &[], &[]);
}

#[test]
fn a_deploy_is_named_where_old_and_new_workers_have_no_room_together() {
    let with = |each: &str, max_connections: &str| {
        let deploy = format!(r#"[At("1min", Deploy(app: "web", each: "{each}", overlap: "10s"))]"#);
        let mut answer = quiet(&[("faults", &deploy), ("database.max_connections", max_connections)]);
        fail(&mut answer, "TooManyClients", 40);
        answer.point.database.refused = 40;
        answer
    };
    let said = ["up to 8 workers at once instead of 4", "240 (8 × 20+10)", "PostgreSQL has 197 slots, and refuses 40"];
    holds(&with("0s", "200"), "the deploy", &said, &[]);
    assert!(advise(&with("0s", "200")).next.is_some_and(|next| next.words.contains("at most 24 connections for each worker")));
    assert_eq!(advise(&with("0s", "100")).binds, "max_connections", "these slots are too few without a deploy too");
    assert_eq!(advise(&with("20s", "200")).binds, "max_connections", "five workers have room: it is not the deploy");
}

#[test]
fn what_piles_up_behind_a_lock_is_put_down_to_the_lock_and_what_piles_up_later_is_not() {
    let mut answer = quiet(&[("faults", r#"[At("1min", LockTable(lasting: "30s"))]"#)]);
    fail(&mut answer, "PoolTimeout", 300);
    answer.queue_peak = (90.0, 85.0 - answer.point.warmup);
    holds(&answer, "the fault", &["a table that all use is locked for 30s", "up to 90 requests", "300 fail"], &[]);
    assert!(advise(&answer).next.is_some_and(|next| next.words.contains("lock_timeout")));
    answer.queue_peak = (90.0, 200.0);
    assert_ne!(advise(&answer).binds, "the fault");
}

#[test]
fn an_outage_cannot_be_pinged_away_but_dead_connections_can() {
    let mut answer = quiet(&[("faults", r#"[At("1min", RestartDatabase(down: "3s"))]"#)]);
    fail(&mut answer, "ConnectionRefused", 500);
    fail(&mut answer, "AdminShutdown", 10);
    holds(&answer, "the fault", &["510 requests"], &[]);
    assert!(advise(&answer).next.is_some_and(|next| next.words.contains("longer than the outage")));
}

#[test]
fn a_pool_that_opens_connections_is_not_called_exhausted_for_a_seldom_queue() {
    let mut answer = quiet(&[]);
    answer.point.pools.0[0].1.connects = 6_000;
    answer.point.pools.0[0].1.in_use_max = 120;
    answer.point.pools.0[0].1.pending_max = 3;
    answer.point.pools.0[0].1.pending_mean = 0.001;
    answer.point.pool_wait.times.p99 = Some(0.012);
    answer.point.pool_wait.times.mean = Some(0.006);
    holds(
        &answer,
        "overflow",
        &["60 connections for every hundred", "when 20 are idle"],
        &[("apps.web.pool.pool_size", "30"), ("apps.web.pool.max_overflow", "0")],
    );
    answer.point.pools.0[0].1.pending_mean = 0.4;
    assert_eq!(advise(&answer).binds, "app pool", "40 of 60 seconds of waiting are spent in the queue");
}

#[test]
fn a_seldom_but_long_block_is_named_before_the_pool_that_it_seems_to_exhaust() {
    let steps = r#"[Session([Query(Constant("5ms")), Choose([(0.98, []), (0.02, [Block(Constant("400ms"))])])])]"#;
    let mut answer = quiet(&[("workload.api.steps", steps)]);
    answer.point.pools.0[0].1.pending_mean = 5.0;
    answer.point.pools.0[0].1.pending_max = 50;
    answer.point.pools.0[0].1.in_use_max = 120;
    // 25 a second in each loop, 2 % of 400 ms: 25 × 0.02 × 0.16 s² / (2 × 0.8) is 50 ms.
    holds(&answer, "event loop", &["steps of 400 ms", "20 % of the time", "about 50.0 ms"], &[]);
    let often = quiet(&[("workload.api.steps", r#"[Work(Constant("8ms")), Session([Query(Constant("5ms"))])]"#)]);
    holds(&often, "–", &[], &[]);
}

#[test]
fn connections_that_are_held_during_a_call_elsewhere_are_not_too_few() {
    let steps = r#"[Session([Transaction([Query(Constant("5ms")), Await(Constant("1s"))])])]"#;
    for proxy in ["Direct", "PgBouncer(pool_mode: Transaction, default_pool_size: 100, max_client_conn: 1000)"] {
        let mut answer = quiet(&[("workload.api.steps", steps), ("proxy", proxy)]);
        answer.point.pools.0[0].1.in_use_mean = 115.0;
        answer.point.database.connections_mean = 110.0;
        answer.point.database.active_mean = 0.5;
        assert_eq!(advise(&answer).binds, "–", "nobody waits");
        answer.point.pools.0[0].1.timeouts = 7;
        holds(&answer, "held idle", &["115.0 of 120", "holds one for 1.0 s", "runs 0.5 statements"], &[]);
    }
}

#[test]
fn a_leak_is_told_before_it_hurts() {
    let leak = r#"[Session([Query(Constant("5ms")), Leak(probability: 0.001)])]"#;
    let mut answer = quiet(&[("workload.api.steps", leak)]);
    answer.in_use = Named(vec![("web".into(), vec![1.0, 5.0, 10.0])]);
    holds(&answer, "leaked connections", &["nobody waits yet", "10 connections of web", "all 120 after 20 min"], &[]);
}

#[test]
fn statements_that_are_cancelled_name_their_timeout() {
    let mut answer = quiet(&[("database.statement_timeout", "30s")]);
    fail(&mut answer, "StatementTimeout", 4);
    holds(&answer, "timeouts", &["statement_timeout (30s) ends 4 requests"], &[]);
}

#[test]
fn a_suggested_command_can_be_pasted_into_a_shell() {
    let next = Next { words: "try it".into(), set: vec![("proxy.default_pool_size".into(), "120".into())] };
    assert_eq!(
        next.command("my file.ron", "Tom's").as_deref(),
        Some(r"poolcast run 'my file.ron' --scenario 'Tom'\''s' --set proxy.default_pool_size=120")
    );
    assert_eq!(Next { words: "think".into(), set: Vec::new() }.command("a.ron", ""), None);
}
