//! PgBouncer opens one server connection at a time.

use super::fleet::{fleet, pgbouncer, servers};
use super::{Finding, Rule, System, holds};
use crate::answers::words::{count, seconds};

pub(super) const RULE: Rule = Rule { name: "cold-start", about: "a PgBouncer that needs long to open its server connections", apply };

fn apply(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let Some(limit) = pgbouncer(blueprint).and_then(servers) else { return Vec::new() };
    let number = limit.connections.min(fleet(blueprint).unwrap_or(u64::MAX));
    let each = holds::mean(&blueprint.database.connect) + 3.0 * holds::mean(&blueprint.network.proxy);
    let all = number as f64 * each;
    if all < 1.0 {
        return Vec::new();
    }
    let finding = Finding::note(format!("after a restart PgBouncer needs {} to open its server connections", seconds(all)))
        .at("database.connect", format!("{} for each", seconds(each)))
        .at(limit.path(), format!("{} × {} = {}, one after the other", count(number), seconds(each), seconds(all)))
        .why("PgBouncer opens one connection at a time for a pool: a burst after a restart or a fail-over waits for them in line");
    vec![finding.help("min_pool_size for what is always needed (filled at one each third of a second), or fewer connections")]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_hundred_and_twenty_logins_in_line_take_more_than_a_second() {
        let with = |connect: &str| {
            format!(
                r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20))], proxy: PgBouncer(default_pool_size: 120), database: (connect: Constant("{connect}"))"#
            )
        };
        assert!(found("cold-start", &with("11ms")).expect("1.3 s").contains("120 × 11.0 ms = 1.3 s, one after the other"));
        is_quiet("cold-start", &with("3ms"));
    }
}
