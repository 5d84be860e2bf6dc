//! `Gamma(mean: "20ms", cv: 0.5)`: between regular and bursty, by its coefficient of variation.

use serde::{Deserialize, Serialize};

use super::gamma_quantile::UnitGamma;
use super::table::{Law, Tabled};
use super::{Latency, LatencyKind, positive, within};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The gamma distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Its mean.
    pub mean: Span,
    /// Its coefficient of variation: standard deviation over mean.
    pub cv: f64,
}

/// A gamma distribution, ready.
pub struct GammaLaw {
    unit: UnitGamma,
    mean: f64,
    scale: f64,
}

impl Example for Gamma {
    const EXAMPLE: &'static str = r#"Gamma(mean: "20ms", cv: 0.5)"#;
    const WHAT: &'static str = "Gamma(mean, cv).";
}

impl LatencyKind for Gamma {
    fn check(&self) -> Result<(), Invalid> {
        positive("mean", self.mean)?;
        within("cv", self.cv, 0.05, 20.0)
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(GammaLaw::new(self.mean, 1.0 / (self.cv * self.cv))))
    }
}

impl GammaLaw {
    /// The gamma distribution of this mean and shape.
    pub fn new(mean: Span, shape: f64) -> GammaLaw {
        let mean = mean.nanos() as f64;
        GammaLaw { unit: UnitGamma::new(shape), mean, scale: mean / shape }
    }
}

impl Law for GammaLaw {
    fn mean(&self) -> f64 {
        self.mean
    }
    fn lower(&self, v: f64) -> f64 {
        self.unit.lower(v) * self.scale
    }
    fn upper(&self, v: f64) -> f64 {
        self.unit.upper(v) * self.scale
    }
}
