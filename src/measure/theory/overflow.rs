//! A pool of SQLAlchemy's kind, whose connections beyond `pool_size` are opened by who needs them: its Markov chain.
//!
//! Poisson arrivals, exponential holds, exponential times to open a connection. Who finds no idle connection opens one
//! of its own while fewer than `pool_size + max_overflow` are open, and waits for it; later ones queue. Who gives one
//! back hands it to the queue's head, else leaves it idle while fewer than `pool_size` are, else closes it
//! (`QueuePool._do_get` and `_do_return_conn`), so up to `pool_size` idle ones stand beside busy ones.

use super::chain::Chain;

/// Such a pool, with its means and its rate of arrivals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overflow {
    /// Idle connections kept at most.
    pub pool_size: u32,
    /// Connections beyond them.
    pub max_overflow: u32,
    /// Requests per unit of time.
    pub arrivals: f64,
    /// Mean time for which a connection is held.
    pub hold: f64,
    /// Mean time to open one.
    pub connect: f64,
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overflowing {
    /// The probability of a wait, for a connection of one's own or another's.
    pub prob_wait: f64,
    /// The mean wait, the time to open one's own connection included.
    pub mean_wait: f64,
    /// Connections opened for each request.
    pub connects: f64,
}

/// A longer queue than is cut off has less than this probability.
const CUT_OFF: f64 = 1e-12;
/// More multiplications than these are more than a glance.
const MOST_COST: f64 = 3e8;

/// A state that recurs: `pool_size` connections or more exist, besides those being opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// Connections that are lent or being opened, and waiters.
    there: usize,
    opening: usize,
    idle: usize,
}

impl Overflow {
    /// Its steady state, where it has one.
    pub fn steady_state(&self) -> Option<Overflowing> {
        if self.arrivals * self.hold >= self.most() as f64 {
            return None;
        }
        let mut longest = 64;
        loop {
            let (found, cut) = self.with_queue(longest)?;
            if cut < CUT_OFF {
                return Some(found);
            }
            longest *= 2;
        }
    }

    fn kept(&self) -> usize {
        self.pool_size as usize
    }

    fn most(&self) -> usize {
        self.kept() + self.max_overflow as usize
    }

    /// The figures, and the probability of the longest queue that is looked at.
    fn with_queue(&self, longest: usize) -> Option<(Overflowing, f64)> {
        let states = self.states(longest);
        let place = |state: State| states.binary_search(&state).expect("a state that recurs leads to such states alone");
        let moves: Vec<(usize, usize, f64)> = states
            .iter()
            .enumerate()
            .flat_map(|(from, state)| self.moves(*state, longest).into_iter().map(move |(to, rate)| (from, to, rate)))
            .map(|(from, to, rate)| (from, place(to), rate))
            .collect();
        let reach = moves.iter().map(|(from, to, _)| from.abs_diff(*to)).max()?;
        if Chain::cost(states.len(), reach) > MOST_COST {
            return None;
        }
        let mut chain = Chain::new(states.len(), reach);
        moves.iter().for_each(|&(from, to, rate)| chain.add(from, to, rate));
        let probabilities = chain.steady_state();
        let sum = |what: &dyn Fn(&State) -> f64| states.iter().zip(&probabilities).map(|(state, p)| p * what(state)).sum::<f64>();
        let opening = sum(&|state| state.opening as f64);
        let waiting = sum(&|state| state.there.saturating_sub(self.most()) as f64);
        let found = Overflowing {
            prob_wait: sum(&|state| if state.idle == 0 { 1.0 } else { 0.0 }),
            mean_wait: (waiting + opening) / self.arrivals,
            connects: opening / self.connect / self.arrivals,
        };
        Some((found, sum(&|state| if state.there == self.most() + longest { 1.0 } else { 0.0 })))
    }

    /// All states with a queue no longer than that, in order.
    fn states(&self, longest: usize) -> Vec<State> {
        let mut states = Vec::new();
        for there in 0..=self.most() + longest {
            let used = there.min(self.most());
            for opening in 0..=used.min(self.max_overflow as usize) {
                let (least, most) = ((self.kept() + opening).saturating_sub(used), self.kept().min(self.most() - used));
                states.extend((least..=most).map(|idle| State { there, opening, idle }));
            }
        }
        states
    }

    fn moves(&self, now: State, longest: usize) -> Vec<(State, f64)> {
        let State { there, opening, idle } = now;
        let mut all = Vec::with_capacity(3);
        if idle > 0 {
            all.push((State { there: there + 1, idle: idle - 1, ..now }, self.arrivals));
        } else if there < self.most() {
            all.push((State { there: there + 1, opening: opening + 1, ..now }, self.arrivals));
        } else if there < self.most() + longest {
            all.push((State { there: there + 1, ..now }, self.arrivals));
        }
        if opening > 0 {
            all.push((State { opening: opening - 1, ..now }, opening as f64 / self.connect));
        }
        let lent = there.min(self.most()) - opening;
        if lent > 0 {
            let idle = if there > self.most() { 0 } else { (idle + 1).min(self.kept()) };
            all.push((State { there: there - 1, idle, ..now }, lent as f64 / self.hold));
        }
        all
    }
}
