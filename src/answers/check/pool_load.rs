//! More work in sessions than the pools have connections for.

use super::{Finding, Rule, System, fleet, holds, of_app};
use crate::answers::words::{count, mean, percent};
use crate::simulation::blueprint::{AppSpec, Blueprint};

pub(super) const RULE: Rule = Rule { name: "pool-overloaded", about: "sessions that need more connections than the pools have", apply };

/// From this share on requests wait most of the time.
const BUSY: f64 = 0.8;

fn apply(system: &System) -> Vec<Finding> {
    system.blueprint.apps.iter().filter_map(|app| of(app, system.blueprint)).collect()
}

/// What is to be said of one app.
pub(super) fn of(app: &AppSpec, blueprint: &Blueprint) -> Option<Finding> {
    let limit = fleet::of(app, blueprint)?;
    let each: Vec<_> =
        holds::streams(blueprint, app).map(|(stream, rate)| (stream, rate, holds::of(stream, blueprint).connections)).collect();
    let needed: f64 = each.iter().map(|(_, rate, held)| rate * held).sum();
    if needed < BUSY * limit as f64 {
        return None;
    }
    let message =
        format!("{} needs {} of the connections that its pools have, before anybody waits", app.name, percent(needed / limit as f64));
    let finding = if needed >= limit as f64 { Finding::error(message) } else { Finding::warning(message) };
    let sums =
        each.iter().map(|(stream, rate, held)| (*stream, format!("{}/s × {:.1} ms = {}", mean(*rate), held * 1e3, mean(rate * held))));
    let one = needed / f64::from(app.workers);
    Some(
        finding
            .at(of_app(&app.name, "pool"), format!("{} × {} = {} connections", app.workers, limit / u64::from(app.workers), count(limit)))
            .all(holds::labels(sums))
            .why("by Little's law that many are in use on average, at the least: waiting and pings come on top")
            .help(format!(
                "about {} connections for each worker ({} + 3 √{}), or shorter sessions",
                (one + 3.0 * one.sqrt()).ceil(),
                mean(one),
                mean(one)
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn the_arithmetic_of_littles_law_says_what_size_is_too_small() {
        let load = |rate: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Session([Query(Constant("40ms")), Await(Constant("10ms"))])])],
                   apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 10))]"#
            )
        };
        let said = found("pool-overloaded", &load(300)).expect("15 of 15");
        assert!(said.starts_with("error") && said.contains("300.0/s × 50.0 ms = 15.0") && said.contains("about 27 connections"), "{said}");
        assert!(found("pool-overloaded", &load(250)).expect("12.5 of 15").starts_with("warning"));
        is_quiet("pool-overloaded", &load(200));
    }
}
