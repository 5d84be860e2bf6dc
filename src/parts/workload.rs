//! When requests are born: the trait of all arrival processes, and what a file may name.

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::{copied, kinds};

mod batches;
mod bursts;
mod closed;
mod daily;
mod poisson;
mod rate;
mod recorded;
mod regular;
mod replay;
mod schedule;
#[cfg(test)]
mod tests;

pub use batches::{Batches, Size};
pub use bursts::Bursts;
pub use closed::Closed;
pub use daily::Daily;
pub use poisson::Poisson;
pub use regular::Regular;
pub use replay::Replay;
pub use schedule::Schedule;

/// Some requests that arrive in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// When.
    pub at: SimTime,
    /// How many.
    pub size: u32,
}

/// An arrival process at work, with dice of its own.
pub trait Arrivals: Send + CopiedArrivals {
    /// The next arrivals, not before the last ones; nothing when none come any more, and always nothing from a closed
    /// process, whose users send again after they were served.
    fn next(&mut self) -> Option<Batch>;
    /// How many users a closed process has.
    fn users(&self) -> u32 {
        0
    }
    /// How long the user of a closed process thinks before request `number` (user u's k-th request, from 0, has the number u + k·users).
    fn think(&mut self, number: u64) -> Span {
        let _ = number;
        Span::ZERO
    }
    /// The service demands of request `number`'s statements in order, if the process has recorded them.
    fn demands(&self, number: u64) -> Option<&[Span]> {
        let _ = number;
        None
    }
    /// From here on its dice, if it throws any, are those of `seed`.
    fn reseed(&mut self, seed: &Seed) {
        let _ = seed;
    }
}

copied!(Arrivals as CopiedArrivals);

/// An arrival process as a file writes it.
pub trait ArrivalsKind {
    /// Says what is wrong with the parameters and what would be right.
    fn check(&self) -> Result<(), Invalid>;
    /// The process of stream `stream`.
    fn build(&self, stream: &str, seed: &Seed) -> Box<dyn Arrivals>;
    /// Requests per second in the long run, where that does not depend on how the system answers.
    fn rate(&self) -> Option<f64>;
    /// Whether the process looks the same at all times, so that a steady state is a sensible question.
    fn stationary(&self) -> bool {
        true
    }
}

kinds! {
    /// An arrival process as an experiment file writes it.
    pub enum ArrivalsSpec: ArrivalsKind {
        Poisson(Poisson),
        Regular(Regular),
        Bursts(Bursts),
        Schedule(Schedule),
        Daily(Daily),
        Batches(Batches),
        Closed(Closed),
        Replay(Replay),
    } unit {}
}

impl ArrivalsSpec {
    /// The recording to be loaded from its file, if these are recorded arrivals.
    pub fn replay_mut(&mut self) -> Option<&mut Replay> {
        if let ArrivalsSpec::Replay(replay) = self { Some(replay) } else { None }
    }

    /// The thinking time of a closed process, which may name a file too.
    pub fn think_mut(&mut self) -> Option<&mut LatencySpec> {
        if let ArrivalsSpec::Closed(closed) = self { Some(&mut closed.think) } else { None }
    }
}
