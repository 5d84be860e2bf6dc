//! Requests that hold a connection while they ask the same pool for another: a deadlock that only a timeout ends.

use super::fleet::depth;
use super::{Finding, Rule, System, holds, of_app, of_stream};
use crate::answers::demand;
use crate::answers::words::{count, mean, percent};
use crate::parts::client::StreamSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

pub(super) const RULE: Rule = Rule { name: "nested-sessions", about: "sessions inside sessions, which can deadlock the pool", apply };

fn apply(system: &System) -> Vec<Finding> {
    let nested = system.blueprint.workload.iter().filter(|stream| demand::of(&stream.steps).depth > 1);
    nested.filter_map(|stream| finding(stream, system.blueprint)).collect()
}

fn finding(stream: &StreamSpec, blueprint: &Blueprint) -> Option<Finding> {
    let app = blueprint.apps.iter().find(|app| app.name == stream.app)?;
    let each = app.pool.kind().most_connections()?;
    let deep = u64::from(depth(app, blueprint));
    // Requests at once that can never stand in each other's way: n (d - 1) + 1 connections suffice for n of them.
    let safe = each.saturating_sub(1) / (deep - 1);
    if app.concurrency.is_some_and(|at_once| u64::from(at_once) <= safe) {
        return None;
    }
    let finding = Finding::error(format!("{} takes {deep} connections at once from one pool: it can deadlock", stream.name))
        .at(of_stream(&stream.name, "steps"), format!("a Session inside a Session: {deep} connections for one request"))
        .at(of_app(&app.name, "pool"), format!("{each} connections for each worker"))
        .why(format!(
            "when {} requests of one worker hold their first connections, all wait for {} that nobody can give back",
            count(each.div_ceil(deep - 1)),
            if deep == 2 { "a second" } else { "others" }
        ));
    let finding = match load(stream, app, blueprint, each) {
        Some(why) => finding.why(why),
        None => finding,
    };
    Some(match safe {
        0 => finding.help(format!("pass the first session on; a pool of at least {deep} is needed for one request")),
        safe => finding.help(format!(
            "pass the first session on instead of opening another; or concurrency {safe} for each worker: {safe} × {} + 1 = {} ≤ {each}",
            deep - 1,
            safe * (deep - 1) + 1
        )),
    })
}

/// The load at which the first sessions and the second ones together need the whole pool.
fn load(stream: &StreamSpec, app: &AppSpec, blueprint: &Blueprint, each: u64) -> Option<String> {
    let (rate, held) = (holds::rate(stream)?, holds::of(stream, blueprint));
    let others: f64 = holds::streams(blueprint, app)
        .filter(|(other, _)| other.name != stream.name)
        .map(|(other, rate)| rate * holds::of(other, blueprint).connections)
        .sum();
    let all = each as f64 * f64::from(app.workers);
    let certain = (all - others).max(0.0) / held.connections;
    if !certain.is_finite() {
        return None;
    }
    Some(format!(
        "each holds {:.0} ms of connections, so it is certain from {}/s on ({} × {each} connections), and a burst does it earlier; {} asks for {}/s, {} of that",
        held.connections * 1e3,
        mean(certain),
        app.workers,
        stream.name,
        mean(rate),
        percent(rate / certain.max(f64::MIN_POSITIVE))
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_dependency_that_opens_a_session_beside_the_endpoints_deadlocks() {
        let nested = |more: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 50), steps: [Session([Query(Constant("10ms")), Session([Query(Constant("20ms"))])])])],
                apps: [App(name: "api", workers: 2, pool: SqlAlchemy(pool_size: 5, max_overflow: 10){more})]"#
            )
        };
        let said = found("nested-sessions", &nested("")).expect("2 connections at once");
        // 10 ms of one connection and 20 ms of two are 50 ms: 30 connections are enough for 600 a second.
        assert!(said.contains("certain from 600.0/s") && said.contains("asks for 50.0/s"), "{said}");
        assert!(said.contains("when 15 requests of one worker") && said.contains("concurrency 14"), "{said}");
        is_quiet("nested-sessions", &nested(", concurrency: 14"));
        assert!(found("nested-sessions", &nested(", concurrency: 15")).is_some());
        is_quiet("nested-sessions", "");
    }
}
