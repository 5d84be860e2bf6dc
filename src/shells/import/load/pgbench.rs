//! The log that `pgbench -l` writes: one line for each transaction, with its latency and its end.

use super::{Load, rounded};
use crate::experiment::diagnose::Source;
use crate::kernel::time::Span;
use crate::shells::import::found::Found;

/// The quantiles that are kept.
const KEPT: [f64; 6] = [0.1, 0.5, 0.9, 0.99, 0.999, 1.0];

/// What the log says: transactions a second and how long they take.
pub fn read(name: &str, text: &str) -> Result<Load, String> {
    let mut latencies = Vec::new();
    let (mut first, mut last, mut skipped) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match transaction(line) {
            Some((latency, ended)) => {
                latencies.push(latency);
                (first, last) = (first.min(ended), last.max(ended));
            }
            None => skipped += 1,
        }
    }
    if latencies.len() < 2 || last <= first {
        return Err(format!(
            "{name} is no log of pgbench -l: its lines are client, transaction, microseconds, script, seconds, microseconds"
        ));
    }
    latencies.sort_by(f64::total_cmp);
    let quantile = |p: f64| latencies[((p * latencies.len() as f64).ceil() as usize).clamp(1, latencies.len()) - 1];
    let rows = KEPT.map(|p| format!("({p:?}, \"{}\")", Span::from_nanos_f64((quantile(p) * 1e3).max(1e3))));
    let found = Found::new(&Source::new(name, ""), 0..0, "pgbench -l", "");
    let mut decided =
        vec!["a transaction of pgbench is taken for one statement that takes as long as it did, network and waiting included".to_owned()];
    if skipped > 0 {
        decided.push(format!("{skipped} lines of {name} are no finished transactions and are left out"));
    }
    let rate = (latencies.len() - 1) as f64 / (last - first);
    Ok(Load {
        rate: Some((rounded(rate), found.clone())),
        steps: Some((vec![format!("Query(Quantiles([{}])),", rows.join(", "))], found)),
        decided,
        ..Load::default()
    })
}

/// Latency in microseconds, and when it ended in seconds.
fn transaction(line: &str) -> Option<(f64, f64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| words.get(index)?.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    Some((number(2)?, number(4)? + number(5)? / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gives_a_rate_and_quantiles() {
        let log: String = (0..101).map(|i| format!("0 {i} {} 0 {} {}\n", 1000 * (i + 1), 100 + i / 10, 100_000 * (i % 10))).collect();
        let load = read("log", &format!("{log}0 5 skipped 0 1 1\n")).expect("it is one");
        assert_eq!(load.rate.map(|(rate, _)| rate), Some(10.0));
        let steps = load.steps.expect("steps").0;
        assert!(steps[0].starts_with("Query(Quantiles([(0.1, \"11ms\"), (0.5, \"51ms\"), (0.9, \"91ms\")"), "{steps:?}");
        assert!(load.decided[1].contains("1 lines"));
        assert!(read("log", "hello\n").is_err());
    }
}
