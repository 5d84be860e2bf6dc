//! How old connections get: the pool's limit against PgBouncer's.

use super::fleet::{multiplexes, pgbouncer};
use super::pools::habits;
use super::{Finding, Rule, System, of_app};
use crate::parts::proxy::pgbouncer::PgBouncer;
use crate::simulation::blueprint::AppSpec;

pub(super) const NOT_KEPT: Rule =
    Rule { name: "recycle-over-server-lifetime", about: "a server_lifetime that pooled clients in session mode outlive", apply: not_kept };
pub(super) const RECYCLED_FOR_NOTHING: Rule = Rule {
    name: "recycle-through-transaction-mode",
    about: "a pool that replaces connections which the proxy replaces anyway",
    apply: for_nothing,
};
pub(super) const ONE_USE: Rule = Rule { name: "server-lifetime-zero", about: "server connections that are used once", apply: one_use };

const PATH: &str = "proxy.server_lifetime";

fn not_kept(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint).filter(|proxy| !multiplexes(proxy)) else { return Vec::new() };
    let finding = |app: &AppSpec| {
        let habits = habits(&app.pool);
        let (field, age) = habits.lifetime.filter(|(_, age)| habits.kept > 0 && age.is_none_or(|age| age > proxy.server_lifetime))?;
        let lives = age.map_or("for ever".to_owned(), |age| format!("for {age}"));
        Some(
            Finding::warning(format!("server_lifetime ({}) is not kept: pooled connections live {lives}", proxy.server_lifetime))
                .at(of_app(&app.name, &format!("pool.{field}")), format!("a client stays {lives}"))
                .at(PATH, "applies only between two clients")
                .why("in session mode PgBouncer looks at the age of a server connection when its client leaves: backends grow old and large, and stay with the old server after a switch of DNS")
                .help(format!("{field} of {} or less", proxy.server_lifetime)),
        )
    };
    system.blueprint.apps.iter().filter_map(finding).collect()
}

fn for_nothing(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint).filter(|proxy| multiplexes(proxy)) else { return Vec::new() };
    system.blueprint.apps.iter().filter_map(|app| renews_sockets(app, proxy)).collect()
}

fn renews_sockets(app: &AppSpec, proxy: &PgBouncer) -> Option<Finding> {
    let (field, Some(age)) = habits(&app.pool).lifetime? else { return None };
    Some(
        Finding::note(format!("{field} replaces connections to PgBouncer, not to PostgreSQL"))
            .at(of_app(&app.name, &format!("pool.{field}")), format!("a new login at PgBouncer every {age}"))
            .at(PATH, format!("PgBouncer itself replaces server connections after {}", proxy.server_lifetime))
            .why("in transaction mode the two have nothing to do with each other")
            .help("leave it to server_lifetime, unless a firewall between the application and PgBouncer asks for it"),
    )
}

fn one_use(system: &System) -> Vec<Finding> {
    match pgbouncer(system.blueprint) {
        Some(proxy) if proxy.server_lifetime.is_zero() => vec![
            Finding::warning("every server connection is used once")
                .at(PATH, "0 is not off: a connection is closed after its first use")
                .why("each transaction pays for a new connection, and PgBouncer opens only one at a time")
                .help("3600s, the default; there is no setting for no limit, so a large number if that is what is wanted"),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    fn with(pool: &str, proxy: &str) -> String {
        format!(r#"apps: [App(name: "api", pool: SqlAlchemy({pool}))], proxy: PgBouncer({proxy})"#)
    }

    #[test]
    fn a_pooled_client_in_session_mode_keeps_its_server_for_longer_than_its_lifetime() {
        let rule = "recycle-over-server-lifetime";
        let said = found(rule, &with(r#"pool_recycle: "2h""#, "pool_mode: Session")).expect("2 h > 1 h");
        assert!(said.contains("pooled connections live for 2h") && said.contains("pool_recycle of 1h or less"), "{said}");
        assert!(found(rule, &with("", "pool_mode: Session")).expect("never recycled").contains("for ever"));
        is_quiet(rule, &with(r#"pool_recycle: "30min""#, "pool_mode: Session"));
        is_quiet(rule, &with(r#"pool_recycle: "2h""#, "pool_mode: Transaction"));
    }

    #[test]
    fn recycling_through_transaction_mode_only_renews_a_socket() {
        let rule = "recycle-through-transaction-mode";
        assert!(found(rule, &with(r#"pool_recycle: "30min""#, "pool_mode: Transaction")).expect("a note").starts_with("note"));
        is_quiet(rule, &with("", "pool_mode: Transaction"));
    }

    #[test]
    fn a_lifetime_of_zero_is_not_off() {
        assert!(found("server-lifetime-zero", &with("", r#"server_lifetime: "0s""#)).is_some());
        is_quiet("server-lifetime-zero", &with("", ""));
    }
}
