//! What answers say of theory: the right thing of systems that theory solves, nearly of those that it nearly solves, and
//! nothing of any other.

use poolcast::answers::document::{Point, Theory};
use poolcast::answers::runner::{Course, RunOptions, run, run_all};
use poolcast::answers::theory::beside;
use poolcast::experiment::{Experiment, Plan};
use poolcast::kernel::time::Span;

/// An ideal system, of which each test replaces a part.
const IDEAL: &str = r#"Experiment(
    question: "What does theory say?",
    system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 200), steps: [Session([Query(Exponential(mean: "20ms"))])])],
        apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0, pool_timeout: None, pool_reset_on_return: None))],
        proxy: Direct,
        network: Network(app: Constant("0s")),
        database: Postgres(max_connections: 1000, connect: Constant("0s"), service: Delay),
    ),
    warmup: "2s", duration: "40s", replications: 10, seed: 7,
)"#;

fn plan(changes: &[(&str, &str)]) -> Plan {
    let text = changes.iter().fold(IDEAL.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "the system has {old}");
        text.replace(old, new)
    });
    let experiment = Experiment::parse(&text, "ideal.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

fn point(changes: &[(&str, &str)]) -> Point {
    run(&plan(changes), &RunOptions { jobs: 2, status_every: None }, &|_| ()).remove(0).point
}

/// Each figure lies within twice its 95 % interval, which chance breaks once in a thousand times.
fn agrees(theory: &Theory) {
    assert!(!theory.figures.is_empty(), "{} says something", theory.model);
    for figure in &theory.figures {
        let [low, high] = figure.simulated_ci95.expect("there are ten replications");
        let (difference, half) = (figure.simulated - figure.value, 0.5 * (high - low));
        assert_eq!(figure.difference, difference);
        assert_eq!(figure.inside_interval, Some(low <= figure.value && figure.value <= high));
        assert!(difference.abs() <= 2.0 * half, "{}: {figure:?}", theory.model);
    }
}

/// The one result, all of whose conditions hold.
fn exactly(model: &str, changes: &[(&str, &str)]) -> Theory {
    let point = point(changes);
    let [theory] = &point.theory[..] else { panic!("{model} is {} with {:?}", point.verdict, point.theory) };
    assert_eq!((theory.model.as_str(), &theory.nearly[..], theory.exact), (model, &[][..], true));
    agrees(theory);
    theory.clone()
}

fn metrics(theory: &Theory) -> Vec<&str> {
    theory.figures.iter().map(|figure| figure.metric.as_str()).collect()
}

#[test]
fn exponential_holds_are_erlangs() {
    let theory = exactly("M/M/5", &[]);
    assert_eq!(metrics(&theory), ["pool_wait.mean", "pool_wait.waited", "pool_wait.p99"]);
    assert_eq!(
        theory.conditions,
        ["200 requests a second come as a Poisson stream", "a connection is held for 20.0 ms on average, exponentially distributed"]
    );
    assert!((theory.figures[0].value - 0.011_082).abs() < 1e-6, "rho 0.8 on five connections of 20 ms: {theory:?}");
    exactly("M/M/7", &[("pool_size: 5, max_overflow: 0", "pool_size: 5, max_overflow: 2")]);
}

#[test]
fn waiters_who_leave_are_baccelli_and_hebuternes() {
    let theory = exactly("M/M/5+D", &[("pool_timeout: None", "pool_timeout: \"50ms\""), ("rate: 200", "rate: 280")]);
    assert!(metrics(&theory).contains(&"requests.error_rate"));
}

#[test]
fn a_pool_without_a_queue_is_erlangs_whatever_the_holds() {
    let held = r#"Session([Query(LogNormal(mean: "10ms", cv: 2.0)), Await(Exponential(mean: "10ms"))])"#;
    let whole = r#"Session([Query(Exponential(mean: "20ms"))])"#;
    exactly("M/G/5/5", &[("pool_timeout: None", "pool_timeout: \"0s\""), (whole, held)]);
}

#[test]
fn workers_have_queues_of_their_own() {
    let four = r#"name: "api", workers: 4, balance: Random, pool"#;
    exactly("4 × M/M/5", &[(r#"name: "api", pool"#, four), ("rate: 200", "rate: 800")]);
    let in_turn = four.replace("Random", "RoundRobin");
    exactly("4 × E4/M/5", &[(r#"name: "api", pool"#, &in_turn), ("rate: 200", "rate: 800")]);
    let constant = ("Exponential(mean: \"20ms\")", "Constant(\"20ms\")");
    let longer = ("duration: \"40s\"", "duration: \"100s\""); // fifty times what queues this full remember
    exactly("4 × E4/D/5", &[(r#"name: "api", pool"#, &in_turn), ("rate: 200", "rate: 900"), constant, longer]);
    let several = r#"Poisson(rate: 150), steps: [Await(Exponential(mean: "5ms")), Session([Query(Exponential(mean: "20ms"))])]),
        Stream(name: "more", arrivals: Poisson(rate: 50)"#;
    exactly("M/M/5", &[("Poisson(rate: 200)", several)]);
}

#[test]
fn constant_holds_are_crommelins_also_over_a_constant_wire() {
    let constant = r#"Session([Query(Constant("12ms")), Query(Constant("2ms"))])"#;
    let whole = r#"Session([Query(Exponential(mean: "20ms"))])"#;
    let theory = exactly("M/D/5", &[(whole, constant), ("app: Constant(\"0s\")", "app: Constant(\"2ms\")")]);
    assert!(theory.conditions[1].starts_with("a connection is held for 20.0 ms"), "two statements and a rollback: {theory:?}");
}

#[test]
fn one_connection_is_pollaczek_and_khinchines_whatever_the_holds() {
    let changes =
        [("pool_size: 5", "pool_size: 1"), ("rate: 200", "rate: 40"), ("Exponential(mean: \"20ms\")", "Gamma(mean: \"17ms\", cv: 1.5)")];
    assert_eq!(metrics(&exactly("M/G/1", &changes)), ["pool_wait.mean"]);
}

#[test]
fn users_bursts_and_batches_have_chains() {
    let arrivals = "Poisson(rate: 200)";
    let theory = exactly("M/M/5//20", &[(arrivals, r#"Closed(users: 20, think: Gamma(mean: "60ms", cv: 0.5))"#)]);
    assert!(metrics(&theory).contains(&"requests.throughput"));
    let bursts = r#"Bursts(quiet: 100, burst: 300, mean_quiet: "300ms", mean_burst: "200ms")"#;
    exactly("MMPP/M/5", &[(arrivals, bursts)]);
    exactly("M[X]/M/5", &[(arrivals, "Batches(rate: 40, size: [(1, 1), (1, 7)])")]);
}

#[test]
fn overflow_has_a_chain_if_opening_is_exponential() {
    let size = ("pool_size: 5, max_overflow: 0", "pool_size: 3, max_overflow: 4");
    let connect = ("connect: Constant(\"0s\")", "connect: Exponential(mean: \"15ms\")");
    exactly("M/M/3+4 overflow", &[size, connect]);
    let point = point(&[size, ("connect: Constant(\"0s\")", "connect: Constant(\"15ms\")")]);
    assert_eq!(point.theory[0].nearly, ["the time to open a connection is exponential"]);
}

#[test]
fn holders_may_slow_each_other_down_while_others_wait() {
    let queue = ("service: Delay", "service: Queue(cores: 4)");
    exactly("M/M(n)/6", &[queue, ("pool_size: 5", "pool_size: 6"), ("rate: 200", "rate: 160")]);
    let sharing = point(&[("service: Delay", "service: Sharing(cores: 4, sigma: 0.02, kappa: 0.001)"), ("rate: 200", "rate: 150")]);
    assert_eq!(sharing.theory[0].model, "M/M(n)/5");
    agrees(&sharing.theory[0]);
}

#[test]
fn shared_cores_do_not_feel_distributions_wires_or_workers() {
    let changes = [
        ("pool_size: 5", "pool_size: 100"),
        ("service: Delay", "service: Sharing(cores: 4, sigma: 0.02, kappa: 0.001)"),
        ("rate: 200", "rate: 100"),
        (
            r#"Query(Exponential(mean: "20ms"))"#,
            r#"Query(LogNormal(mean: "8ms", cv: 1.5)), Await(Constant("3ms")), Query(Constant("12ms"))"#,
        ),
        (r#"name: "api", pool"#, r#"name: "api", workers: 3, pool"#),
        ("app: Constant(\"0s\")", "app: LogNormal(mean: \"1ms\", cv: 0.5)"),
    ];
    let theory = exactly("M/G/4-PS", &changes);
    assert_eq!(metrics(&theory), ["database.active_mean"]);
}

/// The model is said, and what it does not quite catch.
#[test]
fn where_a_condition_nearly_holds_it_is_named() {
    let lognormal = ("Exponential(mean: \"20ms\")", "LogNormal(mean: \"17ms\", cv: 1.2)");
    let theory = point(&[lognormal, ("app: Constant(\"0s\")", "app: Constant(\"1ms\")")]).theory.remove(0);
    assert_eq!((theory.model.as_str(), theory.exact), ("M/G/5", false));
    assert!(theory.nearly[0].contains("Lee and Longton") && theory.conditions.iter().any(|held| held == "2.0 ms of that are round trips"));
    let off = theory.figures[0].difference.abs() / theory.figures[0].value;
    assert!(off < 0.1, "the approximation is a good one: {theory:?}");
    let working = point(&[("steps: [", "steps: [Work(Constant(\"300us\")), ")]).theory.remove(0);
    assert_eq!((working.model.as_str(), working.nearly.len()), ("M/M/5", 1));
    assert!(working.nearly[0].contains("6.0 % of an event loop"), "{working:?}");
}

#[test]
fn where_too_much_is_different_nothing_is_said() {
    let session = r#"Session([Query(Exponential(mean: "20ms"))])"#;
    let api = r#"name: "api", pool"#;
    let timeout = ("pool_timeout: None", "pool_timeout: \"20ms\"");
    let sqlalchemy = "SqlAlchemy(pool_size: 5, max_overflow: 0, pool_timeout: None, pool_reset_on_return: None)";
    let silent: [&[(&str, &str)]; 18] = [
        &[("proxy: Direct", "proxy: PgBouncer(pool_mode: Transaction)")],
        &[("proxy: Direct", "proxy: Direct, faults: [At(\"10s\", RestartDatabase(down: \"1s\"))]")],
        &[("Poisson(rate: 200)", "Regular(rate: 200)")],
        &[("Poisson(rate: 200)", "Schedule([(\"0s\", 150), (\"20s\", 200)])")],
        &[("rate: 200", "rate: 260")],
        &[(api, r#"name: "api", concurrency: 6, pool"#)],
        &[(api, r#"name: "api", driver: Asyncpg, pool"#)],
        &[(api, r#"name: "api", workers: 2, balance: LeastBusy, pool"#), ("rate: 200", "rate: 400")],
        &[(api, r#"name: "api", workers: 2, pool"#), ("rate: 200", "rate: 400"), timeout],
        &[("Exponential(mean: \"20ms\")", "Constant(\"20ms\")"), ("rate: 200", "rate: 240"), timeout],
        &[("pool_timeout: None", "pool_timeout: None, pool_recycle: \"5s\"")],
        &[("steps: [", "retry: Retry(attempts: 2), steps: ["), timeout],
        &[(session, r#"Session([Session([Query(Exponential(mean: "1ms"))])])"#)],
        &[(session, r#"Session([Query(Exponential(mean: "2ms"))]), Session([Query(Exponential(mean: "18ms"))])"#)],
        &[(session, r#"Session([Leak(probability: 0.00001), Query(Exponential(mean: "20ms"))])"#)],
        &[("steps: [", "steps: [Work(Constant(\"2ms\")), ")],
        &[(sqlalchemy, "Hikari(maximumPoolSize: 5)")],
        &[
            ("service: Delay", "service: Queue(cores: 4)"),
            (session, r#"Session([Await(Constant("4ms")), Query(Exponential(mean: "16ms"))])"#),
        ],
    ];
    for changes in silent {
        let mut plan = plan(changes);
        plan.duration = Span::from_secs(20);
        let answer = run(&plan, &RunOptions { jobs: 2, status_every: None }, &|_| ()).remove(0);
        assert_eq!(answer.point.theory, [], "{changes:?}");
    }
}

/// The experiments that come along: which of their systems theory knows. Looked at only as long as is needed to recognise them.
#[test]
fn of_the_experiments_theory_knows_those_that_are_simple() {
    let found = |name: &str| {
        let path = format!("{}/experiments/{name}.ron", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let beside_it = |file: &str| std::fs::read_to_string(std::path::Path::new(&path).with_file_name(file)).ok();
        let plan = Experiment::parse(&text, name, &beside_it).expect("it is right").plan(&[], None, None);
        let mut plan = plan.expect("it is complete");
        plan.load(&beside_it).expect("its data are there");
        let course = Course { seed: 1, warmup: Span::from_secs(1), duration: Span::from_secs(8) };
        let models = |point: &poolcast::experiment::Point| {
            let outcomes = run_all(&[&point.blueprint], course, 2, 2, &|_| ()).remove(0);
            let said = beside(&point.blueprint, &outcomes, course);
            said.iter()
                .map(|theory| format!("{}{}", if theory.exact { "" } else { "nearly " }, theory.model))
                .collect::<Vec<_>>()
                .join(", ")
        };
        plan.points.iter().map(models).collect::<Vec<_>>()
    };
    assert_eq!(
        found("pool-size"),
        ["M/M/5", "M/M/6", "M/M/8", "M/M/10", ""],
        "of fifteen connections nobody waits for one in so short a time"
    );
    assert_eq!(found("nullpool-against-pooled"), ["nearly M/G/8-PS"; 8]);
    assert_eq!(found("long-transactions"), ["", "", "M/G/16-PS", "M/G/16-PS"], "where nobody waits for a connection");
    for silent in ["movehub", "restart", "session-starvation", "timeouts-under-overload", "overflow-churn"] {
        assert!(found(silent).iter().all(String::is_empty), "{silent}: {:?}", found(silent));
    }
}
