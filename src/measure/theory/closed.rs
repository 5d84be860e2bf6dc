//! Users who think, ask, wait and think again, before one pool: machine repair, M/M/c//N.
//!
//! A birth-death chain; who arrives sees the system as if it had one user fewer (S. Lavenberg and M. Reiser, "Stationary
//! state probabilities at arrival instants for closed queueing networks", 1980). Only the mean of the thinking time
//! matters (F. Baskett et al., "Open, closed, and mixed networks of queues", 1975).

use super::station::Station;

/// The steady state of such a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    station: Station,
    /// By number of users who have a connection or wait.
    seen_outside: Vec<f64>,
    seen_by_arrivals: Vec<f64>,
}

impl Closed {
    /// `users`, of whom there is at least one, thinking for the mean time `think`.
    pub fn new(users: u32, think: f64, station: Station) -> Option<Closed> {
        (users > 0 && think > 0.0).then(|| Closed {
            seen_outside: distribution(users, think, &station),
            seen_by_arrivals: distribution(users - 1, think, &station),
            station,
        })
    }

    /// Requests served per unit of time.
    pub fn throughput(&self) -> f64 {
        self.seen_outside.iter().enumerate().map(|(there, p)| p * self.station.rate(there)).sum()
    }

    /// The probability of a wait for a connection.
    pub fn prob_wait(&self) -> f64 {
        self.seen_by_arrivals.iter().skip(self.station.connections()).sum()
    }

    /// The mean wait of a request.
    pub fn mean_wait(&self) -> f64 {
        let all = self.station.connections();
        let waiting: f64 = self.seen_outside.iter().enumerate().skip(all).map(|(there, p)| p * (there - all) as f64).sum();
        waiting / self.throughput()
    }

    /// The time that a request waits longer than with probability 1 - `p`.
    pub fn wait_quantile(&self, p: f64) -> f64 {
        let beyond = 1.0 - p;
        if self.prob_wait() <= beyond {
            return 0.0;
        }
        let mut high = 1.0 / self.station.fastest();
        while self.wait_over(high) > beyond {
            high *= 2.0;
        }
        let mut low = 0.0;
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.wait_over(middle) > beyond { low = middle } else { high = middle }
        }
        high
    }

    /// The probability of a wait longer than `time`: with k ahead in the queue, k or fewer completions until then.
    pub fn wait_over(&self, time: f64) -> f64 {
        let expected = self.station.fastest() * time;
        let (mut term, mut completed, mut over) = (libm::exp(-expected), 0.0, 0.0);
        for (ahead, p) in self.seen_by_arrivals.iter().skip(self.station.connections()).enumerate() {
            completed += term;
            over += p * completed;
            term *= expected / (ahead + 1) as f64;
        }
        over
    }
}

/// Scaled at each step, so that no number grows too large.
fn distribution(users: u32, think: f64, station: &Station) -> Vec<f64> {
    let mut weights = vec![1.0];
    let mut sum = 1.0;
    for there in 1..=users as usize {
        let thinking = f64::from(users) - (there - 1) as f64;
        let weight = weights[there - 1] * thinking / think / station.rate(there);
        weights.push(weight);
        sum += weight;
        if sum > 1e200 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
            sum = 1.0;
        }
    }
    weights.iter().map(|weight| weight / sum).collect()
}
