//! `Weibull(mean: "20ms", shape: 0.7)`: stretched (shape below 1) or compressed (above 1) exponential tails.

use serde::{Deserialize, Serialize};

use super::table::{Law, Tabled};
use super::{Latency, LatencyKind, positive, within};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The Weibull distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weibull {
    /// Its mean.
    pub mean: Span,
    /// Its shape: 1 is the exponential distribution, less has a heavier tail.
    pub shape: f64,
}

/// A Weibull distribution, ready.
struct WeibullLaw {
    mean: f64,
    scale: f64,
    exponent: f64,
}

impl Example for Weibull {
    const EXAMPLE: &'static str = r#"Weibull(mean: "20ms", shape: 0.7)"#;
    const WHAT: &'static str = "Weibull(mean, shape).";
}

impl LatencyKind for Weibull {
    fn check(&self) -> Result<(), Invalid> {
        positive("mean", self.mean)?;
        within("shape", self.shape, 0.1, 100.0)
    }
    fn prepare(&self) -> Box<dyn Latency> {
        let (mean, exponent) = (self.mean.nanos() as f64, 1.0 / self.shape);
        Box::new(Tabled::new(WeibullLaw { mean, scale: mean / libm::tgamma(1.0 + exponent), exponent }))
    }
}

impl Law for WeibullLaw {
    fn mean(&self) -> f64 {
        self.mean
    }
    fn lower(&self, v: f64) -> f64 {
        self.scale * libm::pow(-libm::log1p(-v), self.exponent)
    }
    fn upper(&self, v: f64) -> f64 {
        self.scale * libm::pow(-libm::log(v), self.exponent)
    }
}
