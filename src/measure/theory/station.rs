//! How fast connections come back: the rate of completions, by how many are lent.

/// What serves those who have a connection, all of whom ask for exponential times of one mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Completions per unit of time with 1, 2 … lent; as long as the pool is large, never empty.
    rates: Vec<f64>,
}

/// How those who have a connection slow each other down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cores {
    /// Not at all.
    Enough,
    /// So many are served at once.
    Fixed(u32),
    /// So many cores are shared; contention and coherency as in Gunther's Universal Scalability Law, which stops growing at four
    /// statements a core: with n active each has the speed min(1, cores / n) / (1 + sigma (m - 1) + kappa m (m - 1)),
    /// m = min(n, 4 cores).
    Shared {
        /// How many.
        cores: u32,
        /// Contention.
        sigma: f64,
        /// Coherency.
        kappa: f64,
    },
}

impl Cores {
    /// Work done in a unit of time with `active` at work.
    pub fn speed(self, active: u64) -> f64 {
        let n = active as f64;
        match self {
            Cores::Enough => n,
            Cores::Fixed(cores) => n.min(f64::from(cores)),
            Cores::Shared { cores, sigma, kappa } => {
                let cores = f64::from(cores);
                let m = n.min(4.0 * cores);
                n.min(cores) / (1.0 + sigma * (m - 1.0) + kappa * m * (m - 1.0))
            }
        }
    }

    /// Whether so many never slow each other down.
    pub fn suffice_for(self, most: u64) -> bool {
        self.speed(most) >= most as f64
    }

    /// From here on more at work get no more done.
    pub fn settled_at(self) -> Option<u64> {
        match self {
            Cores::Enough => None,
            Cores::Fixed(cores) => Some(u64::from(cores)),
            Cores::Shared { cores, .. } => Some(4 * u64::from(cores)),
        }
    }
}

impl Station {
    /// A pool of `connections`, of which there is at least one, each held for the exponential time `mean` on such cores.
    pub fn new(connections: u64, mean: f64, cores: Cores) -> Station {
        Station { rates: (1..=connections.max(1)).map(|lent| cores.speed(lent) / mean).collect() }
    }

    /// Connections.
    pub fn connections(&self) -> usize {
        self.rates.len()
    }

    /// Completions per unit of time with so many lent or waiting.
    pub fn rate(&self, there: usize) -> f64 {
        if there == 0 { 0.0 } else { self.rates[there.min(self.rates.len()) - 1] }
    }

    /// Completions per unit of time with all lent.
    pub fn fastest(&self) -> f64 {
        self.rate(self.rates.len())
    }
}
