//! Deadlocks: all to whom the connections of a pool or a proxy are lent wait for another.

use crate::kernel::time::SimTime;
use crate::protocol::conn::{Conn, Far, Link, Near};
use crate::protocol::cx::World;
use crate::protocol::event::{ConnId, RequestId, StreamId, WorkerId};
use crate::protocol::fact::PoolStep;
use crate::protocol::request::{Request, Stage};

/// What hands connections out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The pool of a worker.
    Pool(WorkerId),
    /// The proxy.
    Proxy,
}

/// One deadlock, as it was when it closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// When.
    pub at: SimTime,
    /// Where the last one asked.
    pub place: Place,
    /// Its connections, all of them lent.
    pub held: u32,
    /// Who holds them, by stream and number, each of whom waits for one more.
    pub holders: Vec<(StreamId, u64)>,
}

/// Looks for deadlocks, and counts each of them once.
#[derive(Debug, Default)]
pub struct Deadlocks {
    found: Vec<Deadlock>,
    /// Which have been in one since.
    stuck: Vec<Place>,
}

impl Deadlocks {
    /// A pool did something. Whoever comes to wait while holding a connection may be the one who closes the circle.
    pub fn step(&mut self, now: SimTime, worker: WorkerId, step: PoolStep, request: Option<RequestId>, world: &World) {
        let place = Place::Pool(worker);
        match step {
            PoolStep::Wait if !self.stuck.contains(&place) => {
                let asks = request.and_then(|request| world.requests.get(request));
                if asks.is_some_and(|asks| asks.leases.last().is_some()) {
                    self.look(now, place, world);
                }
            }
            PoolStep::Timeout | PoolStep::Checkout | PoolStep::Close => self.goes_on(place),
            _ => {}
        }
    }

    /// A client of the proxy has come to wait for a server connection.
    pub fn proxy_full(&mut self, now: SimTime, client: ConnId, world: &World) {
        if let Near::Request(request) = world.conns[client].near
            && world.requests.get(request).is_some_and(|asks| asks.leases.iter().nth(1).is_some())
            && !self.stuck.contains(&Place::Proxy)
        {
            self.look(now, Place::Proxy, world);
        }
    }

    /// Somebody there has got a connection, or waits no longer.
    pub fn goes_on(&mut self, place: Place) {
        self.stuck.retain(|stuck| *stuck != place);
    }

    /// All of them.
    pub fn found(self) -> Vec<Deadlock> {
        self.found
    }

    /// Nobody goes on if all who hold what `place` has lent wait, and all who hold what they wait for wait too.
    #[inline(never)] // seldom: only where a session is opened inside another
    fn look(&mut self, now: SimTime, place: Place, world: &World) {
        let mut places = vec![place];
        let mut first = None;
        for index in 0.. {
            let Some(place) = places.get(index) else { break };
            let Some(tie) = Tie::of(*place, world) else { return };
            places.extend(tie.others.iter().filter(|other| !places.contains(other)).copied().collect::<Vec<_>>());
            first.get_or_insert(tie);
        }
        if let Some(Tie { held, holders, .. }) = first
            && !holders.is_empty()
        {
            self.stuck.push(place);
            self.found.push(Deadlock { at: now, place, held, holders });
        }
    }
}

/// A place all of whose connections are held by requests that wait, or have leaked.
#[derive(Default)]
struct Tie {
    held: u32,
    holders: Vec<(StreamId, u64)>,
    /// Where those wait, each place once.
    others: Vec<Place>,
}

impl Tie {
    /// Nothing, if some connection will be free again.
    fn of(place: Place, world: &World) -> Option<Tie> {
        let mut tie = Tie::default();
        for (_, conn) in world.conns.iter().filter(|(_, conn)| belongs(conn, place)) {
            let Near::Request(request) = conn.near else { return None };
            tie.held += 1;
            // What has leaked comes back from nobody.
            let Some(holder) = world.requests.get(request) else { continue };
            let waits_at = waits_at(holder, world)?;
            let name = (holder.stream, holder.number);
            if !tie.holders.contains(&name) {
                tie.holders.push(name);
            }
            if !tie.others.contains(&waits_at) {
                tie.others.push(waits_at);
            }
        }
        // What the proxy is still opening, or keeps idle, is held by nobody.
        let is_all = place != Place::Proxy || world.proxy.servers.value() == u64::from(tie.held);
        is_all.then_some(tie)
    }
}

/// Whether the connection is one that `place` has opened, or for which the proxy has lent one.
fn belongs(conn: &Conn, place: Place) -> bool {
    match place {
        Place::Pool(worker) => conn.near != Near::Proxy && conn.worker == worker && conn.near_open,
        Place::Proxy => conn.far == Far::Proxy && conn.link == Link::Held,
    }
}

/// Where the request waits for a connection; nothing, if it does not.
fn waits_at(request: &Request, world: &World) -> Option<Place> {
    match request.stage {
        Stage::Acquiring => Some(Place::Pool(request.worker)),
        Stage::InStatement => {
            let conn = &world.conns[request.leases.last()?.conn];
            (conn.link == Link::Awaited).then_some(Place::Proxy)
        }
        _ => None,
    }
}
