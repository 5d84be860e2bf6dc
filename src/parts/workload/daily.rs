//! `Daily(mean: 300, amplitude: 200, period: "24h")`: a rate that swings up and down like that of a day.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::rate::{check_rate, mean_gap, unit_exponential};
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};

/// Poisson arrivals at the rate mean + amplitude · sin(2πt/period): starts at the mean, is highest after a quarter of
/// the period and lowest after three quarters. Both are in requests per second: the rate swings between mean −
/// amplitude and mean + amplitude.
///
/// Exact by thinning (Lewis & Shedler 1979): candidates come at the highest rate, and one at time t is taken with the
/// probability of rate(t) / highest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daily {
    /// Requests per second over a whole period.
    pub mean: f64,
    /// How far the rate rises above the mean and falls below it, in requests per second: at most the mean.
    pub amplitude: f64,
    /// How long one swing takes.
    pub period: Span,
}

#[derive(Clone)]
struct Process {
    shape: Daily,
    last: SimTime,
    candidates: Stream,
    thinning: Stream,
}

impl Example for Daily {
    const EXAMPLE: &'static str = r#"Daily(mean: 300, amplitude: 200, period: "24h")"#;
    const WHAT: &'static str = "Poisson with a rate that follows a sine: Daily(mean, amplitude, period).";
}

impl Daily {
    fn highest(&self) -> f64 {
        self.mean + self.amplitude
    }

    fn rate_at(&self, time: SimTime) -> f64 {
        // The remainder is taken in whole nanoseconds: the sine of a large angle would lose digits.
        let into = (time.nanos() % self.period.nanos()) as f64;
        self.mean + self.amplitude * libm::sin(TAU * (into / self.period.nanos() as f64))
    }
}

impl ArrivalsKind for Daily {
    fn check(&self) -> Result<(), Invalid> {
        check_rate("mean", self.mean)?;
        if !(0.0..=self.mean).contains(&self.amplitude) {
            let why = format!("the amplitude is in requests per second, from 0 to the mean of {}, found {}", self.mean, self.amplitude);
            return Err(Invalid::field("amplitude", why));
        }
        if self.period.is_zero() {
            return Err(Invalid::field("period", "a period lasts longer than 0s, such as \"24h\""));
        }
        Ok(())
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        let candidates = seed.stream(&format!("client/{stream}/arrivals"));
        let thinning = seed.stream(&format!("client/{stream}/thinning"));
        Box::new(Process { shape: self.clone(), last: SimTime::ZERO, candidates, thinning })
    }
    /// The mean over whole periods.
    fn rate(&self) -> Option<f64> {
        Some(self.mean)
    }
    /// Only when it does not swing.
    fn stationary(&self) -> bool {
        self.amplitude == 0.0
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        let highest = self.shape.highest();
        while self.last < SimTime::NEVER {
            self.last = self.last + Span::from_nanos_f64(unit_exponential(&mut self.candidates) * mean_gap(highest));
            if self.thinning.uniform() * highest < self.shape.rate_at(self.last) {
                return Some(Batch { at: self.last, size: 1 });
            }
        }
        None
    }
    fn reseed(&mut self, seed: &Seed) {
        self.candidates.reseed(seed);
        self.thinning.reseed(seed);
    }
}
