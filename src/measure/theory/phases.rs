//! Arrivals that come in phases or in batches, before a pool with exponential holds: E_k/M/c, MMPP/M/c, M^X/M/c.
//!
//! A Markov chain of the number of requests that hold or wait, and of the phase of the arrivals, cut off where the
//! queue is longer than it ever gets. Behind a round-robin balancer each of k pools gets every k-th arrival of a Poisson
//! stream: k phases of one length.

use super::chain::Chain;
use super::station::Station;

/// How requests come.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// For each phase the others it turns into, with the rates, and whether a batch arrives then.
    turns: Vec<Vec<(usize, f64, bool)>>,
    /// Sizes of a batch with their probabilities.
    sizes: Vec<(f64, u32)>,
    /// Requests per unit of time in the long run.
    rate: f64,
}

/// What is known of such a queue, by request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phased {
    /// The probability of a wait.
    pub prob_wait: f64,
    /// The mean wait.
    pub mean_wait: f64,
}

/// A longer queue than is cut off has less than this probability.
const CUT_OFF: f64 = 1e-12;
/// More multiplications than these are more than a glance.
const MOST_COST: f64 = 2e8;

impl Source {
    /// Every `pools`-th of so many Poisson arrivals.
    pub fn every(pools: u32, arrivals: f64) -> Source {
        let pools = pools.max(1) as usize;
        let turn = |phase: usize| vec![((phase + 1) % pools, arrivals, phase + 1 == pools)];
        Source { turns: (0..pools).map(turn).collect(), sizes: vec![(1.0, 1)], rate: arrivals / pools as f64 }
    }

    /// Poisson arrivals at one of two rates, which last for exponential times of these means.
    pub fn two_rates(rates: [f64; 2], lengths: [f64; 2]) -> Source {
        let turn = |phase: usize| vec![(phase, rates[phase], true), (1 - phase, 1.0 / lengths[phase], false)];
        let rate = (rates[0] * lengths[0] + rates[1] * lengths[1]) / (lengths[0] + lengths[1]);
        Source { turns: vec![turn(0), turn(1)], sizes: vec![(1.0, 1)], rate }
    }

    /// Poisson batches, their sizes with weights.
    pub fn batches(arrivals: f64, sizes: &[(f64, u32)]) -> Source {
        let whole: f64 = sizes.iter().map(|(weight, _)| weight).sum();
        let sizes: Vec<(f64, u32)> = sizes.iter().map(|(weight, size)| (weight / whole, *size)).collect();
        let rate = arrivals * sizes.iter().map(|(p, size)| p * f64::from(*size)).sum::<f64>();
        Source { turns: vec![vec![(0, arrivals, true)]], sizes, rate }
    }

    fn phases(&self) -> usize {
        self.turns.len()
    }

    fn largest(&self) -> usize {
        self.sizes.iter().map(|(_, size)| *size as usize).max().unwrap_or(1)
    }
}

impl Phased {
    /// Before the pool of `station`, with endless patience.
    pub fn new(source: &Source, station: &Station) -> Option<Phased> {
        if source.rate >= station.fastest() {
            return None;
        }
        let mut most = station.connections() + 32 + 4 * source.largest();
        loop {
            if Chain::cost((most + 1) * source.phases(), (source.largest() + 1) * source.phases()) > MOST_COST {
                return None;
            }
            let there = steady_state(source, station, most);
            if there[most * source.phases()..].iter().sum::<f64>() < CUT_OFF {
                return Some(figures(source, station, &there));
            }
            most *= 2;
        }
    }
}

/// The probability of each number in the system (up to `most`) and phase, numbers outermost.
fn steady_state(source: &Source, station: &Station, most: usize) -> Vec<f64> {
    let phases = source.phases();
    let mut chain = Chain::new((most + 1) * phases, (source.largest() + 1) * phases);
    for there in 0..=most {
        for phase in 0..phases {
            let here = there * phases + phase;
            if there > 0 {
                chain.add(here, here - phases, station.rate(there));
            }
            for &(next, rate, arrival) in &source.turns[phase] {
                for &(p, size) in if arrival { &source.sizes[..] } else { &[(1.0, 0)][..] } {
                    chain.add(here, (there + size as usize).min(most) * phases + next, rate * p);
                }
            }
        }
    }
    chain.steady_state()
}

fn figures(source: &Source, station: &Station, there: &[f64]) -> Phased {
    let phases = source.phases();
    let all = station.connections();
    let (mut waiting, mut arrivals, mut wait) = (0.0, 0.0, 0.0);
    for (state, p) in there.iter().enumerate() {
        let (number, phase) = (state / phases, state % phases);
        waiting += p * number.saturating_sub(all) as f64;
        for &(_, rate, _) in source.turns[phase].iter().filter(|(_, _, arrival)| *arrival) {
            for &(weight, size) in &source.sizes {
                let at_once = all.saturating_sub(number).min(size as usize);
                arrivals += p * rate * weight * f64::from(size);
                wait += p * rate * weight * (size as usize - at_once) as f64;
            }
        }
    }
    Phased { prob_wait: wait / arrivals, mean_wait: waiting / arrivals }
}
