//! From pairs of runs to the document: every figure with its verdict, and the verdict of all.

use serde_json::{Map, Value};

use super::ingredients::{self, Both};
use super::metrics::{self, Metric};
use super::sitting::Measured;
use super::{Compared, Ingredient, Pair, Validation, host};
use crate::experiment::{Plan, Point};
use crate::kernel::time::Span;
use crate::measure::equivalence::{Verdict, equivalence};

/// What a validation is to rest on.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// In place of the margins of all times: a share of the live mean.
    pub margin: Option<f64>,
    /// Judges also on a machine that is busy with something else.
    pub anyway: bool,
}

/// What was found at one point of the plan.
pub struct Found<'a> {
    /// The point.
    pub point: &'a Point,
    /// Its runs.
    pub pairs: Vec<Pair>,
    /// What its model rests on.
    pub calibrated: Vec<Measured>,
    /// What was noted meanwhile.
    pub notes: Vec<String>,
}

/// With fewer pairs a spread is a guess.
pub const FEWEST: usize = 3;

/// The document.
pub fn document(plan: &Plan, found: &[Found], terms: Terms) -> Validation {
    let (mut compared, mut ingredients, mut notes, mut left_out) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut note = |text: String| {
        if !notes.contains(&text) {
            notes.push(text);
        }
    };
    for one in found {
        let all: Vec<&Pair> = one.pairs.iter().collect();
        let fit: Vec<&Pair> = all.iter().copied().filter(|pair| terms.anyway || pair.warnings.is_empty()).collect();
        left_out += all.len() - fit.len();
        one.notes.iter().for_each(|text| note(text.clone()));
        one.pairs.iter().flat_map(|pair| &pair.warnings).for_each(|warning| note(warning.clone()));
        let is_fit = fit.len() >= FEWEST;
        // Figures of unfit runs are shown rather than none; no verdict rests on them.
        let shown = if is_fit { fit } else { all };
        let figures = figures(one.point, &shown, plan, terms, is_fit);
        let differs = figures.iter().any(|figure| figure.verdict == Verdict::Differs);
        ingredients.extend(spent(one.point, &shown, differs));
        compared.extend(figures);
    }
    let is_fit = found.iter().all(|one| one.pairs.iter().filter(|pair| pair.warnings.is_empty()).count() >= FEWEST);
    match (is_fit, terms.anyway) {
        (true, _) => {}
        (false, true) => note("judged all the same: a difference may be about the machine rather than about the model".to_owned()),
        (false, false) => note(format!("no verdict: fewer than {FEWEST} runs of each point had the machine to themselves")),
    }
    let fitness = found.iter().flat_map(|one| &one.pairs).map(|pair| &pair.fitness);
    Validation {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: plan.question.clone(),
        seed: plan.seed,
        repetitions: found.iter().map(|one| one.pairs.len()).max().unwrap_or(0) as u64,
        verdict: overall(&compared),
        metrics: compared,
        ingredients,
        host: host(fitness, left_out as u64, is_fit),
        calibrated: found.iter().flat_map(|one| one.calibrated.clone()).collect(),
        notes,
    }
}

fn overall(compared: &[Compared]) -> Verdict {
    let any = |verdict: Verdict| compared.iter().any(|one| one.verdict == verdict);
    match () {
        () if any(Verdict::Differs) => Verdict::Differs,
        () if any(Verdict::TooNoisy) || compared.is_empty() => Verdict::TooNoisy,
        () => Verdict::Agrees,
    }
}

fn figures(point: &Point, pairs: &[&Pair], plan: &Plan, terms: Terms, is_fit: bool) -> Vec<Compared> {
    let outcomes: Vec<_> = pairs.iter().flat_map(|pair| [&pair.live, &pair.simulated]).collect();
    let arrived = |pair: &&&Pair| pair.live.streams.iter().map(|stream| stream.arrived).sum::<u64>() as f64;
    let arrived = pairs.iter().map(|pair| arrived(&pair)).sum::<f64>() / pairs.len().max(1) as f64;
    let seconds = plan.duration.seconds();
    let values = |metric: Metric, pair: &Pair| {
        if metric == Metric::Failing {
            return pair.failing.map(|failing| failing.map(Span::seconds).into());
        }
        Some((metric.value(&pair.live, seconds)?, metric.value(&pair.simulated, seconds)?))
    };
    let compare = |metric: Metric| {
        let values: Vec<(f64, f64)> = pairs.iter().filter_map(|pair| values(metric, pair)).collect();
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| values.iter().map(of).sum::<f64>() / values.len() as f64;
        let live = (!values.is_empty()).then(|| mean(&|pair| pair.0))?;
        let margin = metric.margin(live, arrived, terms.margin);
        let differences: Vec<f64> = values.iter().map(|(live, simulated)| simulated - live).collect();
        let tested = equivalence(&differences, margin).filter(|_| differences.len() >= FEWEST);
        let simulated = mean(&|pair| pair.1);
        Some(Compared {
            scenario: point.scenario.clone().unwrap_or_default(),
            vary: vary(point),
            metric: metric.name(),
            live,
            live_spread: values.iter().fold([f64::INFINITY, 0.0], |[low, high], (live, _)| [low.min(*live), high.max(*live)]),
            simulated,
            difference: simulated - live,
            difference_ci90: tested.map(|tested| tested.interval),
            margin,
            verdict: tested.filter(|_| is_fit).map_or(Verdict::TooNoisy, |tested| tested.verdict),
        })
    };
    metrics::all(&outcomes).into_iter().filter_map(compare).collect()
}

fn spent(point: &Point, pairs: &[&Pair], differs: bool) -> Vec<Ingredient> {
    let runs: Vec<&[Both]> = pairs.iter().map(|pair| pair.spent.as_slice()).collect();
    let residuals = ingredients::residuals(&runs);
    let off = ingredients::off(&residuals).filter(|_| differs);
    let ingredient = |(place, residual): (usize, &ingredients::Residual)| Ingredient {
        scenario: point.scenario.clone().unwrap_or_default(),
        vary: vary(point),
        what: residual.what.to_owned(),
        live: residual.live,
        simulated: residual.simulated,
        difference: residual.difference(),
        difference_ci90: residual.interval(),
        off: off == Some(place),
    };
    residuals.iter().enumerate().map(ingredient).collect()
}

fn vary(point: &Point) -> Map<String, Value> {
    point.vary.iter().cloned().collect()
}
