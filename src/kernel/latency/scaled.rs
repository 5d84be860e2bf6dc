//! `Scaled(1.5, Exponential(mean: "4ms"))`: the same distribution, slower or faster.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind, LatencySpec};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// Every time multiplied by a factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaled(pub f64, pub Box<LatencySpec>);

/// The product, ready.
struct Product {
    factor: f64,
    of: Box<dyn Latency>,
}

impl Example for Scaled {
    const EXAMPLE: &'static str = r#"Scaled(1.5, Exponential(mean: "4ms"))"#;
    const WHAT: &'static str = "Another distribution, slower or faster: Scaled(1.5, L).";
}

impl LatencyKind for Scaled {
    fn check(&self) -> Result<(), Invalid> {
        if !(0.001..=1000.0).contains(&self.0) {
            return Err(Invalid::field("0", format!("the factor must be a number from 0.001 to 1000, found {}", self.0)));
        }
        self.1.check()
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Product { factor: self.0, of: self.1.prepare() })
    }
}

impl Latency for Product {
    fn words(&self) -> u32 {
        self.of.words()
    }
    fn sample(&self, dice: &mut Stream) -> Span {
        self.of.sample(dice).scaled(self.factor)
    }
    fn mean(&self) -> f64 {
        self.factor * self.of.mean()
    }
    fn quantile(&self, p: f64) -> f64 {
        self.factor * self.of.quantile(p)
    }
    fn constant(&self) -> Option<Span> {
        self.of.constant().map(|constant| constant.scaled(self.factor))
    }
}
