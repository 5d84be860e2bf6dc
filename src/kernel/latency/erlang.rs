//! `Erlang(mean: "20ms", k: 4)`: the sum of k equal exponential stages.

use serde::{Deserialize, Serialize};

use super::gamma::GammaLaw;
use super::table::Tabled;
use super::{Latency, LatencyKind, positive};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The Erlang distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erlang {
    /// The mean of the sum.
    pub mean: Span,
    /// How many stages; the standard deviation is the mean over √k.
    pub k: u32,
}

impl Example for Erlang {
    const EXAMPLE: &'static str = r#"Erlang(mean: "20ms", k: 4)"#;
    const WHAT: &'static str = "The sum of k exponential phases: Erlang(mean, k).";
}

impl LatencyKind for Erlang {
    fn check(&self) -> Result<(), Invalid> {
        positive("mean", self.mean)?;
        if !(1..=1000).contains(&self.k) {
            return Err(Invalid::field("k", format!("must be a number of stages from 1 to 1000, found {}", self.k)));
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(GammaLaw::new(self.mean, f64::from(self.k))))
    }
}
