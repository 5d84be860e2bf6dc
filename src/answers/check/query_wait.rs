//! Two waits, one after the other: the pool's for a connection, and PgBouncer's for a server connection.

use super::fleet::{fleet, pgbouncer, servers};
use super::pools::habits;
use super::{Finding, Rule, System, of_app};
use crate::answers::words::seconds;
use crate::kernel::time::Span;
use crate::parts::proxy::pgbouncer::PgBouncer;
use crate::simulation::blueprint::AppSpec;

pub(super) const RULE: Rule =
    Rule { name: "pool-timeout-and-query-wait", about: "a pool's timeout that PgBouncer's query_wait_timeout undermines", apply };

fn apply(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint) else { return Vec::new() };
    let can_wait = servers(proxy).is_some_and(|limit| fleet(system.blueprint).is_none_or(|most| most > limit.connections));
    if !can_wait {
        return Vec::new();
    }
    if proxy.query_wait_timeout.is_zero() {
        let finding = Finding::warning("clients wait in PgBouncer for ever")
            .at("proxy.query_wait_timeout", "0 is no limit")
            .why("a statement that waits for a server connection hangs until one is free; no timeout of the pool covers that");
        return vec![finding.help("query_wait_timeout below the patience of whoever waits, such as 10s")];
    }
    system.blueprint.apps.iter().filter_map(|app| finding(app, proxy)).collect()
}

fn finding(app: &AppSpec, proxy: &PgBouncer) -> Option<Finding> {
    let (field, Some(patience)) = habits(&app.pool).wait? else { return None };
    let (path, wait) = (of_app(&app.name, &format!("pool.{field}")), proxy.query_wait_timeout);
    let both = Span::from_nanos(patience.nanos().saturating_add(wait.nanos()));
    let finding = if patience < wait {
        Finding::warning(format!("{field} ({patience}) does not bound the wait: PgBouncer adds up to {wait}"))
            .at(path, format!("for a connection of the pool: {patience}"))
            .at("proxy.query_wait_timeout", format!("then, in the first statement: {wait}"))
            .why(format!(
                "a request may wait {}; and while statements hang in PgBouncer they hold the pool's connections, so others fail with a timeout of the pool: the log blames the pool for PgBouncer's wait",
                seconds(both.seconds())
            ))
    } else {
        Finding::note(format!("PgBouncer gives up ({wait}) before the pool does ({patience})"))
            .at("proxy.query_wait_timeout", format!("closes the client's connection after {wait}"))
            .at(path, format!("goes on waiting: {patience}"))
            .why("the pool learns of it as a lost connection: SQLAlchemy then replaces every older connection of that pool, also healthy ones")
    };
    Some(finding.help("make query_wait_timeout the shorter one, and both together shorter than the client's patience"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn thirty_seconds_become_two_and_a_half_minutes() {
        let rule = "pool-timeout-and-query-wait";
        let waits = |more: &str| {
            format!(
                r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20))], proxy: PgBouncer(pool_mode: Transaction, max_client_conn: 1000{more})"#
            )
        };
        let said = found(rule, &waits("")).expect("30 s and 120 s");
        assert!(said.starts_with("warning") && said.contains("a request may wait 150 s"), "{said}");
        assert!(found(rule, &waits(r#", query_wait_timeout: "10s""#)).expect("10 s and 30 s").starts_with("note"));
        assert!(found(rule, &waits(r#", query_wait_timeout: "0s""#)).expect("for ever").contains("0 is no limit"));
        is_quiet(rule, &waits(", default_pool_size: 120"));
    }
}
