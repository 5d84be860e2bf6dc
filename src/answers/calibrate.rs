//! What a calibration has measured, and the model file that it makes: a partial system with its origin in its comments.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::answers::validate::sitting::Measured;
use crate::answers::words::{count, seconds};
use crate::kernel::latency::LatencySpec;
use crate::measure::recording::costs::Times;
use crate::measure::scaling::Scaling;
use crate::simulation::blueprint::Blueprint;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The version that wrote it.
    pub poolcast: String,
    /// The server's own words about itself.
    pub server: String,
    /// The day, as the server says.
    pub date: String,
    /// How connections were set up: `SCRAM`, `as the server asks`, `TLS, as the server asks`.
    pub set_up: String,
    /// Rounds.
    pub repetitions: u64,
    /// Every operation, with the least and the most of the rounds' means.
    pub operations: Vec<Operation>,
    /// Statements per second by the number under way.
    pub throughput: Vec<Throughput>,
    /// What was fitted to it, if anything could be.
    pub service: Option<Scaling>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// The file, as `--out` writes it.
    pub model: String,
}

/// An operation in all rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// All times together.
    #[serde(flatten)]
    pub all: Measured,
    /// The least and the most of the rounds' means.
    pub spread: [f64; 2],
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Statements under way.
    pub active: u32,
    /// Done per second, the mean of the rounds.
    pub per_second: f64,
    /// The least and the most of the rounds.
    pub spread: [f64; 2],
}

impl Operation {
    /// One operation of all rounds, each with its times; nothing if there are none.
    pub fn of(what: &str, rounds: &[Times]) -> Option<Operation> {
        let mut all = Times::default();
        rounds.iter().for_each(|round| all.merge(round));
        let (low, high) = (all.quantile(0.25)?, all.quantile(0.75)?);
        let measured = Measured { what: what.to_owned(), mean: all.mean()?, quartiles: [low, high], count: all.count() as u64 };
        Some(Operation { all: measured, spread: spread(rounds.iter().filter_map(Times::mean)) })
    }

    /// The same operation as each round has measured it, beside what all have together.
    pub fn among(all: Measured, rounds: &[Vec<Measured>]) -> Operation {
        let means = rounds.iter().flatten().filter(|one| one.what == all.what).map(|one| one.mean);
        Operation { spread: spread(means), all }
    }
}

impl Throughput {
    /// A point, from what each round has found.
    pub fn of(active: u32, rounds: &[f64]) -> Throughput {
        let per_second = rounds.iter().sum::<f64>() / rounds.len().max(1) as f64;
        Throughput { active, per_second, spread: spread(rounds.iter().copied()) }
    }
}

/// The model file: network, database and, as a comment to be copied, the driver of the app that was measured.
pub fn model(found: &Calibration, system: &Blueprint, max_connections: [u32; 2]) -> String {
    let mut text = format!("// {}\n", found.server);
    let rounds = count(found.repetitions);
    let mut say = |line: String| writeln!(text, "{line}").expect("a text can be written to");
    say(format!(
        "// Measured {} by poolcast {} calibrate, {rounds} rounds; connections set up: {}.",
        found.date, found.poolcast, found.set_up
    ));
    for Operation { all, spread: [low, high] } in &found.operations {
        let [first, third] = all.quartiles.map(seconds);
        say(format!(
            "// {:<36} mean {} (rounds {} to {}), half of {} within {first} to {third}",
            all.what,
            seconds(all.mean),
            seconds(*low),
            seconds(*high),
            count(all.count)
        ));
    }
    for Throughput { active, per_second, spread: [low, high] } in &found.throughput {
        say(format!("// {active:>3} statements under way: {per_second:.0}/s (rounds {low:.0} to {high:.0})"));
    }
    for note in &found.notes {
        say(format!("// {note}"));
    }
    say("System(".to_owned());
    say(format!(
        "    network: Network(\n        app: {},\n        proxy: {},\n    ),",
        written(&system.network.app),
        written(&system.network.proxy)
    ));
    let [most, reserved] = max_connections;
    say(format!("    database: Postgres(\n        max_connections: {most},\n        superuser_reserved_connections: {reserved},"));
    say(format!("        connect: {},", written(&system.database.connect)));
    match &found.service {
        Some(fit) => say(format!("        service: Sharing(cores: {}, sigma: {:.4}, kappa: {:.6}),", fit.cores, fit.sigma, fit.kappa)),
        None => say("        // No service was fitted: see above. Say yours: Sharing(cores: 2, sigma: 0.01, kappa: 0.0).".to_owned()),
    }
    say("    ),\n)".to_owned());
    text
}

/// A distribution as a file writes it: those that a calibration makes.
pub fn written(latency: &LatencySpec) -> String {
    match latency {
        LatencySpec::Constant(constant) => format!("Constant(\"{}\")", constant.0),
        LatencySpec::Quantiles(quantiles) => {
            let points: Vec<String> = quantiles.0.iter().map(|(p, span)| format!("({p:?}, \"{span}\")")).collect();
            format!("Quantiles([{}])", points.join(", "))
        }
        other => unreachable!("a calibration makes constants and quantiles, not {other:?}"),
    }
}

fn spread(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, 0.0], |[low, high], value| [low.min(value), high.max(value)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;
    use crate::kernel::time::Span;

    #[test]
    fn the_model_file_is_a_partial_system_that_an_experiment_can_use() {
        let times = Times::of((1..=100).map(|i| 1e-5 * f64::from(i)));
        let mut system = Blueprint::new(Vec::new(), Vec::new());
        system.network.app = LatencySpec::always(Span::from_nanos(65_000));
        system.database.connect = times.latency();
        let operation = Operation::of("opening a connection", &[times.clone(), times]).expect("there are times");
        let found = Calibration {
            poolcast: "0".to_owned(),
            server: "PostgreSQL 15".to_owned(),
            date: "2026-11-23".to_owned(),
            set_up: "SCRAM".to_owned(),
            repetitions: 2,
            operations: vec![operation],
            throughput: vec![Throughput::of(2, &[400.0, 410.0])],
            service: Some(Scaling { cores: 2, alone: 0.005, sigma: 0.004, kappa: 0.0, error: 0.01 }),
            notes: vec!["a note".to_owned()],
            model: String::new(),
        };
        let model = model(&found, &system, [100, 3]);
        let workload = "workload: [Stream(name: \"a\", arrivals: Poisson(rate: 1), steps: [Session([Query(Constant(\"1ms\"))])])]";
        let file = format!(
            "Experiment(question: \"?\", system: {}, duration: \"1s\", seed: 1)",
            model
                .replace("System(\n", &format!("System(\n    {workload},\n    apps: [App(name: \"a\", pool: NullPool)],\n"))
                .lines()
                .filter(|line| !line.starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n")
        );
        let experiment =
            Experiment::parse(&file, "calibrated.ron", &|_| None).unwrap_or_else(|problem| panic!("{}\n{file}", problem.render(false)));
        let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{}", problem.render(false)));
        assert_eq!(plan.points[0].blueprint.database.connect, system.database.connect);
        assert!(
            model.starts_with("// PostgreSQL 15\n// Measured 2026-11-23") && model.contains("//   2 statements under way: 405/s"),
            "{model}"
        );
    }
}
