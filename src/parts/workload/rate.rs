//! What the processes share: a checked rate, and Poisson arrivals whose rate changes on the way.

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};

/// Poisson arrivals at rates that are constant for a while. Each arrival costs one unit-exponential amount of "work",
/// which time does at the current rate; work left at the end of a piece is carried into the next, so the process is
/// exact whatever the rates are, and takes one word of dice per arrival whatever the pieces are.
#[derive(Clone)]
pub(super) struct Walk {
    now: SimTime,
    work: Option<f64>,
    dice: Stream,
}

impl Walk {
    /// Starts at time 0.
    pub(super) fn new(dice: Stream) -> Walk {
        Walk { now: SimTime::ZERO, work: None, dice }
    }

    /// From here on with the dice of `seed`.
    pub(super) fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }

    /// The next arrival at one per `mean_gap` nanoseconds (infinity: none), if it comes before `end`; if not, time is
    /// now `end`. An arrival less than half a nanosecond before `end` is rounded to `end` itself.
    pub(super) fn next_before(&mut self, end: SimTime, mean_gap: f64) -> Option<SimTime> {
        let work = self.work.take().unwrap_or_else(|| unit_exponential(&mut self.dice));
        let (gap, left) = (work * mean_gap, end.since(self.now).nanos() as f64);
        if gap < left {
            self.now = self.now + Span::from_nanos_f64(gap);
            return Some(self.now);
        }
        self.work = Some((work - left / mean_gap).max(0.0));
        self.now = end;
        None
    }
}

/// Nanoseconds from one arrival to the next at `rate` per second; infinity for none.
pub(super) fn mean_gap(rate: f64) -> f64 {
    1e9 / rate
}

/// An exponential draw with mean one.
pub(super) fn unit_exponential(dice: &mut Stream) -> f64 {
    -libm::log(dice.uniform())
}

/// A rate is above zero and at most a thousand million per second.
pub(super) fn check_rate(field: &str, rate: f64) -> Result<(), Invalid> {
    if rate > 0.0 && rate <= HIGHEST {
        return Ok(());
    }
    Err(Invalid::field(field, format!("a rate lies above 0 and is at most 1000 million per second, found {rate}")))
}

/// The same, where nothing at all may come for a while.
pub(super) fn check_rate_or_none(field: &str, rate: f64) -> Result<(), Invalid> {
    if (0.0..=HIGHEST).contains(&rate) {
        return Ok(());
    }
    Err(Invalid::field(field, format!("a rate is at least 0 (nothing comes) and at most 1000 million per second, found {rate}")))
}

/// One per nanosecond, the grain of time.
const HIGHEST: f64 = 1e9;
