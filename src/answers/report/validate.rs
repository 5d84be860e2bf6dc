//! A validation as a person reads it: the verdict, every figure live and simulated, and where a model is off, in what.

use std::collections::BTreeSet;

use super::lines::{Look, WIDTH, labelled, left, paint, wrapped};
use crate::answers::validate::{Compared, Host, Ingredient, Validation};
use crate::answers::words::{count, mean, plural, seconds};
use crate::measure::equivalence::Verdict;

/// Columns of a metric's name and of each figure.
const NAME: usize = 18;
const FIGURE: usize = 10;

/// The whole answer with colours.
pub fn render(document: &Validation) -> String {
    let mut out = String::new();
    for line in wrapped(&document.question, WIDTH) {
        out += &format!("{}\n", paint(Look::Strong, &line));
    }
    out += &format!("{}  {}\n", verdict(document.verdict, document.verdict.words()), summary(document));
    for block in points(document) {
        out += &format!("\n{}", figures(block));
        let here: Vec<&Ingredient> =
            document.ingredients.iter().filter(|one| (&one.scenario, &one.vary) == (&block[0].scenario, &block[0].vary)).collect();
        if block.iter().any(|one| one.verdict == Verdict::Differs) {
            out += &ingredients(&here);
        }
    }
    if !document.calibrated.is_empty() {
        out += &calibrated(document);
    }
    out += &format!("\n{}", labelled("machine", Look::Faint, &host(&document.host)));
    for note in &document.notes {
        out += &labelled("note", Look::Faint, note);
    }
    out
}

/// The figures as CSV, one row each.
pub fn csv(document: &Validation) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "scenario",
        "vary",
        "metric",
        "live",
        "live_low",
        "live_high",
        "simulated",
        "difference",
        "difference_low",
        "difference_high",
        "margin",
        "verdict",
    ];
    writer.write_record(header).expect("memory can be written to");
    for one in &document.metrics {
        let [low, high] = [0, 1].map(|end| one.difference_ci90.map_or(String::new(), |interval| interval[end].to_string()));
        let [least, most] = one.live_spread.map(|value| value.to_string());
        let text = [one.scenario.clone(), varied(one), one.metric.clone(), one.live.to_string(), least, most];
        let rest =
            [one.simulated.to_string(), one.difference.to_string(), low, high, one.margin.to_string(), one.verdict.words().to_owned()];
        writer.write_record(text.iter().chain(&rest)).expect("memory can be written to");
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

fn summary(document: &Validation) -> String {
    let of = |verdict: Verdict| document.metrics.iter().filter(|one| one.verdict == verdict).count();
    format!(
        "{} live and simulated: {} agree, {} differ, {} too noisy · seed {}",
        plural(document.repetitions, "run"),
        of(Verdict::Agrees),
        of(Verdict::Differs),
        of(Verdict::TooNoisy),
        document.seed,
    )
}

fn figures(block: &[Compared]) -> String {
    let mut out = String::new();
    let name = place(&block[0]);
    if !name.is_empty() {
        out += &format!("{}\n", paint(Look::Strong, &name));
    }
    let head =
        format!("  {}{:>FIGURE$}{:>FIGURE$}{:>FIGURE$}{:>FIGURE$}  verdict", left("", NAME), "live", "± runs", "simulated", "margin");
    out += &format!("{}\n", paint(Look::Faint, &head));
    for one in block {
        let [low, high] = one.live_spread;
        let cells =
            [one.live, 0.5 * (high - low), one.simulated, one.margin].map(|value| format!("{:>FIGURE$}", amount(&one.metric, value)));
        out += &format!("  {}{}  {}\n", left(words(&one.metric), NAME), cells.concat(), verdict(one.verdict, one.verdict.words()));
    }
    out
}

fn ingredients(block: &[&Ingredient]) -> String {
    let head = format!("  {}{:>FIGURE$}{:>FIGURE$}{:>12}", left("of a request", NAME), "live", "simulated", "difference");
    let mut out = format!("\n{}\n", paint(Look::Faint, &head));
    for one in block {
        let cells = [one.live, one.simulated].map(|value| format!("{:>FIGURE$}", seconds(value)));
        let sign = if one.difference < 0.0 { "−" } else { "+" };
        let difference = format!("{:>12}", format!("{sign}{}", seconds(one.difference.abs())));
        let off = if one.off { paint(Look::Bad, "  off") } else { String::new() };
        out += &format!("  {}{}{difference}{off}\n", left(&one.what, NAME), cells.concat());
    }
    out
}

fn calibrated(document: &Validation) -> String {
    let mut out = format!("\n{}\n", paint(Look::Faint, "the model's costs, measured beside the runs"));
    let mut told = BTreeSet::new();
    for one in document.calibrated.iter().filter(|one| told.insert(&one.what)) {
        // Each point has its own measurement.
        let all = || document.calibrated.iter().filter(|other| other.what == one.what);
        let number: u64 = all().map(|other| other.count).sum();
        let mean = all().map(|other| other.mean * other.count as f64).sum::<f64>() / number.max(1) as f64;
        let low = all().map(|other| other.quartiles[0]).fold(f64::INFINITY, f64::min);
        let high = all().map(|other| other.quartiles[1]).fold(0.0, f64::max);
        let half = format!("half of {}: {} to {}", count(number), seconds(low), seconds(high));
        out += &format!("  {}{:>FIGURE$}  ({half})\n", left(&one.what, 38), seconds(mean));
    }
    out
}

fn host(host: &Host) -> String {
    let worst = &host.worst;
    let late = worst.begun_p99.unwrap_or(0.0).max(worst.late_p99);
    let out = if host.left_out > 0 { format!("; {} left out", plural(host.left_out, "run")) } else { String::new() };
    let fit = if host.fit { "fit for a verdict" } else { "too busy with something else to rest a verdict on" };
    format!(
        "{fit}; at worst one request in a hundred began {} late, the busiest driver used {:.2} cores, others {:.2}, the hypervisor {:.3}{out}",
        seconds(late),
        worst.busiest_driver,
        worst.foreign,
        worst.steal
    )
}

fn verdict(of: Verdict, text: &str) -> String {
    match of {
        Verdict::Agrees => paint(Look::Good, text),
        Verdict::Differs => paint(Look::Bad, text),
        Verdict::TooNoisy => paint(Look::Key, text),
    }
}

/// A figure's name for people.
pub(super) fn words(metric: &str) -> &str {
    match metric {
        "requests.throughput" => "throughput /s",
        "latency.mean" => "latency mean",
        "latency.p50" => "latency p50",
        "latency.p90" => "latency p90",
        "latency.p99" => "latency p99",
        "pool_wait.mean" => "pool wait mean",
        "pool_wait.p50" => "pool wait p50",
        "pool_wait.p90" => "pool wait p90",
        "pool_wait.p99" => "pool wait p99",
        "recovery.failing" => "failing for",
        "pools.connects" => "connects",
        "pools.open_max" => "most connections",
        error => error.rsplit('.').next().unwrap_or(error),
    }
}

/// A figure's value for people.
pub(super) fn amount(metric: &str, value: f64) -> String {
    if ["latency", "pool_wait", "recovery"].iter().any(|times| metric.starts_with(times)) { seconds(value) } else { mean(value) }
}

/// The figures, point by point.
pub(super) fn points(document: &Validation) -> impl Iterator<Item = &[Compared]> {
    document.metrics.chunk_by(|a, b| (&a.scenario, &a.vary) == (&b.scenario, &b.vary))
}

/// Which point a figure is of: scenario and values of `vary`.
pub(super) fn place(one: &Compared) -> String {
    [one.scenario.clone(), varied(one)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn varied(one: &Compared) -> String {
    let pairs =
        one.vary.iter().map(|(path, value)| format!("{path} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    pairs.collect::<Vec<_>>().join(", ")
}
