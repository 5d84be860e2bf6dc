//! Poisson arrivals before a pool whose holds have any distribution: M/G/c by its first two moments.
//!
//! A. Lee and P. Longton, "Queueing processes associated with airline passenger check-in" (1959): the mean wait of M/M/c
//! times (1 + cv²) / 2. With one connection that is F. Pollaczek's and A. Khinchine's formula, and exact.

use super::station::{Cores, Station};
use super::waiting::Waiting;

/// The mean wait for a connection that is held for a time of this mean and coefficient of variation.
pub fn mean_wait(arrivals: f64, connections: u64, mean: f64, cv: f64) -> Option<f64> {
    let exponential = Waiting::new(arrivals, &Station::new(connections, mean, Cores::Enough), None)?;
    Some(exponential.mean_wait() * 0.5 * (1.0 + cv * cv))
}
