//! Exact values of the queues that the promises are tested on.

/// Poisson arrivals, exponential service, first come first served; times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// Connections.
    pub servers: u32,
    /// Offered load over capacity.
    pub load: f64,
    /// Mean service.
    pub service: f64,
    /// Longest wait, after which a request fails.
    pub patience: Option<f64>,
}

impl Queue {
    /// Ten connections, 5 ms on average.
    pub const fn of_ten(load: f64) -> Queue {
        Queue { servers: 10, load, service: 0.005, patience: None }
    }

    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.load * self.capacity()
    }

    /// Requests per second that it can serve.
    pub fn capacity(&self) -> f64 {
        f64::from(self.servers) / self.service
    }

    /// The mean wait of those who are served.
    pub fn mean_wait(&self) -> f64 {
        match self.patience {
            None => self.prob_wait() / (self.capacity() - self.rate()),
            Some(patience) => {
                let refused = self.prob_refused();
                (self.mean_wait_of_all(patience) - refused * patience) / (1.0 - refused)
            }
        }
    }

    /// The p-quantile of the wait, if there is no patience to end it.
    pub fn wait_quantile(&self, p: f64) -> f64 {
        (libm::log(self.prob_wait() / (1.0 - p)) / (self.capacity() - self.rate())).max(0.0)
    }

    /// The share of those who wait in vain (Baccelli and Hebuterne 1981).
    pub fn prob_refused(&self) -> f64 {
        let patience = self.patience.expect("who waits for ever is served");
        self.rate() * self.at_the_end(patience) / self.normalised(patience)
    }

    /// The share of those who wait longer than `t`, if there is no patience to end it.
    pub fn tail(&self, t: f64) -> f64 {
        self.prob_wait() * libm::exp(-(self.capacity() - self.rate()) * t)
    }

    /// λ² times the limit of T Var(mean queue length over T) over the rate, by the formula for birth-death processes:
    /// 2 Σ (Σ_{i≤j} (f(i) − f̄) π(i))² / (λ π(j)) with f(i) = max(0, i − servers) (Burman 1980; Whitt 1992).
    pub fn asymptotic_variance_of_waiting(&self) -> f64 {
        let weights = self.weights();
        let total: f64 = weights.iter().sum();
        let waiting = |i: usize| (i as f64 - f64::from(self.servers)).max(0.0);
        let mean = weights.iter().enumerate().map(|(i, w)| waiting(i) * w).sum::<f64>() / total;
        let mut below = 0.0;
        let terms = weights.iter().enumerate().map(|(i, weight)| {
            below += (waiting(i) - mean) * weight / total;
            below * below / (self.rate() * weight / total)
        });
        2.0 * terms.sum::<f64>()
    }

    /// Erlang's C.
    fn prob_wait(&self) -> f64 {
        let offered = self.load * f64::from(self.servers);
        let blocked = (1..=self.servers).fold(1.0, |b, k| offered * b / (f64::from(k) + offered * b));
        blocked / (1.0 - self.load * (1.0 - blocked))
    }

    /// Σ_{j<c} (a^j / j!) / (a^(c−1) / (c−1)!) plus λ J(0), where J(t) = ∫ over x > t of exp(λ min(x, D) − cμ x).
    fn normalised(&self, patience: f64) -> f64 {
        let offered = self.load * f64::from(self.servers);
        let free = (1..self.servers).fold(1.0, |sum, k| 1.0 + sum * f64::from(k) / offered);
        let spare = self.capacity() - self.rate();
        let until = (1.0 - libm::exp(-spare * patience)) / spare;
        free + self.rate() * (until + self.at_the_end(patience))
    }

    fn at_the_end(&self, patience: f64) -> f64 {
        libm::exp(-(self.capacity() - self.rate()) * patience) / self.capacity()
    }

    /// ∫₀ᴰ P(wait > t) dt: who is refused has waited to the end.
    fn mean_wait_of_all(&self, patience: f64) -> f64 {
        let spare = self.capacity() - self.rate();
        let left = libm::exp(-spare * patience);
        let area = (1.0 - left) / (spare * spare) - patience * left / spare + patience * self.at_the_end(patience);
        self.rate() * area / self.normalised(patience)
    }

    /// Of the states 0, 1, 2, …, up to those that never are.
    fn weights(&self) -> Vec<f64> {
        let offered = self.load * f64::from(self.servers);
        let mut weights = vec![1.0];
        let mut most = 1.0f64;
        while weights[weights.len() - 1] > 1e-18 * most || weights.len() <= self.servers as usize {
            let busy = (weights.len() as f64).min(f64::from(self.servers));
            weights.push(weights[weights.len() - 1] * offered / busy);
            most = most.max(weights[weights.len() - 1]);
        }
        weights
    }
}

#[test]
fn closed_forms_give_the_published_values() {
    let close = |found: f64, published: f64| assert!((found / published - 1.0).abs() < 1e-9, "{found}, published {published}");
    let ten = Queue::of_ten(0.8);
    close(ten.prob_wait(), 0.409_180_150_796_443_5);
    close(ten.mean_wait(), 1.022_950_376_991_108_8e-3);
    close(ten.wait_quantile(0.99), 9.278_926_081_417_092e-3);
    let impatient = Queue { patience: Some(0.010), ..Queue::of_ten(0.95) };
    close(impatient.prob_refused(), 0.021_344_261_228_845_245);
    close(impatient.mean_wait(), 3.133_112_978_382_577e-3);
    close(Queue { patience: Some(0.050), ..ten }.prob_refused(), 1.686_766_301_226_162e-10);
    let five = Queue { servers: 5, load: 0.7, service: 0.010, patience: Some(0.060) };
    close(five.prob_refused(), 1.398_913_906_911_729e-5);
    close(Queue { patience: None, ..five }.tail(0.060), 4.662_894_153_331_287e-5);
    let single = Queue { servers: 1, load: 0.5, service: 0.010, patience: None };
    close(single.asymptotic_variance_of_waiting(), 0.170);
    close(ten.asymptotic_variance_of_waiting(), 0.633_831_096_256_578_6);
}
