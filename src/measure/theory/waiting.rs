//! Poisson arrivals before a pool, exponential holds, waiters who leave after a fixed time or never: M/M/c+D.
//!
//! F. Baccelli and G. Hebuterne, "On queues with impatient customers" (1981); building blocks as in S. Zeltyn and
//! A. Mandelbaum, "Call centers with impatient customers: many-server asymptotics of the M/M/n+G queue" (2005). Endless
//! patience makes it Erlang's C formula, no patience Erlang's B; both (1917) come out of the same expressions, and so
//! does a pool whose holders slow each other down, since only the rate with all lent meets the queue.
//!
//! With λ arrivals, μ completions while all are lent, d = μ - λ, and E = Σ p(j) / p(c-1) over j < c: somebody who would
//! never leave waits longer than x with the density λ e^(λ min(x, D) - μ x) / (E + λ J), J being its integral over all x.

use super::station::Station;

/// The steady state of such a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    arrivals: f64,
    patience: f64,
    drift: f64,
    // Probabilities over their common factor λ / (E + λ J), and over e^(-d D) if that is large:
    at_once: f64,
    after_a_wait: f64,
    refused: f64,
    /// The mean wait of those who get a connection after a wait, times their probability.
    waited: f64,
}

impl Waiting {
    /// With `arrivals` per unit of time; `patience` of nothing is endless.
    pub fn new(arrivals: f64, station: &Station, patience: Option<f64>) -> Option<Waiting> {
        let fastest = station.fastest();
        let drift = fastest - arrivals;
        if arrivals <= 0.0 || (patience.is_none() && drift <= 0.0) {
            return None;
        }
        // E by Horner's scheme: each step adds the next fuller state and scales what was there.
        let emptier = (1..station.connections()).fold(1.0, |sum, lent| 1.0 + sum * station.rate(lent) / arrivals);
        let patience = patience.unwrap_or(f64::INFINITY);
        let scale = libm::exp((drift * patience).min(0.0));
        Some(Waiting {
            arrivals,
            patience,
            drift,
            at_once: scale * emptier / arrivals,
            after_a_wait: integral(drift, patience),
            refused: libm::exp(-(drift * patience).max(0.0)) / fastest,
            waited: first_moment(drift, patience),
        })
    }

    /// The probability that an arrival leaves without a connection.
    pub fn prob_refused(&self) -> f64 {
        self.refused / (self.served() + self.refused)
    }

    /// The probability that somebody who got a connection had to wait for it.
    pub fn prob_wait(&self) -> f64 {
        self.after_a_wait / self.served()
    }

    /// The mean wait of those who got a connection.
    pub fn mean_wait(&self) -> f64 {
        self.waited / self.served()
    }

    /// The mean number of waiters, those who will leave included.
    pub fn mean_waiting(&self) -> f64 {
        let leave = if self.refused > 0.0 { self.refused * self.patience } else { 0.0 };
        self.arrivals * (self.waited + leave) / (self.served() + self.refused)
    }

    /// The time that those who got a connection waited longer than with probability 1 - `p`.
    pub fn wait_quantile(&self, p: f64) -> f64 {
        let (d, beyond) = (self.drift, (1.0 - p) * self.served());
        if beyond >= self.after_a_wait {
            0.0
        } else if d == 0.0 {
            self.patience - beyond
        } else if d > 0.0 {
            -libm::log1p(libm::expm1(-d * self.patience) + d * beyond) / d
        } else {
            self.patience - libm::log1p(d * beyond) / d
        }
    }

    fn served(&self) -> f64 {
        self.at_once + self.after_a_wait
    }
}

/// ∫ e^(-d x) over 0 ..= end, over e^(-d end) if d is negative.
fn integral(d: f64, end: f64) -> f64 {
    if d == 0.0 { end } else { -libm::expm1(-(d * end).abs()) / d.abs() }
}

/// ∫ x e^(-d x) over 0 ..= end, over e^(-d end) if d is negative.
fn first_moment(d: f64, end: f64) -> f64 {
    let z = d * end;
    if z.is_infinite() {
        return 1.0 / (d * d);
    }
    if z > 0.5 {
        return (1.0 - libm::exp(-z) * (1.0 + z)) / (d * d);
    }
    if z < -0.5 {
        return (libm::exp(z) - 1.0 - z) / (d * d);
    }
    // The closed form loses its digits near zero: Σ (-z)^k / (k! (k + 2)).
    let (mut sum, mut term) = (0.0, 1.0);
    for k in 0..20 {
        sum += term / f64::from(k + 2);
        term *= -z / f64::from(k + 1);
    }
    end * end * sum * libm::exp(z.min(0.0))
}
