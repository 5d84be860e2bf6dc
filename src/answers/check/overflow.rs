//! Connections beyond what a pool keeps, which come and go.

use super::{Finding, Rule, System, holds, of_app};
use crate::answers::words::{mean, percent};
use crate::parts::pool::PoolSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

pub(super) const RULE: Rule =
    Rule { name: "overflow-churn", about: "connections beyond what the pool keeps, opened and closed all the time", apply };

/// From this share of the time on it is no exception that the pool is beyond what it keeps.
const OFTEN: f64 = 0.05;

fn apply(system: &System) -> Vec<Finding> {
    system.blueprint.apps.iter().filter_map(|app| finding(app, system.blueprint)).collect()
}

fn finding(app: &AppSpec, blueprint: &Blueprint) -> Option<Finding> {
    let (kept, all, field, remedy) = match &app.pool {
        PoolSpec::SqlAlchemy(pool) if pool.pool_size > 0 && pool.max_overflow != 0 => {
            let all = app.pool.kind().most_connections();
            let remedy =
                all.map_or("a larger pool_size".to_owned(), |all| format!("the same {all}, all kept: pool_size {all}, max_overflow 0"));
            (u64::from(pool.pool_size), all, "pool.pool_size", remedy)
        }
        PoolSpec::DatabaseSql(pool) if u64::from(pool.max_open_conns).wrapping_sub(1) >= u64::from(pool.max_idle_conns) => {
            let all = app.pool.kind().most_connections();
            (u64::from(pool.max_idle_conns), all, "pool.max_idle_conns", "max_idle_conns as large as max_open_conns".to_owned())
        }
        _ => return None,
    };
    let in_use: f64 = holds::streams(blueprint, app).map(|(stream, rate)| rate * holds::of(stream, blueprint).connections).sum();
    let in_use = in_use / f64::from(app.workers);
    let beyond = beyond(in_use, kept);
    let finding = if beyond >= OFTEN {
        Finding::warning(format!("{} uses more connections than its pool keeps for {} of the time", app.name, percent(beyond)))
            .at(of_app(&app.name, field), format!("{kept} are kept, {} are in use in each worker on average", mean(in_use)))
    } else if all.is_some_and(|all| all > 2 * kept) {
        Finding::note(format!("most of what the pools of {} may open is closed again at once", app.name))
            .at(of_app(&app.name, field), format!("{kept} of {} are kept", all.unwrap_or(0)))
    } else {
        return None;
    };
    Some(
        finding
            .why("whatever comes back when the pool is full of idle ones is closed, and a request soon pays for opening it again")
            .help(remedy),
    )
}

/// How much of the time more than `kept` are in use, if on average `mean` are: Poisson's tail.
fn beyond(mean: f64, kept: u64) -> f64 {
    let mut term = libm::exp(-mean);
    let mut below = term;
    for number in 1..=kept.min(100_000) {
        term *= mean / number as f64;
        below += term;
    }
    // Where the first term is too small for a float, the mean is far beyond any pool.
    if term == 0.0 && mean > kept as f64 { 1.0 } else { (1.0 - below).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};
    use super::beyond;

    #[test]
    fn the_defaults_of_go_close_what_they_just_opened() {
        let load = |pool: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 300), deadline: "9s", steps: [Session([Query(Constant("10ms"))])])],
                   apps: [App(name: "api", pool: {pool})]"#
            )
        };
        let said = found("overflow-churn", &load("DatabaseSql(max_open_conns: 30)")).expect("3 in use, 2 kept");
        assert!(said.starts_with("warning") && said.contains("58 % of the time"), "{said}");
        assert!(
            found("overflow-churn", &load("SqlAlchemy(pool_size: 2, max_overflow: 10)"))
                .expect("the same")
                .contains("pool_size 12, max_overflow 0")
        );
        assert!(found("overflow-churn", &load("SqlAlchemy(pool_size: 10, max_overflow: 25)")).expect("10 of 35").starts_with("note"));
        is_quiet("overflow-churn", &load("SqlAlchemy(pool_size: 10, max_overflow: 10)"));
        is_quiet("overflow-churn", &load("SqlAlchemy(pool_size: 2, max_overflow: 0)"));
    }

    #[test]
    fn poissons_tail_is_right_at_points_that_tables_have() {
        for (mean, kept, tail) in [(3.0, 2, 0.5768), (5.0, 9, 0.0318), (0.0, 5, 0.0), (2000.0, 10, 1.0)] {
            assert!((beyond(mean, kept) - tail).abs() < 5e-5, "{mean} {kept}: {}", beyond(mean, kept));
        }
    }
}
