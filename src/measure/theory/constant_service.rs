//! Poisson arrivals before pools whose connections are held for one constant time: M/D/c, and its like behind a
//! round-robin balancer.
//!
//! Equal holds end in the order in which they began, so every c-th request of a pool meets a queue of its own with one
//! connection (C. Crommelin, "Delay probability formulae when the holding times are constant", 1932); with `pools` in
//! turn it is every (c · pools)-th request of the stream. The wait in that queue is the largest sum of a random walk,
//! whose mean and chance to be zero F. Spitzer gives ("A combinatorial lemma and its application to probability
//! theory", 1956): E\[W\] = Σ E\[(i D - T)⁺\] / i and P(W = 0) = exp(-Σ P(T < i D) / i), T being the time of i · c · pools arrivals.

/// What is known of such a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantService {
    /// The probability of a wait.
    pub prob_wait: f64,
    /// The mean wait.
    pub mean_wait: f64,
}

/// Terms after which a queue that is nearly full is given up.
const MOST_TERMS: u32 = 100_000;

impl ConstantService {
    /// `arrivals` per unit of time go to `pools` in turn, each of so many connections, which are held for `hold`.
    pub fn new(arrivals: f64, pools: u32, connections: u64, hold: f64) -> Option<ConstantService> {
        let step = f64::from(pools) * connections as f64;
        if arrivals * hold >= step {
            return None;
        }
        let (mut mean_wait, mut log_at_once) = (0.0, 0.0);
        for i in 1..=MOST_TERMS {
            let (i, count) = (f64::from(i), f64::from(i) * step);
            let expected = arrivals * hold * i;
            let here = poisson(count, expected);
            // At least so many arrivals, and at least one more.
            let least = here * tail(count, expected);
            let more = least - here;
            let late = (hold * i * least - count / arrivals * more).max(0.0) / i;
            mean_wait += late;
            log_at_once -= least / i;
            if least / i <= 1e-17 * -log_at_once || least < 1e-300 {
                return Some(ConstantService { prob_wait: -libm::expm1(log_at_once), mean_wait });
            }
        }
        None
    }
}

/// The probability of `count` where `mean` are expected; Stirling's series keeps its digits for large ones.
fn poisson(count: f64, mean: f64) -> f64 {
    if count < 16.0 {
        return libm::exp(count * libm::log(mean) - mean - libm::lgamma(count + 1.0));
    }
    let square = count * count;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / count;
    let excess = mean / count - 1.0;
    libm::exp(count * (libm::log1p(excess) - excess) - series) / libm::sqrt(std::f64::consts::TAU * count)
}

/// Σ over j >= 0 of P(count + j) / P(count).
fn tail(count: f64, mean: f64) -> f64 {
    let (mut sum, mut term, mut above) = (1.0, 1.0, count);
    while term > 1e-17 * sum {
        above += 1.0;
        term *= mean / above;
        sum += term;
    }
    sum
}
