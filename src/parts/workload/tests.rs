//! What must hold for every arrival process, and each process against its own theory.

use ron::extensions::Extensions;

use super::*;
use crate::kernel::registry::Example;

mod theory;

const SIGMAS: f64 = 5.0;

fn read(text: &str) -> Result<ArrivalsSpec, String> {
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES | Extensions::UNWRAP_VARIANT_NEWTYPES;
    ron::Options::default().with_default_extension(extensions).from_str(text).map_err(|error| format!("{text}: {error}"))
}

/// A process as a file writes it; every file holds the same four requests.
fn loaded(text: &str) -> ArrivalsSpec {
    let mut spec = read(text).unwrap();
    if let Some(replay) = spec.replay_mut() {
        replay.load("at,query1,query2\n0.5,0.004,0.001\n0.75,0.002,\n0.75,0.003,0.001\n2.000000001,0.001,0.001\n").expect(text);
    }
    spec.kind().check().expect(text);
    spec
}

fn built(text: &str, replication: u64) -> Box<dyn Arrivals> {
    loaded(text).kind().build("bookings", &Seed::new(7, replication))
}

fn batches_until(arrivals: &mut dyn Arrivals, end: SimTime) -> Vec<Batch> {
    std::iter::from_fn(|| arrivals.next()).take_while(|batch| batch.at < end).collect()
}

fn first(text: &str, count: usize) -> Vec<Batch> {
    let mut arrivals = built(text, 0);
    std::iter::from_fn(|| arrivals.next()).take(count).collect()
}

fn second(seconds: u64) -> SimTime {
    SimTime::ZERO + Span::from_secs(seconds)
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

fn assert_near(found: f64, expected: f64, sigma: f64, what: &str) {
    assert!((found - expected).abs() <= SIGMAS * sigma, "{what}: found {found}, expected {expected} ± {SIGMAS}·{sigma}");
}

#[test]
fn every_example_reads_checks_and_writes_back() {
    for listed in ArrivalsSpec::KINDS {
        let spec = read(listed.example).unwrap();
        assert_eq!(spec.name(), listed.name);
        assert_eq!(spec.kind().check(), Ok(()), "{}", listed.name);
        let json = serde_json::to_value(&spec).expect(listed.name);
        assert_eq!(serde_json::from_value::<ArrivalsSpec>(json).expect(listed.name), spec);
        let ron = ron::to_string(&spec).expect(listed.name);
        assert_eq!(ron::from_str::<ArrivalsSpec>(&ron).expect(&ron), spec);
    }
}

#[test]
fn times_never_go_back_and_no_batch_is_empty() {
    for listed in ArrivalsSpec::KINDS {
        let mut last = SimTime::ZERO;
        let batches = first(listed.example, 5_000);
        for batch in &batches {
            assert!(batch.at >= last && batch.size > 0, "{}: {batch:?} after {last:?}", listed.name);
            last = batch.at;
        }
        let expected = match listed.name {
            "Closed" => 0,
            "Replay" => 4,
            _ => 5_000,
        };
        assert_eq!(batches.len(), expected, "{}", listed.name);
    }
}

#[test]
fn the_same_seed_gives_the_same_arrivals_and_another_stream_others() {
    for listed in ArrivalsSpec::KINDS {
        assert_eq!(first(listed.example, 500), first(listed.example, 500), "{}", listed.name);
        let mut other = loaded(listed.example).kind().build("searches", &Seed::new(7, 0));
        let others: Vec<Batch> = std::iter::from_fn(|| other.next()).take(500).collect();
        let takes_no_dice = matches!(listed.name, "Regular" | "Closed" | "Replay");
        assert_eq!(first(listed.example, 500) == others, takes_no_dice, "{}", listed.name);
    }
}

#[test]
fn with_other_dice_other_arrivals_follow_and_with_its_own_the_same() {
    for listed in ArrivalsSpec::KINDS {
        let (mut usual, mut forked) = (built(listed.example, 0), built(listed.example, 0));
        let begin: Vec<_> = (0..3).map(|_| (usual.next(), forked.next())).collect();
        assert!(begin.iter().all(|(one, other)| one == other));
        let rest = |seed: &Seed| {
            let mut copy = forked.clone();
            copy.reseed(seed);
            (std::iter::from_fn(|| copy.next()).take(500).collect::<Vec<_>>(), copy.think(3))
        };
        let same = (std::iter::from_fn(|| usual.next()).take(500).collect::<Vec<_>>(), usual.think(3));
        assert_eq!(rest(&Seed::new(7, 0)), same, "{}", listed.name);
        let takes_no_dice = matches!(listed.name, "Regular" | "Replay");
        assert_eq!(rest(&Seed::new(8, 0)) == same, takes_no_dice, "{}", listed.name);
    }
}

/// Golden: every published result depends on these.
#[test]
fn the_first_arrivals_of_each_are_what_they_have_always_been() {
    let mut found = String::new();
    for listed in ArrivalsSpec::KINDS {
        let batches = first(listed.example, 5);
        let line: Vec<String> = batches.iter().map(|batch| format!("{}x{}", batch.at.nanos(), batch.size)).collect();
        found += &format!("{} {}\n", listed.name, line.join(" "));
    }
    let mut closed = built(Closed::EXAMPLE, 0);
    found += &format!("thinks {:?}\n", [0, 1, 2].map(|number| closed.think(number).nanos()));
    assert_eq!(found, GOLDEN);
}

const GOLDEN: &str = "\
Poisson 5239883x1 7691223x1 7714010x1 8913913x1 8980201x1
Regular 4166667x1 8333333x1 12500000x1 16666667x1 20833333x1
Bursts 1257571845x1 1845893428x1 1851362362x1 2139339136x1 2155248245x1
Schedule 6287859x1 9229467x1 9256812x1 10696696x1 10776242x1
Daily 3702725x1 4278679x1 4310497x1 7635635x1 18760044x1
Batches 62878592x1 92294671x1 92568118x1 106966957x20 107762412x1
Closed \n\
Replay 250000000x1 375000000x1 375000000x1 1000000000x1
thinks [114656223, 65590409, 98674920]
";

#[test]
fn bursts_change_phase_at_times_that_do_not_depend_on_the_rates() {
    let calm = first(r#"Bursts(quiet: 0, burst: 100, mean_quiet: "10s", mean_burst: "1s")"#, 2_000);
    let busy = first(r#"Bursts(quiet: 0, burst: 10000, mean_quiet: "10s", mean_burst: "1s")"#, 200_000);
    let gaps = |batches: &[Batch]| -> Vec<SimTime> {
        let long = |pair: &&[Batch]| pair[1].at - pair[0].at > Span::from_secs(2);
        batches.windows(2).filter(long).take(5).map(|pair| pair[1].at).collect()
    };
    for (calm, busy) in gaps(&calm).into_iter().zip(gaps(&busy)) {
        let late = calm.since(busy).seconds() - busy.since(calm).seconds();
        assert!((-0.001..0.2).contains(&late), "a burst began at {busy:?}, and at {calm:?} with a lower rate");
    }
}

#[test]
fn a_schedule_carries_its_work_over_boundaries_exactly() {
    let plain = first("Poisson(rate: 200)", 1_000);
    let cut = first(r#"Schedule([("0s", 200), ("7ms", 200), ("1s", 200)])"#, 1_000);
    for (plain, cut) in plain.iter().zip(&cut) {
        assert!(plain.at.nanos().abs_diff(cut.at.nanos()) <= 2, "a boundary between equal rates changes nothing: {plain:?}, {cut:?}");
    }
    // Work done before a pause is not lost and not done twice: the pause alone moves what comes after it.
    let paused = first(r#"Schedule([("0s", 200), ("1s", 0), ("11s", 200)])"#, 1_000);
    for (plain, paused) in plain.iter().zip(&paused) {
        let pause = if plain.at < second(1) { 0 } else { 10_000_000_000 };
        assert!((plain.at.nanos() + pause).abs_diff(paused.at.nanos()) <= 2, "{plain:?}, {paused:?}");
    }
    assert!(paused.last().expect("there are some").at > second(12), "the test goes beyond the pause");
}

#[test]
fn what_does_not_change_is_poisson_arrival_for_arrival() {
    let plain = first("Poisson(rate: 200)", 1_000);
    assert_eq!(first(r#"Schedule([("0s", 200)])"#, 1_000), plain);
    assert_eq!(first(r#"Daily(mean: 200, amplitude: 0, period: "1s")"#, 1_000), plain);
    assert_eq!(first("Batches(rate: 200, size: 1)", 1_000), plain);
}

#[test]
fn a_schedule_that_ends_in_silence_ends() {
    let mut arrivals = built(r#"Schedule([("0s", 200), ("1s", 0)])"#, 0);
    assert!(batches_until(&mut *arrivals, SimTime::NEVER).len() > 100);
    assert_eq!(arrivals.next(), None);
    assert_eq!(arrivals.next(), None);
}

#[test]
fn regular_arrivals_do_not_drift() {
    let nanos = |text, count| -> Vec<u64> { first(text, count).iter().map(|batch| batch.at.nanos()).collect() };
    assert_eq!(nanos("Regular(rate: 3)", 4), [333_333_333, 666_666_667, 1_000_000_000, 1_333_333_333]);
    assert_eq!(nanos("Regular(rate: 0.25)", 2), [4_000_000_000, 8_000_000_000]);
    let at = nanos("Regular(rate: 7)", 700_000);
    for (i, at) in at.iter().enumerate() {
        let exact = ((i as u64 + 1) * 1_000_000_000 * 2 + 7) / 14;
        assert_eq!(*at, exact, "arrival {}", i + 1);
    }
}

#[test]
fn a_user_thinks_as_long_about_a_request_in_whatever_order_users_come_back() {
    let mut forward = built(Closed::EXAMPLE, 0);
    let thinks: Vec<Span> = (0..2_000).map(|number| forward.think(number)).collect();
    let mut backward = built(Closed::EXAMPLE, 0);
    for number in (0..2_000).rev() {
        assert_eq!(backward.think(number), thinks[number as usize], "request {number}");
    }
    let seconds: Vec<f64> = thinks.iter().map(|think| think.seconds()).collect();
    assert_near(mean(&seconds), 0.1, 0.1 / (seconds.len() as f64).sqrt(), "mean thinking time");
    assert_eq!((backward.users(), backward.next()), (20, None));
}

#[test]
fn a_replay_repeats_its_file_at_the_speed_asked_for() {
    let nanos = |text: &str| -> Vec<u64> { first(text, 9).iter().map(|batch| batch.at.nanos()).collect() };
    assert_eq!(nanos("Replay(file: \"a.csv\")"), [500_000_000, 750_000_000, 750_000_000, 2_000_000_001]);
    assert_eq!(nanos("Replay(file: \"a.csv\", speed: 0.5)"), [1_000_000_000, 1_500_000_000, 1_500_000_000, 4_000_000_002]);
    let replay = loaded("Replay(file: \"a.csv\", speed: 2)");
    assert_eq!(replay.kind().rate().map(f64::round), Some(4.0));
    let process = replay.kind().build("bookings", &Seed::new(1, 0));
    assert_eq!(process.demands(1), Some(&[Span::from_millis(2)][..]));
    assert_eq!(process.demands(4), None);
}

#[test]
fn a_replay_says_which_file_it_needs_until_it_has_it() {
    let mut spec = read("Replay(file: \"a.csv\")").unwrap();
    let replay = spec.replay_mut().expect("it is a replay");
    assert_eq!(replay.needs_file(), Some("a.csv"));
    let error = replay.load("at\n2\n1\n").expect_err("out of order").to_string();
    assert!(error.starts_with("file: a.csv, line 3: 1 s lies before 2 s"), "{error}");
    replay.load("at\n1\n2\n").expect("right");
    assert_eq!(replay.needs_file(), None);
}

#[test]
fn wrong_parameters_are_refused_with_the_remedy() {
    let cases = [
        ("Poisson(rate: 0)", "rate: a rate lies above 0"),
        ("Regular(rate: -1)", "rate: a rate lies above 0"),
        ("Regular(rate: 2e9)", "rate: a rate lies above 0"),
        (r#"Bursts(quiet: 0, burst: 0, mean_quiet: "1s", mean_burst: "1s")"#, "burst: nothing ever comes"),
        (r#"Bursts(quiet: -1, burst: 9, mean_quiet: "1s", mean_burst: "1s")"#, "quiet: a rate is at least 0"),
        (r#"Bursts(quiet: 1, burst: NaN, mean_quiet: "1s", mean_burst: "1s")"#, "burst: a rate is at least 0"),
        (r#"Bursts(quiet: 1, burst: 9, mean_quiet: "0s", mean_burst: "1s")"#, "mean_quiet: a phase lasts longer than 0s"),
        ("Schedule([])", "nothing ever comes"),
        (r#"Schedule([("0s", 0)])"#, "nothing ever comes"),
        (r#"Schedule([("0s", 1), ("5s", -1)])"#, "1: a rate is at least 0"),
        (r#"Schedule([("5s", 1), ("5s", 2)])"#, "1: times must increase, but 5s comes after 5s"),
        (r#"Daily(mean: 0, amplitude: 0, period: "1h")"#, "mean: a rate lies above 0"),
        (r#"Daily(mean: 5, amplitude: 6, period: "1h")"#, "amplitude: the amplitude is in requests per second, from 0 to the mean of 5"),
        (r#"Daily(mean: 5, amplitude: 5, period: "0s")"#, "period: a period lasts longer than 0s"),
        ("Batches(rate: 0, size: 1)", "rate: a rate lies above 0"),
        ("Batches(rate: 1, size: 0)", "size: a batch has from 1 to"),
        ("Batches(rate: 1, size: [])", "size: must name at least one size"),
        ("Batches(rate: 1, size: [(1, 1), (0, 2)])", "size.1: the weight must be a number above 0"),
        ("Batches(rate: 1, size: [(1, 1), (1, 0)])", "size.1: a batch has from 1 to"),
        (r#"Closed(users: 0, think: Constant("1s"))"#, "users: there are from 1 to"),
        ("Replay(file: \"\")", "file: must name a CSV file"),
        ("Replay(file: \"a.csv\", speed: 0)", "speed: must be above 0"),
    ];
    for (text, expected) in cases {
        let error = read(text).unwrap().kind().check().expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let error = read("Batches(rate: 1, size: \"many\")").expect_err("a size is a number");
    assert!(error.contains("expected a number of requests such as 4"), "{error}");
}

#[test]
fn only_what_looks_the_same_at_all_times_is_stationary() {
    for listed in ArrivalsSpec::KINDS {
        let expected = !matches!(listed.name, "Schedule" | "Daily" | "Replay");
        assert_eq!(read(listed.example).unwrap().kind().stationary(), expected, "{}", listed.name);
    }
    assert!(read(r#"Schedule([("0s", 200)])"#).unwrap().kind().stationary());
    assert!(!read(r#"Schedule([("1s", 200)])"#).unwrap().kind().stationary());
}
