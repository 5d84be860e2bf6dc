//! `Shifted("1ms", Exponential(mean: "4ms"))`: never less than a floor, and something on top.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind, LatencySpec};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// A fixed time plus a random one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shifted(pub Span, pub Box<LatencySpec>);

/// The sum, ready.
struct Sum {
    floor: Span,
    rest: Box<dyn Latency>,
}

impl Example for Shifted {
    const EXAMPLE: &'static str = r#"Shifted("1ms", Exponential(mean: "4ms"))"#;
    const WHAT: &'static str = "Something constant and something random: Shifted(\"1ms\", L).";
}

impl LatencyKind for Shifted {
    fn check(&self) -> Result<(), Invalid> {
        self.1.check()
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Sum { floor: self.0, rest: self.1.prepare() })
    }
}

impl Latency for Sum {
    fn words(&self) -> u32 {
        self.rest.words()
    }
    fn sample(&self, dice: &mut Stream) -> Span {
        self.floor + self.rest.sample(dice)
    }
    fn mean(&self) -> f64 {
        self.floor.nanos() as f64 + self.rest.mean()
    }
    fn quantile(&self, p: f64) -> f64 {
        self.floor.nanos() as f64 + self.rest.quantile(p)
    }
    fn constant(&self) -> Option<Span> {
        self.rest.constant().map(|rest| self.floor + rest)
    }
}
