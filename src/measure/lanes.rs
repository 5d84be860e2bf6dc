//! What single connections of one pool do for a short time: an observer for pictures.

use std::collections::BTreeMap;

use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::{Conn, Far, Near};
use crate::protocol::cx::World;
use crate::protocol::event::{ConnId, Event, RequestId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep};
use crate::protocol::request::Stage;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// What a connection of a pool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // their names say it
pub enum State {
    Idle,
    Connecting,
    Ping,
    Reset,
    InStatement,
    Lent,
    WaitsForProxy,
    Closed,
}

impl State {
    /// All of them but the last, which is none.
    pub const ALL: [State; 7] =
        [State::Idle, State::Connecting, State::Ping, State::Reset, State::InStatement, State::Lent, State::WaitsForProxy];

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Connecting => "connecting",
            State::Ping => "ping",
            State::Reset => "reset",
            State::InStatement => "in a statement",
            State::Lent => "lent, no statement",
            State::WaitsForProxy => "waits for the proxy",
            State::Closed => "closed",
        }
    }
}

/// Pings and resets that began longer before the time watched are not known of: the connection then looks idle.
const BEFORE: Span = Span::from_secs(10);

/// A connection: what it did from when on.
pub type Lane = Vec<(SimTime, State)>;

/// Watches the connections of the pool in which most requests wait when `from` comes.
pub struct Lanes {
    from: SimTime,
    until: SimTime,
    /// The pool, and how many waited in it.
    chosen: Option<(WorkerId, u64)>,
    conns: BTreeMap<u32, ConnId>,
    lanes: BTreeMap<u32, Lane>,
    /// Pings, resets and the like that pools have begun, by the worker and the number of the connection.
    upkeep: BTreeMap<(WorkerId, u32), State>,
    /// Connections that wait for the proxy, by their place.
    behind_proxy: BTreeMap<usize, ConnId>,
    clients_waiting: u64,
    /// A connection for which the pool has begun something in the event that was just handled.
    begun: Option<(WorkerId, u32)>,
    /// The event that was just handled may have changed something.
    touched: bool,
}

impl Lanes {
    /// In `from..until`.
    pub fn new(from: SimTime, until: SimTime) -> Lanes {
        Lanes {
            from,
            until,
            chosen: None,
            conns: BTreeMap::new(),
            lanes: BTreeMap::new(),
            upkeep: BTreeMap::new(),
            behind_proxy: BTreeMap::new(),
            clients_waiting: 0,
            begun: None,
            touched: false,
        }
    }

    /// Whose pool was watched, how many waited in it, and what its connections did, by their numbers.
    pub fn finish(self) -> Option<(WorkerId, u64, BTreeMap<u32, Lane>)> {
        self.chosen.map(|(worker, waiting)| (worker, waiting, self.lanes))
    }

    fn begin(&mut self, model: &Model) {
        let gauges = model.pools().iter().map(|pool| pool.gauges());
        let most = gauges.enumerate().reduce(
            |most, next| {
                if (next.1.pending, next.1.in_use) > (most.1.pending, most.1.in_use) { next } else { most }
            },
        );
        let Some((worker, gauges)) = most else { return };
        let worker = WorkerId(worker as u32);
        self.chosen = Some((worker, gauges.pending));
        let own = |conn: &Conn| conn.worker == worker && conn.near != Near::Proxy && conn.near_open;
        self.conns = model.world.conns.iter().filter(|(_, conn)| own(conn)).map(|(id, conn)| (conn.serial, id)).collect();
        self.look(self.from, &model.world);
    }

    /// Notes what each connection does, where that is something else than before.
    fn look(&mut self, now: SimTime, world: &World) {
        for (serial, id) in &self.conns {
            let state = world.conns.get(*id).map_or(State::Closed, |conn| self.state(*id, conn, world));
            let lane = self.lanes.entry(*serial).or_default();
            match lane.last_mut() {
                Some((_, last)) if *last == state => {}
                // What lasts for no time is not seen.
                Some((at, last)) if *at == now => *last = state,
                None if state == State::Closed => {}
                _ => lane.push((now, state)),
            }
        }
        self.conns.retain(|_, id| world.conns.get(*id).is_some_and(|conn| conn.near_open));
    }

    fn state(&self, id: ConnId, conn: &Conn, world: &World) -> State {
        let waits = self.behind_proxy.get(&id.place()) == Some(&id);
        match conn.near {
            _ if !conn.near_open => State::Closed,
            _ if waits => State::WaitsForProxy,
            Near::Request(request) => match world.requests.get(request).map(|request| request.stage) {
                Some(Stage::InStatement) => State::InStatement,
                Some(Stage::Releasing) => State::Reset,
                _ => State::Lent,
            },
            _ if !conn.up => State::Connecting,
            _ => self.upkeep.get(&(conn.worker, conn.serial)).copied().unwrap_or(State::Idle),
        }
    }

    fn upkeep(&mut self, worker: WorkerId, conn: u32, step: PoolStep) {
        let state = match step {
            PoolStep::ConnectStart | PoolStep::ConnectDone => State::Connecting,
            PoolStep::Ping => State::Ping,
            PoolStep::Reset => State::Reset,
            _ => {
                self.upkeep.remove(&(worker, conn));
                return;
            }
        };
        self.upkeep.insert((worker, conn), state);
        self.begun = Some((worker, conn));
    }

    /// Who stands in the proxy's line is known from the beginning: a wait may be long.
    fn watch_the_proxy(&mut self, event: &Event, world: &World) {
        match *event {
            Event::Query { conn }
                if world.proxy.waiting.value() > self.clients_waiting
                    && world.conns.get(conn).is_some_and(|conn| conn.far == Far::Proxy) =>
            {
                self.behind_proxy.insert(conn.place(), conn);
            }
            Event::Reply { conn } | Event::Lost { conn } => {
                self.behind_proxy.remove(&conn.place());
            }
            _ => {}
        }
        self.clients_waiting = world.proxy.waiting.value();
    }

    /// The reply to what the pool itself has asked ends that, unless the pool has gone on to something else.
    fn replied(&mut self, conn: ConnId, world: &World) {
        if let Some(answered) = world.conns.get(conn).filter(|conn| conn.near == Near::Pool) {
            let which = (answered.worker, answered.serial);
            if self.begun != Some(which) {
                self.upkeep.remove(&which);
            }
        }
    }

    /// Whether an event concerns the chosen worker; a new connection of it is remembered.
    fn concerns(&mut self, event: &Event, model: &Model) -> bool {
        let Some((worker, _)) = self.chosen else { return false };
        let of_request = |request: RequestId| model.world.requests.get(request).is_some_and(|request| request.worker == worker);
        match *event {
            Event::Connect { conn }
            | Event::Query { conn }
            | Event::HangUp { conn }
            | Event::Accept { conn }
            | Event::Reply { conn }
            | Event::Lost { conn }
            | Event::Grant { conn }
            | Event::Release { conn } => {
                let Some(open) = model.world.conns.get(conn) else { return true };
                let is_own = open.worker == worker && open.near != Near::Proxy;
                if is_own && open.near_open {
                    self.conns.insert(open.serial, conn);
                }
                is_own
            }
            Event::LoopFree { worker: whose } | Event::Turn { worker: whose } | Event::PoolRing { worker: whose, .. } => whose == worker,
            _ => event.request().is_some_and(of_request),
        }
    }
}

impl Observer for Lanes {
    fn fact(&mut self, now: SimTime, fact: &Fact, _: &World) {
        match *fact {
            Fact::Pool { worker, step, conn, .. } if conn > 0 && now + BEFORE >= self.from && now <= self.until => {
                self.upkeep(worker, conn, step);
                self.touched |= self.chosen.is_some_and(|(chosen, _)| chosen == worker);
            }
            Fact::Linked { client, .. } => {
                self.touched |= self.behind_proxy.remove(&client.place()).is_some();
            }
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, event: &Event, model: &Model) {
        if now > self.until {
            return;
        }
        if now > self.from && self.chosen.is_none() {
            self.begin(model);
        }
        self.watch_the_proxy(event, &model.world);
        if let Event::Reply { conn } = *event {
            self.replied(conn, &model.world);
        }
        self.begun = None;
        let touched = std::mem::take(&mut self.touched);
        if self.concerns(event, model) || touched {
            self.look(now, &model.world);
        }
    }
}
