//! Request by request: what live and simulated requests spent their time on, and which of it is why figures differ.

use std::collections::BTreeMap;

use crate::measure::equivalence::equivalence;
use crate::measure::journey::Journey;
use crate::measure::recording::Recording;
use crate::measure::stages::{self, Spent, Stage};

/// A request that ended well in both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Both {
    /// Live.
    pub live: Spent,
    /// Simulated.
    pub simulated: Spent,
}

/// What a request's time goes into, as it is told.
pub const NAMES: [&str; 6] = ["checkout", "queueing", "connect", "statements", "giving back", "application"];
/// Places in [`NAMES`].
const QUEUEING: usize = 1;

/// A wait below this is no queue: taking an idle connection out of a pool.
const NO_QUEUE: f64 = 1e-3;

/// The counted requests that ended well in both.
pub fn both(recording: &Recording, journeys: &[Journey]) -> Vec<Both> {
    let about = &recording.about;
    let counted = about.warmup..about.warmup + about.duration;
    let simulated: BTreeMap<(u32, u64), Spent> = journeys
        .iter()
        .filter_map(|journey| Some(((journey.stream.index() as u32, journey.number), stages::simulated(journey)?)))
        .collect();
    let attempts = recording.attempts.iter().filter(|attempt| counted.contains(&attempt.arrived));
    let pair = |attempt: &crate::measure::recording::Attempt| {
        let simulated = *simulated.get(&(attempt.stream, attempt.number))?;
        Some(Both { live: stages::live(attempt)?, simulated })
    };
    attempts.filter_map(pair).collect()
}

/// The same thing in several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    /// One of [`NAMES`].
    pub what: &'static str,
    /// Mean seconds of a live request.
    pub live: f64,
    /// Mean seconds of a simulated request.
    pub simulated: f64,
    /// Simulated less live, by run.
    pub differences: Vec<f64>,
}

impl Residual {
    /// Simulated less live.
    pub fn difference(&self) -> f64 {
        self.simulated - self.live
    }

    /// The interval of the difference over the runs.
    pub fn interval(&self) -> Option<[f64; 2]> {
        equivalence(&self.differences, 0.0).map(|found| found.interval)
    }

    /// Whether it is surely something other than nothing.
    fn is_sure(&self) -> bool {
        self.interval().is_some_and(|[low, high]| low > 0.0 || high < 0.0)
    }
}

/// The means of one run by [`NAMES`]: live, simulated.
type Sides = ([f64; 6], [f64; 6]);

/// The means over all requests of each run, in the order of [`NAMES`]; nothing if no request ended well in both.
pub fn residuals(runs: &[&[Both]]) -> Vec<Residual> {
    let runs: Vec<Sides> = runs.iter().filter_map(|run| means(run)).collect();
    if runs.is_empty() {
        return Vec::new();
    }
    let over = |what: &dyn Fn(&Sides) -> f64| runs.iter().map(what).sum::<f64>() / runs.len() as f64;
    let residual = |(place, what): (usize, &&'static str)| Residual {
        what,
        live: over(&|run| run.0[place]),
        simulated: over(&|run| run.1[place]),
        differences: runs.iter().map(|run| run.1[place] - run.0[place]).collect(),
    };
    NAMES.iter().enumerate().map(residual).collect()
}

/// What is off, if figures differ: of what is surely different the largest. A queue that differs is a consequence if
/// connections are held longer or shorter too: a hundredth there is a tenth in the wait of a busy pool.
pub fn off(residuals: &[Residual]) -> Option<usize> {
    let sure = |place: &usize| residuals[*place].is_sure();
    let largest = |places: Vec<usize>| {
        places.into_iter().filter(sure).max_by(|a, b| residuals[*a].difference().abs().total_cmp(&residuals[*b].difference().abs()))
    };
    let causes = largest((0..residuals.len()).filter(|place| *place != QUEUEING).collect());
    let queue = Some(QUEUEING).filter(|place| *place < residuals.len() && sure(place));
    let cause = causes.filter(|place| queue.is_none() || residuals[*place].difference().abs() > TRACE * held(residuals));
    cause.or(queue)
}

/// A share of the time that a connection is held which moves queues.
const TRACE: f64 = 0.01;

fn held(residuals: &[Residual]) -> f64 {
    residuals.iter().skip(2).map(|residual| residual.live).sum()
}

/// Mean seconds for each of [`NAMES`], live and simulated.
fn means(run: &[Both]) -> Option<Sides> {
    if run.is_empty() {
        return None;
    }
    let (mut live, mut simulated) = ([0.0; 6], [0.0; 6]);
    for both in run {
        let at = |stage: Stage| stage as usize;
        let queued = both.live[at(Stage::Wait)] >= NO_QUEUE || both.simulated[at(Stage::Wait)] >= NO_QUEUE;
        for (sums, spent) in [(&mut live, &both.live), (&mut simulated, &both.simulated)] {
            sums[usize::from(queued)] += spent[at(Stage::Wait)];
            for (place, stage) in [(2, Stage::Connect), (3, Stage::Statements), (4, Stage::GiveBack), (5, Stage::Rest)] {
                sums[place] += spent[at(stage)];
            }
        }
    }
    let count = run.len() as f64;
    Some((live.map(|sum| sum / count), simulated.map(|sum| sum / count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs in which the model is off by so much, and queues follow if it says so.
    fn runs(statement: f64, wait: f64) -> Vec<Vec<Both>> {
        let both = |noise: f64| Both {
            live: [0.010, 0.0, 0.020, 0.0001, 0.0],
            simulated: [0.010 + wait + noise, 0.0, 0.020 + statement + noise, 0.0001, 0.0],
        };
        [-1e-5, 0.0, 1e-5].map(|noise| vec![both(noise); 10]).to_vec()
    }

    fn found(runs: &[Vec<Both>]) -> Option<&'static str> {
        let runs: Vec<&[Both]> = runs.iter().map(Vec::as_slice).collect();
        off(&residuals(&runs)).map(|place| NAMES[place])
    }

    #[test]
    fn a_queue_that_is_off_because_connections_are_held_too_long_is_put_down_to_that() {
        assert_eq!(found(&runs(0.001, 0.005)), Some("statements"));
        assert_eq!(found(&runs(0.0, 0.005)), Some("queueing"));
        assert_eq!(found(&runs(0.0, 0.0)), None);
    }

    #[test]
    fn a_short_wait_in_both_is_a_checkout_and_no_queue() {
        let both = Both { live: [0.0002, 0.0, 0.0, 0.0, 0.0], simulated: [0.0001, 0.0, 0.0, 0.0, 0.0] };
        let (live, simulated) = means(&[both]).expect("there is a request");
        assert_eq!((live[0], simulated[0], live[1]), (0.0002, 0.0001, 0.0));
    }
}
