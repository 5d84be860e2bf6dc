//! Laying partial systems over each other, and every kind inside an experiment.

use poolcast::experiment::Experiment;
use poolcast::experiment::system::{AppPart, SystemPart};
use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::registry::Listed;
use poolcast::kernel::time::Span;
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::ArrivalsSpec;
use proptest::prelude::*;

use super::plan;

fn part() -> impl Strategy<Value = SystemPart> {
    let app = ("[a-c]", proptest::option::of(1..9_u32), proptest::option::of(proptest::option::of(1..5_u32)), any::<bool>()).prop_map(
        |(name, workers, concurrency, pool)| AppPart {
            name,
            workers,
            concurrency,
            pool: pool.then_some(PoolSpec::NullPool),
            ..AppPart::default()
        },
    );
    let apps = proptest::collection::vec(app, 0..4).prop_map(|mut apps| {
        apps.sort_by(|a, b| a.name.cmp(&b.name));
        apps.dedup_by(|a, b| a.name == b.name);
        apps
    });
    let numbers = (proptest::option::of(1..500_u32), proptest::option::of(0..9_000_000_000_u64), any::<bool>());
    (apps, numbers).prop_map(|(apps, (max_connections, timeout, direct))| {
        let mut part = SystemPart { apps, proxy: direct.then_some(ProxySpec::Direct), ..SystemPart::default() };
        part.database.max_connections = max_connections;
        part.database.statement_timeout = timeout.map(Span::from_nanos);
        part.network.app = timeout.map(|ns| LatencySpec::always(Span::from_nanos(ns)));
        part
    })
}

fn laid(mut below: SystemPart, above: SystemPart) -> SystemPart {
    below.lay(above);
    below
}

proptest! {
    #[test]
    fn laying_a_part_over_itself_changes_nothing(part in part()) {
        prop_assert_eq!(laid(part.clone(), part.clone()), part);
    }

    #[test]
    fn laying_an_empty_part_changes_nothing_and_laying_on_one_gives_the_part(part in part()) {
        prop_assert_eq!(laid(part.clone(), SystemPart::default()), part.clone());
        prop_assert_eq!(laid(SystemPart::default(), part.clone()), part);
    }

    #[test]
    fn it_does_not_matter_which_of_three_layers_meet_first(a in part(), b in part(), c in part()) {
        prop_assert_eq!(laid(laid(a.clone(), b.clone()), c.clone()), laid(a, laid(b, c)));
    }

    #[test]
    fn a_part_written_and_read_again_is_the_same(part in part()) {
        let written = serde_json::to_value(&part).expect("it can be written");
        prop_assert_eq!(serde_json::from_value::<SystemPart>(written).expect("it can be read"), part);
    }
}

fn experiment(arrivals: &str, step: &str, pool: &str, proxy: &str) -> String {
    format!(
        "Experiment(question: \"?\", system: System(workload: [Stream(name: \"s\", arrivals: {arrivals}, steps: [Session([{step}])])], \
         apps: [App(name: \"a\", pool: {pool})], proxy: {proxy}), duration: \"1min\", seed: 1)"
    )
}

#[test]
fn every_kind_is_read_inside_an_experiment_as_its_example_shows_it() {
    let read = |kinds: &[Listed], write: &dyn Fn(&str) -> String| {
        for kind in kinds {
            plan(&write(kind.example)).unwrap_or_else(|problem| panic!("{}: {problem}", kind.name));
        }
    };
    let (arrivals, step, pool) = ("Poisson(rate: 1)", "Query(Constant(\"1ms\"))", "NullPool");
    read(ArrivalsSpec::KINDS, &|example| experiment(example, step, pool, "Direct"));
    read(LatencySpec::KINDS, &|example| experiment(arrivals, &format!("Query({example})"), pool, "Direct"));
    read(PoolSpec::KINDS, &|example| experiment(arrivals, step, example, "Direct"));
    read(ProxySpec::KINDS, &|example| experiment(arrivals, step, pool, example));
}

#[test]
fn every_kind_can_be_set_from_the_command_line() {
    let right = experiment("Poisson(rate: 1)", "Query(Constant(\"1ms\"))", "NullPool", "Direct");
    let right = Experiment::parse(&right, "test.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let set = |path: &str, kinds: &[Listed]| {
        for kind in kinds {
            let sets = [(path.to_owned(), kind.example.to_owned())];
            right.plan(&sets, None, None).unwrap_or_else(|problem| panic!("{}: {problem}", kind.name));
        }
    };
    set("workload.s.arrivals", ArrivalsSpec::KINDS);
    set("apps.a.pool", PoolSpec::KINDS);
    set("proxy", ProxySpec::KINDS);
    set("network.app", LatencySpec::KINDS);
    set("database.connect", LatencySpec::KINDS);
}

#[test]
fn the_order_of_a_grid_is_the_order_written_and_the_last_axis_is_fastest() {
    let text = experiment("Poisson(rate: 1)", "Query(Constant(\"1ms\"))", "SqlAlchemy()", "Direct").replace(
        "duration:",
        "scenarios: {\"z\": Scenario(), \"a\": Scenario()}, vary: [(\"apps.a.workers\", [2, 1]), (\"apps.a.pool.max_overflow\", [-1, 0, 5])], duration:",
    );
    let plan = plan(&text).unwrap_or_else(|problem| panic!("{problem}"));
    let cells: Vec<String> = plan
        .points
        .iter()
        .map(|point| format!("{} {} {}", point.scenario.as_deref().unwrap_or("-"), point.vary[0].1, point.vary[1].1))
        .collect();
    assert_eq!(cells.join(", "), "z 2 -1, z 2 0, z 2 5, z 1 -1, z 1 0, z 1 5, a 2 -1, a 2 0, a 2 5, a 1 -1, a 1 0, a 1 5");
}
