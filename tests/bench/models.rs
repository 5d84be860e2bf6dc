//! The models that are measured: the bare queues that other simulators were measured with, here with all of a real
//! pool's semantics, and the guide's experiment.

use poolcast::experiment::Experiment;
use poolcast::kernel::latency::{Exponential, LatencySpec, LogNormal};
use poolcast::kernel::time::Span;
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::Poisson;
use poolcast::protocol::driver::DriverSpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};

/// A model, and for how long it is run.
pub struct Measured {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub says: &'static str,
    /// Its systems.
    pub blueprints: fn() -> Vec<Blueprint>,
    /// Virtual time of each.
    milliseconds: u64,
}

impl Measured {
    /// A share of the virtual time.
    pub fn lasts(&self, share: f64) -> Span {
        Span::from_seconds(self.milliseconds as f64 / 1e3 * share)
    }
}

/// All of them.
pub const MODELS: [Measured; 6] = [
    Measured {
        name: "m1",
        says: "M/M/10 at 900/s, mean 10 ms",
        blueprints: || vec![system(1, 900.0, Exponential { mean: Span::from_millis(10) }.into(), ten())],
        milliseconds: 2_000_000,
    },
    Measured {
        name: "m2",
        says: "4 workers of 20+10, 400/s each, lognormal 40 ms (cv 1.5)",
        blueprints: || vec![fleet(4, 400.0)],
        milliseconds: 1_000_000,
    },
    Measured { name: "m2w", says: "the same at 680/s each: half of all wait", blueprints: || vec![fleet(4, 680.0)], milliseconds: 600_000 },
    Measured { name: "m3", says: "m2 with 1,000 workers", blueprints: || vec![fleet(1_000, 400.0)], milliseconds: 5_000 },
    Measured { name: "m2w4k", says: "m2w with 4,000 workers", blueprints: || vec![fleet(4_000, 680.0)], milliseconds: 1_000 },
    Measured { name: "guide", says: "experiments/movehub.ron, its four scenarios", blueprints: guide, milliseconds: 330_000 },
];

/// The model of this name.
pub fn model(name: &str) -> Option<&'static Measured> {
    MODELS.iter().find(|model| model.name == name)
}

fn ten() -> SqlAlchemy {
    SqlAlchemy { pool_size: 10, max_overflow: 0, pool_timeout: None, pool_reset_on_return: None, ..SqlAlchemy::default() }
}

/// A connection beyond 20 is opened in Exp(5 ms) and closed when it comes back; patience is 30 s.
fn fleet(workers: u32, rate_each: f64) -> Blueprint {
    let pool = SqlAlchemy { pool_size: 20, max_overflow: 10, pool_reset_on_return: None, ..SqlAlchemy::default() };
    system(workers, rate_each, LogNormal { mean: Some(Span::from_millis(40)), cv: Some(1.5), ..LogNormal::default() }.into(), pool)
}

/// Nothing but workers, their pools and a database that takes each statement's demand.
fn system(workers: u32, rate_each: f64, hold: LatencySpec, pool: SqlAlchemy) -> Blueprint {
    let none = LatencySpec::always(Span::ZERO);
    let connect = Exponential { mean: Span::from_millis(5) };
    Blueprint {
        workload: vec![StreamSpec {
            name: "api".into(),
            app: "api".into(),
            arrivals: Poisson { rate: rate_each * f64::from(workers) }.into(),
            steps: vec![StepSpec::Session(vec![StepSpec::Query(hold)])],
            deadline: None,
            retry: None,
        }],
        apps: vec![AppSpec {
            name: "api".into(),
            workers,
            // Only so is what each worker sees a Poisson process again.
            balance: Balance::Random,
            concurrency: None,
            driver: DriverSpec::Ideal,
            pool: pool.into(),
        }],
        proxy: ProxySpec::Direct,
        database: Postgres { max_connections: 100_000, connect: connect.into(), service: ServiceSpec::Delay, ..Postgres::default() },
        network: Network { app: none.clone(), proxy: none },
        faults: vec![],
    }
}

fn guide() -> Vec<Blueprint> {
    let text = include_str!("../../experiments/movehub.ron");
    let experiment = Experiment::parse(text, "movehub.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    plan.points.into_iter().map(|point| point.blueprint).collect()
}
