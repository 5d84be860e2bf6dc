//! The page of a validation: every figure live and simulated beside its margin, what requests spent their time on, and how
//! the machine fared.

use serde::Serialize;

use super::data::{Data, File};
use super::points::Asked;
use super::verdict::validation as verdict;
use crate::answers::report::validate::{amount, place, points, words};
use crate::answers::validate::sitting::Measured;
use crate::answers::validate::{Compared, Host, Ingredient, Validation};
use crate::answers::words::{plural, seconds};
use crate::measure::recording::fitness;

/// What only this page shows.
#[derive(Clone, Debug, Serialize)]
pub struct ValidationData {
    /// One for each scenario and combination of `vary`.
    pub points: Vec<Validated>,
    /// How the machine fared.
    pub machine: Vec<Health>,
    /// Whether a verdict can rest on it.
    pub fit: bool,
    /// Runs that were left out because the machine was busy with something else.
    pub left_out: u64,
    /// What was measured beside the runs: for each point in turn, or of none.
    pub costs: Vec<Measured>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One system, live and simulated.
#[derive(Clone, Debug, Serialize)]
pub struct Validated {
    /// Scenario and values of `vary`.
    pub name: String,
    /// What was compared.
    pub figures: Vec<Side>,
    /// What a request spends its time on; nothing where no request ended well in both.
    pub spent: Vec<Ingredient>,
}

/// One figure. The numbers are there for the picture, the words for people.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// What it is.
    pub name: String,
    /// The mean of the live runs, the least and the most of them.
    pub live: [String; 3],
    /// The mean of the simulated runs.
    pub simulated: String,
    /// Simulated less live, with its sign.
    pub difference: String,
    /// Its interval at 90 %.
    pub interval: Option<String>,
    /// How far apart the two may be.
    pub margin: String,
    /// The difference in margins, and its interval.
    pub off_by: Option<f64>,
    #[allow(missing_docs)]
    pub within: Option<[f64; 2]>,
    /// `agrees`, `differs` or `too noisy`.
    pub verdict: &'static str,
}

/// One thing that says whether the machine had time for the runs.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// What, in words.
    pub what: &'static str,
    /// Of all runs the worst.
    pub worst: String,
    /// What is still good enough.
    pub limit: String,
    /// Whether it is.
    pub is_fit: bool,
}

impl ValidationData {
    /// Name, live, simulated, margin and verdict of each figure.
    pub fn rows(&self) -> Vec<[String; 5]> {
        let row = |point: &Validated, one: &Side| {
            let name = [point.name.as_str(), &one.name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
            [name, one.live[0].clone(), one.simulated.clone(), one.margin.clone(), one.verdict.to_owned()]
        };
        self.points.iter().flat_map(|point| point.figures.iter().map(|one| row(point, one))).collect()
    }
}

/// The whole page.
pub fn of(asked: &Asked, document: &Validation) -> Data {
    Data {
        command: asked.command,
        poolcast: env!("CARGO_PKG_VERSION"),
        question: document.question.clone(),
        about: about(document),
        digest: String::new(),
        reproduce: asked.reproduce.clone(),
        verdict: verdict::of(document),
        points: Vec::new(),
        comparisons: None,
        size: None,
        grid: None,
        validation: Some(data(document)),
        is_part: false,
        experiment: File { name: asked.source.name.to_string(), text: asked.source.text.to_string() },
    }
}

fn about(document: &Validation) -> String {
    let runs = plural(document.repetitions, "live run");
    let points = points(document).count();
    let each = if points > 1 { format!(" of each of {points} points") } else { String::new() };
    format!("{runs}{each}, each simulated with the requests that it really had · seed {}", document.seed)
}

fn data(document: &Validation) -> ValidationData {
    ValidationData {
        points: points(document).map(|figures| validated(document, figures)).collect(),
        machine: machine(&document.host),
        fit: document.host.fit,
        left_out: document.host.left_out,
        costs: document.calibrated.clone(),
        notes: document.notes.clone(),
    }
}

fn validated(document: &Validation, figures: &[Compared]) -> Validated {
    let first = &figures[0];
    let here = |one: &&Ingredient| (&one.scenario, &one.vary) == (&first.scenario, &first.vary);
    Validated {
        name: place(first),
        figures: figures.iter().map(side).collect(),
        spent: document.ingredients.iter().filter(here).cloned().collect(),
    }
}

fn side(one: &Compared) -> Side {
    let written = |value: f64| amount(&one.metric, value);
    let in_margins = |value: f64| value / one.margin;
    let is_wide = one.margin > 0.0;
    Side {
        name: words(&one.metric).to_owned(),
        live: [one.live, one.live_spread[0], one.live_spread[1]].map(written),
        simulated: written(one.simulated),
        difference: signed(one.difference, &written(one.difference.abs())),
        interval: one.difference_ci90.map(|ends| ends.map(|end| signed(end, &written(end.abs()))).join(" to ")),
        margin: written(one.margin),
        off_by: is_wide.then(|| in_margins(one.difference)),
        within: one.difference_ci90.filter(|_| is_wide).map(|ends| ends.map(in_margins)),
        verdict: one.verdict.words(),
    }
}

/// With a sign, unless nothing is left of it in so few digits.
fn signed(value: f64, written: &str) -> String {
    let sign = match value {
        _ if !written.contains(|digit| ('1'..='9').contains(&digit)) => "",
        value if value < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{written}")
}

fn machine(host: &Host) -> Vec<Health> {
    let worst = &host.worst;
    let cores = |value: f64| format!("{value:.2} cores");
    let health = |what, value: f64, limit: f64, words: &dyn Fn(f64) -> String| Health {
        what,
        worst: words(value),
        limit: words(limit),
        is_fit: value <= limit,
    };
    let late = worst.late_p99.max(worst.begun_p99.unwrap_or(0.0));
    vec![
        health("one request in a hundred began late by", late, fitness::LATE, &seconds),
        health("the busiest process that sent requests used", worst.busiest_driver, fitness::BUSY_DRIVER, &cores),
        health("other programs used", worst.foreign, fitness::FOREIGN, &cores),
        health("the hypervisor took away", worst.steal, fitness::STEAL, &cores),
    ]
}
