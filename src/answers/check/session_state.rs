//! State in a server's session, through a proxy that gives each transaction another session. A run notes it too.

use super::fleet::{multiplexes, pgbouncer};
use super::{Finding, Rule, System, of_stream};
use crate::parts::proxy::ProxySpec;
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::Blueprint;

pub(super) const RULE: Rule =
    Rule { name: "session-state", about: "session state (SET, temporary tables, LISTEN …) through transaction mode", apply };

/// The same as notes beside a result: the run itself takes no notice of the state, so its figures look as good as ever.
pub fn notes(blueprint: &Blueprint) -> Vec<String> {
    findings(blueprint).map(|finding| format!("{}: {}", finding.message, finding.why.join("; "))).collect()
}

fn apply(system: &System) -> Vec<Finding> {
    findings(system.blueprint).collect()
}

fn findings(blueprint: &Blueprint) -> impl Iterator<Item = Finding> {
    let stateful = blueprint.workload.iter().filter_map(|stream| Some((stream, state(&stream.steps)?)));
    stateful.filter_map(|(stream, state)| finding(&stream.name, state, blueprint))
}

fn finding(stream: &str, state: &str, blueprint: &Blueprint) -> Option<Finding> {
    let at = of_stream(stream, "steps");
    match &blueprint.proxy {
        ProxySpec::RdsProxy(proxy) if proxy.pin_probability == 0.0 => Some(
            Finding::warning(format!("{stream} keeps session state ({state}), which pins it in RDS Proxy"))
                .at("proxy.pin_probability", "0: nothing is ever pinned here")
                .at(at, state)
                .why("a pinned client has its database connection to itself until it disconnects, which a pool puts off for ever")
                .help("SET LOCAL inside the transaction instead; or say pin_probability, so that a run shows what it costs"),
        ),
        _ => {
            let proxy = pgbouncer(blueprint).filter(|proxy| multiplexes(proxy))?;
            let why = match proxy.server_reset_query_always {
                true => "server_reset_query_always takes it away after each transaction: the next one of the same client misses it",
                false => {
                    "the next transaction may run on another server connection, where it is missing, and another client's on this one, where it is found: with row-level security that shows one tenant's rows to another"
                }
            };
            Some(
                Finding::error(format!("{stream} keeps session state ({state}) through {:?} mode", proxy.pool_mode))
                    .at(at, state)
                    .at("proxy.pool_mode", "each transaction may get another server connection")
                    .why(why)
                    .help("SET LOCAL or set_config(…, true) inside the transaction; or a second PgBouncer entry in session mode for it"),
            )
        }
    }
}

/// The first state that these steps keep.
fn state(steps: &[StepSpec]) -> Option<&str> {
    steps.iter().find_map(|step| match step {
        StepSpec::SessionState(what) => Some(what.as_str()),
        StepSpec::Session(inner) | StepSpec::Transaction(inner) | StepSpec::Repeat(_, inner) => state(inner),
        StepSpec::Choose(branches) => branches.iter().find_map(|(_, inner)| state(inner)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_tenant_that_is_set_in_the_session_is_seen_by_others_in_transaction_mode() {
        let tenant = |proxy: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 5), steps: [Session([SessionState("set_config app.tenant"), Query(Constant("1ms"))])])], proxy: {proxy}"#
            )
        };
        let said = found("session-state", &tenant("PgBouncer(pool_mode: Transaction)")).expect("it leaks");
        assert!(said.starts_with("error") && said.contains("set_config app.tenant") && said.contains("another client's"), "{said}");
        let pinned = found("session-state", &tenant("RdsProxy()")).expect("it pins");
        assert!(pinned.starts_with("warning") && pinned.contains("pin_probability"), "{pinned}");
        is_quiet("session-state", &tenant("PgBouncer(pool_mode: Session)"));
        is_quiet("session-state", &tenant("Direct"));
    }
}
