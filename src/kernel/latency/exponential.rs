//! `Exponential(mean: "20ms")`: no memory.

use serde::{Deserialize, Serialize};

use super::table::{Law, Tabled};
use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The exponential distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    /// Its mean.
    pub mean: Span,
}

/// An exponential distribution of this mean in nanoseconds, ready.
struct ExponentialLaw(f64);

impl Example for Exponential {
    const EXAMPLE: &'static str = r#"Exponential(mean: "20ms")"#;
    const WHAT: &'static str = "Exponential(mean): the usual model where little is known.";
}

impl LatencyKind for Exponential {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(ExponentialLaw(self.mean.nanos() as f64)))
    }
}

impl Law for ExponentialLaw {
    fn mean(&self) -> f64 {
        self.0
    }
    fn lower(&self, v: f64) -> f64 {
        -libm::log1p(-v) * self.0
    }
    fn upper(&self, v: f64) -> f64 {
        -libm::log(v) * self.0
    }
}
