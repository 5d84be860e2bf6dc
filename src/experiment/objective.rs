//! What must hold of a system, and how a person says it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;

/// What must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Objective {
    /// A quantile of the time from arrival to reply.
    Latency {
        /// Which quantile, between 0 and 1.
        p: f64,
        /// The limit.
        below: Span,
    },
    /// A quantile of the wait for a connection.
    Wait {
        /// Which quantile, between 0 and 1.
        p: f64,
        /// The limit.
        below: Span,
    },
    /// Failed requests as a fraction of all.
    Errors {
        /// The limit, 0 ..= 1.
        below: f64,
    },
    /// The most connections at the database at once.
    Connections {
        /// The limit.
        below: u64,
    },
    /// After the last fault, until latency and error rate are back in their old intervals.
    Recovery {
        /// The limit.
        below: Span,
    },
}

impl Objective {
    /// Says what is wrong with the parameters and what would be right.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Objective::Latency { p, .. } | Objective::Wait { p, .. } if !(*p > 0.0 && *p < 1.0) => {
                Err(Invalid::field("p", format!("a quantile lies between 0 and 1, such as 0.99, found {p}")))
            }
            Objective::Errors { below } if !(*below > 0.0 && *below <= 1.0) => {
                Err(Invalid::field("below", format!("a fraction of requests lies above 0 and is at most 1, such as 0.001, found {below}")))
            }
            Objective::Connections { below: 0 } => Err(Invalid::field("below", "fewer than 0 connections cannot be: give 1 or more")),
            Objective::Latency { below, .. } | Objective::Wait { below, .. } | Objective::Recovery { below } if below.is_zero() => {
                Err(Invalid::field("below", "nothing is faster than 0s: give a duration such as \"500ms\""))
            }
            _ => Ok(()),
        }
    }
}

/// As in results: "p99 latency below 500ms", "errors below 0.1 %".
impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Objective::Latency { p, below } => write!(f, "p{} latency below {below}", percent(*p)),
            Objective::Wait { p, below } => write!(f, "p{} wait below {below}", percent(*p)),
            Objective::Errors { below } => write!(f, "errors below {} %", percent(*below)),
            Objective::Connections { below } => write!(f, "connections below {below}"),
            Objective::Recovery { below } => write!(f, "recovery below {below}"),
        }
    }
}

/// A fraction as per cent, without the noise of binary fractions: 0.999 is 99.9.
fn percent(fraction: f64) -> String {
    let text = format!("{:.6}", fraction * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
