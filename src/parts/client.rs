//! Who asks: births, deadlines, retries.

use serde::{Deserialize, Serialize};

use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::workload::ArrivalsSpec;
use crate::protocol::error::Error;
use crate::protocol::program::StepSpec;

/// A stream of requests, complete.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamSpec {
    /// Its name.
    pub name: String,
    /// The app it goes to.
    pub app: String,
    /// When requests are born.
    pub arrivals: ArrivalsSpec,
    /// What each does.
    pub steps: Vec<StepSpec>,
    /// When its client gives up, counted from its arrival through all attempts.
    pub deadline: Option<Span>,
    /// What its client does about failures.
    pub retry: Option<Retry>,
}

/// What a client does about failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The pause before another attempt.
    #[serde(default)]
    pub backoff: LatencySpec,
    /// Adds up to this fraction of the pause at random.
    #[serde(default)]
    pub jitter: f64,
    /// Retries allowed as a fraction of all first attempts so far; no limit if left out.
    #[serde(default)]
    pub budget: Option<f64>,
    /// What is retried; everything but a passed deadline if left out.
    #[serde(default)]
    pub on: Option<Vec<Error>>,
}
