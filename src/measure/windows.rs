//! The counted span in equal slices: what the load, the queues and the waits looked like as time went by.

use crate::kernel::level::Level;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::World;

/// One slice of the counted span.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Requests that arrived.
    pub arrived: u64,
    /// Requests that ended well.
    pub completed: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Sum of the latencies of those that ended well.
    pub latency_sum: u128,
    /// The longest of them.
    pub latency_most: Span,
    /// The longest wait for a connection that ended in it.
    pub wait_most: Span,
    /// Requests under way, average over time.
    pub in_system: f64,
    /// Requests that wait for a connection, in the pools or at the proxy, average over time.
    pub waiting: f64,
    /// The most that waited.
    pub waiting_most: u64,
    /// The most clients that waited at the proxy.
    pub proxy_waiting_most: u64,
    /// Connections checked out of each app's pools, average over time.
    pub in_use: Vec<f64>,
    /// Connections at the database, average over time.
    pub connections: f64,
    /// The most of them.
    pub connections_most: u64,
    /// The most connections that were being set up at the database.
    pub logins_most: u64,
    /// The most client connections that the proxy had when one was opened.
    pub clients_most: u64,
    /// Busy cores, average over time.
    pub busy: f64,
}

/// Cuts the counted span. A slice ends with the first event at or after its end, so nothing is scheduled for it.
pub struct Windows {
    from: SimTime,
    slice: Span,
    slices: u32,
    next: SimTime,
    opened: SimTime,
    in_system: Level,
    current: Window,
    last: Vec<u128>,
    done: Vec<Window>,
}

impl Windows {
    /// `slices` slices of `from..until`.
    pub fn new(from: SimTime, until: SimTime, slices: u32) -> Windows {
        let slice = Span::from_nanos(((until - from).nanos() / u64::from(slices)).max(1));
        let (current, next) = (Window::default(), SimTime::NEVER);
        Windows { from, slice, slices, next, opened: from, in_system: Level::default(), current, last: Vec::new(), done: Vec::new() }
    }

    /// Other slices, of `from..until`; what was seen of the ones before is returned.
    pub fn instead(&mut self, from: SimTime, until: SimTime, slices: u32) -> Vec<Window> {
        let before = std::mem::replace(self, Windows { in_system: self.in_system, ..Windows::new(from, until, slices) });
        before.done
    }

    /// The span begins.
    pub fn begin(&mut self, world: &World) {
        let now = world.agenda.now();
        self.in_system.restart(now);
        self.opened = now;
        self.next = self.from + self.slice;
        self.last = areas(now, world, &self.in_system);
        self.current = now_open(world);
    }

    /// When the slice ends.
    pub fn next(&self) -> SimTime {
        self.next
    }

    /// A request has arrived.
    pub fn arrived(&mut self, now: SimTime) {
        self.in_system.up(now);
        self.current.arrived += 1;
    }

    /// A request has ended.
    pub fn left(&mut self, now: SimTime, failed: bool) {
        self.in_system.down(now);
        self.current.failed += u64::from(failed);
    }

    /// A request has ended well.
    pub fn completed(&mut self, latency: Span) {
        self.current.completed += 1;
        self.current.latency_sum += u128::from(latency.nanos());
        self.current.latency_most = self.current.latency_most.max(latency);
    }

    /// A wait for a connection has ended.
    pub fn waited(&mut self, wait: Span) {
        self.current.wait_most = self.current.wait_most.max(wait);
    }

    /// So many wait now, in the pools and at the proxy together.
    pub fn waiting(&mut self, waiting: u64, world: &World) {
        self.current.waiting_most = self.current.waiting_most.max(waiting);
        self.current.proxy_waiting_most = self.current.proxy_waiting_most.max(world.proxy.waiting.value());
    }

    /// The database has let a connection in, which was being set up until now.
    pub fn let_in(&mut self, world: &World) {
        self.current.connections_most = self.current.connections_most.max(world.database.connections.value());
        self.current.logins_most = self.current.logins_most.max(world.database.logins.value() + 1);
    }

    /// A pool has opened a connection, to the proxy if there is one.
    pub fn opened(&mut self, world: &World) {
        self.current.clients_most = self.current.clients_most.max(world.proxy.clients.value());
    }

    /// The slice is over, and any others that passed without an event.
    pub fn turn(&mut self, now: SimTime, world: &World) {
        let areas = areas(now, world, &self.in_system);
        let span = (now - self.opened).nanos().max(1) as f64;
        let mean = |index: usize| (areas[index] - self.last[index]) as f64 / span;
        let mut window = std::mem::replace(&mut self.current, now_open(world));
        window.in_system = mean(0);
        window.waiting = mean(1);
        window.connections = mean(2);
        window.busy = mean(3);
        window.in_use = (4..areas.len()).map(mean).collect();
        while self.next <= now && self.done.len() < self.slices as usize {
            self.done.push(window.clone());
            window = Window { arrived: 0, completed: 0, failed: 0, latency_sum: 0, ..window };
            self.next = self.next + self.slice;
        }
        if self.done.len() == self.slices as usize {
            self.next = SimTime::NEVER;
        }
        self.last = areas;
        self.opened = now;
    }

    /// The span is over.
    pub fn close(&mut self, world: &World) {
        if self.done.len() < self.slices as usize {
            self.turn(world.agenda.now().max(self.next), world);
        }
        self.next = SimTime::NEVER;
    }

    /// All slices.
    pub fn done(self) -> Vec<Window> {
        self.done
    }
}

/// A slice that begins with what is open now.
fn now_open(world: &World) -> Window {
    Window { connections_most: world.database.connections.value(), clients_most: world.proxy.clients.value(), ..Window::default() }
}

/// Integrals up to `now`, since when nothing has happened.
fn areas(now: SimTime, world: &World, in_system: &Level) -> Vec<u128> {
    let waiting = world.pools.iter().map(|pool| pool.pending.area(now)).sum::<u128>() + world.proxy.waiting.area(now);
    let mut areas = vec![in_system.area(now), waiting, world.database.connections.area(now), world.database.busy.area(now)];
    areas.extend(world.pools.iter().map(|pool| pool.in_use.area(now)));
    areas
}
