//! Watches requests on their way: the observer behind `poolcast trace`.

use std::collections::BTreeMap;

use crate::kernel::time::SimTime;
use crate::measure::journey::{Doing, Journey, Segment};
use crate::measure::spent::Spent;
use crate::protocol::conn::{Far, Near, StatementKind};
use crate::protocol::cx::World;
use crate::protocol::event::{ConnId, Event, RequestId, StreamId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep};
use crate::protocol::request::{Request, Stage};
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// Which journeys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of those that arrived in the time watched.
    All,
    /// So many, those that took longest first.
    Slowest(usize),
    /// This one.
    One(StreamId, u64),
}

/// Watches the requests that arrive in `from..until`.
pub struct Journeys {
    keep: Keep,
    from: SimTime,
    until: SimTime,
    now: SimTime,
    under_way: Travellers,
    /// The request for whom a connection of a pool was used last: the request's place, by worker and connection.
    users: BTreeMap<(WorkerId, u32), usize>,
    /// By worker, the places of those whom its event loop may keep from going on.
    stopped: Vec<Vec<usize>>,
    /// What the requests that ended spent their time on.
    spent: Spent,
    clients_waiting: u64,
    /// Requests that arrived in the time watched, of the one stream if one request is wanted.
    arrived: u64,
    done: Vec<Journey>,
}

/// Those under way, by their requests' places in the world: found at once, however many there are.
#[derive(Default)]
struct Travellers {
    places: Vec<Option<Traveller>>,
    number: usize,
}

impl Travellers {
    fn get_mut(&mut self, place: usize) -> Option<&mut Traveller> {
        self.places.get_mut(place)?.as_mut()
    }

    fn insert(&mut self, place: usize, traveller: Traveller) {
        if self.places.len() <= place {
            self.places.resize_with(place + 1, || None);
        }
        let before = self.places[place].replace(traveller);
        self.number += usize::from(before.is_none());
    }

    fn remove(&mut self, place: usize) -> Option<Traveller> {
        let gone = self.places.get_mut(place)?.take();
        self.number -= usize::from(gone.is_some());
        gone
    }

    fn is_empty(&self) -> bool {
        self.number == 0
    }
}

struct Traveller {
    id: RequestId,
    journey: Journey,
    doing: Doing,
    since: SimTime,
    worker: WorkerId,
    /// The connection in its hands, or made ready for it.
    conn: Option<u32>,
    /// The instruction after the statement under way: one statement is one segment.
    statement: Option<u32>,
    /// What it goes on with once the proxy has linked its connection.
    behind_proxy: Doing,
    /// What it was like when an event for it had to wait for the event loop: unlike that, it has gone on.
    held: Option<Held>,
    /// Whether it is among those whom the event loop may keep.
    is_listed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Held {
    stage: Stage,
    step: u32,
    turn: u32,
    /// What it gives back stands in this.
    conn: Option<ConnId>,
}

impl Journeys {
    /// Of the requests that arrive in `from..until`, those that `keep` says.
    pub fn new(keep: Keep, from: SimTime, until: SimTime) -> Journeys {
        Journeys {
            keep,
            from,
            until,
            now: SimTime::ZERO,
            under_way: Travellers::default(),
            users: BTreeMap::new(),
            stopped: Vec::new(),
            spent: Spent::default(),
            clients_waiting: 0,
            arrived: 0,
            done: Vec::new(),
        }
    }

    /// What all the requests watched spent their time on, of those that have ended.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// The journeys kept, those still under way included, as far as they have come.
    pub fn finish(mut self) -> Vec<Journey> {
        let now = self.now;
        for mut traveller in std::mem::take(&mut self.under_way).places.into_iter().flatten() {
            traveller.turn_to(Doing::EventLoop, now);
            traveller.journey.ended = now;
            self.keep(traveller.journey);
        }
        self.done
    }

    /// How many requests arrived in the time watched, of the one stream if one request is wanted.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    fn wants(&mut self, request: &Request, now: SimTime) -> bool {
        let is_in_time = now >= self.from && now < self.until;
        let (in_question, wanted) = match self.keep {
            Keep::One(stream, number) => (request.stream == stream, request.number == number),
            Keep::All | Keep::Slowest(_) => (true, true),
        };
        self.arrived += u64::from(is_in_time && in_question);
        is_in_time && in_question && wanted
    }

    fn keep(&mut self, journey: Journey) {
        match self.keep {
            Keep::Slowest(most) if self.done.len() >= most && self.done.last().is_none_or(|last| last.took() >= journey.took()) => {}
            Keep::Slowest(most) => {
                let place = self.done.partition_point(|other| other.took() >= journey.took());
                self.done.insert(place, journey);
                self.done.truncate(most);
            }
            Keep::All | Keep::One(..) => self.done.push(journey),
        }
    }

    fn traveller(&mut self, id: RequestId) -> Option<&mut Traveller> {
        self.under_way.get_mut(id.place()).filter(|traveller| traveller.id == id)
    }

    /// In whose hands the connection is, or for whom the pool makes it ready.
    fn user(&mut self, conn: ConnId, world: &World) -> Option<&mut Traveller> {
        let used = world.conns.get(conn)?;
        match used.near {
            Near::Request(request) => self.traveller(request),
            Near::Pool => {
                let place = self.users.get(&(used.worker, used.serial))?;
                let is_it = |traveller: &&mut Traveller| (traveller.worker, traveller.conn) == (used.worker, Some(used.serial));
                self.under_way.get_mut(*place).filter(is_it)
            }
            Near::Proxy => None,
        }
    }

    /// An event that concerned this request, and the connection in its hands, has been handled or held back.
    fn met(&mut self, id: RequestId, conn: Option<ConnId>, model: &Model) {
        let now = self.now;
        let (Some(traveller), Some(request)) = (self.traveller(id), model.world.requests.get(id)) else { return };
        if model.holds(request.worker) && !matches!(request.stage, Stage::Working | Stage::AtClient) {
            let Request { stage, step, turn, .. } = *request;
            traveller.held = Some(Held { stage, step, turn, conn });
            traveller.turn_to(Doing::EventLoop, now);
        } else {
            traveller.goes_on(request, &model.world, now);
        }
        self.list(id.place());
    }

    /// Remembers whom the event loop may keep from going on.
    fn list(&mut self, place: usize) {
        let Some(traveller) = self.under_way.get_mut(place).filter(|traveller| traveller.is_stopped() && !traveller.is_listed) else {
            return;
        };
        traveller.is_listed = true;
        let worker = traveller.worker.index();
        if self.stopped.len() <= worker {
            self.stopped.resize(worker + 1, Vec::new());
        }
        self.stopped[worker].push(place);
    }

    /// The event loop of `worker` has taken something up: those whom that concerned go on.
    fn turned(&mut self, worker: WorkerId, model: &Model) {
        let now = self.now;
        let mut places = self.stopped.get_mut(worker.index()).map_or_else(Vec::new, std::mem::take);
        places.retain(|place| {
            let Some(traveller) = self.under_way.get_mut(*place) else { return false };
            let Some(request) = model.world.requests.get(traveller.id) else { return false };
            let Request { stage, step, turn, .. } = *request;
            let waits = traveller.held.is_some_and(|held| {
                let still_held = |conn| model.world.conns.get(conn).is_some_and(|conn| conn.near == Near::Request(traveller.id));
                held == Held { stage, step, turn, ..held } && held.conn.is_none_or(still_held)
            });
            if request.worker == worker && traveller.is_stopped() && !waits {
                traveller.goes_on(request, &model.world, now);
            }
            traveller.is_listed = traveller.is_stopped() && traveller.worker == worker;
            traveller.is_listed
        });
        if let Some(stopped) = self.stopped.get_mut(worker.index()) {
            *stopped = places;
        }
    }
}

impl Traveller {
    fn is_stopped(&self) -> bool {
        self.held.is_some() || self.doing == Doing::Work
    }

    fn turn_to(&mut self, doing: Doing, now: SimTime) {
        if now > self.since {
            let Traveller { doing, since, worker, conn, .. } = *self;
            self.journey.segments.push(Segment { doing, from: since, to: now, worker, conn });
            self.since = now;
        }
        self.doing = doing;
    }

    fn goes_on(&mut self, request: &Request, world: &World, now: SimTime) {
        self.held = None;
        let doing = match request.stage {
            Stage::Sent | Stage::Ready => Doing::EventLoop,
            Stage::Queued => Doing::AppQueue,
            Stage::Working => Doing::Work,
            Stage::Awaiting => Doing::Await,
            Stage::Preparing => Doing::Driver,
            Stage::AtClient => Doing::RetryPause,
            Stage::InStatement if self.doing == Doing::ProxyWait => self.doing,
            Stage::InStatement => statement(request, world),
            Stage::Acquiring if self.doing.is_checkout() => self.doing,
            Stage::Acquiring => Doing::Pool,
            Stage::Releasing if matches!(self.doing, Doing::Reset | Doing::ProxyWait | Doing::Close) => self.doing,
            Stage::Releasing => Doing::Reset,
            Stage::Done => self.doing,
        };
        let conn = request.leases.last().and_then(|lease| world.conns.get(lease.conn)).map(|conn| conn.serial);
        let conn = if matches!(request.stage, Stage::Acquiring | Stage::Releasing) { self.conn } else { conn };
        let statement = (request.stage == Stage::InStatement).then_some(request.step);
        if (doing, conn, statement) != (self.doing, self.conn, self.statement) {
            self.turn_to(doing, now);
        }
        (self.conn, self.statement) = (conn, statement);
        (self.worker, self.journey.attempts) = (request.worker, request.attempt);
    }

    /// A step of the pool for this request.
    fn step(&mut self, step: PoolStep, conn: u32, now: SimTime) {
        self.held = None;
        if let Some(doing) = Doing::of_step(step) {
            self.turn_to(doing, now);
        }
        self.conn = match step {
            PoolStep::Request | PoolStep::Wait | PoolStep::Checkin => None,
            // The wait that ends with it had no connection.
            PoolStep::Checkout => self.conn,
            _ if conn > 0 => Some(conn),
            _ => self.conn,
        };
    }
}

fn statement(request: &Request, world: &World) -> Doing {
    let conn = request.leases.last().and_then(|lease| world.conns.get(lease.conn));
    if conn.is_some_and(|conn| conn.statement.kind == StatementKind::Commit) { Doing::Commit } else { Doing::Query }
}

impl Observer for Journeys {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Arrived { request: id } => {
                let request = &world.requests[id];
                if self.wants(request, now) {
                    let Request { stream, number, worker, .. } = *request;
                    let (segments, attempts) = (Vec::new(), 1);
                    let journey = Journey { stream, number, arrived: now, ended: now, is_over: false, failure: None, attempts, segments };
                    let traveller = Traveller {
                        id,
                        journey,
                        doing: Doing::EventLoop,
                        since: now,
                        worker,
                        conn: None,
                        statement: None,
                        behind_proxy: Doing::Query,
                        held: None,
                        is_listed: false,
                    };
                    self.under_way.insert(id.place(), traveller);
                }
            }
            Fact::Ended { request, failure } if self.traveller(request).is_some() => {
                let mut over = self.under_way.remove(request.place()).expect("it was just seen");
                over.turn_to(Doing::EventLoop, now);
                let journey = Journey { ended: now, is_over: true, failure, ..over.journey };
                self.spent.record(&journey);
                self.keep(journey);
            }
            Fact::Pool { worker, step, request: Some(request), conn } => {
                if let Some(traveller) = self.traveller(request) {
                    traveller.step(step, conn, now);
                    if traveller.conn == Some(conn) {
                        self.users.insert((worker, conn), request.place());
                    }
                }
            }
            Fact::Linked { client, .. } => {
                if let Some(traveller) = self.user(client, world)
                    && traveller.doing == Doing::ProxyWait
                {
                    traveller.turn_to(traveller.behind_proxy, now);
                }
            }
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, event: &Event, model: &Model) {
        self.now = now;
        let holder = |conn: ConnId| match model.world.conns.get(conn).map(|conn| conn.near) {
            Some(Near::Request(request)) => Some(request),
            _ => None,
        };
        match *event {
            Event::Retry { request } | Event::Finished { request } => self.met(request, None, model),
            Event::Release { conn } => {
                if let Some(request) = holder(conn) {
                    self.met(request, Some(conn), model);
                }
            }
            Event::Grant { conn } | Event::Reply { conn } | Event::Lost { conn } => {
                if let Some(request) = holder(conn) {
                    self.met(request, None, model);
                }
            }
            Event::LoopFree { worker } | Event::Turn { worker } => self.turned(worker, model),
            Event::Query { conn } if model.world.conns.get(conn).is_some_and(|conn| conn.far == Far::Proxy) => {
                if model.world.proxy.waiting.value() > self.clients_waiting
                    && let Some(traveller) = self.user(conn, &model.world)
                {
                    traveller.behind_proxy = traveller.doing;
                    traveller.turn_to(Doing::ProxyWait, now);
                }
            }
            _ => {
                if let Some(request) = event.request() {
                    self.met(request, None, model);
                }
            }
        }
        self.clients_waiting = model.world.proxy.waiting.value();
    }

    fn is_satisfied(&self) -> bool {
        match self.keep {
            Keep::One(..) if !self.done.is_empty() => true,
            Keep::All => false,
            Keep::One(..) | Keep::Slowest(_) => self.now >= self.until && self.under_way.is_empty(),
        }
    }
}
