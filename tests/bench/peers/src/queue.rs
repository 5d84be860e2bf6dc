//! The models, and what all peers share of them: times, dice, and a pool's counters.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp1, LogNormal};

/// Workers in front of their pools.
#[derive(Clone, Copy)]
pub struct Model {
    pub workers: usize,
    /// Nanoseconds between arrivals at one worker, on average.
    mean_gap: f64,
    hold: Hold,
    size: usize,
    overflow: usize,
    /// Nanoseconds until a waiter gives up.
    pub timeout: Option<u64>,
    /// Seconds, least and most: an exact value with room for chance, or what all peers agree on.
    mean_wait: (f64, f64),
}

#[derive(Clone, Copy)]
enum Hold {
    Exponential { mean: f64 },
    LogNormal(LogNormal<f64>),
}

const MS: f64 = 1e6;

/// The model of that name, as in `tests/bench/models.rs`.
pub fn model(name: &str) -> Model {
    // Mean 40 ms, coefficient of variation 1.5.
    let sigma2 = (1.0 + 1.5_f64 * 1.5).ln();
    let hold = Hold::LogNormal(LogNormal::new((40.0 * MS).ln() - sigma2 / 2.0, sigma2.sqrt()).expect("a finite spread"));
    let fleet = |workers, rate: f64, mean_wait| Model {
        workers,
        mean_gap: 1e9 / rate,
        hold,
        size: 20,
        overflow: 10,
        timeout: Some(30_000_000_000),
        mean_wait,
    };
    match name {
        // Erlang's C: 6.687315 ms.
        "m1" => Model {
            workers: 1,
            mean_gap: 1e9 / 900.0,
            hold: Hold::Exponential { mean: 10.0 * MS },
            size: 10,
            overflow: 0,
            timeout: None,
            mean_wait: (0.0064, 0.0070),
        },
        "m2" => fleet(4, 400.0, (0.0, 0.001)),
        "m2w" => fleet(4, 680.0, (0.005, 0.1)),
        "m3" => fleet(1_000, 400.0, (0.0, 0.001)),
        name => panic!("{name} is none of m1, m2, m2w, m3"),
    }
}

impl Model {
    /// Whether the queue was the right one.
    pub fn check(&self, mean_wait: f64) {
        let (least, most) = self.mean_wait;
        assert!((least..=most).contains(&mean_wait), "a mean wait of {mean_wait} s instead of {least} to {most}");
    }
}

/// A model in one state.
pub struct State {
    pub model: Model,
    pub pools: Vec<Pool>,
    dice: SmallRng,
    left: u64,
    pub waited: u64,
}

/// One worker's pool.
#[derive(Default)]
pub struct Pool {
    idle: usize,
    open: usize,
    /// Since when each waits, and its ticket.
    pub waiters: VecDeque<(u64, u64)>,
    tickets: u64,
}

/// What becomes of a request that asks for a connection.
pub enum Asked {
    /// It has one, and gives it back after so many nanoseconds.
    Holds(u64),
    /// It waits under this ticket.
    Waits(u64),
}

impl State {
    pub fn new(model: Model, requests: u64) -> State {
        let pools = (0..model.workers).map(|_| Pool::default()).collect();
        State { model, pools, dice: SmallRng::seed_from_u64(1), left: requests, waited: 0 }
    }

    /// Nanoseconds to the next arrival at a worker; nothing after the last one.
    pub fn gap(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let unit: f64 = Exp1.sample(&mut self.dice);
        Some((unit * self.model.mean_gap) as u64)
    }

    fn hold(&mut self) -> u64 {
        match self.model.hold {
            Hold::Exponential { mean } => {
                let unit: f64 = Exp1.sample(&mut self.dice);
                (unit * mean) as u64
            }
            Hold::LogNormal(hold) => hold.sample(&mut self.dice) as u64,
        }
    }

    /// A request asks the pool of `worker`.
    pub fn ask(&mut self, worker: usize, now: u64) -> Asked {
        let Model { size, overflow, .. } = self.model;
        let pool = &mut self.pools[worker];
        if pool.idle > 0 {
            pool.idle -= 1;
        } else if pool.open < size + overflow {
            pool.open += 1;
            if overflow > 0 {
                // Opened in Exp(5 ms).
                let unit: f64 = Exp1.sample(&mut self.dice);
                return Asked::Holds((unit * 5.0 * MS) as u64 + self.hold());
            }
        } else {
            pool.tickets += 1;
            pool.waiters.push_back((now, pool.tickets));
            return Asked::Waits(pool.tickets);
        }
        Asked::Holds(self.hold())
    }

    /// A request gives its connection back to the pool of `worker`: for how long the next one holds it.
    pub fn give_back(&mut self, worker: usize, now: u64) -> Option<u64> {
        let pool = &mut self.pools[worker];
        if let Some((since, _)) = pool.waiters.pop_front() {
            self.waited += now - since;
            return Some(self.hold());
        }
        if pool.idle < self.model.size { pool.idle += 1 } else { pool.open -= 1 }
        None
    }

    /// The patience of whoever holds the ticket is over.
    pub fn gives_up(&mut self, worker: usize, ticket: u64) {
        let waiters = &mut self.pools[worker].waiters;
        if waiters.front().is_some_and(|(_, first)| *first == ticket) {
            waiters.pop_front();
        }
    }
}
