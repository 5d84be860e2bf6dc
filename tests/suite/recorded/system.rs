//! A schedule as a system that poolcast can run.
//!
//! What both sides have in common: constant wires, a server without contention, a driver of given costs. Each request
//! is a stream of its own, so that each has its own steps and its own deadline.

use poolcast::kernel::latency::{Constant, LatencySpec};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::trace::{Step, Trace};
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::Replay;
use poolcast::protocol::driver::{Custom, DriverSpec};
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;
use serde::Deserialize;
use serde_json::Value;

use super::Row;

/// All of a schedule but its pool; all times in nanoseconds.
#[derive(Deserialize)]
pub struct System {
    pub seed: i64,
    round_trip: u64,
    connect: u64,
    slots: u32,
    statement_timeout: u64,
    driver: Costs,
    faults: Vec<Value>,
    requests: Vec<Request>,
    end: u64,
}

#[derive(Debug, Deserialize)]
struct Costs {
    checkout: u64,
    statement: u64,
    ping: u64,
    reset: u64,
    close: u64,
}

#[derive(Deserialize)]
struct Request {
    at: u64,
    deadline: Option<u64>,
    steps: Vec<Value>,
}

impl System {
    /// The system with this pool, before anything has happened.
    pub fn model(&self, pool: PoolSpec) -> Model {
        Model::new(&self.blueprint(pool), &Seed::new(1, 0)).expect("the schedule is a valid system")
    }

    /// Runs the schedule: the pool's steps. `observer` watches too.
    pub fn run(&self, model: &mut Model, observer: impl Observer) -> Vec<Row> {
        let mut trace = Trace::default();
        simulate(model, SimTime::from_nanos(self.end), &mut (&mut trace, observer));
        let row = |step: &Step| Row {
            at: step.at.nanos(),
            event: step.event.name(),
            request: step.request.map(|(stream, _)| u64::from(stream.0)),
            conn: step.conn.map(u64::from),
        };
        trace.steps.iter().map(row).collect()
    }

    /// Costs and faults, in a line.
    pub fn settings(&self) -> String {
        let System { round_trip, connect, slots, statement_timeout, driver, faults, .. } = self;
        let faults = Value::from(faults.clone());
        format!("{driver:?} round trip {round_trip} connect {connect} slots {slots} statement timeout {statement_timeout} faults {faults}")
    }

    fn blueprint(&self, pool: PoolSpec) -> Blueprint {
        let Costs { checkout, statement, ping, reset, close } = self.driver;
        let custom = Custom {
            checkout: ns(checkout),
            statement: ns(statement),
            ping: ns(ping),
            reset: ns(reset),
            close: ns(close),
            ..Custom::default()
        };
        Blueprint {
            workload: self.requests.iter().enumerate().map(|(number, request)| request.stream(number)).collect(),
            apps: vec![AppSpec {
                name: "app".into(),
                workers: 1,
                balance: Balance::RoundRobin,
                concurrency: None,
                driver: DriverSpec::Custom(Box::new(custom)),
                pool,
            }],
            proxy: ProxySpec::Direct,
            database: Postgres {
                max_connections: self.slots,
                superuser_reserved_connections: 0,
                statement_timeout: Span::from_nanos(self.statement_timeout),
                connect: ns(self.connect),
                service: ServiceSpec::Delay,
                ..Postgres::default()
            },
            network: Network { app: ns(self.round_trip), proxy: ns(0) },
            faults: self.faults.iter().map(fault).collect(),
        }
    }
}

impl Request {
    fn stream(&self, number: usize) -> StreamSpec {
        let mut arrivals = Replay::of("requests.csv", 1.0);
        let at = format!("at\n{}.{:09}\n", self.at / 1_000_000_000, self.at % 1_000_000_000);
        arrivals.load(&at).expect("a time in seconds");
        StreamSpec {
            name: number.to_string(),
            app: "app".into(),
            arrivals: arrivals.into(),
            steps: self.steps.iter().map(step).collect(),
            deadline: self.deadline.map(Span::from_nanos),
            retry: None,
        }
    }
}

fn step(written: &Value) -> StepSpec {
    let inner = || written[1].as_array().expect("a list of steps").iter().map(step).collect();
    let time = || ns(written[1].as_u64().expect("a time in nanoseconds"));
    match written[0].as_str().expect("a step's name") {
        "session" => StepSpec::Session(inner()),
        "transaction" => StepSpec::Transaction(inner()),
        "query" => StepSpec::Query(time()),
        "await" => StepSpec::Await(time()),
        other => panic!("no schedule has a step {other}"),
    }
}

fn fault(written: &Value) -> At {
    let at = Span::from_nanos(written[1].as_u64().expect("a time in nanoseconds"));
    match written[0].as_str().expect("a fault's name") {
        "restart" => At(at, FaultSpec::restart(Span::from_nanos(written[2].as_u64().expect("a time in nanoseconds")))),
        _ => At(at, FaultSpec::KillConnections { fraction: 1.0 }),
    }
}

fn ns(ns: u64) -> LatencySpec {
    Constant(Span::from_nanos(ns)).into()
}
