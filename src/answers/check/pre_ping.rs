//! Asking a connection whether it lives, when it is a proxy that answers.

use super::fleet::{multiplexes, pgbouncer};
use super::pools::habits;
use super::{Finding, Rule, System, holds, of_app};
use crate::answers::demand;
use crate::answers::words::mean;
use crate::parts::proxy::ProxySpec;
use crate::protocol::driver::DriverSpec;
use crate::simulation::blueprint::AppSpec;

pub(super) const RULE: Rule =
    Rule { name: "pre-ping-through-proxy", about: "pings that ask another server connection than the one used next", apply };

fn apply(system: &System) -> Vec<Finding> {
    let (place, text) = match &system.blueprint.proxy {
        ProxySpec::RdsProxy(_) => ("proxy", "lends a database connection for each transaction"),
        _ if pgbouncer(system.blueprint).is_some_and(multiplexes) => {
            ("proxy.pool_mode", "each transaction may get another server connection")
        }
        _ => return Vec::new(),
    };
    // Switches that are on only for what was idle for long cost next to nothing.
    let switch = |app: &AppSpec| habits(&app.pool).asks.filter(|field| !matches!(*field, "aliveBypassWindow" | "pool_max_conn_idle_time"));
    let finding = |app: &AppSpec| {
        let field = switch(app)?;
        let checkouts: f64 = holds::streams(system.blueprint, app).map(|(stream, rate)| rate * demand::of(&stream.steps).sessions).sum();
        let trips = if app.driver == DriverSpec::Asyncpg { 3.0 } else { 1.0 };
        let finding = Finding::warning(format!("{field} of {} asks another server connection than the one that it uses next", app.name))
            .at(of_app(&app.name, &format!("pool.{field}")), "one more transaction for each checkout")
            .at(place, text);
        let finding = match checkouts > 0.0 {
            true => finding.why(format!(
                "{}/s checkouts × {trips} = {} round trips a second that take a server connection from others",
                mean(checkouts),
                mean(checkouts * trips)
            )),
            false => finding,
        };
        Some(
            finding
                .why("it only finds out whether the proxy is there; a server connection that died is the proxy's to notice (server_check_query)")
                .help(format!("{field} off; keep it only for a proxy that itself restarts often")),
        )
    };
    system.blueprint.apps.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_ping_through_transaction_mode_asks_somebody_else() {
        let rule = "pre-ping-through-proxy";
        let with =
            |proxy: &str| format!(r#"apps: [App(name: "api", driver: Asyncpg, pool: SqlAlchemy(pool_pre_ping: true))], proxy: {proxy}"#);
        let said = found(rule, &with("PgBouncer(pool_mode: Transaction)")).expect("10 checkouts a second");
        assert!(said.contains("10.0/s checkouts × 3 = 30.0 round trips"), "{said}");
        assert!(found(rule, &with("RdsProxy()")).is_some());
        is_quiet(rule, &with("PgBouncer(pool_mode: Session)"));
        is_quiet(rule, &with("Direct"));
        is_quiet(rule, "proxy: PgBouncer(pool_mode: Transaction)");
    }
}
