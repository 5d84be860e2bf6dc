//! `LogNormal(mean: "20ms", cv: 1.0)` or `LogNormal(median: "12ms", p99: "80ms")`: many small delays multiplied.

use serde::{Deserialize, Serialize};

use super::normal_quantile::normal_quantile;
use super::table::{Law, Tabled};
use super::{Latency, LatencyKind, positive, within};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::time::Span;

/// The log-normal distribution, by its mean and coefficient of variation or by two of its quantiles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogNormal {
    /// Its mean; goes with `cv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Span>,
    /// Its coefficient of variation: standard deviation over mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv: Option<f64>,
    /// Its median; goes with `p99`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<Span>,
    /// Its 0.99-quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<Span>,
}

/// A log-normal distribution, ready.
struct LogNormalLaw {
    mean: f64,
    median: f64,
    /// The standard deviation of the logarithm.
    sigma: f64,
}

impl Example for LogNormal {
    const EXAMPLE: &'static str = r#"LogNormal(mean: "20ms", cv: 1.0)"#;
    const WHAT: &'static str = "LogNormal(mean, cv), or LogNormal(median, p99) from a dashboard: what query times mostly look like.";
}

impl LatencyKind for LogNormal {
    fn check(&self) -> Result<(), Invalid> {
        match (self.mean, self.cv, self.median, self.p99) {
            (Some(mean), Some(cv), None, None) => {
                positive("mean", mean)?;
                within("cv", cv, 0.001, 100.0)
            }
            (None, None, Some(median), Some(p99)) => {
                positive("median", median)?;
                if p99 <= median {
                    return Err(Invalid::field("p99", format!("must be above the median, which is {median}, found {p99}")));
                }
                Ok(())
            }
            _ => Err(Invalid::here("takes either a mean and a cv, or a median and a p99: LogNormal(mean: \"20ms\", cv: 1.0)")),
        }
    }
    fn prepare(&self) -> Box<dyn Latency> {
        Box::new(Tabled::new(self.law()))
    }
}

impl LogNormal {
    fn law(&self) -> LogNormalLaw {
        let ns = |span: Option<Span>| span.expect("the check found one of the two pairs").nanos() as f64;
        if let Some(cv) = self.cv {
            let (mean, variance) = (ns(self.mean), libm::log1p(cv * cv));
            LogNormalLaw { mean, median: mean / libm::sqrt(1.0 + cv * cv), sigma: libm::sqrt(variance) }
        } else {
            let median = ns(self.median);
            let sigma = libm::log(ns(self.p99) / median) / -normal_quantile(0.01);
            LogNormalLaw { mean: median * libm::exp(sigma * sigma / 2.0), median, sigma }
        }
    }
}

impl Law for LogNormalLaw {
    fn mean(&self) -> f64 {
        self.mean
    }
    fn lower(&self, v: f64) -> f64 {
        self.median * libm::exp(self.sigma * normal_quantile(v))
    }
    fn upper(&self, v: f64) -> f64 {
        self.median * libm::exp(-self.sigma * normal_quantile(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_and_a_p99_come_back_as_quantiles() {
        let (median, p99) = (Span::from_millis(12), Span::from_millis(80));
        let latency = LogNormal { median: Some(median), p99: Some(p99), ..LogNormal::default() }.prepare();
        assert_eq!(Span::from_nanos_f64(latency.quantile(0.5)), median);
        assert_eq!(Span::from_nanos_f64(latency.quantile(0.99)), p99);
    }

    #[test]
    fn both_pairs_describe_the_same_distributions() {
        let law = LogNormal { mean: Some(Span::from_millis(20)), cv: Some(1.5), ..LogNormal::default() }.law();
        let quantile = |v| Some(Span::from_nanos_f64(law.upper(v)));
        let same = LogNormal { median: quantile(0.5), p99: quantile(0.01), ..LogNormal::default() }.law();
        assert!((same.mean / law.mean - 1.0).abs() < 1e-6 && (same.sigma / law.sigma - 1.0).abs() < 1e-6);
        assert!((libm::expm1(law.sigma * law.sigma) - 1.5 * 1.5).abs() < 1e-12, "cv² of a log-normal distribution");
    }
}
