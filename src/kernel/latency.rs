//! How long things take: the trait of all distributions, and what a file may name.

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;
use crate::kinds;

mod constant;
mod exponential;

pub use constant::Constant;
pub use exponential::Exponential;

/// A distribution of times, ready to be drawn from.
///
/// An implementer keeps to this: `sample` takes exactly `words()` words from the dice, whatever they are (so that
/// request n's dice stand at n times a constant); and uses `libm` and IEEE operations alone.
pub trait Latency: Send + Sync {
    /// Words of dice that one sample takes.
    fn words(&self) -> u32 {
        1
    }
    /// One draw.
    fn sample(&self, dice: &mut Stream) -> Span;
    /// The exact mean in nanoseconds.
    fn mean(&self) -> f64;
    /// The p-quantile in nanoseconds, for 0 < p < 1: the smallest x with P(X <= x) >= p.
    fn quantile(&self, p: f64) -> f64;
    /// The one value it always has, if it is constant.
    fn constant(&self) -> Option<Span> {
        None
    }
}

/// A distribution as a file writes it: parameters to be checked, then prepared once.
pub trait LatencyKind {
    /// Says what is wrong with the parameters and what would be right.
    fn check(&self) -> Result<(), Invalid>;
    /// The distribution, of parameters that passed the check.
    fn prepare(&self) -> Box<dyn Latency>;
}

kinds! {
    /// A distribution of times as an experiment file writes it.
    pub enum LatencySpec: LatencyKind {
        Constant(Constant),
        Exponential(Exponential),
    } unit {}
}

impl LatencySpec {
    /// Says what is wrong with the parameters and what would be right.
    pub fn check(&self) -> Result<(), Invalid> {
        self.kind().check()
    }

    /// The distribution, of parameters that passed the check.
    pub fn prepare(&self) -> Box<dyn Latency> {
        self.kind().prepare()
    }

    /// Always this long.
    pub fn always(span: Span) -> LatencySpec {
        LatencySpec::Constant(Constant(span))
    }
}

impl Default for LatencySpec {
    fn default() -> LatencySpec {
        LatencySpec::always(Span::ZERO)
    }
}
