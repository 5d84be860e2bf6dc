//! Requests, workers and pools as conversations: small deterministic systems, and what was said in them.

use poolcast::experiment::{Experiment, Plan};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::protocol::cx::World;
use poolcast::protocol::event::RequestId;
use poolcast::protocol::fact::{Fact, PoolStep};
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

mod faults;
mod retries;
mod workers;

/// Writes down what requests and pools do: "12ms a0 checkout 1 @0" is request 0 of
/// the first stream getting connection 1 of worker 0's pool.
#[derive(Default)]
struct Stenographer(Vec<String>);

impl Observer for Stenographer {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        let number = |request: RequestId| {
            let request = &world.requests[request];
            format!("{}{}", char::from(b'a' + request.stream.0 as u8), request.number)
        };
        let said = match *fact {
            Fact::Arrived { request } => format!("{} arrives", number(request)),
            Fact::Ended { request, failure: None } => format!("{} is served", number(request)),
            Fact::Ended { request, failure: Some(why) } => format!("{} fails: {why}", number(request)),
            Fact::Pool { step: PoolStep::Request | PoolStep::Reset | PoolStep::ConnectStart, .. } => return,
            Fact::Pool { worker, step, request, conn } => {
                let who = request.map_or("pool".to_owned(), number);
                format!("{who} {} {conn} @{}", format!("{step:?}").to_lowercase(), worker.0)
            }
            _ => return,
        };
        self.0.push(format!("{} {said}", now.since(SimTime::ZERO)));
    }
}

fn plan(system: &str) -> Plan {
    let text = format!(r#"Experiment(question: "?", duration: "200s", seed: 1, system: System({system}))"#);
    let experiment = Experiment::parse(&text, "conversation.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

/// What is said in `system` in its first 200 seconds.
fn said(system: &str) -> Vec<String> {
    let plan = plan(system);
    let mut model = Model::new(&plan.points[0].blueprint, &Seed::new(1, 0)).expect("it builds");
    let mut pen = Stenographer::default();
    simulate(&mut model, SimTime::ZERO + Span::from_secs(200), &mut pen);
    pen.0
}

/// An ideal network and database, and these streams and this app.
fn ideal(workload: &str, app: &str) -> Vec<String> {
    said(&format!(
        r#"workload: [{workload}], apps: [App(name: "api", {app})], proxy: Direct, network: Network(app: Constant("0s")),
           database: Postgres(connect: Constant("0s"), service: Delay)"#
    ))
}

/// Requests at these whole seconds, each with these steps, from a stream of one user who thinks so long.
fn one_user(think: &str, steps: &str, more: &str) -> String {
    format!(r#"Stream(name: "user", arrivals: Closed(users: 1, think: Constant("{think}")), steps: [{steps}] {more})"#)
}

/// Two users with these thinking times.
fn two_users(first: &str, second: &str, steps: &str, more: &str) -> String {
    format!(
        r#"Stream(name: "a", arrivals: Closed(users: 1, think: Constant("{first}")), steps: [{steps}] {more}),
           Stream(name: "b", arrivals: Closed(users: 1, think: Constant("{second}")), steps: [{steps}] {more})"#
    )
}

fn first(lines: &[String], count: usize) -> Vec<&str> {
    lines.iter().take(count).map(String::as_str).collect()
}

#[test]
fn a_request_connects_once_and_finds_its_connection_again() {
    let lines = ideal(&one_user("100s", r#"Session([Query(Constant("10ms"))])"#, ""), "pool: SqlAlchemy()");
    assert_eq!(
        lines,
        ["100s a0 arrives", "100s a0 connectdone 1 @0", "100s a0 checkout 1 @0", "100010ms a0 checkin 1 @0", "100010ms a0 is served"]
    );
}

#[test]
fn the_oldest_waiter_gets_what_comes_back() {
    let lines =
        ideal(&two_users("1s", "1001ms", r#"Session([Query(Constant("10ms"))])"#, ""), "pool: SqlAlchemy(pool_size: 1, max_overflow: 0)");
    assert_eq!(
        first(&lines, 9),
        [
            "1s a0 arrives",
            "1s a0 connectdone 1 @0",
            "1s a0 checkout 1 @0",
            "1001ms b0 arrives",
            "1001ms b0 wait 0 @0",
            "1010ms a0 checkin 1 @0",
            "1010ms b0 wake 0 @0",
            "1010ms b0 checkout 1 @0",
            "1010ms a0 is served"
        ]
    );
}

#[test]
fn whoever_closes_and_asks_again_at_once_keeps_the_connection_and_the_waiter_goes_to_the_tail() {
    let steps = r#"Session([Query(Constant("10ms"))]), Session([Query(Constant("10ms"))])"#;
    let pool = |release: &str| format!("pool: SqlAlchemy(pool_size: 1, max_overflow: 0, release: {release})");
    let order = |lines: Vec<String>| {
        lines.into_iter().filter(|line| line.contains("checkout") || line.contains("wait")).take(4).collect::<Vec<_>>()
    };
    let barging = order(ideal(&two_users("1s", "1001ms", steps, ""), &pool("Close")));
    assert_eq!(barging, ["1s a0 checkout 1 @0", "1001ms b0 wait 0 @0", "1010ms a0 checkout 1 @0", "1010ms b0 wait 0 @0"]);
    let fair = order(ideal(&two_users("1s", "1001ms", steps, ""), &pool("AsyncWith")));
    assert_eq!(fair, ["1s a0 checkout 1 @0", "1001ms b0 wait 0 @0", "1010ms b0 checkout 1 @0", "1010ms a0 wait 0 @0"]);
}

#[test]
fn a_wait_ends_at_its_timeout_with_the_librarys_error() {
    let lines = ideal(
        &two_users("1s", "1001ms", r#"Session([Query(Constant("10s"))])"#, ""),
        r#"pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: "2s")"#,
    );
    assert!(lines.contains(&"3001ms b0 timeout 0 @0".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"3001ms b0 fails: PoolTimeout".to_owned()));
}

#[test]
fn a_client_that_gives_up_in_a_statement_costs_the_pool_its_connection() {
    let lines = ideal(&one_user("50s", r#"Session([Query(Constant("10s"))])"#, r#", deadline: "2s""#), "pool: SqlAlchemy()");
    assert_eq!(
        first(&lines, 9),
        [
            "50s a0 arrives",
            "50s a0 connectdone 1 @0",
            "50s a0 checkout 1 @0",
            "52s a0 fails: DeadlineExceeded",
            "52s a0 invalidate 1 @0",
            "52s a0 close 1 @0",
            "52s a0 checkin 0 @0",
            "102s a1 arrives",
            "102s a1 connectdone 2 @0"
        ]
    );
}

#[test]
fn a_client_that_gives_up_while_its_task_waits_for_something_else_gives_the_connection_back() {
    let lines =
        ideal(&one_user("50s", r#"Session([Query(Constant("1s")), Await(Constant("10s"))])"#, r#", deadline: "2s""#), "pool: SqlAlchemy()");
    assert_eq!(first(&lines[3..], 3), ["52s a0 fails: DeadlineExceeded", "52s a0 checkin 1 @0", "102s a1 arrives"]);
}

#[test]
fn a_client_that_gives_up_in_the_queue_leaves_it() {
    let lines = ideal(
        &two_users("1s", "1001ms", r#"Session([Query(Constant("10s"))])"#, r#", deadline: "3s""#),
        "pool: SqlAlchemy(pool_size: 1, max_overflow: 0)",
    );
    let after: Vec<&String> = lines.iter().skip_while(|line| !line.starts_with("4001ms")).take(2).collect();
    assert_eq!(after[0], "4001ms b0 fails: DeadlineExceeded", "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("b0 timeout")), "its deadline in the pool no longer matters");
}

#[test]
fn a_blocking_step_holds_up_everything_else_in_its_process() {
    let quick =
        r#"Stream(name: "quick", arrivals: Closed(users: 1, think: Constant("1500ms")), steps: [Session([Query(Constant("1ms"))])])"#;
    let blocking = r#"Stream(name: "slow", arrivals: Closed(users: 1, think: Constant("1s")), steps: [Block(Constant("10s"))])"#;
    let one = ideal(&format!("{quick}, {blocking}"), "workers: 1, pool: SqlAlchemy()");
    assert!(one.contains(&"11001ms a0 is served".to_owned()), "the loop is free at 11 s: {one:#?}");
    let two = ideal(&format!("{quick}, {blocking}"), "workers: 2, balance: LeastBusy, pool: SqlAlchemy()");
    assert!(two.contains(&"1501ms a0 is served".to_owned()), "another process is not held up: {two:#?}");
}

#[test]
fn a_worker_handles_no_more_at_once_than_its_concurrency() {
    let lines = ideal(&two_users("1s", "1001ms", r#"Await(Constant("10s"))"#, ""), "concurrency: 1, pool: SqlAlchemy()");
    assert_eq!(first(&lines, 4), ["1s a0 arrives", "1001ms b0 arrives", "11s a0 is served", "12s a1 arrives"]);
    assert!(lines.contains(&"21s b0 is served".to_owned()), "{lines:#?}");
}

#[test]
fn a_failed_attempt_is_repeated_after_its_pause_until_the_attempts_are_used_up() {
    let lines = ideal(
        &two_users("1s", "1001ms", r#"Session([Query(Constant("100s"))])"#, r#", retry: Retry(attempts: 3, backoff: Constant("5s"))"#),
        r#"pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: "2s")"#,
    );
    let of_second: Vec<&String> = lines.iter().filter(|line| line.contains("timeout") || line.contains("fails")).take(4).collect();
    assert_eq!(
        of_second,
        ["3001ms b0 timeout 0 @0", "10001ms b0 timeout 0 @0", "17001ms b0 timeout 0 @0", "17001ms b0 fails: PoolTimeout"]
    );
}

#[test]
fn arrivals_go_round_the_workers() {
    let lines = ideal(r#"Stream(name: "r", arrivals: Regular(rate: 1), steps: [Session([])])"#, "workers: 3, pool: SqlAlchemy()");
    let workers: Vec<&str> =
        lines.iter().filter(|line| line.contains("checkout")).take(4).filter_map(|line| line.split('@').nth(1)).collect();
    assert_eq!(workers, ["0", "1", "2", "0"]);
}

#[test]
fn a_leaked_session_keeps_its_connection_for_ever() {
    let lines = ideal(
        &one_user("10s", r#"Session([Leak(probability: 1.0), Query(Constant("1ms"))])"#, ""),
        r#"pool: SqlAlchemy(pool_size: 1, max_overflow: 1, pool_timeout: "1s")"#,
    );
    assert!(!lines.iter().any(|line| line.contains("checkin")));
    assert!(lines.iter().any(|line| line.ends_with("a2 fails: PoolTimeout")), "both connections are gone by then: {lines:#?}");
}

#[test]
fn one_dead_connection_found_by_a_ping_makes_the_pool_replace_all_older_ones_unpinged() {
    let streams = two_users("1s", "1s", r#"Session([Query(Constant("10ms")), Await(Constant("10s"))])"#, "");
    let lines = said(&format!(
        r#"workload: [{streams}], apps: [App(name: "api", pool: SqlAlchemy(pool_pre_ping: true))], proxy: Direct,
           network: Network(app: Constant("2ms")), database: Postgres(connect: Constant("0s"), service: Delay),
           faults: [At("11500ms", RestartDatabase(down: "100ms"))]"#
    ));
    let after: Vec<&str> =
        lines.iter().map(String::as_str).filter(|line| ["ping", "invalidate"].iter().any(|word| line.contains(word))).take(2).collect();
    assert_eq!(after.len(), 2, "{lines:#?}");
    assert!(after[0].contains("ping") && after[1].contains("invalidate"), "{after:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("invalidate")).count(), 1, "the other one is replaced without a ping: {lines:#?}");
}

#[test]
fn time_goes_on_even_for_users_who_never_think_and_are_never_kept_waiting() {
    let plan = plan(
        r#"workload: [Stream(name: "a", arrivals: Closed(users: 1, think: Constant("0s")), steps: [Work(Constant("0s"))])],
           apps: [App(name: "api", pool: NullPool)], proxy: Direct"#,
    );
    let mut model = Model::new(&plan.points[0].blueprint, &Seed::new(1, 0)).expect("it builds");
    simulate(&mut model, SimTime::from_nanos(1_000), &mut ());
    assert_eq!(model.world.agenda.now(), SimTime::from_nanos(1_000));
}

#[test]
fn a_partition_tells_nobody_and_what_was_sent_meanwhile_arrives_at_its_end() {
    let system = |proxy: &str| {
        format!(
            r#"workload: [Stream(name: "a", arrivals: Regular(rate: 0.1), deadline: "4s", steps: [Session([Query(Constant("1s"))])])],
               apps: [App(name: "api", pool: SqlAlchemy(pool_size: 2, max_overflow: 0, pool_reset_on_return: None))], proxy: {proxy},
               network: Network(app: Constant("0s"), proxy: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay),
               faults: [At("20500ms", Partition(lasting: "12s"))]"#
        )
    };
    for proxy in ["Direct", "PgBouncer(pool_mode: Session, cpu_per_query: \"0s\")"] {
        let said: Vec<String> = said(&system(proxy)).into_iter().filter(|line| line.contains("served") || line.contains("fails")).collect();
        assert_eq!(
            said[..5],
            ["11s a0 is served", "24s a1 fails: DeadlineExceeded", "33500ms a2 is served", "41s a3 is served", "51s a4 is served"],
            "{proxy}: the second hangs until its client gives up; the third is asked for when the way is free again"
        );
    }
}
