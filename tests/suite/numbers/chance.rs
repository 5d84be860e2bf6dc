//! Common chance: what is asked of two systems is the same, bit by bit, whatever the systems are.

use std::collections::BTreeMap;

use poolcast::answers::runner::{Course, run_all};
use poolcast::experiment::Experiment;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::intervals::Confidence;
use poolcast::measure::outcome::Outcome;
use poolcast::measure::paired::difference;
use poolcast::protocol::cx::World;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

const BASE: &str = r#"Experiment(
    question: "What if?",
    system: System(
        workload: [
            Stream(name: "api", app: "api", arrivals: Poisson(rate: 300), deadline: "5s", steps: [
                Work(Exponential(mean: "300us")),
                Session([Query(LogNormal(mean: "20ms", cv: 1.0)), Choose([(0.9, []), (0.1, [Query(Gamma(mean: "50ms", cv: 2.0))])])]),
            ]),
            Stream(name: "reports", app: "api", arrivals: Bursts(quiet: 2, burst: 40, mean_quiet: "2s", mean_burst: "1s"),
                steps: [Session([Transaction([Query(Exponential(mean: "80ms"))])])]),
        ],
        apps: [App(name: "api", workers: 2, balance: Random, pool: SqlAlchemy(pool_size: 5, max_overflow: 2))],
        proxy: Direct,
        database: Postgres(connect: Exponential(mean: "4ms"), service: Sharing(cores: 16, sigma: 0.01, kappa: 0.00001)),
    ),
    scenarios: {
        "as it is": Scenario(),
        "a larger pool": Scenario(set: [("apps.api.pool.pool_size", 50)]),
        "a shorter timeout": Scenario(set: [("apps.api.pool.pool_timeout", "50ms")]),
        "more overflow": Scenario(set: [("apps.api.pool.max_overflow", 20)]),
        "another deadline": Scenario(set: [("workload.api.deadline", "300ms")]),
        "another pool": Scenario(system: (apps: [App(name: "api", pool: Hikari(maximumPoolSize: 5))])),
        "more workers": Scenario(set: [("apps.api.workers", 9)]),
        "a proxy": Scenario(system: (proxy: PgBouncer(pool_mode: Transaction, max_client_conn: 1000))),
        "one core": Scenario(set: [("database.service", Queue(cores: 1))]),
        "another network": Scenario(set: [("network.app", Exponential(mean: "3ms"))]),
        "another stream": Scenario(system: (workload: [Stream(name: "more", app: "api", arrivals: Poisson(rate: 50), steps: [Session([])])])),
        "another app": Scenario(system: (
            workload: [Stream(name: "more", app: "other", arrivals: Poisson(rate: 50), steps: [Session([])])],
            apps: [App(name: "other", pool: SqlAlchemy())],
        )),
        "a fault": Scenario(system: (faults: [At("1s", RestartDatabase(down: "1s")), At("3s", KillConnections(fraction: 0.5))])),
    },
    warmup: "1s", duration: "9s", seed: 1,
)"#;

/// Writes down what every request wants, at its birth: when it comes, its word for the balancer, and all that it drew.
#[derive(Default)]
struct Births(BTreeMap<(String, u64), (SimTime, u64, Vec<u64>)>, Vec<String>);

impl Observer for Births {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Fact::Arrived { request } = *fact {
            let born = &world.requests[request];
            let name = self.1[born.stream.index()].clone();
            let earlier = self.0.insert((name, born.number), (now, born.balance, born.drawn.clone()));
            assert!(earlier.is_none(), "a request is born once");
        }
    }
}

/// What the requests of the streams of this name want in ten seconds.
fn births(blueprint: &Blueprint, of: &[&str]) -> BTreeMap<(String, u64), (SimTime, u64, Vec<u64>)> {
    let mut model = Model::new(blueprint, &Seed::new(1, 3)).expect("the blueprint is in order");
    let mut births = Births(BTreeMap::new(), blueprint.workload.iter().map(|stream| stream.name.clone()).collect());
    simulate(&mut model, SimTime::ZERO + Span::from_secs(10), &mut births);
    births.0.retain(|(name, _), _| of.contains(&name.as_str()));
    births.0
}

#[test]
fn whatever_is_changed_of_the_system_the_same_requests_come() {
    let experiment = Experiment::parse(BASE, "base", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    let streams = ["api", "reports"];
    let wanted = births(&plan.points[0].blueprint, &streams);
    assert!(wanted.len() > 3000, "{} requests", wanted.len());
    for point in &plan.points[1..] {
        let scenario = point.scenario.as_deref().unwrap_or_default();
        assert_ne!(point.blueprint, plan.points[0].blueprint, "{scenario} changes something");
        assert!(births(&point.blueprint, &streams) == wanted, "{scenario}: other requests come, or they want something else");
    }
}

#[test]
fn what_comes_to_closed_users_is_the_same_however_fast_they_are_served() {
    let text = BASE.replace("Poisson(rate: 300)", "Closed(users: 40, think: Exponential(mean: \"100ms\"))");
    let experiment = Experiment::parse(&text, "closed", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    let of = |scenario: &str| {
        let point = plan.points.iter().find(|point| point.scenario.as_deref() == Some(scenario)).expect("there is such a scenario");
        births(&point.blueprint, &["api"])
    };
    let (base, slow) = (of("as it is"), of("one core"));
    let both: Vec<_> = base.iter().filter_map(|(name, (_, balance, drawn))| Some(((balance, drawn), slow.get(name)?))).collect();
    assert!(both.len() > 200 && base.len() > slow.len() + 100, "{} of {} requests came to both", both.len(), base.len());
    assert!(
        both.iter().all(|((balance, drawn), (_, b, d))| (*balance, *drawn) == (b, d)),
        "a request wants what it wants whenever it comes"
    );
}

/// Mean wait of each replication in a pool of `size` at nine tenths of what ten connections can do.
fn waits(size: u32, seed: u64) -> Vec<f64> {
    let blueprint = crate::smoke::mmc(1800.0, Span::from_millis(5), size);
    let course = Course { seed, warmup: Span::from_secs(1), duration: Span::from_secs(4) };
    let mean = |outcome: &Outcome| outcome.streams[0].pool_wait.mean().expect("somebody came");
    run_all(&[&blueprint], course, 400, 2, &|_| {})[0].iter().map(mean).collect()
}

#[test]
fn one_connection_more_is_seen_better_with_the_same_requests() {
    let (ten, eleven) = (waits(10, 1), waits(11, 1));
    let paired = difference(&ten, &eleven, Confidence::USUAL, 1).gain.expect("waits vary");
    assert!(paired > 1.4, "the variance of the difference is divided by {paired:.2}");
    let apart = difference(&ten, &waits(11, 2), Confidence::USUAL, 1).gain.expect("waits vary");
    assert!((0.8..1.25).contains(&apart), "other requests give what separate runs give: {apart:.2}");
    super::macro_runs::line(
        "M/M/10 and M/M/11, load 0.9: variance of the paired difference, divided by",
        &format!("{paired:.2}"),
        "> 1.4",
        400,
    );
}
