//! What operations of the real libraries and servers cost, taken from a run with little to do: what a model is made of.

use super::{Attempt, Recording, StatementKind};
use crate::kernel::latency::{LatencySpec, Quantiles};
use crate::kernel::time::Span;
use crate::measure::histogram::rank;

/// Times of one operation in seconds, in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times(Vec<f64>);

/// What the requests of one stream met, beyond what they asked of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    /// Getting a connection that was there.
    pub checkout: Times,
    /// Opening one.
    pub connect: Times,
    /// The first statement of a session, which brings the library's BEGIN with it.
    pub first: Times,
    /// The first statement on a connection just opened.
    pub fresh: Times,
    /// Later statements.
    pub later: Times,
    /// Giving a connection back.
    pub give_back: Times,
}

/// At these a distribution is held.
const LEVELS: [f64; 7] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
/// What lies beyond is a stall of the machine rather than a cost.
const KEPT: f64 = 0.99;

impl Times {
    /// These, in whatever order; what is no number is left out.
    pub fn of(times: impl IntoIterator<Item = f64>) -> Times {
        let mut times: Vec<f64> = times.into_iter().filter(|time| time.is_finite()).collect();
        times.sort_by(f64::total_cmp);
        Times(times)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Those of both.
    pub fn merge(&mut self, other: &Times) {
        *self = Times::of(self.0.iter().chain(&other.0).copied());
    }

    /// Their mean without the slowest one in a hundred.
    pub fn mean(&self) -> Option<f64> {
        let kept = self.kept();
        (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
    }

    /// The time that this share of them does not exceed.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        self.0.get(rank(self.0.len() as u64, p)? as usize - 1).copied()
    }

    /// Each less by so much, and none below nothing.
    pub fn less(&self, seconds: f64) -> Times {
        Times(self.0.iter().map(|time| (time - seconds).max(0.0)).collect())
    }

    /// As a model has them: a line through their quantiles without the slowest one in a hundred, no time if there are
    /// none. Times that hardly differ are one.
    pub fn latency(&self) -> LatencySpec {
        let kept = self.kept();
        let [Some(least), Some(most)] = [kept.first(), kept.last()] else { return LatencySpec::default() };
        let whole = |seconds: f64| Span::from_nanos((Span::from_seconds(seconds).nanos() + 500) / 1_000 * 1_000);
        if most - least < 2e-6 {
            return LatencySpec::always(whole(*most));
        }
        let at = |p: f64| rank(kept.len() as u64, p).map_or(*least, |rank| kept[rank as usize - 1]);
        let inner = LEVELS.iter().map(|p| (*p, whole(at(*p))));
        // A quantile function begins at no time at all unless a point close to 0 says otherwise.
        let points = std::iter::once((0.001, whole(*least))).chain(inner).chain([(1.0, whole(*most))]);
        LatencySpec::Quantiles(Quantiles(points.collect()))
    }

    fn kept(&self) -> &[f64] {
        let count = rank(self.0.len() as u64, KEPT).unwrap_or(0) as usize;
        &self.0[..count]
    }
}

impl Costs {
    /// What the requests of a stream met that ended well.
    pub fn of(recording: &Recording, stream: u32) -> Costs {
        let requests = || recording.attempts.iter().filter(|attempt| attempt.stream == stream && attempt.failure.is_none());
        let checkouts = || requests().flat_map(|attempt| &attempt.checkouts);
        let span = |from: u64, to: u64| Span::from_nanos(to.saturating_sub(from)).seconds();
        let idle = checkouts().filter(|checkout| checkout.connects.is_empty());
        Costs {
            checkout: Times::of(idle.filter_map(|checkout| Some(span(checkout.asked, checkout.got?)))),
            connect: Times::of(checkouts().flat_map(|checkout| &checkout.connects).map(|(from, to)| span(*from, *to))),
            first: Times::of(requests().flat_map(|attempt| extra(attempt, Some(false)))),
            fresh: Times::of(requests().flat_map(|attempt| extra(attempt, Some(true)))),
            later: Times::of(requests().flat_map(|attempt| extra(attempt, None))),
            give_back: Times::of(checkouts().filter_map(|checkout| Some(span(checkout.given?, checkout.back?)))),
        }
    }

    /// Those of both.
    pub fn merge(&mut self, other: &Costs) {
        self.checkout.merge(&other.checkout);
        self.connect.merge(&other.connect);
        self.first.merge(&other.first);
        self.fresh.merge(&other.fresh);
        self.later.merge(&other.later);
        self.give_back.merge(&other.give_back);
    }
}

/// How much longer than its demand each statement took: of those that are the first of their session, on a connection just
/// opened or not, or of all others.
fn extra(attempt: &Attempt, first: Option<bool>) -> Vec<f64> {
    let mut last = None;
    let mut times = Vec::new();
    for statement in &attempt.statements {
        let is_first = last != Some(statement.checkout);
        last = Some(statement.checkout);
        let opened = attempt.checkouts.get(statement.checkout as usize).is_some_and(|checkout| !checkout.connects.is_empty());
        let wanted = if is_first { first == Some(opened) } else { first.is_none() };
        if let (true, StatementKind::Query, Some(replied)) = (wanted, statement.kind, statement.replied) {
            let took = Span::from_nanos(replied.saturating_sub(statement.sent)).seconds();
            times.push(took - Span::from_nanos(statement.served).seconds());
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::recording::{Checkout, Statement};

    const US: u64 = 1_000;

    fn request(connects: Vec<(u64, u64)>) -> Attempt {
        let checkout = Checkout { asked: 0, got: Some(100 * US), given: Some(900 * US), back: Some(1000 * US), connects };
        let statement = |sent: u64, took: u64| Statement { served: 200 * US, sent, replied: Some(sent + took), ..Statement::default() };
        let statements = vec![statement(100 * US, 500 * US), statement(650 * US, 210 * US)];
        Attempt { attempt: 1, checkouts: vec![checkout], statements, heard: Some(1000 * US), ..Attempt::default() }
    }

    #[test]
    fn what_is_beyond_the_demand_is_told_apart_by_where_it_falls() {
        let recording = Recording { attempts: vec![request(vec![]), request(vec![(0, 80 * US)])], ..Recording::default() };
        let costs = Costs::of(&recording, 0);
        let mean = |times: &Times| times.mean().map(|seconds| (seconds * 1e6).round());
        assert_eq!((mean(&costs.checkout), mean(&costs.connect)), (Some(100.0), Some(80.0)));
        assert_eq!((mean(&costs.first), mean(&costs.fresh), mean(&costs.later)), (Some(300.0), Some(300.0), Some(10.0)));
        assert_eq!((costs.first.count(), costs.fresh.count(), costs.later.count()), (1, 1, 2));
        assert_eq!(mean(&costs.give_back), Some(100.0));
    }

    #[test]
    fn a_fitted_distribution_has_the_mean_of_the_times_but_for_a_stall() {
        let times = Times::of((0..200).map(|i| 1e-3 + 5e-6 * f64::from(i)).chain([0.5]));
        let fitted = times.latency();
        fitted.check().expect("a fitted distribution is a valid one");
        let mean = fitted.prepare().mean() / 1e9;
        assert!((mean - 1.5e-3).abs() < 2e-5, "{mean}");
        assert_eq!(Times::default().latency(), LatencySpec::default());
        assert_eq!(Times::of([1e-3]).latency(), LatencySpec::always(Span::from_millis(1)));
    }
}
