//! Real pools do what their models say, where that does not depend on how fast the machine is.

use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::SimTime;
use poolcast::measure::recording::outcome;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

use crate::system::{assert_all_is_well, blueprint, counted, failed, live, live_with};

const QUERY: &str = "[Session([Query(Exponential(mean: \"8ms\"))])]";
const DELAY: &str = "database: Postgres(service: Delay)";

/// Numbers, arrivals and demands of requests, as a simulation draws them.
#[derive(Default)]
struct Births(Vec<(u64, u64, Vec<u64>)>);

impl Observer for Births {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Fact::Arrived { request } = *fact {
            let born = &world.requests[request];
            self.0.push((born.number, now.nanos(), born.drawn.clone()));
        }
    }
}

fn births(blueprint: &Blueprint, millis: u64) -> Vec<(u64, u64, Vec<u64>)> {
    let mut model = Model::new(blueprint, &Seed::new(1, 0)).expect("it is a system");
    let mut births = Births::default();
    simulate(&mut model, SimTime::from_nanos(millis * 1_000_000 - 1), &mut births);
    births.0
}

#[test]
fn real_requests_come_when_simulated_ones_come_and_want_what_they_want() {
    let blueprint = blueprint("Poisson(rate: 60)", QUERY, "pool: SqlAlchemy(pool_size: 4, max_overflow: 0)", DELAY);
    let recording = live(&blueprint, 3000);
    assert_all_is_well(&recording);
    let mut real: Vec<(u64, u64, Vec<u64>)> = counted(&recording)
        .iter()
        .map(|attempt| (attempt.number, attempt.arrived, attempt.statements.iter().map(|statement| statement.demand).collect()))
        .collect();
    real.sort();
    assert_eq!(real, births(&blueprint, 3000));
    let counts = outcome::of(&recording, 10);
    assert_eq!(counts.streams[0].completed, real.len() as u64);
    assert!(counts.pools[0].in_use.most <= 4 && (1..=4).contains(&counts.pools[0].connects), "{:?}", counts.pools[0]);
    assert!(recording.looks.len() > 10 && recording.looks.iter().all(|look| look.sessions.is_some_and(|sessions| sessions <= 4)));
}

#[test]
fn threads_with_psycopg_share_a_queue_pool() {
    let app = "driver: Psycopg, pool: SqlAlchemy(pool_size: 2, max_overflow: 1, pool_pre_ping: true)";
    let steps =
        "[Await(Constant(\"1ms\")), Session([Transaction([Query(Constant(\"5ms\")), Query(Constant(\"3ms\"))])]), Work(Constant(\"1ms\"))]";
    let recording = live(&blueprint("Regular(rate: 40)", steps, app, DELAY), 2000);
    assert_all_is_well(&recording);
    assert!(counted(&recording).iter().all(|attempt| attempt.statements.len() == 3), "two queries and a COMMIT");
    assert!(outcome::of(&recording, 10).pools[0].open.most <= 3);
}

#[test]
fn without_a_pool_every_checkout_opens_a_connection_and_closes_it() {
    for app in ["pool: NullPool", "driver: Psycopg, pool: NullPool", "driver: TokioPostgres, pool: NullPool"] {
        let recording = live(&blueprint("Regular(rate: 25)", QUERY, app, DELAY), 1000);
        assert_all_is_well(&recording);
        assert!(counted(&recording).iter().all(|attempt| attempt.checkouts[0].connects.len() == 1), "{app}");
        let closed = recording.pools.iter().filter(|event| !event.opened).count();
        assert!(closed + 3 > counted(&recording).len(), "{app}: {closed} closed");
    }
}

#[test]
fn pools_of_rust_lend_what_they_may() {
    for app in ["Deadpool(max_size: 3)", "Bb8(max_size: 3)", "Sqlx(max_connections: 3)"] {
        let steps = "[Session([Transaction([Query(Exponential(mean: \"8ms\"))]), Query(Constant(\"2ms\"))])]";
        let recording = live(&blueprint("Poisson(rate: 60)", steps, &format!("workers: 2, pool: {app}"), DELAY), 1500);
        assert_all_is_well(&recording);
        let counts = outcome::of(&recording, 10);
        assert!((1..=6).contains(&counts.pools[0].connects) && counts.pools[0].open.most <= 6, "{app}: {:?}", counts.pools[0]);
        assert!(counts.database.connections.most <= 6 && counts.database.connections.most >= 1, "{app}: {:?}", counts.database);
    }
}

#[test]
fn who_waits_too_long_hears_what_the_library_says() {
    let pools = [
        "pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: \"100ms\")",
        "driver: Psycopg, pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: \"100ms\")",
        "pool: Deadpool(max_size: 1, wait: \"100ms\")",
        "pool: Bb8(max_size: 1, connection_timeout: \"100ms\")",
        "pool: Sqlx(max_connections: 1, acquire_timeout: \"100ms\")",
    ];
    for app in pools {
        let recording = live(&blueprint("Regular(rate: 40)", "[Session([Query(Constant(\"50ms\"))])]", app, DELAY), 1000);
        let (timeouts, others) = (failed(&recording, Error::PoolTimeout), counted(&recording).len());
        assert!(timeouts >= 10 && timeouts < others, "{app}: {timeouts} of {others}");
    }
}

#[test]
fn a_deadline_ends_a_request_and_retries_come_after_their_pauses() {
    let stream = "Regular(rate: 20)";
    let steps = "[Session([Query(Constant(\"60ms\"))])], deadline: \"90ms\", retry: Retry(attempts: 3, backoff: Constant(\"20ms\"))";
    let app = "pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: \"30ms\")";
    let recording = live(&blueprint(stream, steps, app, DELAY), 1500);
    let retried = recording.attempts.iter().filter(|attempt| attempt.attempt > 1);
    assert!(retried.clone().count() > 3, "{} attempts after the first", retried.clone().count());
    assert!(retried.clone().all(|attempt| attempt.due >= attempt.arrived + 20_000_000));
    assert!(failed(&recording, Error::DeadlineExceeded) > 0);
    let late = |attempt: &&poolcast::measure::recording::Attempt| attempt.heard.is_some_and(|heard| heard > attempt.arrived + 90_000_000);
    assert_eq!(counted(&recording).iter().filter(|attempt| late(attempt)).count(), 0, "nobody waits for longer than the deadline");
}

#[test]
fn closed_users_ask_again_only_when_they_were_answered() {
    let arrivals = "Closed(users: 3, think: Constant(\"10ms\"))";
    let recording = live(&blueprint(arrivals, QUERY, "pool: SqlAlchemy(pool_size: 2)", DELAY), 1500);
    assert_all_is_well(&recording);
    for user in 0..3 {
        let mut theirs: Vec<_> = recording.attempts.iter().filter(|attempt| attempt.number % 3 == user).collect();
        theirs.sort_by_key(|attempt| attempt.number);
        let heard =
            |pair: &[&poolcast::measure::recording::Attempt]| pair[0].heard.is_some_and(|heard| heard + 10_000_000 <= pair[1].arrived);
        assert!(theirs.windows(2).all(heard), "user {user}");
    }
}

#[test]
fn behind_a_proxy_many_clients_share_few_servers() {
    let proxy = "proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 2), database: Postgres(service: Delay)";
    for app in [
        "pool: SqlAlchemy(pool_size: 6)",
        "driver: Psycopg, pool: SqlAlchemy(pool_size: 6)",
        "pool: Deadpool(max_size: 6)",
        "pool: Sqlx(max_connections: 6)",
    ] {
        let recording = live(&blueprint("Poisson(rate: 80)", QUERY, app, proxy), 1500);
        assert_all_is_well(&recording);
        let counts = outcome::of(&recording, 10);
        assert!(counts.database.connections.most <= 2 && counts.proxy.servers.most <= 2, "{app}: {:?}", counts.database);
        assert!(counts.proxy.clients.most >= 1 && counts.proxy.clients.most <= 16, "{app}: {:?}", counts.proxy.clients);
    }
}

#[test]
fn statements_that_compute_use_the_servers_processor() {
    let steps = "[Session([Query(Constant(\"10ms\"))])]";
    let blueprint = blueprint("Regular(rate: 25)", steps, "pool: SqlAlchemy()", DELAY);
    let recording = live_with(&blueprint, 2000, Some(true));
    assert_eq!(recording.about.statements, "compute");
    // However busy the machine is: so many statements of 10 ms take so much of its processor, or a good part of that.
    let answered = recording.attempts.iter().filter(|attempt| attempt.heard.is_some()).count() as f64;
    let looked: Vec<u64> = std::iter::once(0).chain(recording.health.iter().map(|health| health.at)).collect();
    let spans = looked.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9);
    let used: f64 = spans.zip(&recording.health).map(|(seconds, health)| seconds * health.servers).sum();
    assert!(answered > 0.0 && used > 0.3 * 0.010 * answered, "{answered} statements, and the servers used {used:.3} s");
}
