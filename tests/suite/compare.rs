//! What a comparison claims: nothing without evidence, and what is there when there is enough of it.

use poolcast::answers::compare::{Claim, Comparison, Comparisons, METRICS, Run, compare};
use poolcast::answers::runner;
use poolcast::experiment::{Experiment, Plan};

/// An ideal system with one connection at 70 % of what it carries: an M/M/1 queue, its steps and streams left open.
const QUEUE: &str = r#"Experiment(
    question: "Which is better?",
    system: System(
        workload: [STREAMS],
        apps: [App(name: "api", pool: SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: "1h", pool_reset_on_return: None))],
        proxy: Direct,
        network: Network(app: Constant("0s")),
        database: Postgres(connect: Constant("0s"), service: Delay),
    ),
    scenarios: {"one": Scenario(), "other": Scenario(OTHER)},
    warmup: "1s", duration: "20s", replications: 10, seed: 1,
)"#;

/// Trials of each claim about claims; the continuous integration takes 200, a thorough run 1,000.
fn trials() -> u64 {
    std::env::var("POOLCAST_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(200)
}

fn plan(text: &str, seed: u64) -> Plan {
    let experiment = Experiment::parse(text, "compare.ron", &|_| None).expect("it is right");
    experiment.plan(&[], Some(seed), None).expect("it is complete")
}

fn compared(plan: &Plan) -> Comparisons {
    let points = plan.points.iter().zip(runner::run_paired(plan, 2, &|_| ()));
    let runs: Vec<Run> =
        points.map(|(point, outcomes)| Run { answer: runner::answer(plan, point, &outcomes, Vec::new()), outcomes }).collect();
    compare(&plan.question, plan.seed, &runs, "one")
}

/// The first system of each text.
fn side_by_side(texts: &[String; 2], seed: u64) -> Plan {
    let [mut both, mut second] = texts.each_ref().map(|text| plan(text, seed));
    both.points.truncate(1);
    second.points[0].scenario = Some("other".to_owned());
    both.points.push(second.points.swap_remove(0));
    both
}

fn queue(streams: &str, other: &str) -> String {
    QUEUE.replace("STREAMS", streams).replace("OTHER", other)
}

fn stream(name: &str, rate: f64, mean_us: u32) -> String {
    format!(r#"Stream(name: "{name}", arrivals: Poisson(rate: {rate}), steps: [Session([Query(Exponential(mean: "{mean_us}us"))])])"#)
}

fn claimed(comparison: &Comparison) -> bool {
    matches!(comparison.verdict, Claim::Lower | Claim::Higher)
}

/// Half of the requests are the same in both systems, the other half have other dice of the same distribution: common
/// chance helps in part, and there is no true difference in any figure.
#[test]
fn where_there_is_no_difference_hardly_ever_is_one_claimed() {
    let half = |name: &str| stream(name, 70.0, 5000);
    let texts = ["tails", "edges"].map(|other| queue(&format!("{}, {}", half("heads"), half(other)), ""));
    let trials = trials();
    let mut wrong = 0;
    for seed in 0..trials {
        let found = compared(&side_by_side(&texts, seed));
        assert_eq!(found.comparisons.len(), METRICS.len());
        wrong += u64::from(found.comparisons.iter().any(claimed));
    }
    println!("{wrong} of {trials} trials claim a difference where there is none");
    assert!(wrong * 20 <= trials, "{wrong} of {trials} trials claim a difference where there is none: 5 % are allowed");
}

/// The mean wait of an M/M/1 queue is λ s² / (1 − λ s): at 140 requests a second, 5.056 ms of service wait 5.0 % longer
/// than 5 ms do (11.667 ms and 12.25 ms).
#[test]
fn a_mean_wait_five_per_cent_longer_is_found() {
    let text = queue(&stream("api", 140.0, 5000), "set: [(\"workload.api.steps\", [Session([Query(Exponential(mean: \"5056us\"))])])]");
    let trials = trials();
    let found = (0..trials).filter(|seed| {
        let found = compared(&plan(&text, *seed));
        found.comparisons.iter().any(|one| one.metric == "pool_wait.mean" && one.verdict == Claim::Higher)
    });
    let found = found.count() as u64;
    println!("{found} of {trials} trials find the difference");
    assert!(found * 100 >= trials * 95, "only {found} of {trials} trials find it: 95 % should");
}

#[test]
fn a_scenario_that_changes_nothing_differs_by_nothing() {
    let found = compared(&plan(&queue(&stream("api", 120.0, 5000), ""), 1));
    for one in &found.comparisons {
        assert_eq!((one.verdict, one.difference), (Claim::NotSeen, Some(0.0)), "{}", one.metric);
    }
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

#[test]
fn an_unstable_system_gets_a_sentence_and_no_number() {
    let found = compared(&plan(&queue(&stream("api", 140.0, 5000), "set: [(\"workload.api.arrivals.rate\", 260)]"), 1));
    for one in &found.comparisons {
        assert_eq!((one.verdict, one.value, one.difference_ci95), (Claim::Unsaid, None, None), "{}", one.metric);
        assert!(one.why.as_ref().is_some_and(|why| why.contains("unstable")), "{:?}", one.why);
    }
}

#[test]
fn common_random_numbers_that_do_not_help_are_told() {
    let texts = ["api", "another"].map(|name| queue(&stream(name, 140.0, 5000), ""));
    let helped = |seed: u64| compared(&side_by_side(&texts, seed)).notes.is_empty();
    let helped = (1..=20).map(helped).filter(|helped| *helped).count();
    assert!(helped <= 5, "two streams of other names have nothing in common, yet it seems to help in {helped} of 20");
}
