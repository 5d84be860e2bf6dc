//! Rows as blueprints: an ideal system but for what the row says.

use poolcast::answers::runner::Course;
use poolcast::experiment::spec::options;
use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::time::Span;
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::{ArrivalsSpec, Batches, Bursts, Closed, Daily, Poisson, Schedule, Size};
use poolcast::protocol::driver::DriverSpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};

use super::exact::{Given, Row, Station, exponential, span};

/// Rounds after which a request goes on with a probability below 1e-9: no replication sees one more.
const MOST_ROUNDS: u32 = 30;

/// The system of a row.
pub fn blueprint(given: &Given) -> Blueprint {
    Blueprint {
        workload: vec![StreamSpec {
            name: "requests".into(),
            app: "app".into(),
            arrivals: arrivals(given),
            steps: steps(given),
            deadline: None,
            retry: None,
        }],
        apps: vec![app(given)],
        proxy: ProxySpec::Direct,
        database: database(given),
        network: Network { app: LatencySpec::default(), proxy: LatencySpec::default() },
        faults: vec![],
    }
}

/// Long enough for the row's number of requests.
pub fn course(row: &Row) -> Course {
    let rate = row.given.rate.expect("a row in a steady state has a rate");
    Course { seed: row.seed(), warmup: span(row.warmup), duration: span(row.requests as f64 / rate) }
}

fn arrivals(given: &Given) -> ArrivalsSpec {
    let per_second = |rate: f64| rate * 1e3;
    if let (Some(users), Some(think)) = (given.users, given.think) {
        Closed { users, think: exponential(think) }.into()
    } else if let (Some(rate), Some(sizes)) = (given.batch_rate, &given.sizes) {
        Batches { rate: per_second(rate), size: Size::Weighted(sizes.clone()) }.into()
    } else if let (Some([quiet, burst]), Some([quiet_lasts, burst_lasts])) = (given.rates, given.lengths) {
        let (mean_quiet, mean_burst) = (span(quiet_lasts), span(burst_lasts));
        Bursts { quiet: per_second(quiet), burst: per_second(burst), mean_quiet, mean_burst }.into()
    } else if let Some(pieces) = &given.pieces {
        Schedule(pieces.iter().map(|(from, rate)| (span(*from), per_second(*rate))).collect()).into()
    } else if let Some([mean, amplitude, period]) = given.swing {
        Daily { mean: per_second(mean), amplitude: per_second(amplitude), period: span(period) }.into()
    } else {
        Poisson { rate: per_second(given.rate.expect("requests come at some rate")) }.into()
    }
}

fn steps(given: &Given) -> Vec<StepSpec> {
    let service = given.service.latency();
    match given.station {
        Some(Station::Concurrency) => vec![StepSpec::Await(service)],
        Some(Station::EventLoop) => vec![StepSpec::Work(service)],
        Some(Station::Cores) | None => vec![StepSpec::Session(rounds(given, &service, MOST_ROUNDS))],
    }
}

fn rounds(given: &Given, service: &LatencySpec, most: u32) -> Vec<StepSpec> {
    let mut steps = Vec::new();
    steps.extend(given.app.map(|mean| StepSpec::Await(exponential(mean))));
    steps.push(StepSpec::Query(service.clone()));
    if given.again > 0.0 && most > 1 {
        steps.push(StepSpec::Choose(vec![(1.0 - given.again, vec![]), (given.again, rounds(given, service, most - 1))]));
    }
    steps
}

fn app(given: &Given) -> AppSpec {
    let concurrency = if given.station == Some(Station::Concurrency) { given.c } else { None };
    let pool_size = if given.station.is_some() { 0 } else { given.c.unwrap_or(0) };
    AppSpec {
        name: "app".into(),
        workers: 1,
        balance: Balance::RoundRobin,
        concurrency,
        driver: DriverSpec::Ideal,
        pool: given.pool.as_deref().map_or_else(|| sqlalchemy(given, pool_size), other),
    }
}

fn sqlalchemy(given: &Given, pool_size: u32) -> PoolSpec {
    let pool_timeout = given.timeout.map(span);
    SqlAlchemy { pool_size, max_overflow: i64::from(given.overflow), pool_timeout, ..SqlAlchemy::default() }.into()
}

fn other(pool: &str) -> PoolSpec {
    options().from_str(pool).unwrap_or_else(|error| panic!("{pool}: {error}"))
}

fn database(given: &Given) -> Postgres {
    let service = match (given.station, given.c, given.cores) {
        (Some(Station::Cores), Some(cores), _) | (_, Some(_), Some(cores)) => ServiceSpec::Queue { cores },
        (_, None, Some(cores)) => ServiceSpec::Sharing { cores, sigma: 0.0, kappa: 0.0 },
        _ => ServiceSpec::Delay,
    };
    let connect = given.connect.map_or(LatencySpec::always(Span::ZERO), exponential);
    Postgres { max_connections: 100_000, connect, service, ..Postgres::default() }
}
