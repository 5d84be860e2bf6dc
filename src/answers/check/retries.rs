//! Retries that make an outage worse.

use super::{Finding, Rule, System, holds, of_stream};
use crate::answers::words::mean;
use crate::parts::client::StreamSpec;

pub(super) const RULE: Rule = Rule { name: "retry-storm", about: "retries at once and without a budget", apply };

fn apply(system: &System) -> Vec<Finding> {
    let finding = |stream: &StreamSpec| {
        let retry = stream.retry.as_ref()?;
        if retry.attempts < 2 || retry.budget.is_some() || holds::mean(&retry.backoff) > 0.0 {
            return None;
        }
        let sum = match holds::rate(stream) {
            Some(rate) => {
                format!("{} × {}/s = {}/s when everything fails", retry.attempts, mean(rate), mean(rate * f64::from(retry.attempts)))
            }
            None => format!("{} attempts", retry.attempts),
        };
        Some(
            Finding::warning(format!("clients of {} try again at once, up to {} times", stream.name, retry.attempts))
                .at(of_stream(&stream.name, "retry"), sum)
                .why("what failed because the system was overloaded comes back at once and keeps it so")
                .help("a backoff with jitter, and a budget such as 0.1: one retry for ten requests"),
        )
    };
    system.blueprint.workload.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn five_attempts_at_once_are_five_times_the_load() {
        let retry = |how: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 5), steps: [Session([Query(Constant("1ms"))])], retry: Retry({how}))]"#
            )
        };
        assert!(found("retry-storm", &retry("attempts: 5")).expect("no pause").contains("5 × 5.0/s = 25.0/s"));
        is_quiet("retry-storm", &retry(r#"attempts: 5, backoff: Constant("1s")"#));
        is_quiet("retry-storm", &retry("attempts: 5, budget: 0.1"));
        is_quiet("retry-storm", &retry("attempts: 1"));
    }
}
