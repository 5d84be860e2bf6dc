//! `Closed(users: 20, think: Exponential(mean: "100ms"))`: a fixed number of users, each waiting for its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::latency::{Latency, LatencySpec};
use crate::kernel::registry::Example;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::Span;

/// Users who think first, from time 0 on, then send a request, wait for its answer, and think again. How fast requests
/// come depends on how fast they are answered: a slow system is asked less, so waits look better than those of
/// requests that come by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// How many.
    pub users: u32,
    /// How long each thinks before each request.
    pub think: LatencySpec,
}

#[derive(Clone)]
struct Process {
    users: u32,
    think: Arc<dyn Latency>,
    dice: Stream,
}

/// As many as a run can hold in memory without a second thought.
const MOST: u32 = 10_000_000;

impl Example for Closed {
    const EXAMPLE: &'static str = r#"Closed(users: 20, think: Exponential(mean: "100ms"))"#;
    const WHAT: &'static str = "Users who wait for the answer and think before they ask again: Closed(users, think).";
    const HERE: &'static str =
        "An overloaded system slows its own users down, which hides the overload: prefer open arrivals for a public service.";
}

impl ArrivalsKind for Closed {
    fn check(&self) -> Result<(), Invalid> {
        if !(1..=MOST).contains(&self.users) {
            return Err(Invalid::field("users", format!("there are from 1 to {MOST} users, found {}", self.users)));
        }
        self.think.check().map_err(|invalid| invalid.within("think"))
    }
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals> {
        let dice = seed.stream(&format!("client/{stream}/think"));
        Box::new(Process { users: self.users, think: self.think.prepare().into(), dice })
    }
    /// Depends on the answers.
    fn rate(&self) -> Option<f64> {
        None
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        None
    }
    fn users(&self) -> u32 {
        self.users
    }
    /// Request `number` has its own words of the dice, so a thinking time is the same in whatever order users come back.
    fn think(&mut self, number: u64) -> Span {
        self.dice.seek(number * u64::from(self.think.words()));
        self.think.sample(&mut self.dice)
    }
    fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }
}
