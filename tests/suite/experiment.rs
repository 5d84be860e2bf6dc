//! Experiment files: what the canonical ones say, what messages say of wrong ones, and that nothing panics.

use poolcast::experiment::{Experiment, Plan, Problem, Replications};
use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::time::Span;
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::proxy::pgbouncer::PoolMode;
use poolcast::parts::workload::ArrivalsSpec;

mod edit;
mod laws;
mod messages;
pub mod mutations;

pub const MOVEHUB: &str = include_str!("../../experiments/movehub.ron");
pub const POOL_SIZE: &str = include_str!("../../experiments/pool-size.ron");
pub const RESTART: &str = include_str!("../../experiments/restart.ron");

/// Reads and plans a text without any file beside it.
pub fn plan(text: &str) -> Result<Plan, Problem> {
    Experiment::parse(text, "test.ron", &|_| None)?.plan(&[], None, None)
}

fn planned(text: &str) -> Plan {
    plan(text).unwrap_or_else(|problem| panic!("{problem}"))
}

fn with(text: &str, path: &str, value: &str) -> Plan {
    let experiment = Experiment::parse(text, "test.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    experiment.plan(&[(path.to_owned(), value.to_owned())], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn movehub_is_four_systems_that_differ_in_their_proxy_alone() {
    let plan = planned(MOVEHUB);
    assert_eq!((plan.seed, plan.replications), (1, Replications::Fixed(10)));
    assert_eq!((plan.warmup, plan.warmup_is_auto, plan.duration), (Span::from_secs(30), false, Span::from_secs(300)));
    let names: Vec<_> = plan.points.iter().map(|point| point.scenario.as_deref().expect("each is a scenario")).collect();
    assert_eq!(names, ["direct", "session, as in the guide", "session, sized", "transaction"]);
    let proxies: Vec<_> = plan.points.iter().map(|point| point.blueprint.proxy.clone()).collect();
    assert_eq!(proxies[0], ProxySpec::Direct);
    let bouncer = |index: usize| match &proxies[index] {
        ProxySpec::PgBouncer(bouncer) => {
            (bouncer.pool_mode, bouncer.default_pool_size, bouncer.max_db_connections, bouncer.max_client_conn)
        }
        other => panic!("point {index} has {other:?}"),
    };
    assert_eq!(bouncer(1), (PoolMode::Session, 20, 100, 1000));
    assert_eq!(bouncer(2), (PoolMode::Session, 120, 120, 1000));
    assert_eq!(bouncer(3), (PoolMode::Transaction, 40, 0, 1000));
    let mut same: Vec<_> = plan.points.iter().map(|point| point.blueprint.clone()).collect();
    same.iter_mut().for_each(|blueprint| blueprint.proxy = ProxySpec::Direct);
    assert!(same.windows(2).all(|pair| pair[0] == pair[1]));
    let objectives: Vec<_> = plan.objectives.iter().map(ToString::to_string).collect();
    assert_eq!(objectives, ["p99 latency below 500ms", "errors below 0.1 %", "connections below 100"]);
}

#[test]
fn movehub_lies_over_its_model() {
    let plan = planned(MOVEHUB);
    let blueprint = &plan.points[0].blueprint;
    assert_eq!((blueprint.database.max_connections, blueprint.database.statement_timeout), (200, Span::from_secs(30)));
    let model = poolcast::experiment::library::model("database/postgres-15-loopback").expect("it is built in");
    let other = format!(
        "Experiment(question: \"?\", system: {}, duration: \"1min\", seed: 1)",
        model.lines().filter(|line| !line.starts_with("//")).collect::<String>()
    );
    let system = Experiment::parse(&other, "model.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}")).layers[0].part.clone();
    assert_eq!(Some(&blueprint.database.connect), system.database.connect.as_ref());
    assert_eq!(Some(&blueprint.database.service), system.database.service.as_ref());
    let streams: Vec<_> = blueprint.workload.iter().map(|stream| (stream.name.as_str(), stream.app.as_str(), stream.deadline)).collect();
    assert_eq!(streams, [("bookings", "api", Some(Span::from_secs(60))), ("reports", "api", None)]);
    assert!(matches!(&blueprint.workload[0].arrivals, ArrivalsSpec::Poisson(poisson) if poisson.rate == 800.0));
    let app = &blueprint.apps[0];
    assert_eq!((app.workers, app.concurrency), (4, None));
    match &app.pool {
        PoolSpec::SqlAlchemy(pool) => {
            assert_eq!((pool.pool_size, pool.max_overflow, pool.pool_pre_ping, pool.pool_use_lifo), (20, 10, true, false));
            assert_eq!((pool.pool_timeout, pool.pool_recycle), (Some(Span::from_secs(30)), Some(Span::from_secs(3600))));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pool_size_varies_over_five_points() {
    let plan = planned(POOL_SIZE);
    let sizes: Vec<_> = plan.points.iter().map(|point| (point.vary[0].0.as_str(), point.vary[0].1.to_string())).collect();
    assert_eq!(sizes, ["5", "6", "8", "10", "15"].map(|size| ("apps.api.pool.pool_size", size.to_owned())));
    for (point, size) in plan.points.iter().zip([5, 6, 8, 10, 15]) {
        assert_eq!(point.scenario, None);
        match &point.blueprint.apps[0].pool {
            PoolSpec::SqlAlchemy(pool) => {
                assert_eq!((pool.pool_size, pool.max_overflow, pool.pool_reset_on_return), (size, 0, None));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(point.blueprint.network.app, LatencySpec::always(Span::ZERO));
        assert_eq!(point.blueprint.database.max_connections, 1000);
    }
}

#[test]
fn restart_sets_pre_ping_in_one_scenario() {
    let plan = planned(RESTART);
    let ping = |index: usize| match &plan.points[index].blueprint.apps[0].pool {
        PoolSpec::SqlAlchemy(pool) => pool.pool_pre_ping,
        other => panic!("{other:?}"),
    };
    assert_eq!((ping(0), ping(1)), (true, false));
    let blueprint = &plan.points[0].blueprint;
    assert_eq!(blueprint.faults.len(), 1);
    assert_eq!(blueprint.workload[0].retry.as_ref().map(|retry| retry.attempts), Some(3));
}

#[test]
fn the_command_line_sets_single_values_and_words_need_no_quotes() {
    let timeout = |plan: &Plan| match &plan.points[0].blueprint.apps[0].pool {
        PoolSpec::SqlAlchemy(pool) => pool.pool_timeout,
        other => panic!("{other:?}"),
    };
    for (value, expected) in [("45s", Some(45)), ("\"45s\"", Some(45)), ("None", None)] {
        assert_eq!(timeout(&with(MOVEHUB, "apps.api.pool.pool_timeout", value)), expected.map(Span::from_secs), "{value}");
    }
    let plan = with(MOVEHUB, "workload.bookings.arrivals.rate", "1200");
    assert!(matches!(&plan.points[3].blueprint.workload[0].arrivals, ArrivalsSpec::Poisson(poisson) if poisson.rate == 1200.0));
    assert_eq!(with(MOVEHUB, "proxy", "Direct").points[3].blueprint.proxy, ProxySpec::Direct);
    assert!(matches!(with(MOVEHUB, "apps.api.pool", "NullPool").points[0].blueprint.apps[0].pool, PoolSpec::NullPool));
    assert_eq!(with(POOL_SIZE, "apps.api.pool.pool_size", "7").points.len(), 1);
    assert_eq!(with(POOL_SIZE, "duration", "20s").duration, Span::from_secs(20));
    assert!(with(POOL_SIZE, "warmup", "Auto").warmup_is_auto);
    let precise = with(POOL_SIZE, "replications", "Precise(relative: 0.05, at_most: 100)").replications;
    assert_eq!(precise, Replications::Precise { relative: 0.05, at_most: 100 });
    assert_eq!(with(MOVEHUB, "workload.bookings.deadline", "None").points[0].blueprint.workload[0].deadline, None);
    assert_eq!(with(MOVEHUB, "workload.bookings.steps.0.mean", "1ms").points.len(), 4);
}

#[test]
fn json_says_the_same() {
    let json = r#"{"question": "?", "from": ["database/postgres-15-loopback"], "system": {
        "workload": [{"name": "api", "arrivals": {"Poisson": {"rate": 240}}, "steps": [{"Session": [{"Query": {"Exponential": {"mean": "20ms"}}}]}]}],
        "apps": [{"name": "api", "pool": {"SqlAlchemy": {"pool_size": 5, "pool_recycle": null}}}]},
        "scenarios": {"b": {"set": [["apps.api.workers", 2]]}, "a": {}},
        "vary": [["apps.api.pool.pool_size", [5, 6]], ["proxy", ["Direct", {"PgBouncer": {"pool_mode": "Transaction"}}]]],
        "warmup": "Auto", "replications": {"Precise": {"relative": 0.02, "at_most": 200}}, "duration": "1h", "seed": 7}"#;
    let plan =
        Experiment::parse(json, "test.json", &|_| None).and_then(|e| e.plan(&[], Some(9), Some(4))).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((plan.seed, plan.replications, plan.points.len()), (9, Replications::Fixed(4), 8));
    assert_eq!(plan.points[0].blueprint.apps[0].workers, 2, "scenarios keep the order written");
    assert!(matches!(&plan.points[1].blueprint.proxy, ProxySpec::PgBouncer(bouncer) if bouncer.pool_mode == PoolMode::Transaction));
    assert_eq!(plan.warmup, Span::from_secs(360));
}

#[test]
fn a_model_beside_the_file_goes_before_the_built_in_one() {
    let beside =
        |name: &str| (name == "models/database/postgres-15-loopback.ron").then(|| "System(database: (max_connections: 77))".to_owned());
    let plan = Experiment::parse(RESTART, "test.ron", &beside).and_then(|e| e.plan(&[], None, None)).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(plan.points[0].blueprint.database.max_connections, 77);
}

#[test]
fn data_files_are_named_and_filled_in() {
    let text = r#"Experiment(question: "?", system: System(
        workload: [Stream(name: "api", arrivals: Replay(file: "requests.csv", speed: 2.0), steps: [Work(Shifted("1ms", Empirical("work.csv"))), Session([Query(Mixture([(0.5, Empirical("queries.csv")), (0.5, Constant("1ms"))]))])])],
        apps: [App(name: "api", pool: NullPool)]), duration: "1min", seed: 1)"#;
    let mut plan = planned(text);
    assert_eq!(plan.data_files(), ["requests.csv", "work.csv", "queries.csv"]);
    let refused = plan.load(&|file| (file == "requests.csv").then(|| "at\n0.5\n".to_owned())).expect_err("one is missing");
    assert!(refused.to_string().contains("work.csv"), "{refused}");
    plan.load(&|_| Some("at\n0.5\n0.7\n".to_owned())).unwrap_or_else(|problem| panic!("{problem}"));
    assert!(plan.data_files().is_empty());
}

#[test]
fn every_model_that_comes_with_the_program_is_listed_and_can_be_laid() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let mut found = Vec::new();
    for family in std::fs::read_dir(root).expect("there are models") {
        let family = family.expect("it can be listed").path();
        for file in std::fs::read_dir(&family).into_iter().flatten() {
            let path = file.expect("it can be listed").path();
            let name = path.strip_prefix(root).expect("it is inside").with_extension("");
            found.push(name.to_str().expect("names are plain").to_owned());
        }
    }
    found.sort();
    let mut listed = poolcast::experiment::library::names();
    listed.sort_unstable();
    assert_eq!(found, listed);
    for name in listed {
        let text = POOL_SIZE.replace("system:", &format!("from: [\"{name}\"], system:"));
        planned(&text);
    }
}
