//! `Batches(rate: 20, size: [(0.5, 1), (0.3, 10), (0.2, 20)])`: requests that come many at once.

use serde::{Deserialize, Serialize};

use super::rate::{Walk, check_rate, mean_gap};
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::SimTime;

/// Poisson batches: their times know nothing of each other, and neither do their sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batches {
    /// Batches per second.
    pub rate: f64,
    /// Requests in each.
    pub size: Size,
}

/// How many requests a batch has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of requests such as 4, or weights and numbers such as [(0.7, 1), (0.3, 10)]")]
pub enum Size {
    /// Always so many. Takes no dice.
    Always(u32),
    /// One of several numbers, each with its weight; only the proportions of the weights matter.
    Weighted(Vec<(f64, u32)>),
}

#[derive(Clone)]
struct Process {
    walk: Walk,
    mean_gap: f64,
    sizes: Sizes,
}

/// Sizes, ready to be drawn.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // a stream has one
enum Sizes {
    Always(u32),
    /// The sum of the weights up to and with each size's own; the last is the sum of all.
    Weighted(Vec<(f64, u32)>, Stream),
}

/// More than any client sends in one instant; a larger number is a slip.
const LARGEST: u32 = 1_000_000;

impl Example for Batches {
    const EXAMPLE: &'static str = "Batches(rate: 20, size: [(0.5, 1), (0.3, 10), (0.2, 20)])";
    const WHAT: &'static str = "Several requests in one instant: Batches(rate, size), batches per second and requests in each.";
}

impl ArrivalsKind for Batches {
    fn check(&self) -> Result<(), Invalid> {
        check_rate("rate", self.rate)?;
        self.size.check().map_err(|invalid| invalid.within("size"))
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        let walk = Walk::new(seed.stream(&format!("client/{stream}/arrivals")));
        let sizes = self.size.prepare(seed.stream(&format!("client/{stream}/batch")));
        Box::new(Process { walk, mean_gap: mean_gap(self.rate), sizes })
    }
    /// Requests, not batches.
    fn rate(&self) -> Option<f64> {
        Some(self.rate * self.size.mean())
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        let at = self.walk.next_before(SimTime::NEVER, self.mean_gap)?;
        Some(Batch { at, size: self.sizes.draw() })
    }
    fn reseed(&mut self, seed: &Seed) {
        self.walk.reseed(seed);
        if let Sizes::Weighted(_, dice) = &mut self.sizes {
            dice.reseed(seed);
        }
    }
}

impl Size {
    fn check(&self) -> Result<(), Invalid> {
        let right = |size: u32| (1..=LARGEST).contains(&size);
        let why = |size: u32| format!("a batch has from 1 to {LARGEST} requests, found {size}");
        match self {
            Size::Always(size) if !right(*size) => return Err(Invalid::here(why(*size))),
            Size::Always(_) => {}
            Size::Weighted(sizes) if sizes.is_empty() => {
                return Err(Invalid::here("must name at least one size: [(0.7, 1), (0.3, 10)]"));
            }
            Size::Weighted(sizes) => {
                for (i, (weight, size)) in sizes.iter().enumerate() {
                    if !(*weight > 0.0 && weight.is_finite()) {
                        return Err(Invalid::field(&i.to_string(), format!("the weight must be a number above 0, found {weight}")));
                    }
                    if !right(*size) {
                        return Err(Invalid::field(&i.to_string(), why(*size)));
                    }
                }
            }
        }
        Ok(())
    }

    fn mean(&self) -> f64 {
        match self {
            Size::Always(size) => f64::from(*size),
            Size::Weighted(sizes) => {
                let whole: f64 = sizes.iter().map(|(weight, _)| weight).sum();
                sizes.iter().map(|(weight, size)| weight / whole * f64::from(*size)).sum()
            }
        }
    }

    fn prepare(&self, dice: Stream) -> Sizes {
        match self {
            Size::Always(size) => Sizes::Always(*size),
            Size::Weighted(sizes) => {
                let mut sum = 0.0;
                let up_to = |(weight, size): &(f64, u32)| {
                    sum += weight;
                    (sum, *size)
                };
                Sizes::Weighted(sizes.iter().map(up_to).collect(), dice)
            }
        }
    }
}

impl Sizes {
    fn draw(&mut self) -> u32 {
        match self {
            Sizes::Always(size) => *size,
            Sizes::Weighted(sizes, dice) => {
                let (whole, last) = *sizes.last().expect("the check found a size");
                let choice = dice.uniform() * whole;
                sizes.iter().find(|(up_to, _)| choice < *up_to).map_or(last, |(_, size)| *size)
            }
        }
    }
}
