//! What can go wrong, and when.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;

/// A fault at an instant of the run, as an experiment file writes it: `At("1min", RestartDatabase(down: "3s"))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct At(
    /// When, from the start of the run (the warm-up counts).
    pub Span,
    /// What.
    pub FaultSpec,
);

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FaultSpec {
    /// Every session ends with `terminating connection due to administrator command`; new ones are refused for `down`.
    RestartDatabase {
        /// How long connections are refused.
        down: Span,
    },
    /// This fraction of the database's sessions ends.
    KillConnections {
        /// Of all sessions, 0 ..= 1.
        fraction: f64,
    },
}

impl FaultSpec {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            FaultSpec::KillConnections { fraction } if !(0.0..=1.0).contains(fraction) => {
                Err(Invalid::field("fraction", "a fraction lies between 0 and 1"))
            }
            _ => Ok(()),
        }
    }
}
