//! `Schedule([("0s", 200), ("2min", 600)])`: Poisson arrivals whose rate changes at known times.

use serde::{Deserialize, Serialize};

use super::rate::{Walk, check_rate_or_none, mean_gap};
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};

/// Poisson arrivals with a piecewise constant rate: from each time on, so many requests per second. Nothing comes
/// before the first time; the last rate holds for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule(pub Vec<(Span, f64)>);

#[derive(Clone)]
struct Process {
    walk: Walk,
    /// From when on, and the mean gap from then on; the first starts at 0.
    pieces: Vec<(SimTime, f64)>,
    current: usize,
}

impl Example for Schedule {
    const EXAMPLE: &'static str = r#"Schedule([("0s", 200), ("2min", 600), ("3min", 200)])"#;
    const WHAT: &'static str = "Poisson with a rate that changes at given times: Schedule([(\"0s\", 200), (\"2min\", 600)]).";
}

impl ArrivalsKind for Schedule {
    fn check(&self) -> Result<(), Invalid> {
        let pieces = &self.0;
        if !pieces.iter().any(|(_, rate)| *rate != 0.0) {
            return Err(Invalid::here(r#"nothing ever comes: a schedule has at least one rate above 0, such as [("0s", 200)]"#));
        }
        for (i, (_, rate)) in pieces.iter().enumerate() {
            check_rate_or_none(&i.to_string(), *rate)?;
        }
        for (i, pair) in pieces.windows(2).enumerate() {
            let (earlier, later) = (pair[0].0, pair[1].0);
            if later <= earlier {
                return Err(Invalid::field(&(i + 1).to_string(), format!("times must increase, but {later} comes after {earlier}")));
            }
        }
        Ok(())
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        let mut pieces: Vec<_> = self.0.iter().map(|(from, rate)| (SimTime::ZERO + *from, mean_gap(*rate))).collect();
        if pieces[0].0 > SimTime::ZERO {
            pieces.insert(0, (SimTime::ZERO, mean_gap(0.0)));
        }
        Box::new(Process { walk: Walk::new(seed.stream(&format!("client/{stream}/arrivals"))), pieces, current: 0 })
    }
    /// The last rate: what comes before does not count in the long run.
    fn rate(&self) -> Option<f64> {
        self.0.last().map(|(_, rate)| *rate)
    }
    /// Only when it is one rate from the start.
    fn stationary(&self) -> bool {
        matches!(self.0[..], [(Span::ZERO, _)])
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        loop {
            let (_, mean_gap) = self.pieces[self.current];
            let end = self.pieces.get(self.current + 1).map_or(SimTime::NEVER, |(next, _)| *next);
            if let Some(at) = self.walk.next_before(end, mean_gap) {
                return Some(Batch { at, size: 1 });
            }
            if end == SimTime::NEVER {
                return None;
            }
            self.current += 1;
        }
    }
    fn reseed(&mut self, seed: &Seed) {
        self.walk.reseed(seed);
    }
}
