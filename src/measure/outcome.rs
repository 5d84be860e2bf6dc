//! What is counted in one replication: an observer, and what it has seen.
//!
//! A request counts if it arrived after the warm-up and before the end; it is then followed to its end. Connects, waits
//! at the proxy and the like count if they happen in that span of time.

use crate::kernel::time::{SimTime, Span};
use crate::measure::deadlocks::{Deadlock, Deadlocks, Place};
use crate::measure::histogram::{Batch, Histogram};
use crate::measure::rush::Rush;
use crate::measure::windows::{Window, Windows};
use crate::protocol::cx::World;
use crate::protocol::error::Error;
use crate::protocol::event::{Packed, RequestId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep, Steps};
use crate::protocol::request::Request;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// Counts of one stream's requests.
#[derive(Clone, Debug, Default)]
pub struct StreamOutcome {
    /// Arrived.
    pub arrived: u64,
    /// Answered well.
    pub completed: u64,
    /// Failed, by error, in the order of [`Error::ALL`].
    pub errors: Vec<u64>,
    /// From arrival to reply, of completed requests.
    pub latency: Histogram,
    /// From asking to getting a connection, of every checkout that got one.
    pub pool_wait: Histogram,
    /// Checkouts that waited at all.
    pub waited: u64,
}

/// Counts of one app's pools together.
#[derive(Clone, Debug, Default)]
pub struct PoolOutcome {
    /// Connections opened.
    pub connects: u64,
    /// Connections closed.
    pub closes: u64,
    /// Waits that ended without a connection.
    pub timeouts: u64,
    /// Checked out.
    pub in_use: Count,
    /// Open.
    pub open: Count,
    /// Waiting.
    pub pending: Count,
}

/// A number of things over the counted span.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Its average over time.
    pub mean: f64,
    /// The most it was.
    pub most: u64,
}

/// Counts of the proxy.
#[derive(Clone, Debug, Default)]
pub struct ProxyOutcome {
    /// Client connections.
    pub clients: Count,
    /// Server connections.
    pub servers: Count,
    /// Server connections linked to a client.
    pub linked: Count,
    /// Waiting clients.
    pub waiting: Count,
    /// Server connections opened.
    pub connects: u64,
    /// Errors told to clients, in the order of [`Error::ALL`].
    pub errors: Vec<u64>,
    /// Waits for a server connection that ended well.
    pub wait: Histogram,
    /// Of those, how many took any time.
    pub waited: u64,
}

/// Counts of the database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseOutcome {
    /// Connections.
    pub connections: Count,
    /// Running statements.
    pub active: Count,
    /// Busy cores.
    pub busy: Count,
    /// Connections let in.
    pub connects: u64,
    /// Connections refused.
    pub refused: u64,
}

/// Everything that was counted in one replication.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Each stream.
    pub streams: Vec<StreamOutcome>,
    /// Each app's pools.
    pub pools: Vec<PoolOutcome>,
    /// The proxy.
    pub proxy: ProxyOutcome,
    /// The database.
    pub database: DatabaseOutcome,
    /// What the warm-up looked like, in slices about as long as those of the counted span.
    pub start: Vec<Window>,
    /// What the counted span looked like, slice by slice.
    pub windows: Vec<Window>,
    /// Connections that were let in or turned away by the database, in each second of the counted span.
    pub connects: Rush,
    /// Connections that the pools opened or could not open.
    pub dials: Rush,
    /// Pools that came to a standstill, from the start of the run to the end of the counted span.
    pub deadlocks: Vec<Deadlock>,
    /// Times in the counted span at which nobody waited any more: what happens between two of them hangs together.
    pub excursions: u64,
    /// Events handled.
    pub events: u64,
    /// Of all ends of requests and all checkouts, in order.
    pub digest: u64,
}

/// Watches one replication.
pub struct Counter {
    outcome: Outcome,
    from: SimTime,
    until: SimTime,
    open: u64,
    windows: Windows,
    slices: u32,
    over: bool,
    was_waiting: bool,
    deadlocks: Deadlocks,
    /// By stream: latencies and waits on their way into the histograms.
    fresh: Vec<(Batch, Batch)>,
}

impl Counter {
    /// Counts what arrives in `from..until`, cut into `slices` for the picture over time.
    pub fn new(streams: usize, apps: usize, from: SimTime, until: SimTime, slices: u32) -> Counter {
        let none = vec![0; Error::ALL.len()];
        let stream = StreamOutcome { errors: none.clone(), ..StreamOutcome::default() };
        let outcome = Outcome {
            streams: vec![stream; streams],
            pools: vec![PoolOutcome::default(); apps],
            proxy: ProxyOutcome { errors: none, ..ProxyOutcome::default() },
            connects: Rush::new(from, until),
            dials: Rush::new(from, until),
            ..Outcome::default()
        };
        Counter {
            outcome,
            from,
            until,
            open: 0,
            windows: Windows::new(SimTime::ZERO, from, slices_before(from, until, slices)),
            slices,
            over: false,
            was_waiting: false,
            deadlocks: Deadlocks::default(),
            fresh: vec![<(Batch, Batch)>::default(); streams],
        }
    }

    /// The run begins.
    pub fn start(&mut self, world: &World) {
        if self.from > SimTime::ZERO {
            self.windows.begin(world);
        }
    }

    /// The counted span begins: levels forget what was before.
    pub fn begin(&mut self, model: &mut Model) {
        if self.from > SimTime::ZERO {
            self.windows.close(&model.world);
        }
        self.outcome.start = self.windows.instead(self.from, self.until, self.slices);
        model.world.restart_meters();
        self.windows.begin(&model.world);
    }

    /// The counted span is over: what remains is to follow its requests to their ends.
    pub fn close(&mut self, world: &World) {
        self.windows.close(world);
        let (now, span) = (world.agenda.now(), self.until - self.from);
        let count = |level: &crate::kernel::level::Level| Count { mean: level.mean(now, span), most: level.most() };
        for (pool, meter) in self.outcome.pools.iter_mut().zip(&world.pools) {
            pool.in_use = count(&meter.in_use);
            pool.open = count(&meter.open);
            pool.pending = count(&meter.pending);
        }
        let proxy = &mut self.outcome.proxy;
        proxy.clients = count(&world.proxy.clients);
        proxy.servers = count(&world.proxy.servers);
        proxy.linked = count(&world.proxy.linked);
        proxy.waiting = count(&world.proxy.waiting);
        proxy.connects = world.proxy.connects;
        let database = &mut self.outcome.database;
        database.connections = count(&world.database.connections);
        database.active = count(&world.database.active);
        database.busy = count(&world.database.busy);
        self.over = true;
    }

    /// What was counted; requests that have not ended by now are unfinished.
    pub fn finish(mut self, events: u64) -> Outcome {
        for (stream, (latencies, waits)) in self.outcome.streams.iter_mut().zip(&mut self.fresh) {
            latencies.settle(&mut stream.latency);
            waits.settle(&mut stream.pool_wait);
        }
        self.outcome.events = events;
        self.outcome.windows = self.windows.done();
        self.outcome.deadlocks = self.deadlocks.found();
        self.outcome
    }

    fn counts(&self, arrived: SimTime) -> bool {
        arrived >= self.from && arrived < self.until
    }

    fn in_span(&self, now: SimTime) -> bool {
        now >= self.from && !self.over
    }

    fn digest(&mut self, word: u64) {
        self.outcome.digest = (self.outcome.digest.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn ended(&mut self, now: SimTime, request: RequestId, failure: Option<Error>, world: &World) {
        let ended = &world.requests[request];
        self.windows.left(now, failure.is_some());
        self.digest(now.nanos());
        self.digest(
            u64::from(ended.stream.0) << 56 | u64::from(ended.attempt) << 48 | failure.map_or(0, |why| why as u64 + 1) << 40 ^ ended.number,
        );
        if !self.counts(ended.arrived) {
            return;
        }
        self.open -= 1;
        let stream = &mut self.outcome.streams[ended.stream.index()];
        match failure {
            Some(why) => stream.errors[why as usize] += 1,
            None => {
                stream.completed += 1;
                self.fresh[ended.stream.index()].0.record((now - ended.arrived).nanos(), &mut stream.latency);
                self.windows.completed(now - ended.arrived);
            }
        }
    }

    /// How many wait, looked at whenever that may have changed.
    #[inline(always)]
    fn look_at_queue(&mut self, world: &World) {
        let waiting = world.waiting();
        self.windows.waiting(waiting, world);
        self.outcome.excursions += u64::from(self.was_waiting && waiting == 0 && self.in_span(world.agenda.now()));
        self.was_waiting = waiting > 0;
    }

    #[inline(never)] // a loop inside: its preparations would be made for every fact
    fn pool_step(&mut self, now: SimTime, worker: WorkerId, step: PoolStep, request: Option<RequestId>, world: &World) {
        if matches!(step, PoolStep::Wait | PoolStep::Checkout | PoolStep::Timeout) {
            self.look_at_queue(world);
        }
        if !self.over {
            self.deadlocks.step(now, worker, step, request, world);
        }
        match step {
            PoolStep::Checkout => {
                if let Some(asked) = request.and_then(|request| world.requests.get(request)) {
                    self.checked_out(now, asked);
                }
            }
            PoolStep::Timeout => self.pool(now, worker, world, |pool| pool.timeouts += 1),
            PoolStep::ConnectDone => {
                self.windows.opened(world);
                self.dialled(now);
                self.pool(now, worker, world, |pool| pool.connects += 1);
            }
            PoolStep::ConnectFail => self.dialled(now),
            PoolStep::Close => self.pool(now, worker, world, |pool| pool.closes += 1),
            _ => {}
        }
    }

    fn dialled(&mut self, now: SimTime) {
        if self.in_span(now) {
            self.outcome.dials.add(now);
        }
    }

    /// The database has let somebody in, or has turned somebody away.
    fn connected(&mut self, now: SimTime, is_in: bool, world: &World) {
        if is_in {
            self.windows.let_in(world);
        }
        if self.in_span(now) {
            self.outcome.database.connects += u64::from(is_in);
            self.outcome.database.refused += u64::from(!is_in);
            self.outcome.connects.add(now);
        }
    }

    fn checked_out(&mut self, now: SimTime, asked: &Request) {
        let waited: Span = now - asked.asked;
        self.digest(waited.nanos());
        self.windows.waited(waited);
        if self.counts(asked.arrived) {
            let stream = &mut self.outcome.streams[asked.stream.index()];
            stream.waited += u64::from(!waited.is_zero());
            self.fresh[asked.stream.index()].1.record(waited.nanos(), &mut stream.pool_wait);
        }
    }

    fn pool(&mut self, now: SimTime, worker: WorkerId, world: &World, count: impl FnOnce(&mut PoolOutcome)) {
        if self.in_span(now) {
            count(&mut self.outcome.pools[world.app_of[worker.index()].index()]);
        }
    }

    /// One who waited at the proxy has got a server connection there, or waits no longer.
    fn proxy(&mut self, now: SimTime, world: &World, count: impl FnOnce(&mut ProxyOutcome)) {
        if self.over {
            return;
        }
        self.deadlocks.goes_on(Place::Proxy);
        if self.in_span(now) {
            self.look_at_queue(world);
            count(&mut self.outcome.proxy);
        }
    }
}

/// How many slices the time before `from` has, if that until `until` has `slices`: as long as those, as nearly as may be.
fn slices_before(from: SimTime, until: SimTime, slices: u32) -> u32 {
    let (before, counted) = ((from - SimTime::ZERO).nanos() as f64, (until - from).nanos().max(1) as f64);
    libm::round(f64::from(slices) * before / counted).clamp(1.0, 10.0 * f64::from(slices)) as u32
}

impl Observer for Counter {
    fn steps(&self) -> Steps {
        use PoolStep::{Checkout, Close, ConnectDone, ConnectFail, Timeout, Wait};
        Steps::of(&[Wait, Checkout, Timeout, ConnectDone, ConnectFail, Close])
    }
    #[inline(always)] // into the one loop that calls it, where there are some facts for every request
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Arrived { request } => {
                let born = &world.requests[request];
                self.windows.arrived(now);
                if self.counts(born.arrived) {
                    self.open += 1;
                    self.outcome.streams[born.stream.index()].arrived += 1;
                }
            }
            Fact::Ended { request, failure } => self.ended(now, request, failure, world),
            Fact::Pool { worker, step, request, .. } => self.pool_step(now, worker, step, request, world),
            Fact::ProxyFull { client } if !self.over => self.deadlocks.proxy_full(now, client, world),
            Fact::Linked { waited, .. } => self.proxy(now, world, |proxy| {
                proxy.wait.record(waited.nanos());
                proxy.waited += u64::from(!waited.is_zero());
            }),
            Fact::ProxyError { why } => self.proxy(now, world, |proxy| proxy.errors[why as usize] += 1),
            Fact::DatabaseConnect => self.connected(now, true, world),
            Fact::DatabaseRefused { .. } => self.connected(now, false, world),
            Fact::ProxyFull { .. } => {}
        }
    }

    fn handled(&mut self, now: SimTime, _: Packed, model: &Model) {
        if now >= self.windows.next() {
            self.windows.turn(now, &model.world);
        }
    }

    fn is_satisfied(&self) -> bool {
        self.over && self.open == 0
    }
}
