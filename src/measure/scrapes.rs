//! What exporters of metrics would have counted by now: an observer for one replication that is looked at every so often.

use std::collections::BTreeMap;

use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::{Far, TxStatus};
use crate::protocol::cx::World;
use crate::protocol::event::{AppId, ConnId, Event, WorkerId};
use crate::protocol::fact::{Fact, PoolStep, Steps};
use crate::protocol::server::ShowPools;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// Upper bounds of the buckets. Up to 10 s those that OpenTelemetry advises for times at databases; beyond it those at
/// which pools and PgBouncer give up by default.
pub const BOUNDS: [Span; 12] = [
    Span::from_millis(1),
    Span::from_millis(5),
    Span::from_millis(10),
    Span::from_millis(50),
    Span::from_millis(100),
    Span::from_millis(500),
    Span::from_secs(1),
    Span::from_secs(5),
    Span::from_secs(10),
    Span::from_secs(30),
    Span::from_secs(60),
    Span::from_secs(120),
];

/// A histogram as Prometheus keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Values up to each of [`BOUNDS`] and above the one before, then those above the last.
    pub counts: [u64; BOUNDS.len() + 1],
    /// Nanoseconds of all values.
    pub sum: u128,
}

impl Buckets {
    /// How many values.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn record(&mut self, value: Span) {
        self.counts[BOUNDS.partition_point(|bound| *bound < value)] += 1;
        self.sum += u128::from(value.nanos());
    }
}

/// One worker's pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolScrape {
    /// Whose workers' pools it belongs to.
    pub app: AppId,
    /// Open connections that rest in the pool.
    pub idle: u64,
    /// Open connections that are lent, checked or reset.
    pub used: u64,
    /// Requests that wait for one.
    pub pending: u64,
    /// Most that may be open, if there is a limit.
    pub most: Option<u64>,
    /// Waits that ended without a connection, since the start.
    pub timeouts: u64,
    /// Times that it took to open connections, since the start.
    pub create: Buckets,
    /// Times from asking for a connection to getting one, since the start.
    pub wait: Buckets,
    /// Times from lending a connection to its return, since the start.
    pub use_time: Buckets,
}

/// PgBouncer: `SHOW POOLS`, and of `SHOW STATS_TOTALS` what the model knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PgBouncerScrape {
    /// `SHOW POOLS`.
    pub pools: ShowPools,
    /// `total_query_count`: a statement counts when it comes in.
    pub queries: u64,
    /// `total_query_time`: from there until the client has its reply, so that waiting for a server counts, as it does there.
    pub query_time: u128,
    /// `total_xact_count`.
    pub transactions: u64,
    /// `total_xact_time`, counted at a transaction's end.
    pub transaction_time: u128,
    /// `total_wait_time`, counted at its end.
    pub wait_time: u128,
    /// Server connections, those in login included.
    pub connections: u64,
}

/// Everything that is exported at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrape {
    /// When.
    pub at: SimTime,
    /// Each worker's pool, in order.
    pub workers: Vec<PoolScrape>,
    /// PgBouncer, if there is one.
    pub pgbouncer: Option<PgBouncerScrape>,
    /// Connections at the database.
    pub connections: u64,
}

/// Counts what [`Exporters::scrape`] tells.
#[derive(Default)]
pub struct Exporters {
    workers: Vec<Worker>,
    pgbouncer: PgBouncerScrape,
    /// What clients of the proxy have begun, by their connections.
    clients: BTreeMap<u64, Begun>,
}

#[derive(Clone, Default)]
struct Worker {
    open: u64,
    exported: PoolScrape,
    dialled: BTreeMap<u32, SimTime>,
    lent: BTreeMap<u32, SimTime>,
}

struct Begun {
    query: Option<SimTime>,
    transaction: Option<SimTime>,
}

impl Exporters {
    /// What an exporter says now.
    pub fn scrape(&mut self, model: &Model) -> Scrape {
        let at = model.world.agenda.now();
        self.workers.resize(model.pools().len(), Worker::default());
        let pool = |(index, worker): (usize, &Worker)| {
            let (app, gauges) = (model.world.app_of[index], model.pools()[index].gauges());
            // Some pools keep places without a connection among the idle ones.
            let idle = gauges.idle.min(worker.open - worker.lent.len() as u64);
            let used = worker.open - idle;
            PoolScrape { app, idle, used, pending: gauges.pending, most: gauges.limit, ..worker.exported.clone() }
        };
        let proxy = &model.world.proxy;
        let counted = |pools| PgBouncerScrape { pools, connections: proxy.servers.value(), ..self.pgbouncer };
        Scrape {
            at,
            workers: self.workers.iter().enumerate().map(pool).collect(),
            pgbouncer: model.proxy().and_then(|proxy| proxy.show_pools(at)).map(counted),
            connections: model.world.database.connections.value(),
        }
    }

    fn pool_step(&mut self, now: SimTime, worker: WorkerId, step: PoolStep, conn: u32, asked: Option<SimTime>) {
        if self.workers.len() <= worker.index() {
            self.workers.resize(worker.index() + 1, Worker::default());
        }
        let Worker { open, exported, dialled, lent } = &mut self.workers[worker.index()];
        match step {
            PoolStep::ConnectStart => drop(dialled.insert(conn, now)),
            PoolStep::ConnectFail => drop(dialled.remove(&conn)),
            PoolStep::ConnectDone => {
                *open += 1;
                exported.create.record(now - dialled.remove(&conn).unwrap_or(now));
            }
            PoolStep::Checkout => {
                lent.insert(conn, now);
                exported.wait.record(now - asked.unwrap_or(now));
            }
            PoolStep::Checkin => lent.remove(&conn).into_iter().for_each(|since| exported.use_time.record(now - since)),
            PoolStep::Close => {
                *open -= 1;
                // Closed in somebody's hands, it does not come back.
                lent.remove(&conn).into_iter().for_each(|since| exported.use_time.record(now - since));
            }
            PoolStep::Timeout => exported.timeouts += 1,
            _ => {}
        }
    }

    /// A statement of a client has reached the proxy.
    fn asked(&mut self, now: SimTime, client: ConnId) {
        let begun = self.clients.entry(client.to_bits()).or_insert(Begun { query: None, transaction: None });
        begun.query = Some(now);
        self.pgbouncer.queries += 1;
        if begun.transaction.is_none() {
            begun.transaction = Some(now);
            self.pgbouncer.transactions += 1;
        }
    }

    /// A reply has reached the proxy's client.
    fn answered(&mut self, now: SimTime, client: ConnId, status: TxStatus) {
        let Some(begun) = self.clients.get_mut(&client.to_bits()) else { return };
        let since = |begun: &mut Option<SimTime>| begun.take().map_or(0, |begun| u128::from((now - begun).nanos()));
        self.pgbouncer.query_time += since(&mut begun.query);
        if status == TxStatus::Idle {
            self.pgbouncer.transaction_time += since(&mut begun.transaction);
        }
    }
}

impl Observer for Exporters {
    fn steps(&self) -> Steps {
        use PoolStep::{Checkin, Checkout, Close, ConnectDone, ConnectFail, ConnectStart, Timeout};
        Steps::of(&[ConnectStart, ConnectDone, ConnectFail, Checkout, Checkin, Close, Timeout])
    }

    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Pool { worker, step, request, conn } => {
                let asked = request.and_then(|request| world.requests.get(request)).map(|request| request.asked);
                self.pool_step(now, worker, step, conn, asked);
            }
            Fact::Linked { waited, .. } => self.pgbouncer.wait_time += u128::from(waited.nanos()),
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, event: &Event, model: &Model) {
        match *event {
            Event::Query { conn } if model.world.conns.get(conn).is_some_and(|conn| conn.far == Far::Proxy) => self.asked(now, conn),
            Event::Reply { conn } => match model.world.conns.get(conn) {
                Some(client) if client.far == Far::Proxy => self.answered(now, conn, client.status),
                _ => {}
            },
            Event::HangUp { conn } | Event::Lost { conn } if model.world.conns.get(conn).is_none() => {
                self.clients.remove(&conn.to_bits());
            }
            _ => {}
        }
    }
}
