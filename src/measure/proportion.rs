//! How often something happens: exact intervals for a share of trials and for a number of rare events.
//!
//! Exact means that they cover at least as often as they promise, with any number of trials and also where nothing was
//! seen: each end is the value at which what was seen, or more of it, would have half of the risk as its probability.

use crate::measure::intervals::{Confidence, Estimate};

/// The share of trials that succeed (Clopper and Pearson 1934).
pub fn share_of(successes: u64, trials: u64, confidence: Confidence) -> Estimate {
    let risk = 0.5 * confidence.risk();
    let low = if successes == 0 { 0.0 } else { solve(1.0, |p| at_least(successes, trials, p) > risk) };
    let high = if successes == trials { 1.0 } else { solve(1.0, |p| 1.0 - at_least(successes + 1, trials, p) <= risk) };
    Estimate { value: successes as f64 / trials.max(1) as f64, low, high }
}

/// The number of rare events that is to be expected where so many were seen (Garwood 1936).
pub fn events(seen: u64, confidence: Confidence) -> Estimate {
    let risk = 0.5 * confidence.risk();
    let most = seen as f64 + 20.0 * (seen as f64 + 1.0).sqrt() + 40.0;
    let low = if seen == 0 { 0.0 } else { solve(most, |mean| 1.0 - fewer_than(seen, mean) > risk) };
    Estimate { value: seen as f64, low, high: solve(most, |mean| fewer_than(seen + 1, mean) <= risk) }
}

/// The probability of `successes` or more in `trials` that each succeed with probability `p`.
pub fn at_least(successes: u64, trials: u64, p: f64) -> f64 {
    if successes == 0 || p >= 1.0 {
        return 1.0;
    }
    if p <= 0.0 {
        return 0.0;
    }
    let ln_choose = |k: u64| {
        let ln_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
        ln_factorial(trials) - ln_factorial(k) - ln_factorial(trials - k)
    };
    let one = |k: u64| libm::exp(ln_choose(k) + k as f64 * libm::log(p) + (trials - k) as f64 * libm::log1p(-p));
    (successes..=trials).map(one).sum::<f64>().min(1.0)
}

/// The probability of fewer than `count` events where `mean` are to be expected.
fn fewer_than(count: u64, mean: f64) -> f64 {
    let one = |k: u64| libm::exp(k as f64 * libm::log(mean.max(f64::MIN_POSITIVE)) - mean - libm::lgamma(k as f64 + 1.0));
    (0..count).map(one).sum::<f64>().min(1.0)
}

/// The least value in 0 ..= `most` at which `holds`, which holds from there on.
fn solve(most: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Estimate, low: f64, high: f64) {
        assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
    }

    #[test]
    fn shares_have_the_intervals_of_the_published_tables() {
        near(share_of(0, 10, Confidence::USUAL), 0.0, 0.308_50);
        near(share_of(5, 10, Confidence::USUAL), 0.187_09, 0.812_91);
        near(share_of(10, 10, Confidence::USUAL), 0.691_50, 1.0);
        near(share_of(1, 100, Confidence::USUAL), 0.000_25, 0.054_46);
    }

    #[test]
    fn rare_events_have_the_intervals_of_the_published_tables() {
        near(events(0, Confidence::USUAL), 0.0, 3.688_88);
        near(events(1, Confidence::USUAL), 0.025_32, 5.571_64);
        near(events(10, Confidence::USUAL), 4.795_39, 18.390_36);
    }

    #[test]
    fn a_coin_is_a_coin() {
        assert!((at_least(16, 16, 0.5) - 1.0 / 65_536.0).abs() < 1e-12);
        assert!((at_least(2, 3, 0.5) - 0.5).abs() < 1e-12);
        assert_eq!((at_least(0, 5, 0.3), at_least(1, 5, 0.0), at_least(5, 5, 1.0)), (1.0, 0.0, 1.0));
    }
}
