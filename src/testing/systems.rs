//! Random small systems of every kind: crowded, with short times that often coincide.

use poolcast::kernel::latency::{Constant, Exponential, Gamma, LatencySpec, LogNormal, Pareto, Uniform};
use poolcast::kernel::time::Span;
use poolcast::parts::client::{Balance, Retry, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::sqlalchemy::{Release, ResetOnReturn, SqlAlchemy};
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::proxy::pgbouncer::{PgBouncer, PoolMode};
use poolcast::parts::proxy::rds_proxy::RdsProxy;
use poolcast::parts::workload::{ArrivalsSpec, Batches, Bursts, Closed, Daily, Poisson, Regular, Replay, Schedule, Size};
use poolcast::protocol::driver::{Custom, DriverSpec};
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Any system.
pub fn systems() -> impl Strategy<Value = Blueprint> {
    let apps = vec(
        (1_u32..=2, select(vec![Balance::RoundRobin, Balance::Random, Balance::LeastBusy]), option::of(1_u32..4), driver(), pool()),
        1..=2,
    );
    let streams = vec((0_usize..2, arrivals(), vec(step(3, false), 1..=3), option::of(ms(5, 60)), option::of(retry())), 1..=3);
    (apps, streams, proxy(), database(), (wire(), wire()), vec(fault(), 0..=2)).prop_map(
        |(apps, streams, proxy, database, wires, faults)| {
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

/// Whole milliseconds.
fn ms(low: u64, high: u64) -> impl Strategy<Value = Span> {
    (low..=high).prop_map(Span::from_millis)
}

fn latency() -> impl Strategy<Value = LatencySpec> {
    prop_oneof![
        4 => ms(0, 8).prop_map(|span| LatencySpec::from(Constant(span))),
        3 => ms(1, 8).prop_map(|mean| Exponential { mean }.into()),
        1 => ms(1, 8).prop_map(|mean| LogNormal { mean: Some(mean), cv: Some(1.5), ..LogNormal::default() }.into()),
        1 => ms(1, 8).prop_map(|mean| Gamma { mean, cv: 0.7 }.into()),
        1 => ms(1, 4).prop_map(|minimum| Pareto { minimum, shape: 1.2, maximum: Span::from_millis(200) }.into()),
        1 => ms(1, 4).prop_map(|low| Uniform { low, high: Span::from_millis(6) }.into()),
    ]
}

fn wire() -> impl Strategy<Value = LatencySpec> {
    prop_oneof![
        2 => Just(LatencySpec::default()),
        1 => ms(1, 2).prop_map(|span| LatencySpec::from(Constant(span))),
        1 => Just(Exponential { mean: Span::from_nanos(400_000) }.into()),
    ]
}

/// Arrivals of every kind, some hundred requests per second.
pub fn arrivals() -> impl Strategy<Value = ArrivalsSpec> {
    let rate = || select(vec![50.0, 200.0, 500.0]);
    let replay = (vec(0_u64..300, 1..60), option::of(0_u64..9)).prop_map(|(mut times, demand)| {
        times.sort_unstable();
        recorded(&times.iter().map(|at| (*at, demand.unwrap_or(3))).collect::<Vec<_>>(), demand.is_some())
    });
    prop_oneof![
        3 => rate().prop_map(|rate| Poisson { rate }.into()),
        1 => rate().prop_map(|rate| Regular { rate }.into()),
        1 => rate().prop_map(|burst| Bursts { quiet: 20.0, burst, mean_quiet: Span::from_millis(40), mean_burst: Span::from_millis(40) }.into()),
        1 => rate().prop_map(|rate| Schedule(vec![(Span::from_millis(20), rate), (Span::from_millis(90), 0.0), (Span::from_millis(150), rate)]).into()),
        1 => rate().prop_map(|mean| Daily { mean, amplitude: mean, period: Span::from_millis(100) }.into()),
        1 => rate().prop_map(|rate| Batches { rate: rate / 5.0, size: Size::Weighted(vec![(1.0, 1), (2.0, 7)]) }.into()),
        2 => (1_u32..12, ms(1, 10)).prop_map(|(users, mean)| Closed { users, think: Exponential { mean }.into() }.into()),
        1 => replay,
    ]
}

/// Recorded arrivals: whole milliseconds, and each request's demand if `known`.
pub fn recorded(rows: &[(u64, u64)], known: bool) -> ArrivalsSpec {
    let mut text = String::from(if known { "at,query1\n" } else { "at\n" });
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    for (at, demand) in rows {
        text += &seconds(*at);
        if known {
            text += &format!(",{}", seconds(*demand));
        }
        text += "\n";
    }
    let mut replay = Replay::of("recorded", 1.0);
    replay.load(&text).expect("the recording is in order");
    replay.into()
}

/// Steps; inside a session there are more kinds.
fn step(depth: u32, session: bool) -> BoxedStrategy<StepSpec> {
    let own =
        latency().prop_flat_map(|span| select(vec![StepSpec::Work(span.clone()), StepSpec::Await(span.clone()), StepSpec::Block(span)]));
    let statement = latency().prop_map(StepSpec::Query);
    let leaf = if session {
        prop_oneof![
            6 => statement,
            2 => own,
            1 => Just(StepSpec::Leak { probability: 0.05 }),
            1 => Just(StepSpec::SessionState("set_config".into())),
        ]
        .boxed()
    } else {
        own.boxed()
    };
    if depth == 0 {
        return leaf;
    }
    let some = |session| vec(step(depth - 1, session), 1..=2);
    let branches = (some(session), some(session)).prop_map(|(a, b)| StepSpec::Choose(vec![(1.0, a), (2.0, b), (0.5, vec![])]));
    let repeat = some(session).prop_map(|inner| StepSpec::Repeat(2, inner));
    if session {
        prop_oneof![
            4 => leaf,
            2 => some(true).prop_map(|inner| StepSpec::Transaction(flat(inner))),
            1 => some(true).prop_map(StepSpec::Session),
            1 => branches,
            1 => repeat,
        ]
        .boxed()
    } else {
        prop_oneof![1 => leaf, 8 => some(true).prop_map(StepSpec::Session), 1 => branches, 1 => repeat].boxed()
    }
}

/// Without transactions, which cannot be nested.
fn flat(steps: Vec<StepSpec>) -> Vec<StepSpec> {
    let one = |step| match step {
        StepSpec::Transaction(inner) => StepSpec::Repeat(1, flat(inner)),
        StepSpec::Repeat(times, inner) => StepSpec::Repeat(times, flat(inner)),
        StepSpec::Choose(branches) => StepSpec::Choose(branches.into_iter().map(|(weight, inner)| (weight, flat(inner))).collect()),
        other => other,
    };
    steps.into_iter().map(one).collect()
}

fn retry() -> impl Strategy<Value = Retry> {
    (1_u32..4, latency(), select(vec![0.0, 0.5]), option::of(select(vec![0.1, 1.0])))
        .prop_map(|(attempts, backoff, jitter, budget)| Retry { attempts, backoff, jitter, budget, on: None })
}

fn driver() -> impl Strategy<Value = DriverSpec> {
    let custom = (ms(0, 2), ms(0, 2), ms(0, 2)).prop_map(|(statement, reset, close)| {
        let always = LatencySpec::always;
        let times = Custom { statement: always(statement), reset: always(reset), close: always(close), ..Custom::default() };
        DriverSpec::Custom(Box::new(times))
    });
    prop_oneof![
        3 => select(vec![DriverSpec::Ideal, DriverSpec::Asyncpg, DriverSpec::Psycopg, DriverSpec::TokioPostgres]),
        1 => custom,
    ]
}

fn pool() -> impl Strategy<Value = PoolSpec> {
    let sqlalchemy = (
        0_u32..4,
        -1_i64..3,
        option::of(prop_oneof![Just(Span::ZERO), ms(1, 30)]),
        option::of(ms(1, 50)),
        any::<bool>(),
        any::<bool>(),
        option::of(select(vec![ResetOnReturn::Rollback, ResetOnReturn::Commit])),
        select(vec![Release::AsyncWith, Release::Close]),
    )
        .prop_map(|(pool_size, max_overflow, pool_timeout, pool_recycle, pool_pre_ping, pool_use_lifo, reset, release)| {
            SqlAlchemy {
                pool_size,
                max_overflow,
                pool_timeout,
                pool_recycle,
                pool_pre_ping,
                pool_use_lifo,
                pool_reset_on_return: reset,
                release,
            }
            .into()
        });
    prop_oneof![5 => sqlalchemy, 1 => Just(PoolSpec::NullPool)]
}

fn proxy() -> impl Strategy<Value = ProxySpec> {
    let off_or = |low, high| prop_oneof![2 => Just(Span::ZERO), 1 => ms(low, high)];
    let bouncer = (
        select(vec![PoolMode::Session, PoolMode::Transaction, PoolMode::Statement]),
        (1_u32..5, 0_u32..2, 0_u32..2, 3_u32..40),
        (off_or(5, 60), off_or(5, 30), off_or(5, 30), off_or(10, 80)),
        (off_or(20, 100), off_or(10, 60), ms(0, 30)),
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
    let rds = (select(vec![10.0, 50.0, 100.0]), ms(1, 50), select(vec![0.0, 0.2]), latency()).prop_map(
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

fn database() -> impl Strategy<Value = Postgres> {
    let service = prop_oneof![
        Just(ServiceSpec::Delay),
        (1_u32..4).prop_map(|cores| ServiceSpec::Queue { cores }),
        (1_u32..4, select(vec![0.0, 0.05]), select(vec![0.0, 0.001])).prop_map(|(cores, sigma, kappa)| ServiceSpec::Sharing {
            cores,
            sigma,
            kappa
        }),
    ];
    let off_or = || prop_oneof![3 => Just(Span::ZERO), 1 => ms(3, 30)];
    (2_u32..30, 0_u32..2, off_or(), off_or(), latency(), service).prop_map(
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

fn fault() -> impl Strategy<Value = At> {
    let what = prop_oneof![
        ms(0, 40).prop_map(|down| FaultSpec::RestartDatabase { down }),
        select(vec![0.3, 1.0]).prop_map(|fraction| FaultSpec::KillConnections { fraction }),
    ];
    (ms(10, 250), what).prop_map(|(when, what)| At(when, what))
}
