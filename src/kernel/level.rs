//! A count over time: what it is, the most it was, and its exact integral.

use crate::kernel::time::{SimTime, Span};

/// A number of things (connections, waiters) as time goes by. Integer arithmetic, so Little's law holds exactly.
///
/// The integral up to some instant is what it would be had all things been there from the start, less the instants at which
/// they came, plus those at which others went: one addition for each change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    value: u64,
    most: u64,
    /// Instants of going less instants of coming, since the last restart.
    balance: i128,
}

impl Level {
    /// One more from `now` on.
    #[inline(always)]
    pub fn up(&mut self, now: SimTime) {
        self.balance -= i128::from(now.nanos());
        self.value += 1;
        self.most = self.most.max(self.value);
    }

    /// One fewer from `now` on.
    #[inline(always)]
    pub fn down(&mut self, now: SimTime) {
        self.balance += i128::from(now.nanos());
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
        (self.balance + i128::from(self.value) * i128::from(now.nanos())).cast_unsigned()
    }

    /// Its average over the `span` that ends `now`, if it was restarted when that span began.
    pub fn mean(&self, now: SimTime, span: Span) -> f64 {
        if span.is_zero() { self.value as f64 } else { self.area(now) as f64 / span.nanos() as f64 }
    }

    /// Forgets the past: the most and the integral begin anew `now`.
    pub fn restart(&mut self, now: SimTime) {
        *self = Level { value: self.value, most: self.value, balance: -(i128::from(self.value) * i128::from(now.nanos())) };
    }
}
