//! `Mixture([(0.99, Constant("2ms")), (0.01, Exponential(mean: "80ms"))])`: sometimes this, sometimes that.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind, LatencySpec};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// One of several distributions, chosen anew for each draw. Only the proportions of the weights matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture(pub Vec<(f64, LatencySpec)>);

/// The parts, ready.
struct Parts {
    /// Each part, its probability, and the sum of the probabilities up to and with its own. Never empty.
    parts: Vec<Part>,
    /// The most words that a part takes.
    most: u32,
}

struct Part {
    probability: f64,
    up_to: f64,
    latency: Box<dyn Latency>,
}

/// What rounding may do to a sum of probabilities.
const ROUNDING: f64 = 1e-14;

impl Example for Mixture {
    const EXAMPLE: &'static str = r#"Mixture([(0.9, Gamma(mean: "2ms", cv: 0.5)), (0.1, Exponential(mean: "80ms"))])"#;
    const WHAT: &'static str = "One of several, by weight: Mixture([(0.99, L), (0.01, L)]).";
}

impl LatencyKind for Mixture {
    fn check(&self) -> Result<(), Invalid> {
        if self.0.is_empty() {
            return Err(Invalid::here("must have at least one part: [(0.99, Constant(\"2ms\")), (0.01, Constant(\"80ms\"))]"));
        }
        for (i, (weight, part)) in self.0.iter().enumerate() {
            if !(*weight > 0.0 && weight.is_finite()) {
                return Err(Invalid::field(&i.to_string(), format!("the weight must be a number above 0, found {weight}")));
            }
            part.check().map_err(|invalid| invalid.within(&i.to_string()))?;
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        let whole: f64 = self.0.iter().map(|(weight, _)| weight).sum();
        let mut up_to = 0.0;
        let ready = |(weight, part): &(f64, LatencySpec)| {
            up_to += weight / whole;
            Part { probability: weight / whole, up_to, latency: part.prepare() }
        };
        let parts: Vec<Part> = self.0.iter().map(ready).collect();
        let most = parts.iter().map(|part| part.latency.words()).max().expect("the check found a part");
        Box::new(Parts { parts, most })
    }
}

impl Latency for Parts {
    fn words(&self) -> u32 {
        1 + self.most
    }
    fn sample(&self, dice: &mut Stream) -> Span {
        let choice = dice.uniform();
        // The last part also has what rounding left of the whole.
        let last = self.parts.len() - 1;
        let part = self.parts[..last].iter().find(|part| choice < part.up_to).unwrap_or(&self.parts[last]);
        let span = part.latency.sample(dice);
        for _ in part.latency.words()..self.most {
            dice.word();
        }
        span
    }
    fn mean(&self) -> f64 {
        self.parts.iter().map(|part| part.probability * part.latency.mean()).sum()
    }
    /// Lies between the parts' own quantiles; found by bisection there, since a part is known by its quantiles alone.
    /// Exact to a rounding error; slow, and not for the hot path.
    fn quantile(&self, p: f64) -> f64 {
        let own = || self.parts.iter().map(|part| part.latency.quantile(p));
        let (least, most) = (own().fold(f64::INFINITY, f64::min), own().fold(0.0, f64::max));
        let share = |x: f64| self.parts.iter().map(|part| part.probability * part.share_up_to(x)).sum::<f64>();
        if share(least) >= p - ROUNDING {
            return least;
        }
        least_where(least, most, |x| share(x) >= p - ROUNDING)
    }
}

impl Part {
    /// P(X <= x), from the quantiles.
    fn share_up_to(&self, x: f64) -> f64 {
        if let Some(always) = self.latency.constant() {
            return f64::from(u8::from(always.nanos() as f64 <= x));
        }
        least_where(0.0, 1.0, |p| self.latency.quantile(p) > x)
    }
}

/// The least number above `low` and up to `high` where `holds`, which then holds above it too, by bisection; `high` if nowhere.
fn least_where(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::latency::{Exponential, Uniform};

    #[test]
    fn quantiles_of_atoms_are_the_atoms() {
        let part = |weight, ms| (weight, LatencySpec::always(Span::from_millis(ms)));
        let latency = Mixture(vec![part(98.0, 1), part(1.0, 5), part(1.0, 9)]).prepare();
        for (p, ns) in [(0.5, 1e6), (0.98, 1e6), (0.981, 5e6), (0.99, 5e6), (0.991, 9e6), (0.999, 9e6)] {
            assert_eq!(latency.quantile(p), ns, "{p}");
        }
    }

    #[test]
    fn quantiles_solve_the_distribution_function() {
        let uniform = Uniform { low: Span::ZERO, high: Span::from_nanos(100) };
        let exponential = Exponential { mean: Span::from_nanos(50) };
        let latency = Mixture(vec![(1.0, uniform.into()), (3.0, exponential.into())]).prepare();
        for p in [0.001, 0.1, 0.5, 0.9, 0.999] {
            let x = latency.quantile(p);
            let found = 0.25 * (x / 100.0).min(1.0) - 0.75 * (-x / 50.0).exp_m1();
            assert!((found - p).abs() < 1e-12, "{p}: {found} up to {x}");
        }
    }
}
