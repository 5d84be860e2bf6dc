//! Connections that a pool keeps for longer than something on the way lets them be idle.

use super::fleet::{multiplexes, pgbouncer};
use super::pools::habits;
use super::{Finding, Rule, System, holds, of_app};
use crate::kernel::time::Span;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::AppSpec;

pub(super) const PROXY: Rule = Rule {
    name: "pool-outlives-idle-limit",
    about: "a pool that keeps connections which the proxy closes when they are idle",
    apply: proxy,
};
pub(super) const NETWORK: Rule =
    Rule { name: "pool-outlives-firewall", about: "a pool that keeps connections which a firewall on the way may forget", apply: network };

/// What the usual ones remember an idle connection for: Azure's load balancer 4 min, AWS's NAT gateway and NLB 350 s,
/// Google's cloud 10 min.
const FIREWALL: Span = Span::from_secs(350);
/// A round trip that leaves the machine, in seconds.
const NETWORKED: f64 = 100e-6;

fn proxy(system: &System) -> Vec<Finding> {
    let (path, limit) = match &system.blueprint.proxy {
        ProxySpec::RdsProxy(proxy) => ("proxy.idle_client_timeout", proxy.idle_client_timeout),
        // In session mode a client that has sent a statement is linked, and the timeout does not apply to it.
        _ => match pgbouncer(system.blueprint).filter(|proxy| multiplexes(proxy) && !proxy.client_idle_timeout.is_zero()) {
            Some(proxy) => ("proxy.client_idle_timeout", proxy.client_idle_timeout),
            None => return Vec::new(),
        },
    };
    let finding = |(app, asks): (&AppSpec, Option<&str>)| {
        let message = format!("the proxy closes idle connections of {} after {limit}, its pool keeps them", app.name);
        let (finding, why, help) = match asks {
            None => (
                Finding::warning(message),
                "after a quiet spell the first requests meet connections that are closed, and fail",
                format!("replace connections before that ({}), or ask them first (pre-ping)", lifetime(app, limit)),
            ),
            Some(field) => (
                Finding::note(message),
                "the pool finds out when it asks, so nobody fails, but after a quiet spell every connection is opened anew while requests wait",
                format!("{field} is right to be on; a longer limit at the proxy would save the reconnects"),
            ),
        };
        finding
            .at(path, format!("closed after {limit} without a statement"))
            .at(of_app(&app.name, "pool"), "kept for longer")
            .why(why)
            .help(help)
    };
    keepers(system, limit).map(finding).collect()
}

fn network(system: &System) -> Vec<Finding> {
    if holds::mean(&system.blueprint.network.app) < NETWORKED {
        return Vec::new();
    }
    let finding = |(app, _): (&AppSpec, Option<&str>)| {
        Finding::note(format!("{} keeps idle connections for longer than many networks remember them", app.name))
            .at(of_app(&app.name, "pool"), "neither replaced before that nor asked first")
            .why("AWS's NAT gateway and network load balancer forget a silent connection after 350 s, Azure's after 4 min, and tell nobody: the next statement hangs until TCP gives up, about 15 min")
            .help(format!("{}; or ask first (pre-ping), or TCP keepalives", lifetime(app, Span::from_secs(240))))
    };
    keepers(system, FIREWALL).filter(|(_, asks)| asks.is_none()).map(finding).collect()
}

/// Apps whose pools keep a connection idle for longer than `limit`, and the switch that asks it first, if it is on.
fn keepers<'a>(system: &System<'a>, limit: Span) -> impl Iterator<Item = (&'a AppSpec, Option<&'static str>)> {
    system.blueprint.apps.iter().filter_map(move |app| {
        let habits = habits(&app.pool);
        let replaced = habits.lifetime.and_then(|(_, age)| age).is_some_and(|age| age <= limit);
        let closed = habits.idle.is_some_and(|idle| idle <= limit);
        (habits.kept > 0 && !replaced && !closed).then_some((app, habits.asks))
    })
}

fn lifetime(app: &AppSpec, limit: Span) -> String {
    match habits(&app.pool).lifetime {
        Some((field, _)) => format!("{field} below {limit}"),
        None => format!("a lifetime below {limit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn rds_proxy_hangs_up_after_half_an_hour_and_the_pool_does_not_notice() {
        let rule = "pool-outlives-idle-limit";
        let pool = |more: &str| format!(r#"apps: [App(name: "api", pool: SqlAlchemy({more}))], proxy: RdsProxy()"#);
        let said = found(rule, &pool("")).expect("never replaced");
        assert!(said.starts_with("warning") && said.contains("pool_recycle below 30min"), "{said}");
        assert!(found(rule, &pool("pool_pre_ping: true")).expect("asked first").starts_with("note"));
        is_quiet(rule, &pool(r#"pool_recycle: "25min""#));
        is_quiet(rule, r#"proxy: PgBouncer(pool_mode: Session, client_idle_timeout: "1min")"#);
        assert!(found(rule, r#"proxy: PgBouncer(pool_mode: Transaction, client_idle_timeout: "1min")"#).is_some());
    }

    #[test]
    fn a_nat_gateway_forgets_what_was_silent_for_six_minutes() {
        let rule = "pool-outlives-firewall";
        let far = r#"network: (app: Constant("500us"))"#;
        assert!(found(rule, far).expect("never replaced").contains("350 s"));
        is_quiet(rule, &format!(r#"{far}, apps: [App(name: "api", pool: SqlAlchemy(pool_recycle: "5min"))]"#));
        is_quiet(rule, &format!(r#"{far}, apps: [App(name: "api", pool: SqlAlchemy(pool_pre_ping: true))]"#));
        is_quiet(rule, "");
    }
}
