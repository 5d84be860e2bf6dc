//! The table as a person reads it, as golden texts. POOLCAST_BLESS=1 writes them anew.

use std::path::Path;

use poolcast::answers::document::{
    Answer, Basis, DatabaseUse, Named, Point, PoolUse, ProxyUse, Requests, StreamFigures, Times, Waits, WindowFigures,
};
use poolcast::answers::report;
use poolcast::experiment::Experiment;

fn golden(name: &str, found: &str) {
    let path = Path::new("tests/golden").join(name);
    if std::env::var_os("POOLCAST_BLESS").is_some() {
        std::fs::create_dir_all("tests/golden").expect("the repository can be written to");
        std::fs::write(&path, found).expect("the repository can be written to");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(wanted == found, "{name} has changed; POOLCAST_BLESS=1 accepts it. Now:\n{found}");
}

fn times(p50: f64, p99: f64) -> Times {
    let (p90, p95) = (Some(2.0 * p50), Some(3.0 * p50));
    let interval = Some([0.97 * p99, 1.03 * p99]);
    Times { count: 10_000, mean: Some(p50), p50: Some(p50), p90, p95, p99: Some(p99), p99_ci95: interval, ..Times::default() }
}

/// A point of `plan` with invented figures: at ease, or with a proxy that lets everybody wait.
fn answer(plan: &poolcast::experiment::Plan, index: usize, waits: bool) -> Answer {
    let planned = &plan.points[index];
    let requests = Requests { arrived: 240_123, completed: 240_000, throughput: 799.7, error_rate: Some(0.0), ..Requests::default() };
    let streams = planned.blueprint.workload.iter().map(|stream| {
        (stream.name.clone(), StreamFigures { requests: requests.clone(), latency: times(0.0081, 0.0213), pool_wait: Waits::default() })
    });
    let usage = PoolUse { in_use_mean: 41.0, in_use_max: 77, open_max: 80, connects: 80, ..PoolUse::default() };
    let mut point = Point {
        scenario: planned.scenario.clone().unwrap_or_default(),
        vary: planned.vary.iter().cloned().collect(),
        replications: 10,
        warmup: 30.0,
        duration: 300.0,
        digest: "7c1e94d0a1b2c3d4e5f6".into(),
        verdict: "stable".into(),
        latency: times(0.0081, 0.0213),
        pool_wait: Waits { times: times(0.0, 0.000_4), waited: Some(0.01) },
        streams: streams.collect(),
        pools: Named(vec![("api".into(), usage)]),
        database: DatabaseUse {
            connections_mean: 60.0,
            connections_max: 77,
            active_mean: 3.1,
            utilisation: Some(0.39),
            ..DatabaseUse::default()
        },
        requests,
        basis: Basis {
            requests_per_replication: 24_012.3,
            mean_within: Some(0.012),
            p99_within: Some(0.029),
            busiest: Some("the pools of api".into()),
            utilisation: Some(0.34),
            relaxation: Some(0.14),
            ..Basis::default()
        },
        ..Point::default()
    };
    if waits {
        point.proxy = ProxyUse { waiting_mean: 600.0, waiting_max: 1209, ..ProxyUse::default() };
        point.latency = times(9.8, 61.3);
        point.proxy_wait = Waits { times: times(41.0, 119.0), waited: Some(0.9) };
        point.requests.failed = 1893;
        point.requests.errors.insert("QueryWaitTimeout".into(), 1893);
        point.requests.error_rate = Some(0.0078);
    }
    point.objectives = plan
        .objectives
        .iter()
        .zip([Some(point.latency.p99.expect("it was set")), point.requests.error_rate, Some(77.0)])
        .map(|(objective, measured)| poolcast::answers::document::Met { objective: objective.to_string(), measured, met: !waits })
        .collect();
    let rise = |at: usize| if waits { (at as f64 - 60.0).max(0.0) } else { 0.0 };
    Answer {
        point,
        blueprint: planned.blueprint.clone(),
        queue: (0..240).map(rise).collect(),
        queue_peak: if waits { (1209.0, 292.5) } else { (0.0, 0.0) },
        in_use: Named(vec![("api".into(), vec![41.0; 240])]),
        busy_when_waiting: None,
        linked_mean: waits.then_some(20.0),
        statuses: Vec::new(),
        error_texts: [("QueryWaitTimeout".to_owned(), "query_wait_timeout".to_owned())].into(),
    }
}

fn plan(file: &str, text: &str) -> poolcast::experiment::Plan {
    let experiment = Experiment::parse(text, file, &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    // The golden texts are not to change with what is known of servers.
    let server = ("database.service".to_owned(), "Queue(cores: 8)".to_owned());
    experiment.plan(&[server], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

fn plain(plan: &poolcast::experiment::Plan, answers: &[Answer]) -> String {
    let text = report::table::render(&report::document(plan, answers), answers, "movehub.ron");
    anstream::adapter::strip_str(&text).to_string()
}

fn movehub() -> poolcast::experiment::Plan {
    plan("movehub.ron", &std::fs::read_to_string("experiments/movehub.ron").expect("the experiment is there"))
}

#[test]
fn a_scenario_is_a_block_with_a_line_for_each_layer() {
    let plan = movehub();
    let mut unstable = answer(&plan, 3, false);
    unstable.point.verdict = "unstable".into();
    unstable.point.latency = Times { count: 10_000, ..Times::default() };
    unstable.point.pool_wait = Waits::default();
    unstable.point.proxy_wait = Waits::default();
    unstable.point.basis = Basis { mean_within: None, p99_within: None, ..unstable.point.basis };
    unstable.point.notes = vec!["unstable: the number of requests under way grows for as long as the run lasts".into()];
    let text = plain(&plan, &[answer(&plan, 0, false), answer(&plan, 1, true), unstable]);
    golden("scenarios.txt", &text);
    let commands = |line: &&str| !line.contains("poolcast run");
    for line in text.lines().filter(commands) {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn a_sweep_is_a_line_for_each_point() {
    let mut plan = plan(
        "sweep.ron",
        r#"Experiment(
            question: "How large?", duration: "5min", seed: 1, replications: 10,
            system: System(
                workload: [Stream(name: "api", arrivals: Poisson(rate: 240), steps: [Session([Query(Exponential(mean: "20ms"))])])],
                apps: [App(name: "api", pool: SqlAlchemy(max_overflow: 0))],
                proxy: Direct,
            ),
            vary: [("apps.api.pool.pool_size", [5, 10]), ("workload.api.arrivals.rate", [200, 240])],
            objectives: [Latency(p: 0.99, below: "100ms"), Errors(below: 0.001)],
        )"#,
    );
    plan.question = "How large must the pool be?".into();
    let mut answers: Vec<Answer> = (0..4).map(|index| answer(&plan, index, false)).collect();
    let full = &mut answers[1].point;
    full.verdict = "unstable".into();
    full.latency = Times::default();
    full.pool_wait = Waits { times: Times { count: 60_000, ..Times::default() }, waited: Some(1.0) };
    full.pools.0[0].1 =
        PoolUse { in_use_mean: 5.0, in_use_max: 5, pending_mean: 300.0, pending_max: 700, timeouts: 12, ..PoolUse::default() };
    full.objectives.iter_mut().for_each(|met| met.met = false);
    golden("sweep.txt", &plain(&plan, &answers));
}

#[test]
fn a_fixed_horizon_shows_its_course() {
    let plan = movehub();
    let mut answer = answer(&plan, 0, false);
    answer.point.verdict = "finite".into();
    answer.point.warmup = 0.0;
    let window = |at: u32| {
        let latency = if (20..25).contains(&at) { 1.5 + f64::from(at) / 10.0 } else { 0.008 };
        let (from, band) = (5.0 * f64::from(at), Some([0.9 * latency, 1.1 * latency]));
        WindowFigures { from, until: from + 5.0, latency: Some(latency), latency_ci95: band, ..WindowFigures::default() }
    };
    answer.point.windows = (0..60).map(window).collect();
    let text = plain(&plan, &[answer]);
    assert!(text.contains("  by time  ▁▁▁▁▁▁▁▁▁▁▁▁▁▄▇██▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  mean 3.9 s ± 0.4 at 2:00\n"), "{text}");
    assert!(text.contains("  basis    finite: 10 × 24 012, mean ± 1.2 %\n"), "{text}");
}

#[test]
fn colour_adds_nothing_but_escapes() {
    let plan = movehub();
    let answers = [answer(&plan, 1, true)];
    let coloured = report::table::render(&report::document(&plan, &answers), &answers, "movehub.ron");
    assert!(coloured.contains("\x1b["), "there is colour for terminals");
    assert_eq!(plain(&plan, &answers), anstream::adapter::strip_str(&coloured).to_string());
    assert!(plain(&plan, &answers).contains('✗'), "✗ is there without colour");
}
