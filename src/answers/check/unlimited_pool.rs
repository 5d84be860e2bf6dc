//! A pool without a limit: how many connections there are is for the load to say.

use super::fleet::each;
use super::{Finding, Rule, System, holds, of_app};
use crate::answers::words::mean;
use crate::parts::pool::PoolSpec;
use crate::simulation::blueprint::AppSpec;

pub(super) const RULE: Rule = Rule { name: "unlimited-pool", about: "an app whose connections nothing limits but its load", apply };

fn apply(system: &System) -> Vec<Finding> {
    let unlimited = system.blueprint.apps.iter().filter(|app| each(app, system.blueprint).is_none());
    unlimited.map(|app| finding(app, system)).collect()
}

fn finding(app: &AppSpec, system: &System) -> Finding {
    let held: f64 =
        holds::streams(system.blueprint, app).map(|(stream, rate)| rate * holds::of(stream, system.blueprint).connections).sum();
    let (field, words, remedy) = match &app.pool {
        PoolSpec::NullPool => ("pool", "opens a connection for every session", "a pool with a limit, or concurrency for each worker"),
        PoolSpec::SqlAlchemy(pool) if pool.pool_size == 0 => ("pool.pool_size", "0 is no limit, not none", "a pool_size above 0"),
        PoolSpec::SqlAlchemy(_) => ("pool.max_overflow", "-1 is no limit", "a max_overflow of 0 or more"),
        PoolSpec::DatabaseSql(_) => ("pool.max_open_conns", "0 is no limit", "max_open_conns, and max_idle_conns the same"),
        _ => ("pool", "no limit", "a limit"),
    };
    Finding::warning(format!("nothing but the load limits the connections of {}", app.name))
        .at(of_app(&app.name, field), words)
        .why(format!(
            "about {} are in use at the usual load; when the database is slow for a moment, every request that arrives opens one more, which makes it slower",
            mean(held)
        ))
        .help(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn null_pool_and_a_pool_size_of_zero_have_no_limit() {
        let rule = "unlimited-pool";
        assert!(
            found(rule, r#"apps: [App(name: "api", pool: NullPool)]"#).expect("no pool").contains("opens a connection for every session")
        );
        assert!(
            found(rule, r#"apps: [App(name: "api", pool: SqlAlchemy(pool_size: 0))]"#).expect("none").contains("0 is no limit, not none")
        );
        assert!(found(rule, r#"apps: [App(name: "api", pool: DatabaseSql())]"#).expect("Go's default").contains("max_open_conns is unset"));
        is_quiet(rule, r#"apps: [App(name: "api", pool: NullPool, concurrency: 20)]"#);
        is_quiet(rule, "");
    }
}
