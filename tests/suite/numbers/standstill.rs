//! Pools that stand still because of nested sessions, and connections that come in waves: seen, named, and with an interval.

use poolcast::answers::document::Point;
use poolcast::answers::runner::{RunOptions, run};
use poolcast::experiment::Experiment;

fn point(system: &str, rest: &str) -> Point {
    let text = format!("Experiment(question: \"What stands still?\", system: System({system}), {rest})");
    let experiment = Experiment::parse(&text, "test", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    run(&plan, &RunOptions { jobs: 2, status_every: None }, &|_| {}).remove(0).point
}

/// Requests that each take two connections one after the other from a pool of two, in batches of so many.
fn nested(size: u32) -> String {
    nested_at(size, 2, "Direct")
}

/// The same from a pool of so many, with this before the database.
fn nested_at(size: u32, pool_size: u32, proxy: &str) -> String {
    format!(
        r#"workload: [Stream(name: "api", arrivals: Batches(rate: 0.02, size: {size}),
            steps: [Session([Query(Constant("10ms")), Session([Query(Constant("10ms"))])])])],
        apps: [App(name: "web", pool: SqlAlchemy(pool_size: {pool_size}, max_overflow: 0, pool_timeout: "2s"))], proxy: {proxy},
        network: Network(app: Constant("0s"), proxy: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay)"#
    )
}

#[test]
fn two_who_hold_one_of_two_connections_each_and_want_the_other_are_a_deadlock_and_one_alone_is_none() {
    let rest = r#"warmup: "0s", duration: "30min", seed: 1, replications: 4"#;
    let pairs = point(&nested(2), rest);
    let found = pairs.deadlocks.as_ref().expect("sessions are nested");
    // Batches seldom meet: nearly every pair stands still once, until both time out together.
    let batches = pairs.requests.arrived / 2;
    assert!(batches > 80 && found.seen.abs_diff(batches) * 10 <= batches, "{} deadlocks of {batches} pairs", found.seen);
    let first = found.first.as_ref().expect("there was one");
    assert!(first.contains("web worker 1: all 2 connections of its pool are held by api 0, api 1, and each of them waits"), "{first}");
    // Only the first one of each run counts for the probability, and the time until it.
    assert!(found.runs == 4 && found.hours < 0.25 && found.per_hour_ci95[0] > 0.99, "{found:?}");
    let alone = point(&nested(1), rest).deadlocks.expect("sessions are nested");
    assert_eq!((alone.seen, &alone.first, alone.per_hour, alone.hours), (0, &None, 0.0, 2.0));
    // Nothing in two hours: at most 3.69 of them (Garwood).
    let most = 1.0 - (-3.688_88_f64 / 2.0).exp();
    assert!((alone.per_hour_ci95[1] - most).abs() < 1e-4, "{alone:?}");
}

#[test]
fn transactions_that_hold_the_proxys_connections_and_want_another_are_a_deadlock_that_no_pool_sees() {
    let rest = r#"warmup: "0s", duration: "30min", seed: 1, replications: 4"#;
    let proxies = [
        r#"PgBouncer(pool_mode: Transaction, default_pool_size: 2, query_wait_timeout: "2s")"#,
        r#"PgBouncer(pool_mode: Session, default_pool_size: 2, query_wait_timeout: "2s")"#,
        // Two of the hundred that the database lets in.
        r#"RdsProxy(max_connections_percent: 2, connection_borrow_timeout: "2s", latency: Constant("0s"))"#,
    ];
    let found = proxies.map(|proxy| point(&nested_at(2, 4, proxy), rest).deadlocks.expect("sessions are nested"));
    let first = found[0].first.as_ref().expect("there was one");
    let words = "at the proxy: all 2 connections to the database are held by api 0, api 1, and each of them waits for another";
    assert!(first.contains(words), "{first}");
    assert!(found[0].seen > 80, "{found:?}");
    assert!(found.iter().all(|found| found.runs == 4), "{found:?}");
    // Each one counts, those of the warm-up too.
    let warm = point(&nested_at(2, 4, proxies[0]), r#"warmup: "25min", duration: "5min", seed: 1, replications: 4"#);
    assert_eq!(warm.deadlocks.expect("sessions are nested").seen, found[0].seen);
    // Each with a place to spare: nobody waits for ever.
    let wide = r#"PgBouncer(pool_mode: Transaction, default_pool_size: 4, query_wait_timeout: "2s")"#;
    let none = point(&nested_at(2, 4, wide), rest).deadlocks.expect("sessions are nested");
    assert_eq!((none.seen, none.first), (0, None));
}

/// A minute's traffic for about nine connections, over five minutes.
fn steady(pool: &str, proxy: &str) -> Point {
    waves(r#"Regular(rate: 200)"#, pool, proxy)
}

fn waves(arrivals: &str, pool: &str, proxy: &str) -> Point {
    let system = format!(
        r#"workload: [Stream(name: "api", arrivals: {arrivals}, steps: [Session([Query(Constant("45ms"))])])],
        apps: [App(name: "web", pool: {pool})], proxy: {proxy}, network: Network(app: Constant("0s"), proxy: Constant("0s")),
        database: Postgres(connect: Constant("2ms"), service: Delay)"#
    );
    point(&system, r#"warmup: "10s", duration: "5min", seed: 1, replications: 2"#)
}

#[test]
fn connections_of_one_age_come_in_waves_whose_period_is_their_age_and_jitter_or_spacing_spreads_them() {
    let herd = steady(r#"SqlAlchemy(pool_size: 10, max_overflow: 0, pool_recycle: "1min")"#, "Direct");
    let [wave] = herd.waves.as_slice() else { panic!("one wave, at the database: {:?}", herd.waves) };
    assert!((59.5..=61.5).contains(&wave.period.expect("it is regular")), "{wave:?}");
    assert_eq!((wave.setting.as_deref(), wave.cause.as_deref()), (Some("apps.web.pool.pool_recycle"), Some("age")));
    assert_eq!((wave.place.as_str(), wave.count), ("database", 10), "five in each of two replications");
    assert!(wave.peak >= 8.0 && wave.mean < 0.3 && wave.jitter.is_none(), "{wave:?}");
    assert!(steady("SqlAlchemy(pool_size: 10, max_overflow: 0)", "Direct").waves.is_empty(), "nothing falls due");

    let pgx = |jitter: &str| {
        let lifetime = format!(r#"pool_max_conn_lifetime: "1min", pool_max_conn_lifetime_jitter: "{jitter}""#);
        steady(&format!("Pgx(pool_max_conns: 10, {lifetime})"), "Direct").waves
    };
    let [wave] = pgx("0s").try_into().expect("without jitter there are waves");
    assert_eq!(wave.jitter.as_deref(), Some("apps.web.pool.pool_max_conn_lifetime_jitter"));
    assert_eq!(pgx("50s"), [], "fifty seconds of jitter leave no wave");

    let bouncer = r#"PgBouncer(pool_mode: Transaction, default_pool_size: 10, server_lifetime: "1min")"#;
    let spaced = steady("SqlAlchemy(pool_size: 10, max_overflow: 0)", bouncer);
    assert!(spaced.proxy.connects >= 2 * 40, "each is replaced about every minute: {}", spaced.proxy.connects);
    assert_eq!(spaced.waves, [], "PgBouncer replaces one every six seconds");
}

#[test]
fn what_is_closed_when_idle_is_opened_together_by_the_next_load() {
    let together = r#"Closed(users: 10, think: Constant("1min"))"#;
    let sqlx = |idle: &str| waves(together, &format!(r#"Sqlx(max_connections: 10, idle_timeout: "{idle}")"#), "Direct").waves;
    let [wave] = sqlx("20s").try_into().expect("all are closed between two rounds of the users");
    assert!((59.5..=61.5).contains(&wave.period.expect("it is regular")), "{wave:?}");
    assert_eq!((wave.setting.as_deref(), wave.cause.as_deref()), (Some("apps.web.pool.idle_timeout"), Some("idle")));
    assert_eq!(sqlx("10min"), [], "what is kept need not be opened");
}
