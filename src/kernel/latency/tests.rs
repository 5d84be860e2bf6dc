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
fn a_draw_takes_the_promised_words_whatever_they_are() {
    for text in all() {
        let latency = loaded(text).prepare();
        let mut walked = Seed::new(9, 0).stream("test");
        let mut jumped = Seed::new(9, 0).stream("test");
        for n in 1..=1_000 {
            latency.sample(&mut walked);
            jumped.seek(n * u64::from(latency.words()));
            assert_eq!(walked.word(), jumped.word(), "{text}: after draw {n}");
            walked.seek(n * u64::from(latency.words()));
        }
    }
}

#[test]
fn a_draw_is_the_quantile_of_its_dice_to_one_part_in_ten_million() {
    let long = [
        r#"Exponential(mean: "1d")"#,
        r#"Erlang(mean: "1d", k: 9)"#,
        r#"Gamma(mean: "1d", cv: 0.3)"#,
        r#"Gamma(mean: "1d", cv: 3.0)"#,
        r#"Gamma(mean: "1d", cv: 20)"#,
        r#"LogNormal(mean: "1d", cv: 10)"#,
        r#"Weibull(mean: "1d", shape: 0.1)"#,
        r#"Weibull(mean: "1d", shape: 100)"#,
        r#"Pareto(minimum: "1s", shape: 0.1, maximum: "9d")"#,
        r#"HyperExponential(mean: "1d", cv: 30)"#,
        r#"Quantiles([(0.25, "1h"), (0.2501, "2h"), (0.2502, "2h"), (0.9999, "2d"), (1.0, "9d")])"#,
    ];
    for text in all().chain(long).filter(|text| !text.starts_with("Mixture")) {
        let latency = loaded(text).prepare();
        let mut dice = Seed::new(5, 0).stream("test");
        let mut same = Seed::new(5, 0).stream("test");
        for _ in 0..50_000 {
            let (x, exact) = (latency.sample(&mut dice).nanos() as f64, latency.quantile(same.uniform()));
            // A product is rounded twice.
            let rounding = if text.starts_with("Scaled") { 1.26 } else { 0.51 };
            let allowed = 1e-7 * exact + rounding;
            assert!((x - exact).abs() <= allowed, "{text}: {x} for {exact}");
        }
    }
}

#[test]
fn quantiles_never_fall() {
    for text in all() {
        let latency = loaded(text).prepare();
        let steps = if text.starts_with("Mixture") { 50 } else { 1_000 };
        let inner = (1..steps).map(|i| f64::from(i) / f64::from(steps));
        // As far out as dice reach.
        let outermost = 1.0 / (1u64 << 53) as f64;
        let probabilities = [outermost].into_iter().chain(inner).chain([1.0 - outermost]);
        let grid: Vec<f64> = probabilities.map(|p| latency.quantile(p)).collect();
        assert!(grid.is_sorted(), "{text}");
        assert!(grid[0] >= 0.0 && grid[grid.len() - 1].is_finite(), "{text}");
    }
}

#[test]
fn wrong_parameters_are_refused_with_their_place_and_the_remedy() {
    let wrong = [
        (r#"Uniform(low: "3ms", high: "1ms")"#, "high: must be at least low, which is 3ms, found 1ms"),
        (r#"Erlang(mean: "1ms", k: 0)"#, "k: must be a number of stages from 1 to 1000, found 0"),
        (r#"Erlang(mean: "1ms", k: 1001)"#, "k: must be a number of stages from 1 to 1000, found 1001"),
        (r#"Erlang(mean: "0s", k: 2)"#, "mean: must be above 0s"),
        (r#"Gamma(mean: "0s", cv: 1)"#, "mean: must be above 0s"),
        (r#"Gamma(mean: "1ms", cv: 0.04)"#, "cv: must be a number from 0.05 to 20, found 0.04"),
        (r#"Gamma(mean: "1ms", cv: NaN)"#, "cv: must be a number from 0.05 to 20, found NaN"),
        (r#"LogNormal(mean: "1ms", cv: 0)"#, "cv: must be a number from 0.001 to 100, found 0"),
        (r#"LogNormal(mean: "1ms", cv: inf)"#, "cv: must be a number from 0.001 to 100, found inf"),
        (r#"LogNormal(mean: "1ms")"#, "takes either a mean and a cv, or a median and a p99"),
        (r#"LogNormal(mean: "1ms", cv: 1, p99: "2ms")"#, "takes either a mean and a cv, or a median and a p99"),
        (r#"LogNormal(median: "2ms", p99: "2ms")"#, "p99: must be above the median, which is 2ms, found 2ms"),
        (r#"Weibull(mean: "1ms", shape: 0.09)"#, "shape: must be a number from 0.1 to 100, found 0.09"),
        (r#"Pareto(minimum: "0s", shape: 1, maximum: "1s")"#, "minimum: must be above 0s"),
        (r#"Pareto(minimum: "1s", shape: 1, maximum: "1s")"#, "maximum: must be above the minimum, which is 1s, found 1s"),
        (r#"Pareto(minimum: "1s", shape: -1, maximum: "2s")"#, "shape: must be a number from 0.001 to 1000, found -1"),
        (r#"HyperExponential(mean: "1ms", cv: 0.9)"#, "cv: must be a number from 1 to 1000, found 0.9"),
        (r#"Quantiles([])"#, "the last quantile must be the maximum"),
        (r#"Quantiles([(0.5, "1ms")])"#, "the last quantile must be the maximum"),
        (r#"Quantiles([(0.5, "1ms"), (0.5, "2ms"), (1.0, "3ms")])"#, "1: the probability must be above 0.5"),
        (r#"Quantiles([(NaN, "1ms"), (1.0, "3ms")])"#, "0: the probability must be above 0"),
        (r#"Quantiles([(1.1, "1ms")])"#, "0: the probability must be above 0 (the one before it) and at most 1.0, found 1.1"),
        (r#"Quantiles([(0.5, "3ms"), (1.0, "2ms")])"#, "1: the time must be at least 3ms (the one before it), found 2ms"),
        (r#"Empirical("")"#, "file: must name a file"),
        (r#"Mixture([])"#, "must have at least one part"),
        (r#"Mixture([(0, Constant("1ms"))])"#, "0: the weight must be a number above 0, found 0"),
        (r#"Scaled(0, Constant("1ms"))"#, "0: the factor must be a number from 0.001 to 1000, found 0"),
        (r#"Mixture([(1, Constant("1ms")), (1, Shifted("1ms", Gamma(mean: "1ms", cv: 0)))])"#, "1.cv: must be a number"),
    ];
    for (text, why) in wrong {
        let found = read(text).check().expect_err(text).to_string();
        assert!(found.starts_with(why), "{text}: {found}");
    }
}

#[test]
fn every_file_is_found_however_deep_and_its_errors_say_where() {
    let mut spec = read(r#"Mixture([(1, Empirical("a.csv")), (1, Shifted("1ms", Mixture([(1, Empirical(file: "b.csv"))])))])"#);
    let mut files = Vec::new();
    let found = spec.each_file(&mut |empirical| {
        files.extend(empirical.needs_file().map(str::to_owned));
        empirical.load(if files.len() == 1 { "1" } else { "?" })
    });
    assert_eq!(files, ["a.csv", "b.csv"]);
    let found = found.expect_err("the second file is wrong").to_string();
    assert!(found.starts_with("1.0: b.csv, line 1: expected"), "{found}");
}

/// The first three draws in nanoseconds: the same on every machine. What changes here changes every published result.
#[test]
fn the_first_draws_are_these_to_the_nanosecond() {
    let golden: &[(&str, [u64; 3])] = &[
        (r#"Constant("5ms")"#, [5_000_000, 5_000_000, 5_000_000]),
        (r#"Uniform(low: "1ms", high: "3ms")"#, [1_140_351, 2_549_453, 2_131_412]),
        (r#"Exponential(mean: "20ms")"#, [1_455_184, 29_808_797, 16_680_660]),
        (r#"Erlang(mean: "20ms", k: 4)"#, [7_677_440, 26_505_492, 19_978_920]),
        (r#"Gamma(mean: "20ms", cv: 0.5)"#, [7_677_440, 26_505_492, 19_978_920]),
        (r#"LogNormal(mean: "20ms", cv: 1.0)"#, [4_143_612, 26_504_747, 16_230_728]),
        (r#"Weibull(mean: "20ms", shape: 0.7)"#, [373_923, 27_941_448, 12_191_622]),
        (r#"Pareto(minimum: "2ms", shape: 1.5, maximum: "10s")"#, [2_099_403, 5_401_989, 3_487_436]),
        (r#"HyperExponential(mean: "20ms", cv: 3.0)"#, [809_925, 17_696_899, 9_529_302]),
        (r#"Quantiles([(0.5, "4ms"), (0.99, "30ms"), (1.0, "200ms")])"#, [561_402, 18_577_322, 7_486_429]),
        (r#"Empirical("queries.csv")"#, [1_000_000, 10_000_000, 3_000_000]),
        (r#"Mixture([(0.9, Gamma(mean: "2ms", cv: 0.5)), (0.1, Exponential(mean: "80ms"))])"#, [2_650_549, 1_192_865, 2_998_359]),
        (r#"Shifted("1ms", Exponential(mean: "4ms"))"#, [1_291_037, 6_961_759, 4_336_132]),
        (r#"Scaled(1.5, Exponential(mean: "4ms"))"#, [436_556, 8_942_638, 5_004_198]),
        (r#"LogNormal(median: "12ms", p99: "80ms")"#, [3_605_546, 22_202_361, 13_733_407]),
        (r#"Gamma(mean: "20ms", cv: 2.0)"#, [1_310, 24_545_352, 5_859_433]),
        (r#"Gamma(mean: "20ms", cv: 0.05)"#, [18_545_574, 20_746_989, 20_149_164]),
        (r#"Gamma(mean: "20ms", cv: 5.0)"#, [0, 491_388, 189]),
        (r#"Erlang(mean: "20ms", k: 1000)"#, [19_075_405, 20_474_233, 20_098_137]),
        (r#"Weibull(mean: "20ms", shape: 3.0)"#, [9_350_133, 25_583_502, 21_082_216]),
        (r#"Pareto(minimum: "2ms", shape: 1.0, maximum: "1s")"#, [2_150_618, 8_817_448, 4_593_207]),
        (r#"HyperExponential(mean: "20ms", cv: 1.0)"#, [1_455_184, 29_808_797, 16_680_660]),
        (r#"Mixture([(3, Constant("2ms")), (1, Shifted("1ms", Empirical(file: "x.csv")))])"#, [2_000_000, 2_000_000, 2_000_000]),
    ];
    let found: Vec<(&str, [u64; 3])> = all()
        .map(|text| {
            let latency = loaded(text).prepare();
            let mut dice = Seed::new(1, 0).stream("golden");
            (text, [0; 3].map(|_: u64| latency.sample(&mut dice).nanos()))
        })
        .collect();
    for ((text, draws), (golden_text, golden_draws)) in found.iter().zip(golden) {
        assert_eq!((text, draws), (golden_text, golden_draws));
    }
    assert_eq!(found.len(), golden.len());
}
