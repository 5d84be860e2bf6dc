//! Systems that differ in something that must not matter, or must matter in a known way.

use poolcast::kernel::latency::{Constant, LatencySpec};
use poolcast::kernel::time::Span;
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::proxy::pgbouncer::{PgBouncer, PoolMode};
use poolcast::parts::workload::{ArrivalsSpec, Schedule};
use poolcast::protocol::driver::DriverSpec;
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};
use poolcast::testing::{recorded, systems};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{cases, watched};

/// A statement for each recorded request, through one pool; all times in whole milliseconds.
#[derive(Clone, Debug)]
struct Plain {
    /// When each request comes, and what it demands.
    requests: Vec<(u64, u64)>,
    pool_size: u32,
    max_overflow: i64,
    timeout: Option<u64>,
    cores: u32,
    trip: u64,
    connect: u64,
}

impl Plain {
    fn blueprint(&self, scale: u64) -> Blueprint {
        let span = |ms: u64| Span::from_millis(ms * scale);
        let always = |ms: u64| LatencySpec::from(Constant(span(ms)));
        let rows: Vec<_> = self.requests.iter().map(|(at, demand)| (at * scale, demand * scale)).collect();
        Blueprint {
            workload: vec![StreamSpec {
                name: "stream".into(),
                app: "app".into(),
                arrivals: recorded(&rows, true),
                steps: vec![StepSpec::Session(vec![StepSpec::Query(always(1)), StepSpec::Await(always(1))])],
                deadline: None,
                retry: None,
            }],
            apps: vec![idle_app("app", self.pool_size, self.max_overflow, self.timeout.map(span))],
            proxy: ProxySpec::Direct,
            database: Postgres { connect: always(self.connect), service: ServiceSpec::Queue { cores: self.cores }, ..Postgres::default() },
            network: Network { app: always(self.trip), proxy: always(0) },
            faults: vec![],
        }
    }

    /// How long each request took, in nanoseconds, and whether it was answered.
    fn times(&self, scale: u64) -> Vec<(u64, bool)> {
        let blueprint = self.blueprint(scale);
        let mut model =
            poolcast::simulation::model::Model::new(&blueprint, &poolcast::kernel::rng::Seed::new(1, 0)).expect("it is in order");
        let mut watch = super::Watch::new(&blueprint);
        poolcast::simulation::run::simulate(&mut model, super::moment(100_000 * scale), &mut watch);
        assert_eq!(watch.ends.len(), self.requests.len(), "all requests end");
        watch.ends.iter().map(|(name, (end, well))| ((*end - watch.wishes[name].0).nanos(), *well)).collect()
    }
}

/// One worker with one pool and nothing that costs time.
pub fn idle_app(name: &str, pool_size: u32, max_overflow: i64, pool_timeout: Option<Span>) -> AppSpec {
    AppSpec {
        name: name.into(),
        workers: 1,
        balance: Balance::RoundRobin,
        concurrency: None,
        driver: DriverSpec::Ideal,
        pool: SqlAlchemy { pool_size, max_overflow, pool_timeout, ..SqlAlchemy::default() }.into(),
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let requests = vec((0_u64..100, 0_u64..20), 1..40).prop_map(|mut requests| {
        requests.sort_unstable();
        requests
    });
    (requests, 1_u32..4, 0_i64..3, proptest::option::of(0_u64..30), 1_u32..4, 0_u64..3, 0_u64..9).prop_map(
        |(requests, pool_size, max_overflow, timeout, cores, trip, connect)| Plain {
            requests,
            pool_size,
            max_overflow,
            timeout,
            cores,
            trip: 2 * trip,
            connect,
        },
    )
}

/// Another pool, proxy and patience for the same requests.
fn otherwise(blueprint: &Blueprint) -> Blueprint {
    let mut other = blueprint.clone();
    for app in &mut other.apps {
        app.pool = match &app.pool {
            PoolSpec::SqlAlchemy(pool) => {
                SqlAlchemy { pool_size: pool.pool_size + 1, max_overflow: 3, pool_timeout: Some(Span::from_millis(3)), ..pool.clone() }
                    .into()
            }
            _ => SqlAlchemy::default().into(),
        };
    }
    other.proxy = match other.proxy {
        ProxySpec::Direct => PgBouncer { pool_mode: PoolMode::Transaction, ..PgBouncer::default() }.into(),
        _ => ProxySpec::Direct,
    };
    other.faults.retain(|At(_, what)| !matches!(what, FaultSpec::RestartProxy { .. }));
    other
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_stream_and_an_app_that_do_nothing_change_nothing(blueprint in systems(), seed in 0_u64..1000) {
        let mut more = blueprint.clone();
        more.apps.insert(0, idle_app("idle", 5, 10, None));
        more.workload.insert(0, StreamSpec {
            name: "idle".into(),
            app: "idle".into(),
            arrivals: Schedule(vec![(Span::from_secs(3600), 1.0)]).into(),
            steps: vec![StepSpec::Session(vec![])],
            deadline: None,
            retry: None,
        });
        let (alone, beside) = (watched(&blueprint, seed), watched(&more, seed));
        let moved: Vec<_> = beside.wishes.into_iter().map(|((stream, number), wish)| ((stream - 1, number), wish)).collect();
        prop_assert!(alone.wishes.into_iter().eq(moved), "who comes, when, and wants what");
        let moved: Vec<_> = beside.ends.into_iter().map(|((stream, number), end)| ((stream - 1, number), end)).collect();
        prop_assert!(alone.ends.into_iter().eq(moved), "who ends when and how");
    }

    #[test]
    fn what_requests_want_does_not_depend_on_pools_and_proxies(blueprint in systems(), seed in 0_u64..1000) {
        let (here, there) = (watched(&blueprint, seed).wishes, watched(&otherwise(&blueprint), seed).wishes);
        let closed = |stream: u32| matches!(blueprint.workload[stream as usize].arrivals, ArrivalsSpec::Closed(_));
        for (name, (at, drawn)) in &here {
            let wish = there.get(name);
            if closed(name.0) {
                prop_assert!(wish.is_none_or(|wish| wish.1 == *drawn), "a user's request wants the same whenever it comes");
            } else {
                prop_assert_eq!(wish, Some(&(*at, drawn.clone())));
            }
        }
        prop_assert!(there.keys().all(|name| closed(name.0) || here.contains_key(name)));
    }

    #[test]
    fn all_times_longer_by_a_factor_make_all_waits_longer_by_it(plain in plain(), factor in 2_u64..9) {
        let longer: Vec<_> = plain.times(1).into_iter().map(|(took, well)| (took * factor, well)).collect();
        prop_assert_eq!(plain.times(factor), longer);
    }

    #[test]
    fn a_timeout_that_nobody_reaches_is_none(mut plain in plain()) {
        plain.max_overflow = 0;
        plain.timeout = None;
        let patient = plain.times(1);
        plain.timeout = Some(patient.iter().map(|(took, _)| took / 1_000_000 + 1).max().unwrap_or(1));
        prop_assert_eq!(plain.times(1), patient);
    }

    #[test]
    fn overflow_that_costs_nothing_is_a_larger_pool(mut plain in plain()) {
        (plain.connect, plain.trip) = (0, 0);
        let overflowing = plain.times(1);
        plain.pool_size += plain.max_overflow as u32;
        plain.max_overflow = 0;
        prop_assert_eq!(plain.times(1), overflowing);
    }
}
