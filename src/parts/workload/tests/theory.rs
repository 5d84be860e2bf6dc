//! Rates, dispersions and shares against their formulas, each within five standard errors.

use super::*;

/// How many requests come in the first `seconds`, in each of `runs` replications.
fn counts(text: &str, seconds: u64, runs: u64) -> Vec<f64> {
    let count = |run| batches_until(&mut *built(text, run), second(seconds)).iter().map(|batch| f64::from(batch.size)).sum();
    (0..runs).map(count).collect()
}

#[test]
fn long_run_rates_are_what_they_say() {
    // Process, seconds, variance of the count in the long run as a multiple of its mean.
    let batch_dispersion = (0.5 * 1.0 + 0.3 * 100.0 + 0.2 * 400.0) / (0.5 * 1.0 + 0.3 * 10.0 + 0.2 * 20.0);
    let cases = [
        ("Poisson(rate: 240)", 20, 1.0),
        ("Regular(rate: 240)", 20, 0.0),
        ("Schedule([(\"0s\", 240)])", 20, 1.0),
        ("Daily(mean: 300, amplitude: 300, period: \"2s\")", 20, 1.0),
        ("Batches(rate: 50, size: [(5, 1), (3, 10), (2, 20)])", 20, batch_dispersion),
        ("Batches(rate: 50, size: 4)", 20, 4.0),
        ("Bursts(quiet: 50, burst: 400, mean_quiet: \"300ms\", mean_burst: \"100ms\")", 100, dispersion(50.0, 400.0, 0.3, 0.1, 100.0)),
    ];
    for (text, seconds, dispersion) in cases {
        let rate = loaded(text).kind().rate().expect("an open process has a rate");
        let (runs, expected) = (20.0, rate * seconds as f64);
        let sigma = (expected * dispersion / runs).sqrt();
        // The regular process has one arrival at the end itself, which is not counted.
        let slack = if dispersion == 0.0 { 0.2 } else { sigma };
        assert_near(mean(&counts(text, seconds, runs as u64)), expected, slack, text);
    }
}

/// The index of dispersion of counts Var N(t) / E N(t) of a two-state MMPP in stationarity. Its rate has the
/// autocovariance (λ₁−λ₂)²π₁π₂·exp(−r·s) with r the sum of both rates of leaving, hence
/// 1 + 2(λ₁−λ₂)²π₁π₂ / (λr) · (1 − (1 − exp(−rt)) / (rt)) (Fischer & Meier-Hellstern 1993).
fn dispersion(quiet: f64, burst: f64, mean_quiet: f64, mean_burst: f64, t: f64) -> f64 {
    let share = mean_burst / (mean_quiet + mean_burst);
    let rate = quiet * (1.0 - share) + burst * share;
    let r = 1.0 / mean_quiet + 1.0 / mean_burst;
    let bend = 1.0 + libm::expm1(-r * t) / (r * t);
    1.0 + 2.0 * (burst - quiet) * (burst - quiet) * share * (1.0 - share) / (rate * r) * bend
}

#[test]
fn bursts_are_as_dispersed_as_theory_says_at_short_and_long_times() {
    for (quiet, burst, seconds) in [(2.0, 30.0, 1), (2.0, 30.0, 20), (0.0, 40.0, 3)] {
        let text = format!("Bursts(quiet: {quiet}, burst: {burst}, mean_quiet: \"3s\", mean_burst: \"1s\")");
        let counts = counts(&text, seconds, 20_000);
        let (n, center) = (counts.len() as f64, mean(&counts));
        let moment = |k: i32| counts.iter().map(|count| (count - center).powi(k)).sum::<f64>() / n;
        let (rate, variance) = (loaded(&text).kind().rate().expect("an open process has a rate"), moment(2));
        let expected = rate * seconds as f64;
        assert_near(center, expected, (variance / n).sqrt(), &format!("mean count of {text}"));
        let sigma = ((moment(4) - variance * variance) / n).sqrt() / expected;
        assert_near(variance / expected, dispersion(quiet, burst, 3.0, 1.0, seconds as f64), sigma, &format!("dispersion of {text}"));
    }
}

#[test]
fn a_schedule_has_each_rate_in_its_own_piece_and_nothing_where_it_is_zero() {
    let text = r#"Schedule([("1s", 200), ("3s", 0), ("4s", 1000), ("5s", 50)])"#;
    let pieces = [(0, 1, 0.0), (1, 3, 200.0), (3, 4, 0.0), (4, 5, 1000.0), (5, 9, 50.0)];
    let runs: Vec<Vec<Batch>> = (0..200).map(|run| batches_until(&mut *built(text, run), second(9))).collect();
    for (from, to, rate) in pieces {
        let inside = |batch: &&Batch| batch.at >= second(from) && batch.at < second(to);
        let found = runs.iter().flatten().filter(inside).count() as f64;
        let expected = rate * (to - from) as f64 * runs.len() as f64;
        assert_near(found, expected, expected.sqrt(), &format!("{from} s to {to} s"));
    }
}

#[test]
fn a_day_has_its_mean_in_each_half_and_its_swing_between_them() {
    let text = r#"Daily(mean: 300, amplitude: 200, period: "4s")"#;
    let runs: Vec<Vec<Batch>> = (0..50).map(|run| batches_until(&mut *built(text, run), second(8))).collect();
    // The integral of the rate over quarter q: mean · 1 s ± amplitude · (4 s / 2π) in its rising or falling half.
    let swing = 200.0 * 4.0 / std::f64::consts::TAU;
    for (quarter, expected) in [(0, 300.0 + swing), (1, 300.0 + swing), (2, 300.0 - swing), (3, 300.0 - swing)] {
        let inside = |batch: &&Batch| batch.at.nanos() / 1_000_000_000 % 4 == quarter;
        let found = runs.iter().flatten().filter(inside).count() as f64;
        let expected = expected * 2.0 * runs.len() as f64;
        assert_near(found, expected, expected.sqrt(), &format!("quarter {quarter}"));
    }
}

#[test]
fn batch_sizes_come_as_often_as_their_weights_say() {
    let batches = first("Batches(rate: 20, size: [(5, 1), (3, 10), (2, 20)])", 20_000);
    for (size, share) in [(1, 0.5), (10, 0.3), (20, 0.2)] {
        let found = batches.iter().filter(|batch| batch.size == size).count() as f64;
        let n = batches.len() as f64;
        assert_near(found, n * share, (n * share * (1.0 - share)).sqrt(), &format!("size {size}"));
    }
}
