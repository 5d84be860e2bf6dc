//! The bands of `windows` cover the course of a burst as often as they promise.

use poolcast::answers::document::WindowFigures;
use poolcast::answers::runner::{Course, answer, course, replicate};
use poolcast::experiment::{Experiment, Plan};
use rayon::prelude::*;

use super::coverage::of_means;
use super::macro_runs::{REPLICATIONS, covers, number, promise};

const SERVERS: usize = 5;
/// Requests per second that a server can do.
const SERVED: f64 = 100.0;
/// So many windows of the horizon, each with so many arrivals per second.
const PHASES: [(&str, usize, f64); 3] = [("before it", 15, 300.0), ("during it", 6, 1000.0), ("after it", 39, 300.0)];
const WINDOW: f64 = 2.0 / 60.0;

fn burst() -> Plan {
    let text = r#"Experiment(
        question: "How long is the queue after a burst?",
        system: System(
            workload: [Stream(name: "api", arrivals: Schedule([("0s", 300), ("500ms", 1000), ("700ms", 300)]),
                steps: [Session([Query(Exponential(mean: "10ms"))])])],
            apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0, pool_timeout: None, pool_reset_on_return: None))],
            proxy: Direct, network: Network(app: Constant("0s")),
            database: Postgres(connect: Constant("0s"), service: Delay)),
        duration: "2s", seed: 1)"#;
    let experiment = Experiment::parse(text, "burst", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"))
}

/// How many wait in each window, on average: Kolmogorov's equations by Runge and Kutta, for up to 300 in the system.
fn exact() -> Vec<f64> {
    const STEPS: usize = 700;
    let step = WINDOW / STEPS as f64;
    let mut chance = vec![0.0; 301];
    chance[0] = 1.0;
    let rates = PHASES.iter().flat_map(|(_, windows, rate)| std::iter::repeat_n(*rate, *windows));
    let window = |rate: f64| {
        let mut area = 0.0;
        for _ in 0..STEPS {
            let before = waiting(&chance);
            runge_kutta(&mut chance, rate, step);
            area += (before + waiting(&chance)) / 2.0;
        }
        area / STEPS as f64
    };
    rates.map(window).collect()
}

fn waiting(chance: &[f64]) -> f64 {
    chance.iter().enumerate().map(|(inside, p)| inside.saturating_sub(SERVERS) as f64 * p).sum()
}

fn runge_kutta(chance: &mut [f64], rate: f64, step: f64) {
    let moved = |by: f64, slope: &[f64]| -> Vec<f64> { chance.iter().zip(slope).map(|(p, slope)| p + by * slope).collect() };
    let one = slope(chance, rate);
    let two = slope(&moved(step / 2.0, &one), rate);
    let three = slope(&moved(step / 2.0, &two), rate);
    let four = slope(&moved(step, &three), rate);
    for (at, p) in chance.iter_mut().enumerate() {
        *p += step / 6.0 * (one[at] + 2.0 * two[at] + 2.0 * three[at] + four[at]);
    }
}

fn slope(chance: &[f64], rate: f64) -> Vec<f64> {
    let arrives = |inside: usize| if inside + 1 < chance.len() { rate * chance[inside] } else { 0.0 };
    let leaves = |inside: usize| inside.min(SERVERS) as f64 * SERVED * chance.get(inside).copied().unwrap_or(0.0);
    let one = |inside: usize| {
        let enter = leaves(inside + 1) + if inside > 0 { arrives(inside - 1) } else { 0.0 };
        enter - arrives(inside) - leaves(inside)
    };
    (0..chance.len()).map(one).collect()
}

fn windows(plan: &Plan, seed: u64) -> Vec<WindowFigures> {
    let course = Course { seed, ..course(plan, &plan.points[0]) };
    let outcomes: Vec<_> = (0..REPLICATIONS).map(|replication| replicate(&plan.points[0].blueprint, course, replication)).collect();
    answer(&Plan { seed, ..plan.clone() }, &plan.points[0], &outcomes, Vec::new()).point.windows
}

#[test]
fn the_course_of_a_burst_is_covered_before_it_in_it_and_after_it() {
    let (plan, exact) = (burst(), exact());
    let seen: Vec<Vec<WindowFigures>> = (0..number()).into_par_iter().map(|seed| windows(&plan, seed)).collect();
    let mut first = 0;
    for (phase, many, _) in PHASES {
        let covered = |at: usize| seen.iter().filter(|windows| covers(windows[at].waiting_ci95, exact[at])).count();
        let times = (first..first + many).map(covered).sum();
        promise(&format!("M/M/5 with a burst, {phase}: requests that wait, window by window"), times, many * seen.len(), of_means());
        first += many;
    }
}

#[test]
fn the_equations_give_the_published_queue_at_the_end_of_the_first_phase() {
    let (before, after) = (exact()[14], exact()[15]);
    assert!((before - 0.354).abs() < 0.0005 && after > 0.5, "0.3542 wait once the start is over: {before}");
}
