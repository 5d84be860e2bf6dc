//! Runs a small system with every kind's example through overload, timeouts, cancellations, lost connections and a restart.

use poolcast::kernel::latency::{Exponential, LatencySpec};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::scrapes::{Exporters, PoolScrape};
use poolcast::parts::client::Retry;
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::run::simulate;

use super::invariants::Invariants;
use super::scene::{millis, stream, system};

fn exponential(ms: u64) -> LatencySpec {
    Exponential { mean: millis(ms) }.into()
}

/// So many requests at random in this second, in order.
fn times(seed: u64, from_s: u64, count: usize) -> Vec<u64> {
    let mut dice = Seed::new(seed, 0).stream("times");
    let mut times: Vec<u64> = (0..count).map(|_| from_s * 1000 + dice.word() % 1000).collect();
    times.sort_unstable();
    times
}

/// Quiet and busy seconds in turn; sessions with statements and transactions, some of them given up by their clients.
fn trouble(pool: &str, seed: u64) -> Blueprint {
    let driver =
        r#", workers: 2, driver: Custom(ping: Exponential(mean: "1ms"), reset: Exponential(mean: "1ms"), close: Exponential(mean: "2ms"))"#;
    let mut blueprint = system(pool, driver);
    let all: Vec<u64> = (0..12).flat_map(|second| times(seed + second, second, if second % 3 == 1 { 900 } else { 60 })).collect();
    let session = vec![StepSpec::Session(vec![
        StepSpec::Query(exponential(15)),
        StepSpec::Transaction(vec![StepSpec::Query(exponential(15)), StepSpec::Await(exponential(5)), StepSpec::Query(exponential(5))]),
    ])];
    let patient = stream("patient", &all, session.clone());
    let mut hasty = stream("hasty", &times(seed + 99, 4, 200), session);
    hasty.deadline = Some(millis(60));
    hasty.retry = Some(Retry { attempts: 2, backoff: exponential(3), jitter: 0.0, budget: None, on: None });
    blueprint.workload = vec![patient, hasty];
    blueprint.network.app = exponential(1);
    blueprint.database.connect = exponential(10);
    blueprint.database.max_connections = 30;
    blueprint.database.statement_timeout = millis(120);
    blueprint.faults = vec![
        At(millis(2_500), FaultSpec::KillConnections { fraction: 0.5 }),
        At(millis(5_200), FaultSpec::restart(millis(700))),
        At(millis(9_000), FaultSpec::restart(Span::ZERO)),
    ];
    blueprint
}

fn holds(kind: &str, pool: &str, seed: u64) {
    let blueprint = trouble(pool, seed);
    let mut model = Model::new(&blueprint, &Seed::new(seed, 0)).expect("it builds");
    let mut invariants = Invariants::of(kind);
    simulate(&mut model, SimTime::ZERO + Span::from_secs(777), &mut invariants);
    invariants.drained(&model);
    let born = blueprint.workload.iter().filter_map(|stream| stream.arrivals.kind().rate()).count();
    assert_eq!(born, 2);
    assert!(invariants.grants > 1000, "{kind}: it serves most, found {} and {} refused", invariants.grants, invariants.refusals);
    assert!(invariants.refusals > 0, "{kind}: some are refused");
}

#[test]
fn every_pool_answers_each_request_once_lends_to_one_at_a_time_keeps_its_limits_and_comes_to_rest() {
    for listed in PoolSpec::KINDS {
        for seed in 1..=3 {
            holds(listed.name, listed.example, seed);
        }
    }
}

#[test]
fn what_is_exported_of_every_pool_is_what_it_holds() {
    for listed in PoolSpec::KINDS {
        let kind = listed.name;
        let mut model = Model::new(&trouble(listed.example, 4), &Seed::new(4, 0)).expect("it builds");
        let (mut exporters, mut most) = (Exporters::default(), 0);
        for tenths in 1..=200 {
            simulate(&mut model, SimTime::ZERO + millis(100 * tenths), &mut exporters);
            let scrape = exporters.scrape(&model);
            let sum = |what: fn(&PoolScrape) -> u64| scrape.workers.iter().map(what).sum::<u64>();
            let meter = &model.world.pools[0];
            assert_eq!(sum(|pool| pool.idle + pool.used), meter.open.value(), "{kind}: {:?}", scrape.workers);
            assert_eq!(sum(|pool| pool.pending), meter.pending.value(), "{kind}");
            assert_eq!(scrape.connections, model.world.database.connections.value(), "{kind}");
            let lent = sum(|pool| pool.wait.count()) - sum(|pool| pool.use_time.count());
            assert!(lent <= sum(|pool| pool.used), "{kind}: {lent} lent, {:?}", scrape.workers);
            most = most.max(lent);
        }
        simulate(&mut model, SimTime::ZERO + Span::from_secs(777), &mut exporters);
        let pools = exporters.scrape(&model).workers;
        assert!(most > 5 && pools.iter().all(|pool| pool.wait.count() == pool.use_time.count()), "{kind}: all came back: {pools:?}");
        assert!(pools.iter().all(|pool| pool.create.count() > 2 && pool.wait.count() > 500), "{kind}: {pools:?}");
    }
}

#[test]
fn a_pool_that_nobody_asks_is_not_busy() {
    for listed in PoolSpec::KINDS {
        let mut model = Model::new(&system(listed.example, ""), &Seed::new(1, 0)).expect("it builds");
        let events = simulate(&mut model, SimTime::ZERO + Span::from_secs(3600), &mut Invariants::of(listed.name));
        assert!(events < 2_000, "{}: {events} events in an idle hour", listed.name);
    }
}
