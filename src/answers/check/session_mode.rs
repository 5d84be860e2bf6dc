//! Session mode with fewer server connections than the pools have: whoever comes first keeps them.

use super::fleet::{fleet, kept, labels, multiplexes, pgbouncer, servers, slots, sum};
use super::{Finding, Rule, System};
use crate::answers::words::count;

pub(super) const RULE: Rule =
    Rule { name: "session-mode-starvation", about: "session mode with fewer server connections than the pools keep", apply };

fn apply(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let Some(proxy) = pgbouncer(blueprint).filter(|proxy| !multiplexes(proxy)) else { return Vec::new() };
    let (Some(limit), kept) = (servers(proxy), kept(blueprint)) else { return Vec::new() };
    let most = fleet(blueprint).unwrap_or(kept);
    if most <= limit.connections {
        return Vec::new();
    }
    let message = format!("session mode: {} server connections for pools of {}", count(limit.connections), count(most));
    let finding = if kept > limit.connections { Finding::error(message) } else { Finding::warning(message) };
    let mut finding = finding
        .at(limit.path(), format!("{} server connections for all workers together", count(limit.connections)))
        .all(labels(blueprint));
    if limit.setting == "default_pool_size" && proxy.max_db_connections > 0 {
        finding = finding.at("proxy.max_db_connections", "never reached: default_pool_size counts first");
    }
    let waits = match proxy.query_wait_timeout.is_zero() {
        true => "for ever".to_owned(),
        false => format!("for query_wait_timeout ({})", proxy.query_wait_timeout),
    };
    let finding = finding.why(format!(
        "each pooled connection keeps its server connection until it is closed, busy or idle: {} = {}, and once {} have sent a statement every other one hangs in its first statement {waits}, also on an idle database",
        sum(blueprint), count(most), count(limit.connections)
    ));
    let room = slots(blueprint);
    let size = match most <= room {
        true => format!("{} of at least {}", limit.setting, count(most)),
        false => format!("pools of at most {} in all, as PostgreSQL has no more slots, and {} as large", count(room), limit.setting),
    };
    vec![finding.help(format!("{size}; or pool_mode transaction, if no session keeps state"))]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    const GUIDE: &str = r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20, max_overflow: 10))],
        proxy: PgBouncer(pool_mode: Session, max_db_connections: 100, max_client_conn: 1000), database: (max_connections: 200)"#;

    #[test]
    fn the_guide_leaves_twenty_server_connections_to_four_workers_of_thirty() {
        let said = found("session-mode-starvation", GUIDE).expect("20 against 120");
        assert!(said.starts_with("error") && said.contains("20 server connections for pools of 120"), "{said}");
        assert!(said.contains("default_pool_size is unset: 20") && said.contains("4 × (20 + 10) = 120"), "{said}");
        assert!(said.contains("query_wait_timeout (2min)") && said.contains("default_pool_size of at least 120"), "{said}");
    }

    #[test]
    fn what_only_overflow_exceeds_is_a_warning_and_what_fits_is_nothing() {
        let sized = |size: u32| GUIDE.replace("max_db_connections: 100", &format!("default_pool_size: {size}"));
        assert!(found("session-mode-starvation", &sized(100)).expect("20 of 120 starve").starts_with("warning"));
        is_quiet("session-mode-starvation", &sized(120));
        is_quiet("session-mode-starvation", &GUIDE.replace("Session", "Transaction"));
    }
}
