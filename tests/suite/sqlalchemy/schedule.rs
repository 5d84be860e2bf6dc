//! A schedule as a system that poolcast can run, and its run.
//!
//! What both sides have in common: constant wires, a server without contention, a driver of given costs. Each request
//! is a stream of its own, so that each has its own steps and its own deadline.

use poolcast::kernel::latency::{Constant, LatencySpec};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::trace::Trace;
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::sqlalchemy::{Release, ResetOnReturn, SqlAlchemy};
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::Replay;
use poolcast::protocol::driver::{Custom, DriverSpec};
use poolcast::protocol::event::Event;
use poolcast::protocol::program::StepSpec;
use poolcast::protocol::request::Stage;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;
use serde::Deserialize;
use serde_json::Value;

use super::recording::Row;

/// A schedule as `schedules.py` draws it; all times in nanoseconds.
#[derive(Deserialize)]
pub struct Schedule {
    pub seed: i64,
    pub pool: Pool,
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
pub struct Pool {
    pub kind: String,
    pub release: String,
    reset_on_return: Option<String>,
    #[serde(default)]
    pub pool_size: u32,
    #[serde(default)]
    pub max_overflow: i64,
    pub timeout: Option<u64>,
    pub recycle: Option<u64>,
    #[serde(default)]
    pub pre_ping: bool,
    #[serde(default)]
    use_lifo: bool,
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

impl Schedule {
    /// The pool's steps and, for each instant after which they had changed, its counters.
    pub fn simulate(&self) -> (Vec<Row>, Vec<[i64; 4]>) {
        let mut model = Model::new(&self.blueprint(), &Seed::new(1, 0)).expect("the schedule is a valid system");
        let size = i64::from(self.pool.pool_size);
        let mut counting = Counters { size, now: 0, counts: [0, 0, -size], changes: vec![[0, 0, 0, -size]] };
        let mut trace = Trace::default();
        simulate(&mut model, SimTime::from_nanos(self.end), &mut (&mut trace, &mut counting));
        counting.turn_to(u64::MAX);
        let asking = model.world.requests.iter().filter(|(_, request)| request.stage == Stage::Acquiring).count() as u64;
        assert!(model.pools()[0].gauges().pending <= asking, "who has left the line is no waiter");
        let row = |step: &poolcast::measure::trace::Step| Row {
            at: step.at.nanos(),
            event: step.event.name(),
            request: step.request.map(|(stream, _)| u64::from(stream.0)),
            conn: step.conn.map(u64::from),
        };
        let counters = if self.pool.kind == "null" { Vec::new() } else { counting.changes };
        (trace.steps.iter().map(row).collect(), counters)
    }

    /// The pool and the costs, in a line.
    pub fn settings(&self) -> String {
        let Schedule { pool, round_trip, connect, slots, statement_timeout, driver, faults, .. } = self;
        format!(
            "{pool:?} {driver:?} round trip {round_trip} connect {connect} slots {slots} statement timeout {statement_timeout} faults {}",
            Value::from(faults.clone())
        )
    }

    fn blueprint(&self) -> Blueprint {
        let Costs { checkout, statement, ping, reset, close } = self.driver;
        let custom = Custom { checkout: ns(checkout), statement: ns(statement), ping: ns(ping), reset: ns(reset), close: ns(close) };
        Blueprint {
            workload: self.requests.iter().enumerate().map(|(number, request)| request.stream(number)).collect(),
            apps: vec![AppSpec {
                name: "app".into(),
                workers: 1,
                balance: Balance::RoundRobin,
                concurrency: None,
                driver: DriverSpec::Custom(Box::new(custom)),
                pool: self.pool.spec(),
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

impl Pool {
    fn spec(&self) -> PoolSpec {
        if self.kind == "null" {
            return PoolSpec::NullPool;
        }
        SqlAlchemy {
            pool_size: self.pool_size,
            max_overflow: self.max_overflow,
            pool_timeout: self.timeout.map(Span::from_nanos),
            pool_recycle: self.recycle.map(Span::from_nanos),
            pool_pre_ping: self.pre_ping,
            pool_use_lifo: self.use_lifo,
            pool_reset_on_return: self.reset_on_return.as_deref().map(|how| match how {
                "rollback" => ResetOnReturn::Rollback,
                _ => ResetOnReturn::Commit,
            }),
            release: if self.release == "with" { Release::AsyncWith } else { Release::Close },
        }
        .into()
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

/// Watches the pool's counters from instant to instant.
struct Counters {
    size: i64,
    now: u64,
    counts: [i64; 3],
    changes: Vec<[i64; 4]>,
}

impl Counters {
    fn turn_to(&mut self, now: u64) {
        let [idle, out, overflow] = self.counts;
        if now != self.now && self.changes.last().is_some_and(|last| last[1..] != self.counts) {
            self.changes.push([self.now as i64, idle, out, overflow]);
        }
        self.now = now;
    }
}

impl Observer for Counters {
    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        self.turn_to(now.nanos());
        let gauges = model.pools()[0].gauges();
        let (idle, out) = (gauges.idle as i64, gauges.in_use as i64);
        self.counts = [idle, out, out + idle - self.size];
    }
}
