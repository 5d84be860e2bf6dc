//! poolcast as a library: an experiment in one's own program is the one that a file would be.

use poolcast::Experiment;
use poolcast::experiment::Replications;
use poolcast::kernel::latency::Exponential;
use poolcast::kernel::time::Span;
use poolcast::parts::client::StreamSpec;
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::workload::Poisson;
use poolcast::protocol::program::StepSpec::{Query, Session};
use poolcast::simulation::blueprint::{AppSpec, Blueprint};

const FILE: &str = r#"Experiment(
    question: "How long is the queue?",
    system: System(
        workload: [Stream(name: "orders", arrivals: Poisson(rate: 300), steps: [Session([Query(Exponential(mean: "10ms"))])])],
        apps: [App(name: "shop", pool: SqlAlchemy(pool_size: 3, max_overflow: 1))],
    ),
    duration: "5s",
    replications: 4,
    seed: 9,
)"#;

fn built() -> Experiment {
    let steps = vec![Session(vec![Query(Exponential { mean: Span::from_millis(10) }.into())])];
    let orders = StreamSpec::new("orders", "shop", Poisson { rate: 300.0 }, steps);
    let shop = AppSpec::new("shop", SqlAlchemy { pool_size: 3, max_overflow: 1, ..SqlAlchemy::default() });
    Experiment {
        duration: Span::from_secs(5),
        replications: Replications::Fixed(4),
        seed: 9,
        ..Experiment::new("How long is the queue?", Blueprint::new(vec![orders], vec![shop]))
    }
}

#[test]
fn an_experiment_built_in_code_gives_the_answer_of_its_file() {
    let file: Experiment = FILE.parse().expect("the text is in order");
    let (written, built) = (file.run().expect("it runs"), built().run().expect("it runs"));
    assert_eq!(written, built);
    assert!(built.points[0].requests.completed > 4_000, "{:?}", built.points[0].requests);
}

#[test]
fn a_load_that_nothing_can_end_is_refused_in_code_as_it_is_from_a_file() {
    let text = FILE.replace("rate: 300", "rate: 500").replace("max_overflow: 1", "max_overflow: 1, pool_timeout: None");
    let problem = text.parse::<Experiment>().expect("the text is in order").run().expect_err("5 connections' work for 4").to_string();
    assert!(problem.contains("nobody gives up: the queue would grow for ever"), "{problem}");
}

#[test]
fn what_is_wrong_in_code_is_told_by_its_path() {
    let mut wrong = built();
    wrong.layers[0].part.apps[0].pool = Some(SqlAlchemy { pool_size: 0, max_overflow: 0, ..SqlAlchemy::default() }.into());
    wrong.layers[0].part.workload[0].app = Some("shoop".into());
    let problem = wrong.run().expect_err("there is no such app").to_string();
    assert!(problem.contains("shoop"), "{problem}");
}
