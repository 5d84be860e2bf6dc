//! `Exponential(mean: "20ms")`: no memory.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// The exponential distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    /// Its mean.
    pub mean: Span,
}

impl Example for Exponential {
    const EXAMPLE: &'static str = r#"Exponential(mean: "20ms")"#;
}

impl LatencyKind for Exponential {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(self.clone())
    }
}

impl Latency for Exponential {
    fn sample(&self, dice: &mut Stream) -> Span {
        // One minus a uniform is exact, and makes high dice long times, as with every other distribution: that keeps
        // comparisons between distributions paired.
        Span::from_nanos_f64(-libm::log(1.0 - dice.uniform()) * self.mean())
    }
    fn mean(&self) -> f64 {
        self.mean.nanos() as f64
    }
    fn quantile(&self, p: f64) -> f64 {
        -libm::log1p(-p) * self.mean()
    }
}
