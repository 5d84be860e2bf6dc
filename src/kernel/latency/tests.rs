//! What every distribution that a file may name has to keep to.

use ron::extensions::Extensions;

use super::*;
use crate::kernel::rng::Seed;

const DRAWS: usize = 200_000;
const SIGMAS: f64 = 5.0;

fn read(text: &str) -> LatencySpec {
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES | Extensions::UNWRAP_VARIANT_NEWTYPES;
    ron::Options::default().with_default_extension(extensions).from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A distribution as a file writes it; every file holds 1, 2, 3 and 10 ms.
fn loaded(text: &str) -> LatencySpec {
    let mut spec = read(text);
    spec.each_file(&mut |empirical| empirical.load("0.003\n0.001\n0.002\n0.010\n")).expect(text);
    assert_eq!(spec.check(), Ok(()), "{text}");
    spec
}

fn draws(latency: &dyn Latency, count: usize) -> Vec<f64> {
    let mut dice = Seed::new(7, 0).stream("test");
    (0..count).map(|_| latency.sample(&mut dice).nanos() as f64).collect()
}

/// Every kind's example, and where parameters change the method, more.
fn all() -> impl Iterator<Item = &'static str> {
    let more = [
        r#"LogNormal(median: "12ms", p99: "80ms")"#,
        r#"Gamma(mean: "20ms", cv: 2.0)"#,
        r#"Gamma(mean: "20ms", cv: 0.05)"#,
        r#"Gamma(mean: "20ms", cv: 5.0)"#,
        r#"Erlang(mean: "20ms", k: 1000)"#,
        r#"Weibull(mean: "20ms", shape: 3.0)"#,
        r#"Pareto(minimum: "2ms", shape: 1.0, maximum: "1s")"#,
        r#"HyperExponential(mean: "20ms", cv: 1.0)"#,
        r#"Mixture([(3, Constant("2ms")), (1, Shifted("1ms", Empirical(file: "x.csv")))])"#,
    ];
    LatencySpec::KINDS.iter().map(|kind| kind.example).chain(more)
}

#[test]
fn every_example_reads_checks_and_is_written_back_the_same() {
    for kind in LatencySpec::KINDS {
        let spec = read(kind.example);
        assert_eq!(spec.name(), kind.name);
        assert_eq!(spec.check(), Ok(()), "{}", kind.example);
        let json = serde_json::to_value(&spec).expect(kind.name);
        assert_eq!(serde_json::from_value::<LatencySpec>(json).expect(kind.name), spec);
    }
}

#[test]
fn draws_have_the_mean_that_is_promised() {
    for text in all() {
        let latency = loaded(text).prepare();
        let draws = draws(&*latency, DRAWS);
        let mean = draws.iter().sum::<f64>() / DRAWS as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (DRAWS - 1) as f64;
        // Half a nanosecond for rounding to whole ones.
        let allowed = SIGMAS * (variance / DRAWS as f64).sqrt() + 0.5;
        assert!((mean - latency.mean()).abs() <= allowed, "{text}: {mean} for {} give or take {allowed}", latency.mean());
    }
}

#[test]
fn draws_have_the_quantiles_that_are_promised() {
    for text in all() {
        let latency = loaded(text).prepare();
        let draws = draws(&*latency, DRAWS);
        for p in [0.1, 0.3, 0.5, 0.9, 0.99, 0.9999] {
            let x = latency.quantile(p);
            let share = |up_to: f64| draws.iter().filter(|draw| **draw <= up_to).count() as f64 / DRAWS as f64;
            let allowed = SIGMAS * (p * (1.0 - p) / DRAWS as f64).sqrt();
            // One nanosecond either way, since draws are whole; an atom at x may have more than p up to it.
            assert!(share(x + 1.0) >= p - allowed && share(x - 1.0) <= p + allowed, "{text}: {p}-quantile {x}, {} up to it", share(x));
        }
    }
}

#[test]
fn a_draw_takes_the_promised_words_and_depends_on_no_others() {
    for text in all() {
        let latency = loaded(text).prepare();
        let mut walked = Seed::new(9, 0).stream("test");
        let mut jumped = Seed::new(9, 0).stream("test");
        for n in 0..1_000 {
            jumped.seek(n * u64::from(latency.words()));
            assert_eq!(latency.sample(&mut walked), latency.sample(&mut jumped), "{text}: draw {n}");
            walked.word();
            walked.seek((n + 1) * u64::from(latency.words()));
        }
        let mut after = Seed::new(9, 0).stream("test");
        latency.sample(&mut after);
        let mut beside = Seed::new(9, 0).stream("test");
        beside.seek(u64::from(latency.words()));
        assert_eq!(after.word(), beside.word(), "{text}");
    }
}

#[test]
fn quantiles_never_fall() {
    for text in all() {
        let latency = loaded(text).prepare();
        let steps = if text.starts_with("Mixture") { 50 } else { 1_000 };
        let grid: Vec<f64> = (1..steps).map(|i| latency.quantile(f64::from(i) / f64::from(steps))).collect();
        assert!(grid.is_sorted(), "{text}");
        assert!(grid[0] >= 0.0 && grid[grid.len() - 1].is_finite(), "{text}");
    }
}
