//! Strategies for whole systems: crowded, with short times that often coincide.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::pools::pools;
use super::steps::steps;
use super::workload::{arrivals, latencies, millis, retries};
use crate::kernel::latency::{Constant, Exponential, LatencySpec};
use crate::kernel::time::Span;
use crate::parts::client::{Balance, StreamSpec};
use crate::parts::database::{Postgres, ServiceSpec};
use crate::parts::fault::{At, FaultSpec};
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::{PgBouncer, PoolMode};
use crate::parts::proxy::rds_proxy::RdsProxy;
use crate::protocol::driver::{Custom, DriverSpec};
use crate::simulation::blueprint::{AppSpec, Blueprint, Network};

/// Any system: one or two apps, one to three streams, up to two faults.
pub fn systems() -> impl Strategy<Value = Blueprint> {
    let apps = vec(
        (1_u32..=2, select(vec![Balance::RoundRobin, Balance::Random, Balance::LeastBusy]), option::of(1_u32..4), drivers(), pools()),
        1..=2,
    );
    let streams = vec((0_usize..2, arrivals(), steps(), option::of(millis(5, 60)), option::of(retries())), 1..=3);
    (apps, streams, proxies(), databases(), (wires(), wires()), vec(faults(), 0..=2)).prop_map(
        |(apps, streams, proxy, database, wires, mut faults)| {
            if !matches!(proxy, ProxySpec::PgBouncer(_)) {
                faults.retain(|At(_, what)| !matches!(what, FaultSpec::RestartProxy { .. }));
            }
            let apps: Vec<AppSpec> = apps
                .into_iter()
                .enumerate()
                .map(|(i, (workers, balance, concurrency, driver, pool))| AppSpec {
                    name: format!("app {i}"),
                    workers,
                    balance,
                    concurrency,
                    driver,
                    pool,
                })
                .collect();
            let workload = streams
                .into_iter()
                .enumerate()
                .map(|(i, (app, arrivals, steps, deadline, retry))| StreamSpec {
                    name: format!("stream {i}"),
                    app: apps[app % apps.len()].name.clone(),
                    arrivals,
                    steps,
                    deadline,
                    retry,
                })
                .collect();
            Blueprint { workload, apps, proxy, database, network: Network { app: wires.0, proxy: wires.1 }, faults }
        },
    )
}

fn wires() -> impl Strategy<Value = LatencySpec> {
    prop_oneof![
        2 => Just(LatencySpec::default()),
        1 => millis(1, 2).prop_map(|span| LatencySpec::from(Constant(span))),
        1 => Just(Exponential { mean: Span::from_nanos(400_000) }.into()),
    ]
}

/// Every driver, and some of one's own.
pub fn drivers() -> impl Strategy<Value = DriverSpec> {
    let custom = (millis(0, 2), millis(0, 2), millis(0, 2)).prop_map(|(statement, reset, close)| {
        let always = LatencySpec::always;
        let times = Custom { statement: always(statement), reset: always(reset), close: always(close), ..Custom::default() };
        DriverSpec::Custom(Box::new(times))
    });
    prop_oneof![
        3 => select(vec![DriverSpec::Ideal, DriverSpec::Asyncpg, DriverSpec::Psycopg, DriverSpec::TokioPostgres]),
        1 => custom,
    ]
}

/// No proxy, PgBouncer in every mode with every timeout, or RDS Proxy.
pub fn proxies() -> impl Strategy<Value = ProxySpec> {
    let off_or = |low, high| prop_oneof![2 => Just(Span::ZERO), 1 => millis(low, high)];
    let bouncer = (
        select(vec![PoolMode::Session, PoolMode::Transaction, PoolMode::Statement]),
        (1_u32..5, 0_u32..2, 0_u32..2, 3_u32..40),
        (off_or(5, 60), off_or(5, 30), off_or(5, 30), off_or(10, 80)),
        (off_or(20, 100), off_or(10, 60), millis(0, 30)),
    )
        .prop_map(|(pool_mode, (size, least, reserve, clients), (wait, query, idle, transaction), (life, server_idle, check))| PgBouncer {
            pool_mode,
            default_pool_size: size,
            min_pool_size: least,
            reserve_pool_size: reserve,
            reserve_pool_timeout: Span::from_millis(5),
            max_client_conn: clients,
            query_wait_timeout: wait,
            query_timeout: query,
            idle_transaction_timeout: idle,
            transaction_timeout: transaction,
            server_lifetime: life,
            server_idle_timeout: server_idle,
            server_check_delay: check,
            server_login_retry: Span::from_millis(20),
            ..PgBouncer::default()
        });
    let rds = (select(vec![10.0, 50.0, 100.0]), millis(1, 50), select(vec![0.0, 0.2]), latencies()).prop_map(
        |(percent, timeout, pin_probability, latency)| RdsProxy {
            max_connections_percent: percent,
            connection_borrow_timeout: timeout,
            pin_probability,
            latency,
            ..RdsProxy::default()
        },
    );
    prop_oneof![2 => Just(ProxySpec::Direct), 2 => bouncer.prop_map(ProxySpec::from), 1 => rds.prop_map(ProxySpec::from)]
}

/// A PostgreSQL with few slots.
pub fn databases() -> impl Strategy<Value = Postgres> {
    let service = prop_oneof![
        Just(ServiceSpec::Delay),
        (1_u32..4).prop_map(|cores| ServiceSpec::Queue { cores }),
        (1_u32..4, select(vec![0.0, 0.05]), select(vec![0.0, 0.001])).prop_map(|(cores, sigma, kappa)| ServiceSpec::Sharing {
            cores,
            sigma,
            kappa
        }),
    ];
    let off_or = || prop_oneof![3 => Just(Span::ZERO), 1 => millis(3, 30)];
    (2_u32..30, 0_u32..2, off_or(), off_or(), latencies(), service).prop_map(
        |(max_connections, superuser_reserved_connections, statement_timeout, idle_in_transaction_session_timeout, connect, service)| {
            Postgres {
                max_connections,
                superuser_reserved_connections,
                statement_timeout,
                idle_in_transaction_session_timeout,
                connect,
                service,
            }
        },
    )
}

/// What goes wrong in the first quarter of a second; `RestartProxy` is only for systems with PgBouncer, and the workers that
/// come and go are those of "app 0".
pub fn faults() -> impl Strategy<Value = At> {
    let what = prop_oneof![
        (millis(0, 40), millis(0, 10)).prop_map(|(down, starting)| FaultSpec::RestartDatabase { down, starting }),
        millis(0, 40).prop_map(|recovery| FaultSpec::CrashDatabase { recovery }),
        millis(0, 40).prop_map(|down| FaultSpec::Failover { down }),
        (select(vec![0.5, 3.0, 10.0]), millis(0, 60)).prop_map(|(factor, lasting)| FaultSpec::SlowDatabase { factor, lasting }),
        (select(vec![0.5, 3.0, 10.0]), millis(0, 60)).prop_map(|(factor, lasting)| FaultSpec::SlowConnects { factor, lasting }),
        millis(0, 40).prop_map(|down| FaultSpec::RestartProxy { down }),
        millis(0, 60).prop_map(|lasting| FaultSpec::Partition { lasting }),
        millis(0, 60).prop_map(|lasting| FaultSpec::LockTable { lasting }),
        select(vec![0.3, 1.0]).prop_map(|fraction| FaultSpec::KillConnections { fraction }),
        (millis(0, 60), millis(0, 60)).prop_map(|(each, overlap)| FaultSpec::Deploy { app: "app 0".to_owned(), each, overlap }),
        (1_u32..4).prop_map(|workers| FaultSpec::Scale { app: "app 0".to_owned(), workers }),
    ];
    (millis(10, 250), what).prop_map(|(when, what)| At(when, what))
}
