//! Measured load: how many requests come, and what each asks of the database.

use super::found::Found;
use crate::kernel::time::Span;

pub mod access_log;
pub mod pgbench;
pub mod show_stats;
pub mod stat_statements;
mod table;

/// What measurements say; what they do not say is left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Requests per second, and where that comes from.
    pub rate: Option<(f64, Found)>,
    /// What a session does, as the experiment writes it, and where that comes from.
    pub steps: Option<(Vec<String>, Found)>,
    /// Statements per second, to be shared out among the requests.
    pub statements: Option<f64>,
    /// How the server links clients, if that was seen.
    pub pool_mode: Option<Found>,
    /// What had to be decided.
    pub decided: Vec<String>,
}

impl Load {
    /// What `self` says, and `other` where it says nothing.
    pub fn or(self, other: Load) -> Load {
        Load {
            rate: self.rate.or(other.rate),
            steps: self.steps.or(other.steps),
            statements: self.statements.or(other.statements),
            pool_mode: self.pool_mode.or(other.pool_mode),
            decided: self.decided.into_iter().chain(other.decided).collect(),
        }
    }
}

/// A rate as people write it: four digits that count.
pub fn rounded(rate: f64) -> f64 {
    if !rate.is_finite() || rate <= 0.0 {
        return 0.0;
    }
    let scale = libm::pow(10.0, 3.0 - libm::floor(libm::log10(rate)));
    (rate * scale).round() / scale
}

/// A distribution of this mean and standard deviation, in milliseconds, as the experiment writes it.
pub fn distribution(mean: f64, deviation: f64) -> String {
    let span = Span::from_nanos(Span::from_seconds(mean / 1e3).nanos().max(1_000) / 1_000 * 1_000);
    let cv = (deviation / mean * 100.0).round() / 100.0;
    if cv >= 0.01 && cv.is_finite() {
        format!("LogNormal(mean: \"{span}\", cv: {:?})", cv.min(100.0))
    } else {
        format!("Constant(\"{span}\")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_distributions_are_written_with_few_digits() {
        assert_eq!((rounded(123.456), rounded(0.0123456), rounded(0.0), rounded(f64::NAN)), (123.5, 0.01235, 0.0, 0.0));
        assert_eq!(distribution(4.2, 8.4), "LogNormal(mean: \"4200us\", cv: 2.0)");
        assert_eq!(distribution(5.0, 0.0), "Constant(\"5ms\")");
        assert_eq!(distribution(0.0, 0.0), "Constant(\"1us\")");
    }
}
