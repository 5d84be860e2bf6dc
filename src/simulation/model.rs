//! All parts, and how to tell each of them something.

use crate::kernel::agenda::{Agenda, Rank};
use crate::kernel::ids::Slab;
use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::parts::client::{Balance, Clients};
use crate::parts::database::{Database, PostgresServer};
use crate::parts::pool::Pool;
use crate::parts::worker::{Occupant, Workers};
use crate::protocol::conn::{Conn, Far, Near};
use crate::protocol::cx::{Cx, DatabaseMeter, PoolMeter, ProxyMeter, Wire, World};
use crate::protocol::event::{AppId, ConnId, Event, Packed, RequestId, WorkerId};
use crate::protocol::fact::Steps;
use crate::protocol::program::Program;
use crate::protocol::request::Stage;
use crate::protocol::server::{Proxy, Server};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::roster::Roster;

mod happenings;
mod reach;

use happenings::{Happening, happenings};

/// A system, ready to run. Built from a checked blueprint it cannot fail.
#[derive(Clone)]
pub struct Model {
    /// What more than one part deals with.
    pub world: World,
    clients: Clients,
    workers: Workers,
    pools: Vec<Box<dyn Pool>>,
    proxy: Option<Box<dyn Proxy>>,
    database: PostgresServer,
    happenings: Vec<Happening>,
    /// Workers that get no more requests, and still have some.
    leaving: Vec<WorkerId>,
}

impl Model {
    /// The system of `blueprint` with the chance of `seed`, at time zero.
    pub fn new(blueprint: &Blueprint, seed: &Seed) -> Result<Model, Invalid> {
        let programs = blueprint.workload.iter().map(|stream| Program::compile(&stream.steps)).collect::<Result<_, _>>()?;
        let proxy = blueprint.proxy.kind().build(blueprint.database.slots(), seed);
        let mut world = World {
            agenda: Agenda::default(),
            requests: Slab::default(),
            conns: Slab::default(),
            programs,
            app_of: Vec::new(),
            load: Vec::new(),
            drivers: blueprint.apps.iter().map(|app| app.driver.build(&app.name, seed)).collect(),
            upstream: if proxy.is_some() { Far::Proxy } else { Far::Database },
            app_wire: Wire::new(blueprint.network.app.prepare(), seed.stream("network/app/round_trips")),
            proxy_wire: Wire::new(blueprint.network.proxy.prepare(), seed.stream("network/proxy/round_trips")),
            cut_off: SimTime::ZERO,
            departs: SimTime::ZERO,
            facts: Vec::new(),
            told: Steps::ALL,
            graveyard: Vec::new(),
            pools: blueprint.apps.iter().map(|_| PoolMeter::default()).collect(),
            pending: 0,
            proxy: ProxyMeter::default(),
            database: DatabaseMeter::default(),
        };
        let (mut workers, mut pools, mut apps) = (Workers::default(), Vec::new(), Vec::new());
        let rosters: Vec<Roster> = blueprint.apps.iter().map(|app| Roster::of(app, &blueprint.faults)).collect();
        for (index, (app, roster)) in blueprint.apps.iter().zip(&rosters).enumerate() {
            apps.push((app.name.clone(), pools.len() as u32, app.workers, app.balance));
            for number in 0..roster.ever {
                let dice = seed.of(&format!("pool/{}/{number}", app.name));
                let pool = app.pool.kind().build(WorkerId(pools.len() as u32), &dice);
                workers.add(app.concurrency, pool.autobegin());
                pools.push(pool);
                world.app_of.push(AppId(index as u32));
                world.load.push(0);
            }
        }
        let clients = Clients::new(&blueprint.workload, &apps, &world, seed);
        let database = blueprint.database.build(seed);
        let (times, happenings) = happenings(&blueprint.faults, &rosters).into_iter().unzip();
        let mut model = Model { world, clients, workers, pools, proxy, database, happenings, leaving: Vec::new() };
        model.start(&apps, times);
        Ok(model)
    }

    /// A copy with all state, whose chance from here on is that of `seed`: dice still to be thrown, and what requests have drawn
    /// at their birth but not met yet. Whatever had no consequence so far is open again.
    pub fn fork(&self, seed: &Seed) -> Model {
        let mut fork = self.clone();
        fork.world.reseed(seed);
        fork.clients.reseed(seed, &mut fork.world);
        fork.pools.iter_mut().for_each(|pool| pool.reseed(seed));
        if let Some(proxy) = &mut fork.proxy {
            proxy.reseed(seed);
        }
        fork.database.reseed(seed);
        fork
    }

    /// The run begins, with the workers that are there from the start.
    fn start(&mut self, apps: &[(String, u32, u32, Balance)], times: Vec<Span>) {
        let cx = &mut self.world.cx();
        for (_, first, workers, _) in apps {
            for pool in &mut self.pools[*first as usize..(first + workers) as usize] {
                pool.start(cx);
            }
        }
        self.clients.start(cx);
        for (index, when) in times.into_iter().enumerate() {
            cx.at(SimTime::ZERO + when, Rank::Timer, Event::Fault { index: index as u32 });
        }
    }

    /// Each worker's pool, in order.
    pub fn pools(&self) -> &[Box<dyn Pool>] {
        &self.pools
    }

    /// Whether what reaches the process of `worker` now has to wait for its event loop.
    pub fn holds(&self, worker: WorkerId) -> bool {
        self.workers.holds(worker)
    }

    /// The proxy, if there is one.
    pub fn proxy(&self) -> Option<&dyn Proxy> {
        self.proxy.as_deref()
    }

    /// The database.
    pub fn database(&self) -> &dyn Database {
        &self.database
    }

    /// Tells the part that `event` concerns. What concerns something that has gone reaches nobody; what reaches a process
    /// whose event loop is occupied waits there.
    #[inline]
    pub fn dispatch(&mut self, event: Event) {
        self.tell::<false>(event.into());
    }

    /// The same; what is `TAKEN` from the line before its process's event loop does not wait again.
    #[inline(always)]
    pub(super) fn tell<const TAKEN: bool>(&mut self, event: Packed) {
        if let Some(request) = self.lets_run::<TAKEN>(event) {
            self.workers.run(request, &mut self.world.cx());
        }
    }

    /// Tells all that `event` tells, but for the request that it lets run on, which is returned.
    #[inline(always)]
    fn lets_run<const TAKEN: bool>(&mut self, event: Packed) -> Option<RequestId> {
        match event.into() {
            Event::Arrive { stream } => self.clients.arrive(stream, &mut self.world.cx()),
            Event::Thought { stream, user, turn } => self.clients.thought(stream, user, turn, &mut self.world.cx()),
            Event::Retry { request } if self.lives(request) => self.clients.retry(request, &mut self.world.cx()),
            Event::Impatient { stream } => {
                self.clients.impatient(stream, &mut self.world.cx());
                self.let_leave();
            }
            Event::Finished { request } if self.lives(request) => {
                self.clients.finished(request, &mut self.world.cx());
                self.let_leave();
            }

            Event::Begin { request } if self.runs::<TAKEN>(request, event) => {
                return self.workers.begin(request, &mut self.world.cx()).then_some(request);
            }
            Event::Resume { request, turn } if self.runs::<TAKEN>(request, event) => {
                return (self.world.requests[request].turn == turn).then_some(request);
            }
            Event::Cancel { request } if self.runs::<TAKEN>(request, event) => {
                return self.workers.cancel(request, &mut self.world.cx()).then_some(request);
            }
            Event::LoopFree { worker } => self.loop_free(worker),
            Event::Turn { worker } => self.turn(worker),

            Event::Acquire { request } if self.runs::<TAKEN>(request, event) => self.at_pool(request, |pool, cx| pool.acquire(request, cx)),
            Event::Woken { request } if self.runs::<TAKEN>(request, event) => self.at_pool(request, |pool, cx| pool.woken(request, cx)),
            Event::Withdraw { request } if self.runs::<TAKEN>(request, event) => {
                self.at_pool(request, |pool, cx| pool.withdraw(request, cx));
            }
            Event::Grant { conn } if self.takes::<TAKEN>(self.world.conns[conn].worker, event) => return self.granted(conn),
            Event::Refuse { request } if self.runs::<TAKEN>(request, event) => return Some(request),
            Event::Release { conn } if self.takes::<TAKEN>(self.world.conns[conn].worker, event) => self.released(conn),
            Event::Released { request } if self.runs::<TAKEN>(request, event) => return Some(request),
            Event::PoolRing { worker, alarm } if self.takes::<TAKEN>(worker, event) => {
                self.pools[worker.index()].ring(alarm, &mut self.world.cx());
            }

            Event::Connect { conn } if self.reaches_server(conn) => self.connect(conn),
            Event::Query { conn } if self.reaches_server(conn) => self.query(conn),
            Event::HangUp { conn } if self.world.conns.get(conn).is_some() => self.hung_up(conn),
            Event::Accept { conn } if self.reaches_holder::<TAKEN>(conn, event) => self.accepted(conn),
            Event::Reply { conn } if self.reaches_holder::<TAKEN>(conn, event) => return self.replied(conn),
            Event::Lost { conn } if self.reaches_holder::<TAKEN>(conn, event) => return self.lost(conn),

            Event::ProxyRing { alarm } => self.proxy.as_mut().expect("an alarm of the proxy has one").ring(alarm, &mut self.world.cx()),
            Event::DatabaseRing { alarm } => self.database.ring(alarm, &mut self.world.cx()),
            Event::Fault { index } => self.happens(index as usize),

            // It concerns what has gone, or waits in the line.
            Event::Retry { .. } | Event::Finished { .. } => {}
            Event::Begin { .. } | Event::Resume { .. } | Event::Cancel { .. } => {}
            Event::Acquire { .. } | Event::Woken { .. } | Event::Withdraw { .. } | Event::Grant { .. } => {}
            Event::Refuse { .. } | Event::Release { .. } | Event::Released { .. } | Event::PoolRing { .. } => {}
            Event::Connect { .. } | Event::Query { .. } | Event::HangUp { .. } => {}
            Event::Accept { .. } | Event::Reply { .. } | Event::Lost { .. } => {}
        }
        None
    }

    /// The event loop takes the next thing that waited for it.
    #[inline(never)]
    fn turn(&mut self, worker: WorkerId) {
        if let Some(event) = self.workers.turn(worker, &mut self.world.cx()) {
            self.tell::<true>(event);
        }
    }

    /// What occupied the event loop goes on, then come those who waited.
    #[inline(never)]
    fn loop_free(&mut self, worker: WorkerId) {
        match self.workers.loop_free(worker) {
            Occupant::Step(request) => {
                self.world.requests[request].stage = Stage::Ready;
                self.workers.run(request, &mut self.world.cx());
            }
            Occupant::SetUp(conn) => {
                if self.world.conns.get(conn).is_some_and(|open| open.near_open) {
                    self.opened(conn);
                }
            }
        }
        self.workers.next_turn(worker, &mut self.world.cx());
    }

    #[inline]
    fn at_pool(&mut self, request: RequestId, tell: impl FnOnce(&mut dyn Pool, &mut Cx)) {
        let worker = self.world.requests[request].worker;
        tell(&mut *self.pools[worker.index()], &mut self.world.cx());
    }

    fn connect(&mut self, conn: ConnId) {
        let cx = &mut self.world.cx();
        match cx.conn(conn).far {
            Far::Proxy => self.proxy.as_mut().expect("a connection to a proxy has one").connect(conn, cx),
            Far::Database => self.database.connect(conn, cx),
        }
    }

    #[inline(always)]
    fn query(&mut self, conn: ConnId) {
        let cx = &mut self.world.cx();
        match cx.conn(conn).far {
            Far::Proxy => self.proxy.as_mut().expect("a connection to a proxy has one").query(conn, cx),
            Far::Database => self.database.query(conn, cx),
        }
    }

    #[inline(always)]
    fn granted(&mut self, conn: ConnId) -> Option<RequestId> {
        let Near::Request(request) = self.world.conns[conn].near else { return None };
        self.workers.granted(request, conn, &mut self.world.cx());
        Some(request)
    }

    #[inline(always)]
    fn released(&mut self, conn: ConnId) {
        let lent = &self.world.conns[conn];
        if let Near::Request(request) = lent.near {
            self.pools[lent.worker.index()].release(request, conn, &mut self.world.cx());
        }
    }

    /// The server has let a connection in; if the driver has to compute before, it counts as open afterwards.
    fn accepted(&mut self, conn: ConnId) {
        let cx = &mut self.world.cx();
        let Conn { near, worker, .. } = *cx.conn(conn);
        if near != Near::Pool || !self.workers.sets_up(worker, conn, cx) {
            self.opened(conn);
        }
    }

    fn opened(&mut self, conn: ConnId) {
        let cx = &mut self.world.cx();
        let open = cx.conn(conn);
        open.up = true;
        match open.near {
            Near::Pool => self.pools[open.worker.index()].opened(conn, cx),
            Near::Proxy => self.proxy.as_mut().expect("the proxy dialled").opened(conn, cx),
            Near::Request(_) => unreachable!("only pools and proxies dial"),
        }
    }

    #[inline(always)]
    fn replied(&mut self, conn: ConnId) -> Option<RequestId> {
        let cx = &mut self.world.cx();
        let answered = cx.conn(conn);
        if answered.statement.extra_trips > 0 && answered.error.is_none() {
            cx.next_trip(conn);
            return None;
        }
        match answered.near {
            Near::Pool => self.pools[answered.worker.index()].replied(conn, cx),
            Near::Proxy => self.proxy.as_mut().expect("the proxy asked").replied(conn, cx),
            Near::Request(request) => {
                if waits_for(cx.world, request, conn) {
                    self.workers.replied(request, conn, cx);
                    return Some(request);
                }
            }
        }
        None
    }

    fn lost(&mut self, conn: ConnId) -> Option<RequestId> {
        let cx = &mut self.world.cx();
        let lost = cx.conn(conn);
        lost.gone = true;
        let why = lost.why.expect("who closes a connection says why");
        let (up, near, worker) = (lost.up, lost.near, lost.worker);
        match near {
            Near::Pool if up => self.pools[worker.index()].lost(conn, why, cx),
            Near::Pool => self.pools[worker.index()].failed(conn, why, cx),
            Near::Proxy if up => self.proxy.as_mut().expect("the proxy dialled").lost(conn, why, cx),
            Near::Proxy => self.proxy.as_mut().expect("the proxy dialled").failed(conn, why, cx),
            Near::Request(request) => {
                if cx.world.requests.get(request).is_some() {
                    self.pools[worker.index()].lost_while_lent(request, conn, cx);
                    return self.workers.lost(request, conn, why, cx).then_some(request);
                }
            }
        }
        if !up {
            cx.conn(conn).near_open = false;
            cx.world.conns.free(conn);
        }
        None
    }

    fn hung_up(&mut self, conn: ConnId) {
        let cx = &mut self.world.cx();
        let closed = cx.conn(conn);
        if std::mem::replace(&mut closed.far_open, false) {
            match closed.far {
                Far::Proxy => self.proxy.as_mut().expect("a connection to a proxy has one").hang_up(conn, cx),
                Far::Database => self.database.hang_up(conn, cx),
            }
        }
        cx.world.conns.free(conn);
    }
}

fn waits_for(world: &World, request: RequestId, conn: ConnId) -> bool {
    world.requests.get(request).is_some_and(|r| r.stage == Stage::InStatement && r.leases.last().is_some_and(|l| l.conn == conn))
}
