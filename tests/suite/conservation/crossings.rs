//! Clients who give up at awkward moments, while their worker's event loop is occupied.

use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::Span;
use poolcast::parts::client::StreamSpec;
use poolcast::parts::database::Postgres;
use poolcast::parts::proxy::ProxySpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{Blueprint, Network};
use poolcast::simulation::model::Model;
use poolcast::simulation::run::simulate;
use poolcast::testing::recorded;

use super::metamorphic::idle_app;
use super::watch::moment;
use super::watched;

fn always(ms: u64) -> LatencySpec {
    LatencySpec::always(Span::from_millis(ms))
}

/// Requests that come in these milliseconds and do these steps.
fn stream(name: &str, at: impl Iterator<Item = u64>, steps: Vec<StepSpec>, deadline: Option<u64>) -> StreamSpec {
    let rows: Vec<_> = at.map(|at| (at, 0)).collect();
    let deadline = deadline.map(Span::from_millis);
    StreamSpec { name: name.into(), app: "app".into(), arrivals: recorded(&rows, false), steps, deadline, retry: None }
}

fn one_worker(workload: Vec<StreamSpec>) -> Blueprint {
    Blueprint {
        workload,
        apps: vec![idle_app("app", 2, 0, None)],
        proxy: ProxySpec::Direct,
        database: Postgres { connect: always(0), ..Postgres::default() },
        network: Network { app: always(0), proxy: always(0) },
        faults: vec![],
    }
}

#[test]
fn a_client_who_gives_up_as_a_connection_goes_back_takes_it_from_nobody() {
    for deadline in 1..60 {
        let nested = vec![StepSpec::Session(vec![StepSpec::Session(vec![StepSpec::Query(always(3))]), StepSpec::Await(always(2))])];
        let workload = vec![
            stream("sessions", (0..80).map(|i| 3 * i), nested, Some(deadline)),
            stream("work", (0..80).map(|i| 3 * i + 1), vec![StepSpec::Await(always(1)), StepSpec::Work(always(2))], None),
        ];
        let watch = watched(&one_worker(workload), 1);
        assert!(watch.ends.len() >= 130, "deadline {deadline}: nearly all are over, found {}", watch.ends.len());
    }
}

#[test]
fn a_balancer_forgets_who_gave_up_before_an_occupied_worker_heard_of_them() {
    let workload = vec![stream("work", [0, 1].into_iter(), vec![StepSpec::Work(always(20))], Some(5))];
    let mut model = Model::new(&one_worker(workload), &Seed::new(1, 0)).expect("it is in order");
    simulate(&mut model, moment(10), &mut ());
    assert_eq!(model.world.load, [1], "the first still works, the second never came in");
    simulate(&mut model, moment(50), &mut ());
    assert_eq!(model.world.load, [0]);
}
