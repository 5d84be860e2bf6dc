//! Which scenario is better and by how much: differences from a baseline that met the same requests, each with an
//! interval, or the words that none can be seen.
//!
//! A request's dice depend on the seed, its stream and its number alone, so replication 7 met the same requests in every
//! scenario, and what is compared is replication by replication. Nothing is called better without evidence: all
//! intervals of one comparison cover together with 95 % (Bonferroni).

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::answers::document::Answer;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::{Confidence, Figure, cautious_mean_with, linearised};
use crate::measure::outcome::{Outcome, StreamOutcome};
use crate::measure::paired::{Difference, Direction, difference};
use crate::measure::quantiles::Quantiles;

/// One point and what happened there: its answer and the outcomes behind it.
pub struct Run {
    /// The figures, and the verdict on them.
    pub answer: Answer,
    /// One for each replication.
    pub outcomes: Vec<Outcome>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparisons {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// Replications that were paired.
    pub replications: u64,
    /// What the others are compared with.
    pub baseline: String,
    /// All of them, scenario by scenario. Their intervals cover together with 95 %.
    pub comparisons: Vec<Comparison>,
    /// What is to be said besides.
    pub notes: Vec<String>,
}

/// One figure of one scenario beside the baseline's. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The scenario.
    pub scenario: String,
    /// The values of `vary`, at which the baseline is looked at too.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub vary: Map<String, Value>,
    /// As a path into the document of `run`.
    pub metric: &'static str,
    /// The baseline's figure.
    pub baseline: Option<f64>,
    /// The scenario's.
    pub value: Option<f64>,
    /// The scenario's less the baseline's.
    pub difference: Option<f64>,
    /// Its interval.
    pub difference_ci95: Option<[f64; 2]>,
    /// The difference over the baseline's figure; nothing if that is zero.
    pub relative: Option<f64>,
    /// Half the length of the interval of `relative`.
    #[serde(skip)]
    pub relative_within: Option<f64>,
    /// What may be claimed.
    pub verdict: Claim,
    /// Why nothing can be said, if so.
    #[serde(skip)]
    pub why: Option<String>,
}

/// What may be claimed of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The scenario's figure is lower.
    Lower,
    /// The scenario's figure is higher.
    Higher,
    /// It may be either.
    NotSeen,
    /// There is no figure to compare.
    Unsaid,
}

impl Claim {
    /// As it stands in the document.
    pub fn words(self) -> &'static str {
        match self {
            Claim::Lower => "lower",
            Claim::Higher => "higher",
            Claim::NotSeen => "no difference seen",
            Claim::Unsaid => "cannot be said",
        }
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.words())
    }
}

/// A figure as a mean over replications, or why there is none.
type Values = Result<Vec<f64>, String>;

/// A figure that is compared.
pub struct Metric {
    /// As a path into the document of `run`.
    pub path: &'static str,
    /// In words.
    pub words: &'static str,
    values: fn(&[Outcome]) -> Values,
}

/// All figures that are compared.
pub const METRICS: [Metric; 6] = [
    Metric { path: "latency.mean", words: "mean latency", values: |outcomes| mean(&latencies(outcomes)) },
    Metric { path: "latency.p50", words: "p50 latency", values: |outcomes| quantile(&latencies(outcomes), 0.5) },
    Metric { path: "latency.p99", words: "p99 latency", values: |outcomes| quantile(&latencies(outcomes), 0.99) },
    Metric { path: "pool_wait.mean", words: "mean wait", values: |outcomes| mean(&merged(outcomes, |stream| &stream.pool_wait)) },
    Metric { path: "requests.error_rate", words: "error rate", values: errors },
    Metric { path: "database.connections_mean", words: "connections", values: connections },
];

/// Compares every other point with the one of scenario `baseline` at the same values of `vary`.
pub fn compare(question: &str, seed: u64, runs: &[Run], baseline: &str) -> Comparisons {
    let is_baseline = |run: &&Run| run.answer.point.scenario == baseline;
    let first = |run: &Run| runs.iter().filter(is_baseline).find(|base| base.answer.point.vary == run.answer.point.vary);
    let pairs: Vec<(&Run, &Run)> = runs.iter().filter(|run| !is_baseline(run)).filter_map(|run| Some((first(run)?, run))).collect();
    let count = pairs.len() * METRICS.len();
    let mut notes = Vec::new();
    let mut comparisons = Vec::with_capacity(count);
    for (base, run) in pairs {
        let found: Vec<(Comparison, Option<f64>)> = METRICS.iter().map(|metric| one(metric, base, run, count)).collect();
        notes.extend(unpaired(&run.answer.point.scenario, &found));
        comparisons.extend(found.into_iter().map(|(comparison, _)| comparison));
    }
    Comparisons {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: question.to_owned(),
        seed,
        replications: runs.first().map_or(0, |run| run.outcomes.len() as u64),
        baseline: baseline.to_owned(),
        comparisons,
        notes,
    }
}

impl Comparison {
    /// The metric in words.
    pub fn words(&self) -> &'static str {
        METRICS.iter().find(|metric| metric.path == self.metric).expect("every comparison is of a metric").words
    }
}

/// The comparison, and how many times the pairing divided its variance, if that is known.
fn one(metric: &Metric, base: &Run, run: &Run, count: usize) -> (Comparison, Option<f64>) {
    let nothing = Comparison {
        scenario: run.answer.point.scenario.clone(),
        vary: run.answer.point.vary.clone(),
        metric: metric.path,
        baseline: None,
        value: None,
        difference: None,
        difference_ci95: None,
        relative: None,
        relative_within: None,
        verdict: Claim::Unsaid,
        why: None,
    };
    match (values(metric, base), values(metric, run)) {
        (Ok(first), Ok(second)) => {
            let found = difference(&first, &second, Confidence::USUAL, count);
            let (value, relative_within) = (average(&second), relative_within(&first, &second, count));
            let never = found.figure.estimate().is_some_and(|estimate| estimate.high == 0.0 && estimate.low == 0.0 && value == 0.0);
            let comparison = Comparison {
                baseline: Some(average(&first)),
                value: Some(value),
                difference: found.figure.value(),
                // Where neither was ever above zero, nothing is known of how rare it is.
                difference_ci95: found.figure.estimate().filter(|_| !never).map(|estimate| [estimate.low, estimate.high]),
                relative: found.figure.value().filter(|_| average(&first) > 0.0).map(|difference| difference / average(&first)),
                relative_within,
                verdict: claim(&found),
                ..nothing
            };
            (comparison, found.gain)
        }
        (_, Err(why)) => (Comparison { why: Some(why), ..nothing }, None),
        (Err(why), _) => (Comparison { why: Some(format!("{}: {why}", base.answer.point.scenario)), ..nothing }, None),
    }
}

fn claim(found: &Difference) -> Claim {
    match (found.direction(), &found.figure) {
        (Direction::Less, _) => Claim::Lower,
        (Direction::More, _) => Claim::Higher,
        (Direction::Undecided, Figure::Estimate(_)) => Claim::NotSeen,
        (Direction::Undecided, _) => Claim::Unsaid,
    }
}

/// Figures of a point without a steady state would be about the length of the run.
fn values(metric: &Metric, run: &Run) -> Values {
    match run.answer.point.verdict.as_str() {
        "unstable" => Err("unstable: its queue grows for as long as the run lasts".to_owned()),
        "too short" => Err("too short: a longer duration would settle it (--set duration=…)".to_owned()),
        "metastable" => Err("metastable: it has two steady states".to_owned()),
        _ => (metric.values)(&run.outcomes),
    }
}

/// Half the length of the interval of (second − first) / first: both vary, so it is that of a ratio.
fn relative_within(first: &[f64], second: &[f64], count: usize) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = second.iter().copied().zip(first.iter().copied()).collect();
    let ratios = linearised(&pairs).filter(|ratios| ratios.len() > 1)?;
    let interval = cautious_mean_with(&ratios, Confidence::USUAL.for_each_of(count).t(ratios.len()));
    Some(0.5 * (interval.high - interval.low))
}

/// Common chance is expected to help: where it did not, the intervals are no narrower than those of separate runs.
fn unpaired(scenario: &str, found: &[(Comparison, Option<f64>)]) -> Option<String> {
    let lost = found.iter().filter(|(_, gain)| gain.is_some_and(|gain| gain <= 1.0));
    let words: Vec<&str> = lost.map(|(comparison, _)| comparison.words()).collect();
    let same = "the same requests in both did not make these differences any clearer";
    (!words.is_empty()).then(|| format!("{scenario}: common random numbers did not help for {}: {same}", words.join(", ")))
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn latencies(outcomes: &[Outcome]) -> Vec<Histogram> {
    merged(outcomes, |stream| &stream.latency)
}

fn merged(outcomes: &[Outcome], of: fn(&StreamOutcome) -> &Histogram) -> Vec<Histogram> {
    outcomes.iter().map(|outcome| Histogram::merged(outcome.streams.iter().map(of))).collect()
}

fn mean(replications: &[Histogram]) -> Values {
    let pairs: Vec<(f64, f64)> = replications.iter().map(|histogram| (histogram.sum() as f64 / 1e9, histogram.count() as f64)).collect();
    linearised(&pairs).ok_or_else(|| "there is no value to take a mean of".to_owned())
}

fn quantile(replications: &[Histogram], p: f64) -> Values {
    let quantiles = Quantiles::of(replications);
    let seconds = |values: Vec<f64>| values.into_iter().map(|ns| ns / 1e9).collect();
    quantiles.linearised(p).map(seconds).ok_or_else(|| match quantiles.quantile(p, Confidence::USUAL) {
        Figure::Unsupported { why, .. } => why,
        Figure::Single(_) => "one replication has no interval".to_owned(),
        Figure::Estimate(_) => "so many have exactly this value that it has no interval".to_owned(),
    })
}

fn errors(outcomes: &[Outcome]) -> Values {
    let count = |outcome: &Outcome| {
        let failed: u64 = outcome.streams.iter().flat_map(|stream| &stream.errors).sum();
        let completed: u64 = outcome.streams.iter().map(|stream| stream.completed).sum();
        (failed as f64, (failed + completed) as f64)
    };
    let pairs: Vec<(f64, f64)> = outcomes.iter().map(count).collect();
    linearised(&pairs).ok_or_else(|| "no request ended".to_owned())
}

fn connections(outcomes: &[Outcome]) -> Values {
    Ok(outcomes.iter().map(|outcome| outcome.database.connections.mean).collect())
}
