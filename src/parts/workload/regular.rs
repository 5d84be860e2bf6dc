//! `Regular(rate: 240)`: one request after each gap of the same length, like a metronome.

use serde::{Deserialize, Serialize};

use super::rate::check_rate;
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};

/// Arrivals at a fixed beat, the first one gap after the start. Takes no dice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regular {
    /// Requests per second.
    pub rate: f64,
}

#[derive(Clone)]
struct Process {
    rate: f64,
    count: u64,
}

impl Example for Regular {
    const EXAMPLE: &'static str = "Regular(rate: 240)";
    const WHAT: &'static str = "Requests at equal distances: Regular(rate: 10).";
}

impl ArrivalsKind for Regular {
    fn check(&self) -> Result<(), Invalid> {
        check_rate("rate", self.rate)
    }
    fn build(&self, _: &str, _: &Seed) -> Box<dyn Arrivals> {
        Box::new(Process { rate: self.rate, count: 0 })
    }
    fn rate(&self) -> Option<f64> {
        Some(self.rate)
    }
}

impl Arrivals for Process {
    /// Arrival k comes at k/rate, computed from the start each time: adding rounded gaps would drift.
    fn next(&mut self) -> Option<Batch> {
        self.count += 1;
        let at = SimTime::ZERO + Span::from_nanos_f64(self.count as f64 * 1e9 / self.rate);
        Some(Batch { at, size: 1 })
    }
}
