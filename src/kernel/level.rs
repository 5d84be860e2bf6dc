//! A count over time: what it is, the most it was, and its exact integral.

use crate::kernel::time::{SimTime, Span};

/// A number of things (connections, waiters) as time goes by. Integer arithmetic, so Little's law holds exactly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    value: u64,
    most: u64,
    since: SimTime,
    area: u128,
}

impl Level {
    /// One more from `now` on.
    pub fn up(&mut self, now: SimTime) {
        self.settle(now);
        self.value += 1;
        self.most = self.most.max(self.value);
    }

    /// One fewer from `now` on.
    pub fn down(&mut self, now: SimTime) {
        self.settle(now);
        self.value = self.value.checked_sub(1).expect("a level never falls below zero");
    }

    /// What it is.
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The most it was since the start or the last [`Level::restart`].
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Its integral over time up to `now`, in thing-nanoseconds, since the start or the last [`Level::restart`].
    pub fn area(&self, now: SimTime) -> u128 {
        self.area + u128::from(self.value) * u128::from((now - self.since).nanos())
    }

    /// Its average over the `span` that ends `now`, if it was restarted when that span began.
    pub fn mean(&self, now: SimTime, span: Span) -> f64 {
        if span.is_zero() { self.value as f64 } else { self.area(now) as f64 / span.nanos() as f64 }
    }

    /// Forgets the past: the most and the integral begin anew `now`.
    pub fn restart(&mut self, now: SimTime) {
        *self = Level { value: self.value, most: self.value, since: now, area: 0 };
    }

    fn settle(&mut self, now: SimTime) {
        self.area += u128::from(self.value) * u128::from((now - self.since).nanos());
        self.since = now;
    }
}
