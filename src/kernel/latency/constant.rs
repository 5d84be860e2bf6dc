//! `Constant("5ms")`: always the same.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// Always the same time. Takes no dice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constant(pub Span);

impl Example for Constant {
    const EXAMPLE: &'static str = r#"Constant("5ms")"#;
    const WHAT: &'static str = "Always this long: Constant(\"5ms\").";
}

impl LatencyKind for Constant {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(self.clone())
    }
}

impl Latency for Constant {
    fn words(&self) -> u32 {
        0
    }
    fn sample(&self, _: &mut Stream) -> Span {
        self.0
    }
    fn mean(&self) -> f64 {
        self.0.nanos() as f64
    }
    fn quantile(&self, _: f64) -> f64 {
        self.0.nanos() as f64
    }
    fn constant(&self) -> Option<Span> {
        Some(self.0)
    }
}
