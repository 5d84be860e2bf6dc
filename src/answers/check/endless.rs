//! What makes a run pointless before it begins: more work than can ever be done, and nobody who gives up waiting.

use super::pools::habits;
use super::{Finding, Severity, System, cores, event_loop, placed, pool_load};
use crate::experiment::{Experiment, Plan, Point};
use crate::parts::client::StreamSpec;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// Why the queue of this system can only grow, with the arithmetic; nothing if it need not. The load is what is known from
/// the file alone, a lower bound: a system that is not refused here may still turn out to be unstable.
pub(super) fn endless(system: &System) -> Option<Finding> {
    let blueprint = system.blueprint;
    if blueprint.is_finite() {
        return None;
    }
    let apps = || blueprint.apps.iter();
    let pools = apps().filter(|app| waits_for_ever(app) && nobody_gives_up(app, blueprint)).filter_map(|app| pool_load::of(app, blueprint));
    let loops = apps().filter(|app| nobody_gives_up(app, blueprint)).filter_map(|app| event_loop::of(app, blueprint));
    let patient =
        apps().all(|app| (waits_for_ever(app) || app.pool.kind().most_connections().is_none()) && nobody_gives_up(app, blueprint));
    let unbroken = blueprint.database.statement_timeout.is_zero() && matches!(blueprint.proxy, ProxySpec::Direct);
    let cores = (patient && unbroken).then(|| (cores::OVERLOADED.apply)(system)).into_iter().flatten();
    let found = pools.chain(loops).chain(cores).find(|finding| finding.severity == Severity::Error)?;
    let found = Finding { message: format!("{}, and nobody gives up: the queue would grow for ever", found.message), ..found };
    let found = found.help("or let waits end, with a timeout of the pool or a deadline: then the answer is how many fail");
    Some(placed(found, "endless", system))
}

/// Why not one point of a plan has a queue that need not grow for ever, told of the first. One such point among others is an
/// answer: `unstable`. `sets` are the values that were set on top of the file.
pub fn all_endless(experiment: &Experiment, plan: &Plan, sets: &[(String, String)]) -> Option<Finding> {
    let why = |point: &Point| {
        let place = |path: &str| experiment.place(point, sets, path);
        endless(&System { name: String::new(), blueprint: &point.blueprint, objectives: &plan.objectives, surge: None, place: &place })
    };
    plan.points.iter().map(why).collect::<Option<Vec<Finding>>>()?.into_iter().next()
}

fn waits_for_ever(app: &AppSpec) -> bool {
    match habits(&app.pool).wait {
        Some((_, patience)) => patience.is_none(),
        None => app.pool.kind().most_connections().is_some(),
    }
}

fn nobody_gives_up(app: &AppSpec, blueprint: &Blueprint) -> bool {
    let streams = || blueprint.workload.iter().filter(|stream| stream.app == app.name);
    streams().all(|stream: &StreamSpec| stream.deadline.is_none())
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_system;
    use super::*;

    fn refused(text: &str) -> Option<String> {
        with_system(text, |system| endless(system).map(|finding| finding.message))
    }

    #[test]
    fn more_than_the_pool_can_ever_serve_is_refused_where_nobody_gives_up() {
        let load = |rate: u32, timeout: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Session([Query(Constant("20ms"))])])],
                   apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0, pool_timeout: {timeout}))],
                   network: Network(app: Constant("0s"))"#
            )
        };
        let said = refused(&load(250, "None")).expect("5 connections' worth of work for 5 connections");
        assert!(said.contains("100 %") && said.contains("nobody gives up"), "{said}");
        assert_eq!(refused(&load(249, "None")), None, "close, but not endless");
        assert_eq!(refused(&load(500, "\"30s\"")), None, "with a timeout there is an answer: how many fail");
        assert_eq!(refused(&load(500, "None").replace("steps:", "deadline: \"1s\", steps:")), None);
    }

    #[test]
    fn a_burst_beyond_capacity_is_no_reason_to_refuse() {
        let burst = r#"workload: [Stream(name: "api", arrivals: Schedule([("0s", 10), ("1min", 900)]), steps: [Session([Query(Constant("20ms"))])])],
            apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0, pool_timeout: None))]"#;
        assert_eq!(refused(burst), None);
    }
}
