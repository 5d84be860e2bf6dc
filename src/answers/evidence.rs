//! Whether a system meets its objectives, by as many replications as it takes to show it either way.
//!
//! An objective is taken as what it says of a share: "p99 wait below 20ms" holds if at most 1 % of waits last longer. It is
//! met when the upper limit of that share's interval is low enough, and missed when the lower one is not. Between the two
//! more replications are run, each stage twice as many; an objective that is then known to lie within a margin around its
//! limit, or is still open when there are enough replications, stays undecided, and nobody may rely on it.

use serde::{Serialize, Serializer};

use crate::answers::document::Answer;
use crate::answers::runner::{self, RunOptions, run_range};
use crate::experiment::{Objective, Plan};
use crate::measure::histogram::Histogram;
use crate::measure::intervals::{Confidence, Estimate, cautious_mean_with, is_rare, linearised, never_seen};
use crate::measure::outcome::Outcome;

/// What is asked, and how sure one wants to be.
#[derive(Clone, Copy, Debug)]
pub struct Standard {
    /// Of each look at each objective.
    pub confidence: Confidence,
    /// Half the width of the margin around a limit within which nothing needs to be decided, as a share of the limit.
    pub indifference: f64,
    /// Replications of the first stage.
    pub first: u64,
    /// Replications after which what is open stays open.
    pub at_most: u64,
}

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every objective holds.
    Meets,
    /// One does not.
    Misses,
    /// Neither was shown.
    Undecided,
}

/// One objective, and what was shown of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// As a person says it.
    pub objective: String,
    /// In the objective's own unit, seconds or a fraction or a count.
    pub measured: Option<f64>,
    /// Whether it holds.
    pub verdict: Verdict,
}

/// What was shown of a system.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Of all objectives together.
    pub verdict: Verdict,
    /// Of each.
    pub shown: Vec<Shown>,
    /// Whether an objective is missed that more connections make worse.
    pub is_too_large: bool,
    /// How many it took.
    pub replications: u64,
    /// The figures of the first stage.
    pub answer: Answer,
}

impl Standard {
    /// How often an objective is looked at before it stays open.
    pub fn looks(first: u64, at_most: u64) -> u64 {
        (0..).find(|look| first << look >= at_most).expect("doubling gets anywhere") + 1
    }
}

impl Verdict {
    /// As it stands in the document.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Meets => "meets",
            Verdict::Misses => "misses",
            Verdict::Undecided => "undecided",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.words())
    }
}

/// Runs the first point of `plan` until its objectives are decided. Where the start shows beyond a warm-up that was left to
/// the program, the runs begin again with a longer one.
pub fn prove(plan: &Plan, standard: &Standard, jobs: usize) -> Proof {
    let point = &plan.points[0];
    let some = |plan: &Plan, from: u64, to: u64| run_range(&point.blueprint, runner::course(plan, point), from..to, jobs);
    let (mut plan, mut outcomes) = (plan.clone(), some(plan, 0, standard.first));
    if let Some(longer) = runner::with_longer_warm_up(&plan, std::slice::from_ref(&outcomes)) {
        (outcomes, plan) = (some(&longer, 0, standard.first), longer);
    }
    let answer = runner::conclude(&plan, point, &outcomes, &RunOptions { jobs, status_every: None });
    // Runs that still show how they began say nothing good of the system, however many there are; nor do those of a system
    // that stays in an overload once it is there.
    let proves_nothing = ["too short", "metastable"].contains(&answer.point.verdict.as_str());
    let mut tallies: Vec<Tally> = plan.objectives.iter().map(|objective| Tally::of(objective, standard)).collect();
    let mut done = standard.first;
    loop {
        outcomes.iter().for_each(|outcome| tallies.iter_mut().for_each(|tally| tally.add(outcome)));
        let found = tallies.iter().map(|tally| match tally.finding(standard, &answer) {
            Finding::Meets if proves_nothing => Finding::Open,
            found => found,
        });
        let found: Vec<Finding> = found.collect();
        let is_over = found.contains(&Finding::Misses) || !found.contains(&Finding::Open);
        if is_over || proves_nothing || done >= standard.at_most {
            let shown = tallies.iter().zip(&found).map(|(tally, finding)| tally.shown(*finding)).collect();
            let too_large = tallies.iter().zip(&found).any(|(t, found)| t.is_about_connections() && *found == Finding::Misses);
            return Proof { verdict: together(&found), shown, is_too_large: too_large, replications: done, answer };
        }
        let more = (2 * done).min(standard.at_most);
        outcomes = some(&plan, done, more);
        done = more;
    }
}

/// What one look at one objective says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Meets,
    Misses,
    /// Known to be so close to its limit that it does not matter.
    Close,
    Open,
}

fn together(found: &[Finding]) -> Verdict {
    if found.contains(&Finding::Misses) {
        Verdict::Misses
    } else if found.iter().all(|finding| *finding == Finding::Meets) {
        Verdict::Meets
    } else {
        Verdict::Undecided
    }
}

/// What is counted for one objective: how many are beyond its limit, and beyond limits a margin below and above.
struct Tally {
    objective: Objective,
    /// Limits in nanoseconds: with the margin below, the limit itself, with the margin above. Zero where it is no time.
    limits: [u64; 3],
    /// Shares that may be beyond them.
    allowed: [f64; 3],
    beyond: [Vec<(u64, u64)>; 3],
    /// What is independent of each other: a stretch of time in which somebody waited, or a request that did not.
    units: u64,
    values: Histogram,
    most: u64,
}

impl Tally {
    fn of(objective: &Objective, standard: &Standard) -> Tally {
        let margins = [1.0 - standard.indifference, 1.0, 1.0 + standard.indifference];
        let (limits, allowed) = match objective {
            Objective::Latency { p, below } | Objective::Wait { p, below } => {
                (margins.map(|m| (below.nanos() as f64 * m) as u64), [1.0 - p; 3])
            }
            Objective::Errors { below } => ([0; 3], margins.map(|m| below * m)),
            Objective::Connections { .. } | Objective::Recovery { .. } => ([0; 3], [0.0; 3]),
        };
        Tally { objective: objective.clone(), limits, allowed, beyond: Default::default(), units: 0, values: Histogram::default(), most: 0 }
    }

    fn add(&mut self, outcome: &Outcome) {
        let streams = &outcome.streams;
        let arrived: u64 = streams.iter().map(|stream| stream.arrived).sum();
        let waited = streams.iter().map(|stream| stream.waited).sum::<u64>() + outcome.proxy.waited;
        self.units += outcome.excursions + arrived.saturating_sub(waited);
        self.most = self.most.max(outcome.database.connections.most);
        let counts = match &self.objective {
            Objective::Latency { .. } => self.beyond_limits(streams.iter().map(|stream| &stream.latency)),
            Objective::Wait { .. } => self.beyond_limits(streams.iter().map(|stream| &stream.pool_wait)),
            _ => {
                let failed: u64 = streams.iter().flat_map(|stream| &stream.errors).sum();
                [(failed, failed + streams.iter().map(|stream| stream.completed).sum::<u64>()); 3]
            }
        };
        self.beyond.iter_mut().zip(counts).for_each(|(all, counts)| all.push(counts));
    }

    fn beyond_limits<'a>(&mut self, parts: impl Iterator<Item = &'a Histogram>) -> [(u64, u64); 3] {
        let all = Histogram::merged(parts);
        self.values.merge(&all);
        self.limits.map(|limit| (all.count() - all.count_at_most(limit), all.count()))
    }

    fn finding(&self, standard: &Standard, answer: &Answer) -> Finding {
        let decided = |holds: bool| if holds { Finding::Meets } else { Finding::Misses };
        match &self.objective {
            Objective::Connections { below } => decided(self.most < *below),
            Objective::Recovery { .. } => decided(self.judged(answer).1),
            Objective::Latency { .. } | Objective::Wait { .. } if answer.point.verdict == "unstable" => Finding::Misses,
            _ => match [0, 1, 2].map(|at| self.holds(at, standard.confidence)) {
                [_, Some(holds), _] => decided(holds),
                [Some(false), _, Some(true)] => Finding::Close,
                _ => Finding::Open,
            },
        }
    }

    /// Whether no more than allowed are beyond limit `at`, if that is shown.
    fn holds(&self, at: usize, confidence: Confidence) -> Option<bool> {
        let (counts, allowed) = (&self.beyond[at], self.allowed[at]);
        let seen: u64 = counts.iter().map(|(beyond, _)| beyond).sum();
        let unseen = || never_seen(self.units, confidence).estimate();
        let pairs: Vec<(f64, f64)> = counts.iter().map(|(beyond, of)| (*beyond as f64, *of as f64)).collect();
        // At risks this small the adjustment for skew alone does not cover: the cautious interval does.
        let found = linearised(&pairs).map(|values| cautious_mean_with(&values, confidence.t(values.len())))?;
        let found = match seen {
            0 => unseen()?,
            // So few have no interval to rely on: what could have been missed by chance comes on top.
            _ if is_rare(seen, counts.len()) => Estimate { high: found.high + unseen()?.high, ..found },
            _ => found,
        };
        if found.high <= allowed {
            Some(true)
        } else if found.low > allowed {
            Some(false)
        } else {
            None
        }
    }

    fn shown(&self, finding: Finding) -> Shown {
        let measured = match &self.objective {
            Objective::Latency { p, .. } | Objective::Wait { p, .. } => self.values.quantile(*p).map(|ns| ns as f64 / 1e9),
            Objective::Connections { .. } => Some(self.most as f64),
            Objective::Recovery { .. } => None,
            Objective::Errors { .. } => {
                let (failed, ended) = self.beyond[1].iter().fold((0, 0), |(failed, ended), (f, e)| (failed + f, ended + e));
                (ended > 0).then(|| failed as f64 / ended as f64)
            }
        };
        let verdict = match finding {
            Finding::Meets => Verdict::Meets,
            Finding::Misses => Verdict::Misses,
            Finding::Close | Finding::Open => Verdict::Undecided,
        };
        Shown { objective: self.objective.to_string(), measured, verdict }
    }

    /// What `run` says of it after the first stage.
    fn judged(&self, answer: &Answer) -> (Option<f64>, bool) {
        let name = self.objective.to_string();
        answer.point.objectives.iter().find(|met| met.objective == name).map_or((None, false), |met| (met.measured, met.met))
    }

    fn is_about_connections(&self) -> bool {
        matches!(self.objective, Objective::Connections { .. })
    }
}
