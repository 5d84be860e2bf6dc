//! The systems and their exact values, as `tests/theory/exact.json` holds them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use poolcast::kernel::latency::{Constant, Exponential, Gamma, HyperExponential, LatencySpec, LogNormal, Mixture, Pareto};
use poolcast::kernel::time::Span;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(rename = "units")]
    _units: String,
    families: BTreeMap<String, Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    /// How the values were computed.
    #[serde(rename = "method")]
    _method: String,
    rows: Vec<Row>,
}

/// One system and what is known of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: String,
    pub given: Given,
    exact: BTreeMap<String, Exact>,
    /// Requests per replication.
    pub requests: u64,
    /// Not counted, in milliseconds.
    pub warmup: f64,
}

/// A system, as far as it is not ideal. Times in milliseconds, rates per millisecond.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Connections in the pool; no limit if left out.
    pub c: Option<u32>,
    /// Connections beyond them.
    #[serde(default)]
    pub overflow: u32,
    /// Mean time to open a connection.
    pub connect: Option<f64>,
    /// Longest wait.
    pub timeout: Option<f64>,
    /// The pool as a file writes it, if it is not SQLAlchemy's.
    pub pool: Option<String>,
    /// What is queued for, if not the pool's connections.
    pub station: Option<Station>,
    /// Cores of the database.
    pub cores: Option<u32>,
    /// Requests per millisecond in the long run.
    pub rate: Option<f64>,
    /// Users who think, and how long on average.
    pub users: Option<u32>,
    pub think: Option<f64>,
    /// Batches per millisecond, and their sizes with their weights.
    pub batch_rate: Option<f64>,
    pub sizes: Option<Vec<(f64, u32)>>,
    /// Rates of two phases and how long they last on average.
    pub rates: Option<[f64; 2]>,
    pub lengths: Option<[f64; 2]>,
    /// Rates from certain times on; or mean, amplitude and period of a rate that swings.
    pub pieces: Option<Vec<(f64, f64)>>,
    pub swing: Option<[f64; 3]>,
    /// How long to look from an empty start.
    pub horizon: Option<f64>,
    /// What a statement demands.
    pub service: Law,
    /// Mean time that the application holds the connection before each statement, and the probability of another round.
    pub app: Option<f64>,
    #[serde(default)]
    pub again: f64,
}

/// Places of the simulator, other than the pool, that are a queue with servers.
#[derive(Clone, Copy, PartialEq, Deserialize)]
pub enum Station {
    /// A worker that handles so many requests at once.
    Concurrency,
    /// A worker's event loop.
    EventLoop,
    /// The cores of a database.
    Cores,
}

/// A distribution by its parameters; times in milliseconds.
#[derive(Clone, Copy, Deserialize)]
pub enum Law {
    Constant(f64),
    Exponential(f64),
    /// Mean, coefficient of variation.
    Gamma(f64, f64),
    /// Mean, coefficient of variation.
    LogNormal(f64, f64),
    /// Mean, coefficient of variation; two phases of equal load.
    HyperExponential(f64, f64),
    /// Probability of the first of two exponential phases, and their means.
    Mixture(f64, f64, f64),
    /// Least, exponent, most.
    Pareto(f64, f64, f64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Exact {
    One(f64),
    At(BTreeMap<String, f64>),
}

/// One exact value: `name`, perhaps at `at` (a time in milliseconds or a probability).
pub struct Figure<'a> {
    pub name: &'a str,
    pub at: Option<f64>,
    pub exact: f64,
}

/// The rows of one family.
pub fn rows(family: &str) -> &'static [Row] {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    let tables =
        TABLES.get_or_init(|| serde_json::from_str(include_str!("../../theory/exact.json")).expect("the tables are as they are read"));
    &tables.families[family].rows
}

impl Row {
    /// Dice of its own, so that what chance does to one row it does not do to the next.
    pub fn seed(&self) -> u64 {
        self.id.bytes().fold(1, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
    }

    /// All that is known.
    pub fn figures(&self) -> impl Iterator<Item = Figure<'_>> {
        self.exact.iter().flat_map(|(name, exact)| {
            let values = match exact {
                Exact::One(exact) => vec![(None, *exact)],
                Exact::At(places) => places.iter().map(|(at, exact)| (Some(at.parse().expect("a number")), *exact)).collect(),
            };
            values.into_iter().map(move |(at, exact)| Figure { name, at, exact })
        })
    }
}

impl Law {
    /// As the simulator says it.
    pub fn latency(self) -> LatencySpec {
        match self {
            Law::Constant(ms) => Constant(span(ms)).into(),
            Law::Exponential(mean) => exponential(mean),
            Law::Gamma(mean, cv) => Gamma { mean: span(mean), cv }.into(),
            Law::LogNormal(mean, cv) => LogNormal { mean: Some(span(mean)), cv: Some(cv), ..LogNormal::default() }.into(),
            Law::HyperExponential(mean, cv) => HyperExponential { mean: span(mean), cv }.into(),
            Law::Mixture(p, first, second) => Mixture(vec![(p, exponential(first)), (1.0 - p, exponential(second))]).into(),
            Law::Pareto(minimum, shape, maximum) => Pareto { minimum: span(minimum), shape, maximum: span(maximum) }.into(),
        }
    }
}

/// An exponential distribution of this mean in milliseconds.
pub fn exponential(mean: f64) -> LatencySpec {
    Exponential { mean: span(mean) }.into()
}

/// So many milliseconds.
pub fn span(ms: f64) -> Span {
    Span::from_seconds(ms / 1e3)
}
