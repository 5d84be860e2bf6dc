//! `HyperExponential(mean: "20ms", cv: 3.0)`: mostly short, sometimes long, both without memory.

use serde::{Deserialize, Serialize};

use super::table::{Law, Tabled};
use super::{Latency, LatencyKind, positive, within};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The two-phase hyperexponential distribution with balanced means: both phases contribute half of the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HyperExponential {
    /// Its mean.
    pub mean: Span,
    /// Its coefficient of variation: standard deviation over mean.
    pub cv: f64,
}

/// A hyperexponential distribution, ready. Times inside are in means.
struct HyperExponentialLaw {
    mean: f64,
    /// Probability and rate of each phase, the likely and fast one first.
    phases: [(f64, f64); 2],
}

impl Example for HyperExponential {
    const EXAMPLE: &'static str = r#"HyperExponential(mean: "20ms", cv: 3.0)"#;
    const WHAT: &'static str = "More variable than exponential: HyperExponential(mean, cv), cv of 1 or more.";
}

impl LatencyKind for HyperExponential {
    fn check(&self) -> Result<(), Invalid> {
        positive("mean", self.mean)?;
        within("cv", self.cv, 1.0, 1000.0)
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(self.law()))
    }
}

impl HyperExponential {
    fn law(&self) -> HyperExponentialLaw {
        let square = self.cv * self.cv;
        let fast = (1.0 + libm::sqrt((square - 1.0) / (square + 1.0))) / 2.0;
        // 1 - fast without the cancellation: fast * slow = 1 / (2 (cv² + 1)).
        let slow = 0.5 / ((square + 1.0) * fast);
        HyperExponentialLaw { mean: self.mean.nanos() as f64, phases: [(fast, 2.0 * fast), (slow, 2.0 * slow)] }
    }
}

impl HyperExponentialLaw {
    fn sum(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        self.phases.iter().map(|(probability, rate)| of(*probability, *rate)).sum()
    }

    /// Newton's method from zero; on both functions below it only ever moves up, towards the root.
    fn solve(&self, error_and_slope: impl Fn(f64) -> (f64, f64)) -> f64 {
        let mut x = 0.0;
        for _ in 0..200 {
            let (error, slope) = error_and_slope(x);
            let step = -error / slope;
            x += step;
            // Convergence is quadratic: the next step would be below one part in 10¹⁵.
            if step <= x * 1e-8 {
                break;
            }
        }
        x * self.mean
    }
}

impl Law for HyperExponentialLaw {
    fn mean(&self) -> f64 {
        self.mean
    }
    /// P(X <= x) is concave.
    fn lower(&self, v: f64) -> f64 {
        self.solve(|x| (self.sum(|p, rate| -p * libm::expm1(-rate * x)) - v, self.sum(|p, rate| p * rate * libm::exp(-rate * x))))
    }
    /// ln P(X > x) is convex.
    fn upper(&self, v: f64) -> f64 {
        let wanted = libm::log(v);
        self.solve(|x| {
            let above = self.sum(|p, rate| p * libm::exp(-rate * x));
            (libm::log(above) - wanted, -self.sum(|p, rate| p * rate * libm::exp(-rate * x)) / above)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phases_have_the_mean_and_the_variation_that_were_asked_for() {
        for cv in [1.0, 1.001, 2.0, 10.0, 1000.0] {
            let law = HyperExponential { mean: Span::from_millis(20), cv }.law();
            assert!((law.sum(|p, _| p) - 1.0).abs() < 1e-15, "{cv}");
            let mean = law.sum(|p, rate| p / rate);
            let square = law.sum(|p, rate| 2.0 * p / (rate * rate));
            assert!((mean - 1.0).abs() < 1e-14, "{cv}: mean {mean}");
            assert!(((square - 1.0) / (cv * cv) - 1.0).abs() < 1e-12, "{cv}: variance {}", square - 1.0);
        }
    }

    #[test]
    fn quantiles_solve_the_distribution_function() {
        for cv in [1.0, 2.0, 1000.0] {
            let law = HyperExponential { mean: Span::from_millis(20), cv }.law();
            for v in [0.5, 0.1, 1e-3, 1e-9, 1e-15] {
                let above = law.sum(|p, rate| p * libm::exp(-rate * law.upper(v) / law.mean));
                let below = law.sum(|p, rate| -p * libm::expm1(-rate * law.lower(v) / law.mean));
                assert!((above / v - 1.0).abs() < 1e-12 && (below / v - 1.0).abs() < 1e-12, "{cv}, {v}: {above} above, {below} below");
            }
        }
    }
}
