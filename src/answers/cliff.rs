//! The load from which on a system does not come back after a push, and the load that it carries while nothing pushes it.
//!
//! Each load is looked at in pairs of runs that meet the same requests: one left alone from the start, one pushed, by the
//! experiment's own faults or, where it has none, by an overload at the start. A run *works* at its end if in its last fifth
//! nine of ten requests that arrive are answered; one that was pushed must also have no more requests under way than twice
//! those of its undisturbed twin. A load is carried, or recovered from, if it is shown that most runs work, and is not if it
//! is shown that most do not: an exact test of a coin, with 95 % confidence for all that is said together. What neither
//! shows after the last replication stays undecided, and lies between the two ends that are stated.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::answers::evidence::Verdict;
use crate::answers::recovery;
use crate::answers::runner::{self, Course, run_range};
use crate::answers::starts;
use crate::experiment::{Plan, Problem, Replications};
use crate::kernel::time::Span;
use crate::measure::intervals::{Confidence, Estimate};
use crate::measure::outcome::Outcome;
use crate::measure::proportion::{at_least, share_of};
use crate::measure::windows::Window;
use crate::simulation::blueprint::Blueprint;

/// Fewer replications cannot show anything at the confidence that is asked for.
const FEWEST_REPLICATIONS: u64 = 16;
/// Replications after which what is open stays open, as a multiple of the first stage.
const STAGES: u64 = 4;
/// The range is looked at in so many steps.
const STEPS: f64 = 50.0;
/// The share of a run at its end that is looked at.
const END: f64 = 0.2;
/// Answered requests, of those that arrive, of a run that works.
const ANSWERED: f64 = 0.9;
/// Requests under way in a run that is back, as a multiple of those in one that was never pushed.
const SAME: f64 = 2.0;
/// The push: how long it lasts, as a share of the run, and its load, as a multiple of what the busiest queue can do.
const PUSH: f64 = 0.1;

/// What is to be done.
pub struct Task<'a> {
    /// What is tuned.
    pub path: &'a str,
    /// The least and the most of it.
    pub range: (f64, f64),
    /// The one point of the experiment with this value set.
    pub plan_at: &'a dyn Fn(f64) -> Result<Plan, Problem>,
    /// Most replications of one value; four times the first stage if nothing is said.
    pub at_most: Option<u64>,
    /// Threads.
    pub jobs: usize,
    /// Hears of every value that was tried.
    pub heard: &'a dyn Fn(&Tried),
}

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Cliff {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// What is tuned.
    pub path: String,
    /// Its range.
    pub range: [f64; 2],
    /// What pushes the system.
    pub push: String,
    /// Up from rest: what it carries while nothing happens.
    pub up: Edge,
    /// Down from overload: what it recovers from.
    pub down: Edge,
    /// Loads that were shown to be carried from rest and not to be recovered from: whether they work depends on the past.
    pub hysteresis: Option<[f64; 2]>,
    /// All values that were tried, in order.
    pub tried: Vec<Tried>,
    /// What is to be said besides.
    pub notes: Vec<String>,
}

/// An edge lies between two values; one that is missing lies beyond the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Edge {
    /// The highest value at which it was shown to work, with all below that were tried.
    pub works_at: Option<f64>,
    /// The lowest one above it at which it was shown not to.
    pub fails_at: Option<f64>,
}

/// One value, and what was shown of it.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// The value.
    pub value: f64,
    /// From rest.
    pub up: Shown,
    /// After the push.
    pub down: Shown,
}

/// How many runs worked.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Shown {
    /// `meets`: most runs work; `misses`: most do not.
    pub verdict: Verdict,
    /// Runs that worked.
    pub worked: u64,
    /// Of so many.
    pub replications: u64,
    /// The share of runs that work, with an exact 95 % interval.
    pub share_ci95: [f64; 2],
}

/// Which of the two runs of a pair.
type Side = fn(&Tried) -> &Shown;

/// Maps the edges.
pub fn cliff(task: &Task) -> Result<Cliff, Problem> {
    let (low, high) = task.range;
    let step = step(low, high);
    let last = ((high - low) / step + 1e-9) as u64;
    let mut tries = Tries { task, low, step, last, done: BTreeMap::new() };
    let up = tries.edge(|tried| &tried.up)?;
    let down = tries.edge(|tried| &tried.down)?;
    let plan = (task.plan_at)(low)?;
    let tried: Vec<Tried> = tries.done.into_values().collect();
    let hysteresis = match (down.fails_at, up.works_at) {
        (Some(from), Some(until)) if from <= until => Some([from, until]),
        _ => None,
    };
    Ok(Cliff {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: plan.question.clone(),
        seed: plan.seed,
        path: task.path.to_owned(),
        range: [low, high],
        push: push_in_words(&plan),
        up,
        down,
        hysteresis,
        notes: notes(task.path, &tried, up, down),
        tried,
    })
}

/// A round step of which the range has about fifty; whole where both ends are and it would be less than one.
fn step(low: f64, high: f64) -> f64 {
    let wanted = ((high - low) / STEPS).max(f64::MIN_POSITIVE);
    let power = libm::pow(10.0, libm::floor(libm::log10(wanted)));
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= wanted * (1.0 - 1e-9));
    let is_whole = |value: f64| value == libm::floor(value);
    let round = round.unwrap_or(10.0 * power);
    if is_whole(low) && is_whole(high) && high - low >= STEPS / 2.0 { round.max(1.0) } else { round }
}

fn push_in_words(plan: &Plan) -> String {
    let faults: Vec<String> = plan.points[0].blueprint.faults.iter().map(|at| recovery::name(&at.1)).collect();
    if faults.is_empty() { "an overload at the start".to_owned() } else { faults.join("; ") }
}

/// Values by their place in the range, each tried once.
struct Tries<'a> {
    task: &'a Task<'a>,
    low: f64,
    step: f64,
    last: u64,
    done: BTreeMap<u64, Tried>,
}

impl Tries<'_> {
    /// Where working ends: bisected from below, for what was shown to work, and from above, for what was shown not to.
    fn edge(&mut self, side: Side) -> Result<Edge, Problem> {
        if self.at(0, side)? != Verdict::Meets {
            let fails = self.at(0, side)? == Verdict::Misses;
            return Ok(Edge { works_at: None, fails_at: fails.then_some(self.low) });
        }
        if self.at(self.last, side)? == Verdict::Meets {
            return Ok(Edge { works_at: Some(self.value(self.last)), fails_at: None });
        }
        let works = self.bisect(side, (0, self.last), |verdict| verdict == Verdict::Meets)?.0;
        let fails = match self.at(self.last, side)? {
            Verdict::Misses => Some(self.bisect(side, (works, self.last), |verdict| verdict != Verdict::Misses)?.1),
            _ => None,
        };
        Ok(Edge { works_at: Some(self.value(works)), fails_at: fails.map(|at| self.value(at)) })
    }

    /// Two neighbours, of which the first belongs to what is looked for and the second does not.
    fn bisect(&mut self, side: Side, (mut inside, mut outside): (u64, u64), is_inside: fn(Verdict) -> bool) -> Result<(u64, u64), Problem> {
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if is_inside(self.at(middle, side)?) { inside = middle } else { outside = middle }
        }
        Ok((inside, outside))
    }

    fn at(&mut self, place: u64, side: Side) -> Result<Verdict, Problem> {
        if !self.done.contains_key(&place) {
            let tried = self.try_one(self.value(place))?;
            (self.task.heard)(&tried);
            self.done.insert(place, tried);
        }
        Ok(side(&self.done[&place]).verdict)
    }

    /// Rounded, so that the value is the one that a person would write.
    fn value(&self, place: u64) -> f64 {
        let exact = self.low + place as f64 * self.step;
        let scale = 1000.0 / self.step;
        libm::round(exact * scale) / scale
    }

    fn try_one(&self, value: f64) -> Result<Tried, Problem> {
        let plan = (self.task.plan_at)(value)?;
        let point = &plan.points[0];
        let rest = Blueprint { faults: Vec::new(), ..point.blueprint.clone() };
        let course = runner::course(&plan, point);
        let first = match plan.replications {
            Replications::Fixed(replications) => u64::from(replications).max(FEWEST_REPLICATIONS),
            Replications::Precise { .. } => FEWEST_REPLICATIONS,
        };
        let at_most = self.task.at_most.unwrap_or(STAGES * first).max(first);
        let risk = self.risk(first, at_most);
        let (mut up, mut down) = (Tally::default(), Tally::default());
        let (mut done, mut target) = (0, first);
        let mut pushed = None;
        loop {
            let alone = run_range(&rest, course, done..target, self.task.jobs);
            let pushed = pushed.get_or_insert_with(|| pushed_of(&plan, &rest, course, &alone));
            let after = run_range(pushed, course, done..target, self.task.jobs);
            for (alone, after) in alone.iter().zip(&after) {
                up.add(works(alone));
                down.add(works(after) && at_the_end(after) <= SAME * at_the_end(alone) + 1.0);
            }
            done = target;
            if done >= at_most || [&up, &down].iter().all(|tally| tally.verdict(risk) != Verdict::Undecided) {
                return Ok(Tried { value, up: up.shown(risk), down: down.shown(risk) });
            }
            target = (2 * target).min(at_most);
        }
    }

    /// Of each look at each side of each value that may be tried.
    fn risk(&self, first: u64, at_most: u64) -> f64 {
        let values = 4.0 * libm::ceil(libm::log2(self.last.max(2) as f64)) + 2.0;
        let looks = (0..).find(|look| first << look >= at_most).expect("doubling gets anywhere") + 1;
        Confidence::USUAL.risk() / (2.0 * values * f64::from(looks))
    }
}

/// The system that is pushed: by its own faults, or by an overload at the start.
fn pushed_of(plan: &Plan, rest: &Blueprint, course: Course, alone: &[Outcome]) -> Blueprint {
    let blueprint = &plan.points[0].blueprint;
    if !blueprint.faults.is_empty() {
        return blueprint.clone();
    }
    let answer = runner::answer(plan, &crate::experiment::Point { blueprint: rest.clone(), ..plan.points[0].clone() }, alone, Vec::new());
    let lasts = Span::from_seconds(PUSH * (course.warmup + course.duration).seconds());
    starts::with_overload(rest, answer.point.basis.utilisation, lasts)
}

/// Whether those who arrive are answered at the end.
fn works(outcome: &Outcome) -> bool {
    let (arrived, completed) = last(outcome).iter().fold((0, 0), |(a, c), window| (a + window.arrived, c + window.completed));
    completed as f64 >= ANSWERED * arrived as f64
}

fn at_the_end(outcome: &Outcome) -> f64 {
    let end = last(outcome);
    end.iter().map(|window| window.in_system).sum::<f64>() / end.len().max(1) as f64
}

fn last(outcome: &Outcome) -> &[Window] {
    let windows = &outcome.windows;
    &windows[windows.len() - (windows.len() as f64 * END) as usize..]
}

#[derive(Default)]
struct Tally {
    worked: u64,
    all: u64,
}

impl Tally {
    fn add(&mut self, works: bool) {
        self.worked += u64::from(works);
        self.all += 1;
    }

    /// Whether it is shown that most runs work, or that most do not: so many of one kind a fair coin hardly ever gives.
    fn verdict(&self, risk: f64) -> Verdict {
        if at_least(self.worked, self.all, 0.5) <= risk {
            Verdict::Meets
        } else if at_least(self.all - self.worked, self.all, 0.5) <= risk {
            Verdict::Misses
        } else {
            Verdict::Undecided
        }
    }

    fn shown(&self, risk: f64) -> Shown {
        let Estimate { low, high, .. } = share_of(self.worked, self.all, Confidence::USUAL);
        Shown { verdict: self.verdict(risk), worked: self.worked, replications: self.all, share_ci95: [low, high] }
    }
}

fn notes(path: &str, tried: &[Tried], up: Edge, down: Edge) -> Vec<String> {
    let mut notes = Vec::new();
    let open: Vec<String> = tried
        .iter()
        .filter(|tried| tried.up.verdict == Verdict::Undecided || tried.down.verdict == Verdict::Undecided)
        .map(|tried| tried.value.to_string())
        .collect();
    if !open.is_empty() {
        notes.push(format!("undecided at {}: some runs work and some do not, or there were too few to tell (--at-most)", open.join(", ")));
    }
    if up.works_at.is_none() {
        notes.push(format!(
            "even the least value of {path} was not shown to be carried from rest; if larger ones are easier, this is no load"
        ));
    }
    if up.fails_at.is_none() && down.fails_at.is_none() && up.works_at.is_some() && open.is_empty() {
        notes.push("no edge in this range: give a higher end".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_whole_where_the_ends_are() {
        for ((low, high), wanted) in
            [((100.0, 1100.0), 20.0), ((0.0, 1.0), 0.02), ((1.0, 60.0), 2.0), ((10.0, 50.0), 1.0), ((200.0, 5_000.0), 100.0)]
        {
            assert!((step(low, high) - wanted).abs() < 1e-12, "{low}..{high}: {}", step(low, high));
        }
    }

    #[test]
    fn most_is_shown_by_more_than_a_coin_would_give() {
        let tally = |worked, all| Tally { worked, all }.verdict(0.001);
        assert_eq!((tally(16, 16), tally(0, 16)), (Verdict::Meets, Verdict::Misses));
        assert_eq!((tally(13, 16), tally(8, 16)), (Verdict::Undecided, Verdict::Undecided));
        assert_eq!((tally(48, 64), tally(16, 64)), (Verdict::Meets, Verdict::Misses));
    }
}
