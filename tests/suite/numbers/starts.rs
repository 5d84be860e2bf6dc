//! Starts, ends and precision of whole experiments: warm-ups that grow, runs that stop, states that do not pass.

use poolcast::answers::document::Point;
use poolcast::answers::evidence::{Proof, Standard, Verdict, prove};
use poolcast::answers::runner::{FIRST_STAGE, RunOptions, run, run_paired, with_longer_warm_up};
use poolcast::experiment::{Experiment, Plan};
use poolcast::measure::intervals::Confidence;

fn plan(system: &str, rest: &str) -> Plan {
    let text = format!("Experiment(question: \"What becomes of it?\", system: System(proxy: Direct, {system}), {rest})");
    let experiment = Experiment::parse(&text, "test", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

fn points(plan: &Plan) -> Vec<Point> {
    run(plan, &RunOptions { jobs: 2, status_every: None }, &|_| {}).into_iter().map(|answer| answer.point).collect()
}

fn only(system: &str, rest: &str) -> Point {
    points(&plan(system, rest)).remove(0)
}

fn noted(point: &Point, what: &str) -> bool {
    point.notes.iter().any(|note| note.contains(what))
}

/// Each request waits for something else for 20 s: it takes that long until as many are under way as there will be.
const SLOW_START: &str = r#"
    workload: [Stream(name: "api", arrivals: Regular(rate: 20), steps: [Await(Constant("20s")), Session([Query(Constant("1ms"))])])],
    apps: [App(name: "api", pool: SqlAlchemy())], database: Postgres()"#;

#[test]
fn a_warm_up_that_is_left_to_the_program_grows_until_the_start_is_over() {
    let point = only(SLOW_START, r#"warmup: Auto, duration: "1min", seed: 1, replications: 16"#);
    assert_eq!((point.verdict.as_str(), point.duration), ("stable", 60.0));
    assert!((19.0..=30.0).contains(&point.warmup), "a tenth would be 6 s, the start takes 20: {}", point.warmup);
    assert!(point.requests.arrived.abs_diff(16 * 1200) <= 16, "as much is counted as was asked for: {}", point.requests.arrived);
}

#[test]
fn what_is_compared_has_the_warm_up_of_the_slowest_start() {
    let quick = r#"scenarios: {"slow": Scenario(), "quick": Scenario(set: [("workload.api.steps", [Session([Query(Constant("1ms"))])])])}"#;
    let plan = plan(SLOW_START, &format!(r#"{quick}, warmup: Auto, duration: "1min", seed: 1, replications: 16"#));
    let outcomes = run_paired(&plan, 2, &|_| {});
    let longer = with_longer_warm_up(&plan, &outcomes).expect("the start of one of them takes 20 s").warmup.seconds();
    assert!((19.0..=30.0).contains(&longer), "a tenth would be 6 s: {longer}");
    assert!(with_longer_warm_up(&plan, &[outcomes[1].clone(), outcomes[1].clone()]).is_none(), "the quick one needs no more");
}

/// What `size` shows of one setting.
fn shown(system: &str, rest: &str) -> Proof {
    let standard = Standard { confidence: Confidence::USUAL, indifference: 0.1, first: 16, at_most: 16 };
    prove(&plan(system, rest), &standard, 2)
}

#[test]
fn a_proof_begins_again_where_the_start_shows() {
    let proof = shown(SLOW_START, r#"objectives: [Errors(below: 0.01)], warmup: Auto, duration: "1min", seed: 1, replications: 16"#);
    assert_eq!((proof.verdict, proof.replications), (Verdict::Meets, 16));
    assert!((19.0..=30.0).contains(&proof.answer.point.warmup), "{}", proof.answer.point.warmup);
}

#[test]
fn what_stays_in_an_overload_is_no_proof() {
    let rest = r#"objectives: [Errors(below: 0.01)], warmup: "4s", duration: "20s", seed: 1, replications: 10"#;
    assert_eq!(shown(&RETRIES.replace("ATTEMPTS", "2"), rest).verdict, Verdict::Meets);
    let proof = shown(&RETRIES.replace("ATTEMPTS", "20"), rest);
    assert_eq!((proof.verdict, proof.answer.point.verdict.as_str()), (Verdict::Undecided, "metastable"));
}

#[test]
fn a_warm_up_that_is_given_stays_and_a_note_says_what_would_do() {
    let point = only(SLOW_START, r#"warmup: "6s", duration: "1min", seed: 1, replications: 16"#);
    assert_eq!((point.verdict.as_str(), point.warmup), ("stable", 6.0));
    assert!(noted(&point, "the start shows beyond the warm-up: warmup \""), "{:?}", point.notes);
}

#[test]
fn a_run_that_is_mostly_start_has_no_figures() {
    let point = only(SLOW_START, r#"warmup: Auto, duration: "33s", seed: 1, replications: 16"#);
    assert_eq!((point.verdict.as_str(), point.latency.mean, point.latency.p99), ("too short", None, None));
    assert!(noted(&point, "too short: more than half"), "{:?}", point.notes);
}

/// Nine and a half tenths of what five connections can do.
const BUSY: &str = r#"
    workload: [Stream(name: "api", arrivals: Poisson(rate: 237.5), steps: [Session([Query(Exponential(mean: "20ms"))])])],
    apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0, pool_reset_on_return: None))],
    network: Network(app: Constant("0s")), database: Postgres(connect: Constant("0s"), service: Delay)"#;

#[test]
fn a_run_that_is_short_beside_the_memory_of_its_queue_says_how_long_it_must_be() {
    let point = only(BUSY, r#"duration: "1min", seed: 1"#);
    assert_eq!((point.verdict.as_str(), point.latency.mean, point.requests.error_rate_ci95), ("too short", None, None));
    let relaxation = point.basis.relaxation.expect("the pool's load is known");
    assert!((relaxation / 6.24 - 1.0).abs() < 0.35, "(√250 − √237.5)⁻² s is 6.24, found {relaxation}");
    assert!(noted(&point, "the pools of api (9") && noted(&point, "duration \""), "{:?}", point.notes);
}

#[test]
fn a_precision_is_worked_for_in_stages_and_what_was_not_reached_is_told() {
    let easy = only(BUSY, r#"duration: "10min", seed: 1, replications: Precise(relative: 0.2, at_most: 200)"#);
    assert_eq!(easy.replications, FIRST_STAGE, "no look before the first stage ends, and none needed after it");
    let hard = only(BUSY, r#"duration: "10min", seed: 1, replications: Precise(relative: 0.01, at_most: 40)"#);
    assert_eq!(hard.replications, 40);
    assert!(noted(&hard, "± 1.0 % was asked for and 40 replications did not reach it: mean latency ± "), "{:?}", hard.notes);
    let more = only(BUSY, r#"duration: "10min", seed: 1, replications: Precise(relative: 0.05, at_most: 200)"#);
    assert!(more.replications > 32 && more.replications.is_power_of_two() || more.replications == 200, "{}", more.replications);
    assert!(more.basis.mean_within.is_some_and(|within| within <= 0.05) || more.replications == 200);
    let hopeless = only(BUSY, r#"duration: "30s", seed: 1, replications: Precise(relative: 0.01, at_most: 200)"#);
    assert_eq!((hopeless.verdict.as_str(), hopeless.replications), ("too short", FIRST_STAGE), "more of the same would not help");
}

/// Statements that take longer than 200 ms are ended and tried again. With four under way each takes 10 ms; with four
/// hundred half a second: then all are ended, all come again, and the cores are busy with what nobody waits for.
const RETRIES: &str = r#"
    workload: [Stream(name: "api", arrivals: Poisson(rate: 400), steps: [Session([Query(Exponential(mean: "10ms"))])],
        retry: Retry(attempts: ATTEMPTS, backoff: Exponential(mean: "20ms")))],
    apps: [App(name: "api", pool: SqlAlchemy(pool_size: 400, max_overflow: 0, pool_timeout: "1s"))],
    database: Postgres(max_connections: 1000, connect: Constant("0s"), service: Sharing(cores: 8, sigma: 0.0, kappa: 0.0),
        statement_timeout: "200ms")"#;

#[test]
fn a_system_that_retries_itself_to_death_after_an_overload_is_called_metastable() {
    let rest = r#"warmup: "4s", duration: "20s", seed: 1, replications: 10"#;
    let point = only(&RETRIES.replace("ATTEMPTS", "20"), rest);
    assert_eq!(point.verdict, "metastable", "{:?}", point.notes);
    assert!(noted(&point, "metastable: started empty, ") && noted(&point, "after an overload at the start, "), "{:?}", point.notes);
    assert!(point.latency.mean.is_some_and(|mean| mean < 0.02), "the figures are those of the empty start");
}

#[test]
fn a_system_that_stays_down_after_a_fault_is_metastable_and_one_that_does_not_retry_recovers() {
    let rest = r#"warmup: "2s", duration: "40s", seed: 1, replications: 4"#;
    let with = |attempts: &str| {
        let system = RETRIES.replace("ATTEMPTS", attempts) + r#", faults: [At("12s", SlowDatabase(factor: 8, lasting: "4s"))]"#;
        let answer = run(&plan(&system, rest), &RunOptions { jobs: 2, status_every: None }, &|_| {}).remove(0);
        (answer.point.recovery[0].clone(), poolcast::answers::why::advise(&answer))
    };
    let (down, advice) = with("20");
    assert_eq!((down.verdict.as_str(), down.after, down.back_in), ("metastable", None, 0), "{down:?}");
    assert!(advice.why.starts_with("metastable: ") && advice.next.is_some_and(|next| next.set[0].0 == "workload.api.retry.budget"));
    let (up, _) = with("2");
    assert_eq!((up.verdict.as_str(), up.back_in), ("recovers", 4), "{up:?}");
    assert!(up.after.is_some_and(|after| (4.0..20.0).contains(&after)), "{up:?}");
}

#[test]
fn a_system_that_gets_out_of_an_overload_is_called_stable() {
    let rest = r#"warmup: "4s", duration: "20s", seed: 1, replications: 10"#;
    let point = only(&RETRIES.replace("ATTEMPTS", "2"), rest);
    assert_eq!(point.verdict, "stable");
    assert!(!noted(&point, "metastable") && !noted(&point, "slow to recover"), "{:?}", point.notes);
}

#[test]
fn what_happens_in_a_fixed_span_is_looked_at_from_its_first_instant_in_windows_with_bands() {
    let system = BUSY.replace("Poisson(rate: 237.5)", r#"Schedule([("0s", 100), ("20s", 300), ("40s", 100)])"#);
    let point = only(&system, r#"warmup: Auto, duration: "1min", seed: 1"#);
    assert_eq!((point.verdict.as_str(), point.warmup, point.windows.len()), ("finite", 0.0, 60));
    let window = |at: usize| &point.windows[at];
    assert_eq!((window(0).from, window(59).until, window(20).from), (0.0, 60.0, 20.0));
    assert_eq!(point.windows.iter().map(|window| window.arrived).sum::<u64>(), point.requests.arrived);
    let waiting = |at: usize| (window(at).waiting.expect("there are replications"), window(at).waiting_ci95.expect("there are many"));
    let ((quiet, _), (end, [low, high])) = (waiting(15), waiting(39));
    assert!(quiet < 1.0 && low < end && end < high && high - low < end, "{quiet}, {low} {end} {high}");
    assert!((end - 975.0).abs() < 100.0, "50 a second more than can be served, for 19.5 s: {end}");
}

#[test]
fn a_mean_over_time_of_a_single_replication_has_no_band() {
    let system = BUSY.replace("Poisson(rate: 237.5)", r#"Schedule([("0s", 100), ("20s", 300)])"#);
    let point = only(&system, r#"duration: "30s", seed: 1, replications: 1"#);
    assert!(point.windows.iter().all(|window| window.latency.is_some() && window.latency_ci95.is_none()));
}
