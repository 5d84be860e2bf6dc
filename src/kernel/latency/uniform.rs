//! `Uniform(low: "1ms", high: "3ms")`: anything between two times, equally likely.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// The uniform distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// The shortest time.
    pub low: Span,
    /// The longest time.
    pub high: Span,
}

impl Example for Uniform {
    const EXAMPLE: &'static str = r#"Uniform(low: "1ms", high: "3ms")"#;
    const WHAT: &'static str = "Anything between low and high.";
}

impl LatencyKind for Uniform {
    fn check(&self) -> Result<(), Invalid> {
        if self.high < self.low {
            return Err(Invalid::field("high", format!("must be at least low, which is {}, found {}", self.low, self.high)));
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(self.clone())
    }
}

impl Latency for Uniform {
    fn sample(&self, dice: &mut Stream) -> Span {
        Span::from_nanos_f64(self.quantile(dice.uniform()))
    }
    fn mean(&self) -> f64 {
        (self.low.nanos() as f64 + self.high.nanos() as f64) / 2.0
    }
    fn quantile(&self, p: f64) -> f64 {
        self.low.nanos() as f64 + p * (self.high - self.low).nanos() as f64
    }
}
