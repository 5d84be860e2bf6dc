//! `Bursts(quiet: 1, burst: 40, mean_quiet: "50s", mean_burst: "10s")`: quiet times and busy times, at random.

use serde::{Deserialize, Serialize};

use super::rate::{Walk, check_rate_or_none, mean_gap, unit_exponential};
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};

/// A Markov-modulated Poisson process of two phases: Poisson arrivals at one of two rates, which change after times
/// that are exponentially distributed. Starts in its stationary distribution, so the phase at time 0 is drawn; what is
/// left of that phase is distributed as a whole one, since phases have no memory. When phases change depends on the
/// two mean lengths alone, not on the rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Requests per second while it is quiet; may be 0.
    pub quiet: f64,
    /// Requests per second in a burst.
    pub burst: f64,
    /// How long it is quiet on average.
    pub mean_quiet: Span,
    /// How long a burst lasts on average.
    pub mean_burst: Span,
}

#[derive(Clone)]
struct Process {
    walk: Walk,
    /// Changes into each other.
    phase: Phase,
    other: Phase,
    phase_ends: SimTime,
    dice: Stream,
}

#[derive(Clone)]
struct Phase {
    mean_gap: f64,
    mean_length: f64,
}

impl Example for Bursts {
    const EXAMPLE: &'static str = r#"Bursts(quiet: 1, burst: 40, mean_quiet: "50s", mean_burst: "10s")"#;
    const WHAT: &'static str = "Two rates in turn, each for an exponential time (MMPP): Bursts(quiet, burst, mean_quiet, mean_burst).";
}

impl Bursts {
    /// The fraction of time spent in bursts.
    fn share_of_bursts(&self) -> f64 {
        let (quiet, burst) = (self.mean_quiet.nanos() as f64, self.mean_burst.nanos() as f64);
        burst / (quiet + burst)
    }
}

impl ArrivalsKind for Bursts {
    fn check(&self) -> Result<(), Invalid> {
        check_rate_or_none("quiet", self.quiet)?;
        check_rate_or_none("burst", self.burst)?;
        if self.quiet == 0.0 && self.burst == 0.0 {
            return Err(Invalid::field("burst", "nothing ever comes: one of quiet and burst must be above 0"));
        }
        for (field, mean) in [("mean_quiet", self.mean_quiet), ("mean_burst", self.mean_burst)] {
            if mean.is_zero() {
                return Err(Invalid::field(field, "a phase lasts longer than 0s; for one rate alone write Poisson(rate: …)"));
            }
        }
        Ok(())
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        let mut dice = seed.stream(&format!("client/{stream}/phases"));
        let quiet = Phase { mean_gap: mean_gap(self.quiet), mean_length: self.mean_quiet.nanos() as f64 };
        let burst = Phase { mean_gap: mean_gap(self.burst), mean_length: self.mean_burst.nanos() as f64 };
        let in_burst = dice.uniform() < self.share_of_bursts();
        let (phase, other) = if in_burst { (burst, quiet) } else { (quiet, burst) };
        let phase_ends = SimTime::ZERO + phase.length(&mut dice);
        Box::new(Process { walk: Walk::new(seed.stream(&format!("client/{stream}/arrivals"))), phase, other, phase_ends, dice })
    }
    /// The mean over both phases, each weighted with the time spent in it.
    fn rate(&self) -> Option<f64> {
        let share = self.share_of_bursts();
        Some(self.quiet * (1.0 - share) + self.burst * share)
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        loop {
            if let Some(at) = self.walk.next_before(self.phase_ends, self.phase.mean_gap) {
                return Some(Batch { at, size: 1 });
            }
            if self.phase_ends == SimTime::NEVER {
                return None;
            }
            std::mem::swap(&mut self.phase, &mut self.other);
            self.phase_ends = self.phase_ends + self.phase.length(&mut self.dice);
        }
    }
    fn reseed(&mut self, seed: &Seed) {
        self.walk.reseed(seed);
        self.dice.reseed(seed);
    }
}

impl Phase {
    fn length(&self, dice: &mut Stream) -> Span {
        Span::from_nanos_f64(unit_exponential(dice) * self.mean_length)
    }
}
