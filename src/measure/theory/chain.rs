//! Markov chains whose states lie in a row and only move a little way along it: their steady state.
//!
//! The elimination of W. Grassmann, M. Taksar and D. Heyman, "Regenerative analysis and steady state distributions for
//! Markov chains" (1985), which subtracts nothing, so that small probabilities have as many digits as large ones.

/// A chain in continuous time.
pub struct Chain {
    states: usize,
    /// No transition leads further than this.
    reach: usize,
    /// For each state the rates to its neighbours from `reach` below to `reach` above.
    rates: Vec<f64>,
}

impl Chain {
    /// Without any transition yet.
    pub fn new(states: usize, reach: usize) -> Chain {
        Chain { states, reach, rates: vec![0.0; states * (2 * reach + 1)] }
    }

    /// What the solution costs, in multiplications.
    pub fn cost(states: usize, reach: usize) -> f64 {
        states as f64 * (reach * reach) as f64
    }

    /// Adds to the rate of one transition.
    pub fn add(&mut self, from: usize, to: usize, rate: f64) {
        if from != to {
            let place = self.place(from, to);
            self.rates[place] += rate;
        }
    }

    /// The probability of each state; every state can be reached from every other.
    pub fn steady_state(mut self) -> Vec<f64> {
        for last in (1..self.states).rev() {
            self.take_out(last);
        }
        let mut weights = vec![1.0];
        let mut sum = 1.0;
        for state in 1..self.states {
            let weight = (state.saturating_sub(self.reach)..state).map(|from| weights[from] * self.rates[self.place(from, state)]).sum();
            weights.push(weight);
            sum += weight;
            if sum > 1e200 {
                weights.iter_mut().for_each(|weight| *weight /= sum);
                sum = 1.0;
            }
        }
        weights.iter().map(|weight| weight / sum).collect()
    }

    /// The chain as it looks to somebody who closes his eyes while it is in `last`, the highest state that is left.
    /// What remains in its column is the visits to it for each unit of time in the others.
    fn take_out(&mut self, last: usize) {
        let lowest = last.saturating_sub(self.reach);
        let out: f64 = (lowest..last).map(|to| self.rates[self.place(last, to)]).sum();
        for from in lowest..last {
            let into = self.place(from, last);
            self.rates[into] /= out;
            let share = self.rates[into];
            if share == 0.0 {
                continue;
            }
            for to in lowest..last {
                let (old, way) = (self.place(last, to), self.place(from, to));
                self.rates[way] += share * self.rates[old];
            }
        }
    }

    fn place(&self, from: usize, to: usize) -> usize {
        debug_assert!(from.abs_diff(to) <= self.reach, "no transition leads further than the reach");
        from * (2 * self.reach + 1) + self.reach + to - from
    }
}
