//! How long things take: the trait of all distributions, and what a file may name.

use std::sync::Arc;

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;
use crate::kinds;

mod constant;
mod empirical;
mod erlang;
mod exponential;
mod gamma;
mod hyperexponential;
mod lognormal;
mod mixture;
mod pareto;
mod quantiles;
mod scaled;
mod shifted;
mod uniform;
mod weibull;

// Not distributions: what several of them share.
mod gamma_quantile;
mod normal_quantile;
mod table;

pub use constant::Constant;
pub use empirical::Empirical;
pub use erlang::Erlang;
pub use exponential::Exponential;
pub use gamma::Gamma;
pub use hyperexponential::HyperExponential;
pub use lognormal::LogNormal;
pub use mixture::Mixture;
pub use pareto::Pareto;
pub use quantiles::Quantiles;
pub use scaled::Scaled;
pub use shifted::Shifted;
pub use uniform::Uniform;
pub use weibull::Weibull;

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

/// A distribution that is drawn from all the time: one that is constant is not even asked.
#[derive(Clone)]
pub struct Often {
    constant: Option<Span>,
    latency: Arc<dyn Latency>,
}

impl From<Box<dyn Latency>> for Often {
    fn from(latency: Box<dyn Latency>) -> Often {
        Often { constant: latency.constant(), latency: latency.into() }
    }
}

impl Often {
    /// One draw; a constant takes no dice.
    #[inline]
    pub fn sample(&self, dice: &mut Stream) -> Span {
        self.constant.unwrap_or_else(|| self.latency.sample(dice))
    }

    /// The one value it always has, if it is constant.
    #[inline]
    pub fn constant(&self) -> Option<Span> {
        self.constant
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
        Uniform(Uniform),
        Exponential(Exponential),
        Erlang(Erlang),
        Gamma(Gamma),
        LogNormal(LogNormal),
        Weibull(Weibull),
        Pareto(Pareto),
        HyperExponential(HyperExponential),
        Quantiles(Quantiles),
        Empirical(Empirical),
        Mixture(Mixture),
        Shifted(Shifted),
        Scaled(Scaled),
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

    /// Shows every file of measured times that this names, however deep, to somebody who can read it.
    pub fn each_file(&mut self, see: &mut dyn FnMut(&mut Empirical) -> Result<(), Invalid>) -> Result<(), Invalid> {
        match self {
            LatencySpec::Empirical(empirical) => see(empirical),
            LatencySpec::Shifted(shifted) => shifted.1.each_file(see),
            LatencySpec::Scaled(scaled) => scaled.1.each_file(see),
            LatencySpec::Mixture(mixture) => {
                let mut parts = mixture.0.iter_mut().enumerate();
                parts.try_for_each(|(i, (_, part))| part.each_file(see).map_err(|invalid| invalid.within(&i.to_string())))
            }
            _ => Ok(()),
        }
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

/// What most parameters that are times must be.
fn positive(name: &str, span: Span) -> Result<(), Invalid> {
    if span.is_zero() {
        return Err(Invalid::field(name, "must be above 0s; write Constant(\"0s\") for no time at all"));
    }
    Ok(())
}

/// What parameters that are numbers must be.
fn within(name: &str, number: f64, low: f64, high: f64) -> Result<(), Invalid> {
    if !(low..=high).contains(&number) {
        return Err(Invalid::field(name, format!("must be a number from {low} to {high}, found {number}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
