//! Counts and waits as time goes by: an observer for pictures, in which no peak is lost however coarse the picture.

use crate::kernel::time::{SimTime, Span};
use crate::measure::histogram::rank;
use crate::protocol::cx::World;
use crate::protocol::error::Error;
use crate::protocol::event::Event;
use crate::protocol::fact::{Fact, PoolStep};
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// A count over one slice of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// Its average.
    pub mean: f64,
    /// The most that it was, for however short a time.
    pub most: u64,
}

/// A count over a span of time in equal slices.
pub struct Slices {
    from: SimTime,
    width: u64,
    slices: usize,
    value: u64,
    since: SimTime,
    area: u128,
    most: u64,
    done: Vec<Slice>,
}

impl Slices {
    /// So many slices of `from..until`.
    pub fn new(from: SimTime, until: SimTime, slices: usize) -> Slices {
        let width = ((until - from).nanos() / slices as u64).max(1);
        Slices { from, width, slices, value: 0, since: from, area: 0, most: 0, done: Vec::with_capacity(slices) }
    }

    /// From `now` on it is so many.
    #[inline]
    pub fn becomes(&mut self, now: SimTime, value: u64) {
        if value != self.value {
            self.change(now, value);
        }
    }

    /// All slices; it stayed what it was.
    pub fn finish(mut self) -> Vec<Slice> {
        self.pass(SimTime::NEVER);
        self.done
    }

    #[inline(never)]
    fn change(&mut self, now: SimTime, value: u64) {
        self.pass(now);
        self.value = value;
        if now >= self.from {
            self.most = self.most.max(value);
        } else {
            self.most = value;
        }
    }

    /// Time passes up to `now`.
    fn pass(&mut self, now: SimTime) {
        while self.done.len() < self.slices {
            let end = self.from + Span::from_nanos(self.width * (self.done.len() as u64 + 1));
            if now < end {
                self.area += u128::from(self.value) * u128::from(now.nanos().saturating_sub(self.since.nanos()));
                self.since = self.since.max(now);
                return;
            }
            self.area += u128::from(self.value) * u128::from((end - self.since).nanos());
            self.done.push(Slice { mean: self.area as f64 / self.width as f64, most: self.most });
            (self.area, self.since, self.most) = (0, end, self.value);
        }
    }
}

/// Waits by the window in which they ended.
pub struct Waits {
    from: SimTime,
    width: u64,
    windows: Vec<Vec<u64>>,
}

impl Waits {
    fn new(from: SimTime, until: SimTime, windows: usize) -> Waits {
        Waits { from, width: ((until - from).nanos() / windows as u64).max(1), windows: vec![Vec::new(); windows] }
    }

    fn record(&mut self, now: SimTime, wait: Span) {
        if now >= self.from
            && let Some(window) = self.windows.get_mut(((now - self.from).nanos() / self.width) as usize)
        {
            window.push(wait.nanos());
        }
    }

    /// Of each window the p99 in seconds, or the longest of fewer than a hundred; nothing where none ended.
    pub fn p99(mut self) -> Vec<Option<f64>> {
        let p99 = |waits: &mut Vec<u64>| {
            waits.sort_unstable();
            let rank = if waits.len() < 100 { waits.len() as u64 } else { rank(waits.len() as u64, 0.99)? };
            Some(*waits.get((rank as usize).checked_sub(1)?)? as f64 / 1e9)
        };
        self.windows.iter_mut().map(p99).collect()
    }

    /// Whether any ended.
    pub fn is_empty(&self) -> bool {
        self.windows.iter().all(Vec::is_empty)
    }
}

/// Watches the counts of a system's layers.
pub struct Courses {
    /// Connections checked out of each app's pools.
    pub in_use: Vec<Slices>,
    /// The proxy's server connections that are linked to a client.
    pub linked: Slices,
    /// Connections at the database.
    pub connections: Slices,
    /// Requests that wait for a connection, in the pools or at the proxy.
    pub waiting: Slices,
    /// Waits in the pools that ended, with a connection or in a timeout.
    pub pool_waits: Waits,
    /// The same at the proxy.
    pub proxy_waits: Waits,
    /// How long a wait at the proxy lasts that ends in a timeout.
    proxy_patience: Option<Span>,
}

/// Windows of waits are wider than slices of counts: each is to have enough for a p99.
const SLICES_IN_A_WINDOW: usize = 4;

impl Courses {
    /// Of a system with so many apps over `from..until`.
    pub fn new(apps: usize, from: SimTime, until: SimTime, slices: usize, proxy_patience: Option<Span>) -> Courses {
        let count = || Slices::new(from, until, slices);
        let waits = || Waits::new(from, until, slices / SLICES_IN_A_WINDOW);
        Courses {
            in_use: (0..apps).map(|_| count()).collect(),
            linked: count(),
            connections: count(),
            waiting: count(),
            pool_waits: waits(),
            proxy_waits: waits(),
            proxy_patience,
        }
    }
}

impl Observer for Courses {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Pool { step: PoolStep::Checkout | PoolStep::Timeout, request: Some(request), .. } => {
                if let Some(asked) = world.requests.get(request) {
                    self.pool_waits.record(now, now - asked.asked);
                }
            }
            Fact::Linked { waited, .. } => self.proxy_waits.record(now, waited),
            Fact::ProxyError { why: Error::QueryWaitTimeout } => {
                if let Some(patience) = self.proxy_patience {
                    self.proxy_waits.record(now, patience);
                }
            }
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        let world = &model.world;
        for (slices, meter) in self.in_use.iter_mut().zip(&world.pools) {
            slices.becomes(now, meter.in_use.value());
        }
        self.linked.becomes(now, world.proxy.linked.value());
        self.connections.becomes(now, world.database.connections.value());
        self.waiting.becomes(now, world.waiting());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: u64) -> SimTime {
        SimTime::ZERO + Span::from_nanos(ns)
    }

    #[test]
    fn a_peak_of_an_instant_survives_and_means_are_exact() {
        let mut slices = Slices::new(at(100), at(400), 3);
        for (ns, value) in [(10, 7), (50, 2), (250, 90), (250, 2), (390, 4)] {
            slices.becomes(at(ns), value);
        }
        let found = slices.finish();
        assert_eq!(found.iter().map(|slice| slice.most).collect::<Vec<u64>>(), [2, 90, 4]);
        assert_eq!(found.iter().map(|slice| slice.mean).collect::<Vec<f64>>(), [2.0, 2.0, 2.2]);
    }

    #[test]
    fn what_never_changes_is_the_same_in_every_slice_and_what_ended_before_is_not_counted() {
        let mut slices = Slices::new(at(100), at(400), 3);
        slices.becomes(at(20), 1000);
        slices.becomes(at(40), 5);
        assert_eq!(slices.finish(), [Slice { mean: 5.0, most: 5 }; 3]);
    }

    #[test]
    fn waits_stand_where_they_ended() {
        let mut waits = Waits::new(at(0), at(400), 4);
        (1..=200).for_each(|wait| waits.record(at(150), Span::from_nanos(wait)));
        waits.record(at(399), Span::from_secs(30));
        waits.record(at(400), Span::from_secs(99));
        assert!(!waits.is_empty());
        assert_eq!(waits.p99(), [None, Some(198e-9), None, Some(30.0)]);
    }
}
