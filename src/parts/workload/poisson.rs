//! `Poisson(rate: 240)`: requests that know nothing of each other.

use serde::{Deserialize, Serialize};

use super::rate::{check_rate, mean_gap, unit_exponential};
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};

/// Poisson arrivals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Requests per second.
    pub rate: f64,
}

#[derive(Clone)]
struct Process {
    mean_gap: f64,
    last: SimTime,
    dice: Stream,
}

impl Example for Poisson {
    const EXAMPLE: &'static str = "Poisson(rate: 240)";
    const WHAT: &'static str = "Requests that know nothing of each other: Poisson(rate: 240).";
}

impl ArrivalsKind for Poisson {
    fn check(&self) -> Result<(), Invalid> {
        check_rate("rate", self.rate)
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        Box::new(Process { mean_gap: mean_gap(self.rate), last: SimTime::ZERO, dice: seed.stream(&format!("client/{stream}/arrivals")) })
    }
    fn rate(&self) -> Option<f64> {
        Some(self.rate)
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        self.last = self.last + Span::from_nanos_f64(unit_exponential(&mut self.dice) * self.mean_gap);
        Some(Batch { at: self.last, size: 1 })
    }
    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }
}
