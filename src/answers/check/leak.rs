//! Sessions that are never closed.

use super::{Finding, Rule, System, holds, of_app, of_stream};
use crate::answers::demand;
use crate::answers::words::{count, percent, seconds};
use crate::parts::client::StreamSpec;

pub(super) const RULE: Rule = Rule { name: "leak", about: "sessions that are never closed, and when the pool is empty", apply };

fn apply(system: &System) -> Vec<Finding> {
    let leaking = system.blueprint.workload.iter().filter(|stream| demand::of(&stream.steps).leaks > 0.0);
    leaking.map(|stream| finding(stream, system)).collect()
}

fn finding(stream: &StreamSpec, system: &System) -> Finding {
    let leaks = demand::of(&stream.steps).leaks;
    let app = system.blueprint.apps.iter().find(|app| app.name == stream.app);
    let limit = app.and_then(|app| Some((app, app.pool.kind().most_connections()?.saturating_mul(u64::from(app.workers)))));
    let finding = Finding::error(format!("{} never closes {} of its sessions", stream.name, percent(leaks)))
        .at(of_stream(&stream.name, "steps"), "Leak")
        .help("find the path that does not close its session (an exception, a generator that is not exhausted); a larger pool only postpones it");
    match (limit, holds::rate(stream).filter(|rate| *rate > 0.0)) {
        (Some((app, limit)), Some(rate)) => finding.at(of_app(&app.name, "pool"), format!("{} connections", count(limit))).why(format!(
            "{rate} requests a second × {} = {:.2} connections lost each second: all {} are gone after {}",
            percent(leaks),
            rate * leaks,
            count(limit),
            seconds(limit as f64 / (rate * leaks))
        )),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn one_session_in_a_thousand_empties_the_pool_within_minutes() {
        let leak = r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 100), steps: [Session([Query(Constant("1ms")), Leak(probability: 0.001)])])]"#;
        let said = found("leak", leak).expect("it leaks");
        assert!(said.contains("0.10 connections lost each second: all 5 are gone after 50 s"), "{said}");
        is_quiet("leak", &leak.replace("0.001", "0"));
    }
}
