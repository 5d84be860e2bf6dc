//! The verbs that a part may say while it handles an event, and the world in which they come true.

use std::sync::Arc;

use crate::kernel::agenda::{Agenda, Rank};
use crate::kernel::ids::Slab;
use crate::kernel::latency::{Latency, Often};
use crate::kernel::level::Level;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::{Condition, Conn, Far, Near, Statement, TxStatus};
use crate::protocol::driver::Driver;
use crate::protocol::error::Error;
use crate::protocol::event::{AppId, ConnId, Event, Packed, RequestId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep, Steps};
use crate::protocol::program::Program;
use crate::protocol::request::Request;

/// The round trip between two places, half of it each way.
#[derive(Clone)]
pub struct Wire {
    round_trip: Often,
    /// It is always zero.
    takes_no_time: bool,
    dice: Stream,
}

impl Wire {
    /// A wire with this distribution of the whole round trip, and dice of its own.
    pub fn new(round_trip: Box<dyn Latency>, dice: Stream) -> Wire {
        let round_trip = Often::from(round_trip);
        Wire { takes_no_time: round_trip.constant() == Some(Span::ZERO), round_trip, dice }
    }

    /// From now on messages that are sent take these round trips.
    pub fn becomes(&mut self, round_trip: Box<dyn Latency>) {
        self.round_trip = round_trip.into();
        self.takes_no_time = self.round_trip.constant() == Some(Span::ZERO);
    }
}

/// Counts over time of one app's pools together.
#[derive(Clone, Default)]
pub struct PoolMeter {
    /// Connections checked out, as the pool counts them: being opened, pinged, reset or closed included.
    pub in_use: Level,
    /// Connections open.
    pub open: Level,
    /// Requests that wait.
    pub pending: Level,
}

/// Counts over time of the proxy.
#[derive(Clone, Default)]
pub struct ProxyMeter {
    /// Client connections.
    pub clients: Level,
    /// Server connections, those in login included.
    pub servers: Level,
    /// Server connections linked to a client.
    pub linked: Level,
    /// Clients that wait for a server connection.
    pub waiting: Level,
    /// Server connections opened.
    pub connects: u64,
}

/// Counts over time of the database.
#[derive(Clone, Default)]
pub struct DatabaseMeter {
    /// Connections that hold a slot: a session takes one at the end of its set-up.
    pub connections: Level,
    /// Connections being set up.
    pub logins: Level,
    /// Statements running, those included that wait for a core.
    pub active: Level,
    /// Cores (or, with service as Delay, statements) busy.
    pub busy: Level,
}

/// All that more than one part deals with.
#[derive(Clone)]
pub struct World {
    /// The event list and the clock.
    pub agenda: Agenda<Packed>,
    /// Requests under way.
    pub requests: Slab<Request>,
    /// Connections, and those being set up.
    pub conns: Slab<Conn>,
    /// What each stream's requests do.
    pub programs: Arc<[Program]>,
    /// The app of each worker.
    pub app_of: Vec<AppId>,
    /// Requests at each worker, queued ones included: what a load balancer can see.
    pub load: Vec<u32>,
    /// The driver of each app.
    pub drivers: Vec<Driver>,
    /// What each worker dials.
    pub upstream: Far,
    /// App to its next hop.
    pub app_wire: Wire,
    /// Proxy to database.
    pub proxy_wire: Wire,
    /// Nothing reaches or leaves the database before this: the way is cut.
    pub cut_off: SimTime,
    /// What is said over a wire now leaves no earlier than this: a server busy with something else sets it while it speaks.
    pub departs: SimTime,
    /// Told to observers after each event.
    pub facts: Vec<Fact>,
    /// The steps of pools that somebody wants to be told of.
    pub told: Steps,
    /// Requests that are over for client and worker, to be freed once observers have seen them.
    pub graveyard: Vec<RequestId>,
    /// One for each app.
    pub pools: Vec<PoolMeter>,
    /// Requests that wait in all the pools.
    pub pending: u64,
    /// Of the proxy.
    pub proxy: ProxyMeter,
    /// Of the database.
    pub database: DatabaseMeter,
}

impl World {
    /// The context of somebody who handles an event.
    pub fn cx(&mut self) -> Cx<'_> {
        Cx { world: self }
    }

    /// The next event not later than `end`; without one the clock moves to `end`.
    #[inline]
    pub fn next(&mut self, end: SimTime) -> Option<Event> {
        self.agenda.next(end).map(Event::from)
    }

    /// Requests that wait for a connection, in the pools or at the proxy.
    pub fn waiting(&self) -> u64 {
        self.pending + self.proxy.waiting.value()
    }

    /// From here on the wires and the drivers have the dice of `seed`.
    pub fn reseed(&mut self, seed: &Seed) {
        for wire in [&mut self.app_wire, &mut self.proxy_wire] {
            wire.dice.reseed(seed);
        }
        for driver in &mut self.drivers {
            driver.reseed(seed);
        }
    }

    /// All counts over time forget what was before now.
    pub fn restart_meters(&mut self) {
        let now = self.agenda.now();
        for pool in &mut self.pools {
            for level in [&mut pool.in_use, &mut pool.open, &mut pool.pending] {
                level.restart(now);
            }
        }
        for level in [&mut self.proxy.clients, &mut self.proxy.servers, &mut self.proxy.linked, &mut self.proxy.waiting] {
            level.restart(now);
        }
        self.proxy.connects = 0;
        let database = &mut self.database;
        for level in [&mut database.connections, &mut database.logins, &mut database.active, &mut database.busy] {
            level.restart(now);
        }
    }
}

/// The context in which a part handles an event.
pub struct Cx<'a> {
    /// The world.
    pub world: &'a mut World,
}

const TOWARDS_SERVER: usize = 0;
const BACK: usize = 1;

impl Cx<'_> {
    /// The time now.
    pub fn now(&self) -> SimTime {
        self.world.agenda.now()
    }

    /// `event` happens in this instant, after all that was already caused.
    #[inline(always)]
    pub fn at_once(&mut self, event: Event) {
        self.world.agenda.at_once(event.into());
    }

    /// `event` happens after `span`.
    #[inline(always)]
    pub fn after(&mut self, span: Span, rank: Rank, event: Event) {
        self.world.agenda.after(span, rank, event.into());
    }

    /// `event` happens at `time`.
    #[inline(always)]
    pub fn at(&mut self, time: SimTime, rank: Rank, event: Event) {
        self.world.agenda.at(time, rank, event.into());
    }

    /// Tells observers.
    pub fn fact(&mut self, fact: Fact) {
        self.world.facts.push(fact);
    }

    /// Tells observers of a pool's step.
    #[inline]
    pub fn step(&mut self, worker: WorkerId, step: PoolStep, request: Option<RequestId>, conn: Option<ConnId>) {
        if self.world.told.has(step) {
            let conn = conn.map_or(0, |conn| self.world.conns[conn].serial);
            self.world.facts.push(Fact::Pool { worker, step, request, conn });
        }
    }

    /// The request behind an id that is known to live.
    pub fn request(&mut self, request: RequestId) -> &mut Request {
        &mut self.world.requests[request]
    }

    /// The connection behind an id that is known to live.
    pub fn conn(&mut self, conn: ConnId) -> &mut Conn {
        &mut self.world.conns[conn]
    }

    /// The meter of the pools of `worker`'s app.
    pub fn meter(&mut self, worker: WorkerId) -> &mut PoolMeter {
        let app = self.world.app_of[worker.index()];
        &mut self.world.pools[app.index()]
    }

    /// One more request waits in the pool of `worker`.
    #[inline(always)]
    pub fn one_more_waits(&mut self, worker: WorkerId) {
        let now = self.now();
        self.world.pending += 1;
        self.meter(worker).pending.up(now);
    }

    /// One fewer does.
    #[inline(always)]
    pub fn one_fewer_waits(&mut self, worker: WorkerId) {
        let now = self.now();
        self.world.pending -= 1;
        self.meter(worker).pending.down(now);
    }

    /// The driver of `worker`'s app.
    pub fn driver(&mut self, worker: WorkerId) -> &mut Driver {
        let app = self.world.app_of[worker.index()];
        &mut self.world.drivers[app.index()]
    }

    // Between a worker and its pool.

    /// The pool lends `conn` to `request`.
    pub fn grant(&mut self, request: RequestId, conn: ConnId) {
        let lent = self.conn(conn);
        lent.near = Near::Request(request);
        lent.condition = Condition::Good;
        self.at_once(Event::Grant { conn });
    }

    /// The pool does not lend to `request`, because of `why`.
    pub fn refuse(&mut self, request: RequestId, why: Error) {
        self.request(request).failure.get_or_insert(why);
        self.at_once(Event::Refuse { request });
    }

    /// The request gives `conn` back in this condition.
    pub fn release(&mut self, conn: ConnId, condition: Condition) {
        self.conn(conn).condition = condition;
        self.at_once(Event::Release { conn });
    }

    // Over a wire.

    /// A pool sets up a connection to what its worker dials; the answer is `opened` or `failed`.
    pub fn dial_upstream(&mut self, worker: WorkerId, near_tag: u32, serial: u32) -> ConnId {
        let far = self.world.upstream;
        self.dial(Near::Pool, far, worker, near_tag, serial)
    }

    /// The proxy sets up a connection to the database.
    pub fn dial_database(&mut self, near_tag: u32, serial: u32) -> ConnId {
        self.dial(Near::Proxy, Far::Database, WorkerId(u32::MAX), near_tag, serial)
    }

    fn dial(&mut self, near: Near, far: Far, worker: WorkerId, near_tag: u32, serial: u32) -> ConnId {
        let conn = self.world.conns.claim();
        self.world.conns[conn] = Conn { near, far, worker, serial, near_tag, near_open: true, far_open: true, ..Conn::default() };
        self.send(conn, TOWARDS_SERVER, Rank::Completion, Event::Connect { conn }, |_| {});
        conn
    }

    /// The server lets `conn` in.
    pub fn accept(&mut self, conn: ConnId) {
        self.send(conn, BACK, Rank::Connection, Event::Accept { conn }, |_| {});
    }

    /// Sends a statement; the answer is `replied` or `lost`. On a connection that is known to be gone the answer comes at once.
    #[inline(always)]
    pub fn query(&mut self, conn: ConnId, statement: Statement) {
        let now = self.now();
        let ask = |sent: &mut Conn| {
            sent.statement = statement;
            sent.asked = now;
            sent.statements += 1 + u32::from(statement.begins);
        };
        if self.conn(conn).gone {
            ask(self.conn(conn));
            return self.at_once(Event::Lost { conn });
        }
        self.send(conn, TOWARDS_SERVER, Rank::Completion, Event::Query { conn }, |sent| {
            ask(sent);
            sent.error = None;
        });
    }

    /// The reply of one trip is here and another trip comes before the answer: sends it.
    pub fn next_trip(&mut self, conn: ConnId) {
        self.send(conn, TOWARDS_SERVER, Rank::Completion, Event::Query { conn }, |sent| sent.statement.extra_trips -= 1);
    }

    /// The server answers the statement.
    #[inline(always)]
    pub fn reply(&mut self, conn: ConnId, error: Option<Error>, status: TxStatus) {
        self.send(conn, BACK, Rank::Completion, Event::Reply { conn }, |answered| {
            answered.error = error;
            answered.status = status;
        });
    }

    /// The server closes `conn`, telling why.
    pub fn shut(&mut self, conn: ConnId, why: Error) {
        self.send(conn, BACK, Rank::Completion, Event::Lost { conn }, |shut| {
            debug_assert!(shut.far_open, "a server closes a connection once");
            shut.far_open = false;
            shut.why = Some(why);
        });
    }

    /// The near end closes.
    pub fn hang_up(&mut self, conn: ConnId) {
        let hung = self.conn(conn);
        debug_assert!(hung.near_open, "the near end closes a connection once");
        hung.near_open = false;
        if hung.far_open {
            self.send(conn, TOWARDS_SERVER, Rank::Completion, Event::HangUp { conn }, |_| {});
        } else {
            self.world.conns.free(conn);
        }
    }

    /// For so long what is sent to or by the database stays where it is, and nobody is told.
    pub fn cut_off_database(&mut self, lasting: Span) {
        self.world.cut_off = self.world.cut_off.max(self.now() + lasting);
    }

    /// Puts a message on the wire of `conn`; `note` says there what the message says.
    #[inline(always)]
    fn send(&mut self, conn: ConnId, direction: usize, rank: Rank, event: Event, note: impl FnOnce(&mut Conn)) {
        let world = &mut *self.world;
        let on = &mut world.conns[conn];
        note(on);
        let wire = if on.near == Near::Proxy { &mut world.proxy_wire } else { &mut world.app_wire };
        let now = world.agenda.now();
        let may_leave = if on.far == Far::Database { world.departs.max(world.cut_off) } else { world.departs };
        if wire.takes_no_time && may_leave.max(on.clear[direction]) <= now {
            return world.agenda.at_once(event.into());
        }
        let leaves = now.max(may_leave);
        let round_trip = wire.round_trip.sample(&mut wire.dice);
        let arrival = (leaves + Span::from_nanos(round_trip.nanos() / 2)).max(on.clear[direction]);
        if arrival == now {
            return world.agenda.at_once(event.into());
        }
        // On a wire whose delay never changes only a late departure can be overtaken.
        if wire.round_trip.constant().is_none() || leaves > now {
            on.clear[direction] = arrival;
        }
        world.agenda.at(arrival, rank, event.into());
    }
}

impl Statement {
    /// What the server has to do for the message that is on its way now.
    pub fn demand_now(&self) -> Span {
        if self.extra_trips > 0 { Span::ZERO } else { self.demand }
    }
}

#[cfg(test)]
impl World {
    /// A world without anybody in it, on wires that take no time.
    pub fn for_tests() -> World {
        use crate::kernel::latency::LatencySpec;
        use crate::kernel::rng::Seed;
        let wire = |name: &str| Wire::new(LatencySpec::default().prepare(), Seed::new(1, 0).stream(name));
        World {
            agenda: Agenda::default(),
            requests: Slab::default(),
            conns: Slab::default(),
            programs: Arc::new([]),
            app_of: Vec::new(),
            load: Vec::new(),
            drivers: Vec::new(),
            upstream: Far::Database,
            app_wire: wire("test/app"),
            proxy_wire: wire("test/proxy"),
            cut_off: SimTime::ZERO,
            departs: SimTime::ZERO,
            facts: Vec::new(),
            told: Steps::ALL,
            graveyard: Vec::new(),
            pools: Vec::new(),
            pending: 0,
            proxy: ProxyMeter::default(),
            database: DatabaseMeter::default(),
        }
    }
}
