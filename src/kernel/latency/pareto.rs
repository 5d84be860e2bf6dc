//! `Pareto(minimum: "2ms", shape: 1.5, maximum: "10s")`: a power law between two times.

use serde::{Deserialize, Serialize};

use super::table::{Law, Tabled};
use super::{Latency, LatencyKind, positive, within};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The bounded Pareto distribution: P(X > x) falls as x^-shape from the minimum on, and ends at the maximum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pareto {
    /// The shortest time.
    pub minimum: Span,
    /// The exponent of the tail: less is heavier.
    pub shape: f64,
    /// The longest time.
    pub maximum: Span,
}

/// A bounded Pareto distribution, ready.
struct ParetoLaw {
    mean: f64,
    minimum: f64,
    shape: f64,
    /// What an unbounded Pareto distribution has above the maximum: (minimum / maximum)^shape.
    cut: f64,
    /// The rest of it, 1 - cut.
    kept: f64,
}

impl Example for Pareto {
    const EXAMPLE: &'static str = r#"Pareto(minimum: "2ms", shape: 1.5, maximum: "10s")"#;
    const WHAT: &'static str = "A heavy tail, cut off: Pareto(minimum, shape, maximum).";
}

impl LatencyKind for Pareto {
    fn check(&self) -> Result<(), Invalid> {
        positive("minimum", self.minimum)?;
        within("shape", self.shape, 0.001, 1000.0)?;
        if self.maximum <= self.minimum {
            let why = format!("must be above the minimum, which is {}, found {}", self.minimum, self.maximum);
            return Err(Invalid::field("maximum", why));
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(self.law()))
    }
}

impl Pareto {
    fn law(&self) -> ParetoLaw {
        let (minimum, maximum) = (self.minimum.nanos() as f64, self.maximum.nanos() as f64);
        let reach = libm::log(maximum / minimum);
        let (cut, kept) = (libm::exp(-self.shape * reach), -libm::expm1(-self.shape * reach));
        // The integral of e^(-(shape - 1) t) over 0 ..= reach, which is the reach itself at shape 1.
        let beyond_one = self.shape - 1.0;
        let integral = if beyond_one == 0.0 { reach } else { -libm::expm1(-beyond_one * reach) / beyond_one };
        ParetoLaw { mean: minimum * self.shape * integral / kept, minimum, shape: self.shape, cut, kept }
    }
}

impl Law for ParetoLaw {
    fn mean(&self) -> f64 {
        self.mean
    }
    fn lower(&self, v: f64) -> f64 {
        self.minimum * libm::exp(-libm::log1p(-v * self.kept) / self.shape)
    }
    fn upper(&self, v: f64) -> f64 {
        self.minimum * libm::exp(-libm::log(self.cut + v * self.kept) / self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_closed_form_and_continuous_in_the_shape() {
        let (l, h): (f64, f64) = (2e6, 1e10);
        let mean = |shape| Pareto { minimum: Span::from_millis(2), shape, maximum: Span::from_secs(10) }.law().mean;
        let close = |found: f64, form: f64| assert!((found / form - 1.0).abs() < 1e-9, "{found} for {form}");
        close(mean(1.0), l * h / (h - l) * (h / l).ln());
        close(mean(2.0), 2.0 * l * h / (l + h));
        for shape in [0.3, 1.5, 4.0] {
            let form = l.powf(shape) / (1.0 - (l / h).powf(shape)) * shape / (shape - 1.0) * (l.powf(1.0 - shape) - h.powf(1.0 - shape));
            close(mean(shape), form);
        }
        assert!((mean(1.0 + 1e-12) / mean(1.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn times_lie_between_the_minimum_and_the_maximum() {
        let law = Pareto { minimum: Span::from_millis(2), shape: 1.5, maximum: Span::from_secs(10) }.law();
        assert!((law.lower(1e-16) / 2e6 - 1.0).abs() < 1e-12);
        assert!((law.upper(1e-16) / 1e10 - 1.0).abs() < 1e-9);
        assert!((law.lower(0.5) / law.upper(0.5) - 1.0).abs() < 1e-12);
    }
}
