//! More work in the processes than their event loops have time for.

use super::{Finding, Rule, System, holds, of_app, of_stream};
use crate::answers::demand;
use crate::answers::words::{mean, percent, seconds};
use crate::parts::client::StreamSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

pub(super) const RULE: Rule =
    Rule { name: "event-loop-overloaded", about: "Work and Block steps beyond what the workers' event loops can do", apply };

pub(super) const BLOCKED: Rule =
    Rule { name: "blocked-event-loop", about: "a step that keeps an event loop to itself for long", apply: blocked };

const BUSY: f64 = 0.8;
/// From this many seconds on everybody else in the process notices.
const LONG: f64 = 0.02;

fn apply(system: &System) -> Vec<Finding> {
    system.blueprint.apps.iter().filter_map(|app| of(app, system.blueprint)).collect()
}

/// What is to be said of one app.
pub(super) fn of(app: &AppSpec, blueprint: &Blueprint) -> Option<Finding> {
    let each: Vec<_> = holds::streams(blueprint, app).map(|(stream, rate)| (stream, rate * demand::of(&stream.steps).occupies)).collect();
    let work: f64 = each.iter().map(|(_, work)| work).sum();
    let busy = work / f64::from(app.workers);
    if busy < BUSY {
        return None;
    }
    let message = format!("the event loops of {} are {} busy with Work and Block steps", app.name, percent(busy));
    let finding = if busy >= 1.0 { Finding::error(message) } else { Finding::warning(message) };
    let busy_streams = each.into_iter().filter(|(_, work)| *work > 0.0);
    Some(
        finding
            .at(of_app(&app.name, "workers"), format!("{} event loops", app.workers))
            .all(holds::labels(busy_streams.map(|(stream, work)| (stream, format!("{} loops' worth", mean(work))))))
            .why("a busy loop reads replies late and gives connections back late, so pools look exhausted that are not")
            .help(format!("{} workers, or the work outside the event loop", (work / 0.7).ceil())),
    )
}

fn blocked(system: &System) -> Vec<Finding> {
    let alone = |app: &AppSpec| app.concurrency == Some(1);
    let finding = |stream: &StreamSpec| {
        let app = system.blueprint.apps.iter().find(|app| app.name == stream.app && !alone(app))?;
        let longest = demand::of(&stream.steps).longest;
        (longest >= LONG).then(|| {
            Finding::warning(format!("a step of {} keeps an event loop of {} to itself for {}", stream.name, app.name, seconds(longest)))
                .at(of_stream(&stream.name, "steps"), format!("Work or Block: {} on average", seconds(longest)))
                .why("meanwhile nothing else happens in that process: replies are not read, connections are not given back, and others time out")
                .help("a thread for what computes, an asynchronous client for what waits; a larger pool does not help")
        })
    };
    system.blueprint.workload.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_loop_that_computes_all_the_time_makes_the_pool_look_exhausted() {
        let load = |rate: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Work(Constant("10ms")), Session([Query(Constant("1ms"))])])]"#
            )
        };
        let said = found("event-loop-overloaded", &load(120)).expect("1.2 of 1");
        assert!(said.starts_with("error") && said.contains("120 % busy") && said.contains("2 workers"), "{said}");
        assert!(found("event-loop-overloaded", &load(90)).expect("0.9").starts_with("warning"));
        is_quiet("event-loop-overloaded", &load(70));
    }

    #[test]
    fn a_password_hash_in_the_event_loop_stops_everybody() {
        let step = |step: &str| {
            format!(r#"workload: [Stream(name: "login", arrivals: Poisson(rate: 1), steps: [{step}, Session([Query(Constant("1ms"))])])]"#)
        };
        assert!(found("blocked-event-loop", &step(r#"Block(Constant("250ms"))"#)).expect("250 ms").contains("to itself for 250 ms"));
        is_quiet("blocked-event-loop", &step(r#"Await(Constant("250ms"))"#));
        is_quiet("blocked-event-loop", &step(r#"Work(Constant("1ms"))"#));
        let sync = r#"apps: [App(name: "api", concurrency: 1, pool: SqlAlchemy(pool_size: 5, max_overflow: 0))]"#;
        is_quiet("blocked-event-loop", &format!("{}, {sync}", step(r#"Work(Constant("250ms"))"#)));
    }
}
