//! Connections of one age, replaced together.

use super::fleet::{multiplexes, pgbouncer};
use super::pools::habits;
use super::{Finding, Rule, System, holds, of_app};
use crate::answers::words::{count, seconds};
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::AppSpec;

pub(super) const RULE: Rule =
    Rule { name: "recycling-wave", about: "connections that were opened together and are replaced together", apply };

/// A connect that a request notices, in seconds.
const NOTICED: f64 = 5e-3;

fn apply(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    if matches!(blueprint.proxy, ProxySpec::RdsProxy(_)) || pgbouncer(blueprint).is_some_and(multiplexes) {
        return Vec::new();
    }
    let connect = holds::mean(&blueprint.database.connect);
    let finding = |app: &AppSpec| {
        let PoolSpec::SqlAlchemy(pool) = &app.pool else { return None };
        let kept = habits(&app.pool).kept;
        let recycle = pool.pool_recycle.filter(|_| connect >= NOTICED && kept < u64::MAX)?;
        Some(
            Finding::note(format!("connections of {} that were opened together are replaced together, every {recycle}", app.name))
                .at(of_app(&app.name, "pool.pool_recycle"), "no jitter: the age counts from the connect")
                .at("database.connect", format!("{} for each, while a request waits", seconds(connect)))
                .why(format!(
                    "after a start or a restart of the database all {} of them fall due at once, and again every {recycle}: a spike of latency like clockwork",
                    count(kept.saturating_mul(u64::from(app.workers)))
                ))
                .help("another pool_recycle in each worker (add a few random minutes), or none if nothing on the way cuts idle connections"),
        )
    };
    blueprint.apps.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn latency_spikes_every_thirty_minutes() {
        let with = |connect: &str| {
            format!(
                r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20, pool_recycle: "30min"))], database: (max_connections: 200, connect: Constant("{connect}"))"#
            )
        };
        assert!(
            found("recycling-wave", &with("12ms")).expect("80 at once").contains("all 80 of them fall due at once, and again every 30min")
        );
        is_quiet("recycling-wave", &with("2ms"));
        is_quiet("recycling-wave", &format!("{}, proxy: PgBouncer(pool_mode: Transaction)", with("12ms")));
    }
}
