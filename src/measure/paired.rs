//! Differences between two systems that met the same requests: paired by replication, which is what makes small
//! differences visible.
//!
//! Two intervals that overlap say nothing about a difference; the interval of the difference does.

use crate::measure::intervals::{Confidence, Estimate, Figure, cautious_mean_with};

/// How much one figure of two systems differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The second less the first, with an interval that shares its risk with all comparisons made.
    pub figure: Figure,
    /// How many times the pairing has divided the variance of the difference: Var(A) + Var(B) over Var(B − A). One or
    /// less means that common chance did not help. Nothing with one replication, or if neither differs at all.
    pub gain: Option<f64>,
    /// How many comparisons share the risk.
    pub comparisons: usize,
}

/// What a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The second is less.
    Less,
    /// The second is more.
    More,
    /// The interval contains zero (or there is none): it may be either, or no difference at all.
    Undecided,
}

impl Difference {
    /// What it says.
    pub fn direction(&self) -> Direction {
        match self.figure.estimate() {
            Some(Estimate { low, .. }) if low > 0.0 => Direction::More,
            Some(Estimate { high, .. }) if high < 0.0 => Direction::Less,
            _ => Direction::Undecided,
        }
    }
}

/// The difference second − first of a mean over replications, each list in the order of the replications.
///
/// `comparisons` is how many differences are stated together: all their intervals cover with the given confidence
/// (Bonferroni, which holds under common chance too). The interval is the cautious one of [`cautious_mean_with`], since
/// small risks are what Bonferroni asks for and where the skewness adjustment alone falls short. For ratios and quantiles give the values of `linearised`.
pub fn difference(first: &[f64], second: &[f64], confidence: Confidence, comparisons: usize) -> Difference {
    assert_eq!(first.len(), second.len(), "both systems ran the same replications");
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let figure = match differences.as_slice() {
        [] => Figure::unsupported("no replication has a value"),
        [only] => Figure::Single(*only),
        _ => Figure::Estimate(cautious_mean_with(&differences, confidence.for_each_of(comparisons).t(differences.len()))),
    };
    let apart = square_sum(first) + square_sum(second);
    let together = square_sum(&differences);
    let gain = (first.len() > 1 && apart > 0.0).then(|| apart / together);
    Difference { figure, gain, comparisons }
}

/// Sum of squared deviations from the mean; all lists compared here are of one length, so it stands for the variance.
fn square_sum(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean) * (v - mean)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Seed, Stream};
    use crate::measure::intervals::{linearised, mean};

    fn exponential(dice: &mut Stream) -> f64 {
        -libm::log(dice.uniform())
    }

    /// Two systems that share most of their chance; the second is `more` slower on average.
    fn systems(dice: &mut Stream, more: f64) -> (Vec<f64>, Vec<f64>) {
        let pair = |_| {
            let common = 5.0 * exponential(dice);
            (common + exponential(dice), common + exponential(dice) + more)
        };
        (0..32).map(pair).unzip()
    }

    fn dice(name: &str) -> Stream {
        Seed::new(1, 0).stream(name)
    }

    #[test]
    fn a_difference_far_smaller_than_either_spread_is_seen() {
        let (first, second) = systems(&mut dice("paired/small"), 1.0);
        let found = difference(&first, &second, Confidence::USUAL, 1);
        assert_eq!(found.direction(), Direction::More);
        assert!(found.gain.expect("both vary") > 10.0, "{found:?}");
        assert_eq!(difference(&second, &first, Confidence::USUAL, 1).direction(), Direction::Less);
        let single = |values: &[f64]| mean(values, Confidence::USUAL).estimate().expect("32 values");
        assert!(single(&first).covers(single(&second).value), "two intervals apart would not have seen it");
    }

    #[test]
    fn equal_systems_differ_as_often_as_the_risk_allows() {
        let mut dice = dice("paired/equal");
        let differs = |_: &usize| {
            let (first, second) = systems(&mut dice, 0.0);
            difference(&first, &second, Confidence::USUAL, 1).direction() != Direction::Undecided
        };
        let false_alarms = (0..1000).filter(differs).count();
        assert!((30..=70).contains(&false_alarms), "{false_alarms} of 1000, allowed 50");
    }

    #[test]
    fn many_comparisons_together_stay_within_the_risk() {
        let mut dice = dice("paired/many");
        let mut any_differs = |comparisons: usize| {
            let mut differs = || {
                let (first, second) = systems(&mut dice, 0.0);
                difference(&first, &second, Confidence::USUAL, comparisons).direction() != Direction::Undecided
            };
            (0..10).filter(|_| differs()).count() > 0
        };
        let shared = (0..500).filter(|_| any_differs(10)).count();
        let alone = (0..500).filter(|_| any_differs(1)).count();
        assert!(shared <= 40, "{shared} of 500 families with a false alarm, allowed 25");
        assert!(alone >= 150, "without sharing the risk two families in five have one, found {alone} of 500");
    }

    #[test]
    fn the_same_system_twice_does_not_differ_at_all() {
        let (first, _) = systems(&mut dice("paired/same"), 0.0);
        let found = difference(&first, &first, Confidence::USUAL, 1);
        assert_eq!(found.figure, Figure::Estimate(Estimate { value: 0.0, low: 0.0, high: 0.0 }));
        assert_eq!((found.direction(), found.gain), (Direction::Undecided, Some(f64::INFINITY)));
    }

    #[test]
    fn ratios_are_compared_by_their_linear_parts() {
        let mut dice = dice("paired/ratios");
        let requests: Vec<f64> = (0..32).map(|_| 1000.0 + 100.0 * exponential(&mut dice)).collect();
        let mut timeouts = |share: f64| -> Vec<(f64, f64)> { requests.iter().map(|n| (share * n + exponential(&mut dice), *n)).collect() };
        let (first, second) = (timeouts(0.010), timeouts(0.013));
        let parts = |pairs: &[(f64, f64)]| linearised(pairs).expect("there are requests");
        let found = difference(&parts(&first), &parts(&second), Confidence::USUAL, 1);
        let estimate = found.figure.estimate().expect("32 replications");
        assert!(estimate.covers(0.003) && found.direction() == Direction::More, "{estimate:?}");
    }

    #[test]
    fn one_replication_differs_by_a_value_and_decides_nothing() {
        let found = difference(&[1.0], &[3.0], Confidence::USUAL, 1);
        assert_eq!((found.figure.value(), found.direction(), found.gain), (Some(2.0), Direction::Undecided, None));
    }
}
