//! Strategies for what is asked of a system: latencies, arrivals, retries.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::kernel::latency::{Constant, Exponential, Gamma, LatencySpec, LogNormal, Pareto, Uniform};
use crate::kernel::time::Span;
use crate::parts::client::Retry;
use crate::parts::workload::{ArrivalsSpec, Batches, Bursts, Closed, Daily, Poisson, Regular, Replay, Schedule, Size};

/// Whole milliseconds.
pub fn millis(low: u64, high: u64) -> impl Strategy<Value = Span> {
    (low..=high).prop_map(Span::from_millis)
}

/// Short latencies, some of them constant, so that things coincide, and some with a heavy tail.
pub fn latencies() -> impl Strategy<Value = LatencySpec> {
    prop_oneof![
        4 => millis(0, 8).prop_map(|span| LatencySpec::from(Constant(span))),
        3 => millis(1, 8).prop_map(|mean| Exponential { mean }.into()),
        1 => millis(1, 8).prop_map(|mean| LogNormal { mean: Some(mean), cv: Some(1.5), ..LogNormal::default() }.into()),
        1 => millis(1, 8).prop_map(|mean| Gamma { mean, cv: 0.7 }.into()),
        1 => millis(1, 4).prop_map(|minimum| Pareto { minimum, shape: 1.2, maximum: Span::from_millis(200) }.into()),
        1 => millis(1, 4).prop_map(|low| Uniform { low, high: Span::from_millis(6) }.into()),
    ]
}

/// Open arrivals of every kind whose rate, in requests per second, is never above `most` (at least 1): steady, regular, in
/// bursts, by a schedule, with a wave, in batches.
pub fn arrivals_up_to(most: f64) -> impl Strategy<Value = ArrivalsSpec> {
    let rate = move || (most.min(1.0)..=most).prop_map(|rate| (rate * 100.0).floor() / 100.0);
    let soon = || millis(100, 5_000);
    prop_oneof![
        3 => rate().prop_map(|rate| Poisson { rate }.into()),
        1 => rate().prop_map(|rate| Regular { rate }.into()),
        2 => (rate(), rate(), soon(), soon()).prop_map(|(one, other, mean_quiet, mean_burst)| {
            Bursts { quiet: one.min(other), burst: one.max(other), mean_quiet, mean_burst }.into()
        }),
        2 => vec((soon(), rate()), 1..5).prop_map(|pieces| {
            let mut from = Span::ZERO;
            let piece = |(lasting, rate)| { let begin = from; from += lasting; (begin, rate) };
            Schedule(pieces.into_iter().map(piece).collect()).into()
        }),
        1 => (rate(), soon()).prop_map(|(rate, period)| Daily { mean: rate / 2.0, amplitude: rate / 2.0, period }.into()),
        1 => (rate(), 1_u32..20).prop_map(|(rate, size)| {
            Batches { rate: rate / f64::from(size), size: Size::Weighted(vec![(1.0, size)]) }.into()
        }),
    ]
}

/// Arrivals of every kind, closed and recorded ones too, some hundred requests per second.
pub fn arrivals() -> impl Strategy<Value = ArrivalsSpec> {
    let rate = || select(vec![50.0, 200.0, 500.0]);
    let replay = (vec(0_u64..300, 1..60), option::of(0_u64..9)).prop_map(|(mut times, demand)| {
        times.sort_unstable();
        recorded(&times.iter().map(|at| (*at, demand.unwrap_or(3))).collect::<Vec<_>>(), demand.is_some())
    });
    prop_oneof![
        3 => rate().prop_map(|rate| Poisson { rate }.into()),
        1 => rate().prop_map(|rate| Regular { rate }.into()),
        1 => rate().prop_map(|burst| Bursts { quiet: 20.0, burst, mean_quiet: Span::from_millis(40), mean_burst: Span::from_millis(40) }.into()),
        1 => rate().prop_map(|rate| Schedule(vec![(Span::from_millis(20), rate), (Span::from_millis(90), 0.0), (Span::from_millis(150), rate)]).into()),
        1 => rate().prop_map(|mean| Daily { mean, amplitude: mean, period: Span::from_millis(100) }.into()),
        1 => rate().prop_map(|rate| Batches { rate: rate / 5.0, size: Size::Weighted(vec![(1.0, 1), (2.0, 7)]) }.into()),
        2 => (1_u32..12, millis(1, 10)).prop_map(|(users, mean)| Closed { users, think: Exponential { mean }.into() }.into()),
        1 => replay,
    ]
}

/// Recorded arrivals: whole milliseconds, and each request's demand if `known`.
pub fn recorded(rows: &[(u64, u64)], known: bool) -> ArrivalsSpec {
    let mut text = String::from(if known { "at,query1\n" } else { "at\n" });
    let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
    for (at, demand) in rows {
        text += &seconds(*at);
        if known {
            text += &format!(",{}", seconds(*demand));
        }
        text += "\n";
    }
    let mut replay = Replay::of("recorded", 1.0);
    replay.load(&text).expect("the recording is in order");
    replay.into()
}

/// What clients do about failures.
pub fn retries() -> impl Strategy<Value = Retry> {
    (1_u32..4, latencies(), select(vec![0.0, 0.5]), option::of(select(vec![0.1, 1.0])))
        .prop_map(|(attempts, backoff, jitter, budget)| Retry { attempts, backoff, jitter, budget, on: None })
}
