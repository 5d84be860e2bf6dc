//! The smallest systems whose answer is known.

use poolcast::answers::runner::{Course, replicate};
use poolcast::kernel::latency::{Constant, Exponential, LatencySpec};
use poolcast::kernel::time::Span;
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::Poisson;
use poolcast::protocol::driver::DriverSpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};

pub fn mmc(rate: f64, mean: Span, c: u32) -> Blueprint {
    let none = LatencySpec::from(Constant(Span::ZERO));
    Blueprint {
        workload: vec![StreamSpec {
            name: "api".into(),
            app: "api".into(),
            arrivals: Poisson { rate }.into(),
            steps: vec![StepSpec::Session(vec![StepSpec::Query(Exponential { mean }.into())])],
            deadline: None,
            retry: None,
        }],
        apps: vec![AppSpec {
            name: "api".into(),
            workers: 1,
            balance: Balance::RoundRobin,
            concurrency: None,
            driver: DriverSpec::Ideal,
            pool: SqlAlchemy { pool_size: c, max_overflow: 0, pool_timeout: None, ..SqlAlchemy::default() }.into(),
        }],
        proxy: ProxySpec::Direct,
        database: Postgres { max_connections: 1000, connect: none.clone(), service: ServiceSpec::Delay, ..Postgres::default() },
        network: Network { app: none.clone(), proxy: none },
        faults: vec![],
    }
}

#[test]
fn ten_connections_at_nine_tenths_wait_as_erlang_says() {
    let blueprint = mmc(900.0, Span::from_millis(10), 10);
    let course = Course { seed: 1, warmup: Span::from_secs(30), duration: Span::from_secs(2000) };
    let start = std::time::Instant::now();
    let outcome = replicate(&blueprint, course, 0);
    let wait = &outcome.streams[0].pool_wait;
    let took = start.elapsed().as_secs_f64();
    println!(
        "{} requests {} events mean wait {:?} in {took} s: {} ns/request",
        wait.count(),
        outcome.events,
        wait.mean(),
        took * 1e9 / wait.count() as f64
    );
    let mean = wait.mean().unwrap() / 1e6;
    assert!((mean - 6.687315).abs() < 0.2, "{mean}");
    assert_eq!(outcome.streams[0].arrived, outcome.streams[0].completed);
}
