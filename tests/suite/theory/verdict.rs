//! Whether an exact value may be what replications estimate.

use poolcast::kernel::time::Span;
use poolcast::measure::histogram::Histogram;
use poolcast::measure::intervals::{self, Confidence, Estimate};
use poolcast::measure::outcome::Outcome;
use poolcast::measure::quantiles::Quantiles;

use super::exact::{Figure, Row};
use super::figures;

/// An estimate beside the truth.
pub struct Judged {
    what: String,
    exact: f64,
    estimate: Estimate,
    /// The error in standard errors, where there is such a thing.
    pub deviation: Option<f64>,
}

/// What the replications of `row` say of one of its figures.
pub fn judge(row: &Row, figure: &Figure, outcomes: &[Outcome], duration: Span) -> Judged {
    let at = figure.at.map_or(String::new(), |at| format!(" {at}"));
    let what = format!("{} {}{at}", row.id, figure.name);
    if let Some(estimate) = quantile(figure, outcomes) {
        return Judged { what, exact: figure.exact, estimate, deviation: None };
    }
    let pairs: Vec<_> = outcomes.iter().map(|outcome| figures::ratio(figure, &row.given, outcome, duration)).collect();
    compare(what, figure.exact, &intervals::linearised(&pairs).expect("requests came"))
}

/// One value per replication beside the truth about their mean.
pub fn compare(what: String, exact: f64, values: &[f64]) -> Judged {
    let estimate = intervals::mean_with(values, confidence().t(values.len()));
    let square = values.iter().map(|value| (value - estimate.value).powi(2)).sum::<f64>();
    let error = (square / ((values.len() - 1) * values.len()) as f64).sqrt();
    Judged { what, exact, estimate, deviation: (error > 1e-9 * exact).then(|| (estimate.value - exact) / error) }
}

/// All must hold; if not, those that do not are shown.
pub fn assert_all(all: &[Judged]) {
    let wrong: Vec<String> = all.iter().filter(|judged| !judged.holds()).map(Judged::line).collect();
    let heading = format!("{:60} {:>14} {:>14} {:>14} {:>14} {:>7}", "", "exact", "estimate", "low", "high", "z");
    assert!(wrong.is_empty(), "{} of {} figures miss the truth\n{heading}\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

impl Judged {
    /// The row that it is a figure of.
    pub fn row(&self) -> &str {
        self.what.split(' ').next().expect("a figure is told by its row first")
    }

    fn holds(&self) -> bool {
        let half = 0.5 * (self.estimate.high - self.estimate.low);
        let slack = 1e-9 * self.exact.abs();
        let contained = self.estimate.low - slack <= self.exact && self.exact <= self.estimate.high + slack;
        contained && (self.estimate.value - self.exact).abs() <= (0.01 * self.exact.abs()).max(half + slack)
    }

    fn line(&self) -> String {
        let Judged { what, exact, estimate, deviation } = self;
        let z = deviation.map_or(String::new(), |z| format!("{z:.2}"));
        format!("{what:60} {exact:14.8} {:14.8} {:14.8} {:14.8} {z:>7}", estimate.value, estimate.low, estimate.high)
    }
}

/// Of each single figure: of a thousand true ones, one may miss by chance. Seeds are fixed, so it is known which.
fn confidence() -> Confidence {
    Confidence::new(0.999)
}

fn quantile(figure: &Figure, outcomes: &[Outcome]) -> Option<Estimate> {
    let of: fn(&Outcome) -> &Histogram = match figure.name {
        "wait_quantile" => |outcome| &outcome.streams[0].pool_wait,
        "sojourn_quantile" => |outcome| &outcome.streams[0].latency,
        _ => return None,
    };
    let histograms: Vec<Histogram> = outcomes.iter().map(|outcome| of(outcome).clone()).collect();
    let found = Quantiles::of(&histograms).quantile(figure.at.expect("a quantile has a probability"), confidence());
    let Estimate { value, low, high } = found.estimate().expect("there are enough requests for an interval");
    Some(Estimate { value: value / 1e6, low: low / 1e6, high: high / 1e6 })
}
