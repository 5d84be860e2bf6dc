//! PgBouncer's `query_timeout`, which ends connections instead of statements.

use super::fleet::pgbouncer;
use super::{Finding, Rule, System};

pub(super) const RULE: Rule = Rule {
    name: "query-timeout-before-statement-timeout",
    about: "a query_timeout that closes connections instead of ending statements",
    apply,
};

fn apply(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint) else { return Vec::new() };
    let (ours, theirs) = (proxy.query_timeout, system.blueprint.database.statement_timeout);
    if ours.is_zero() || (!theirs.is_zero() && theirs < ours) {
        return Vec::new();
    }
    let server = if theirs.is_zero() { "never ends it".to_owned() } else { format!("would end it after {theirs}") };
    let finding = Finding::warning(format!("PgBouncer closes connections after {ours} instead of PostgreSQL cancelling the statement"))
        .at("proxy.query_timeout", format!("closes both connections after {ours}"))
        .at("database.statement_timeout", server)
        .why("the statement goes on in PostgreSQL with nobody to hear its answer, and both sides pay for new connections");
    vec![finding.help(format!("statement_timeout below {ours} in PostgreSQL, which cancels the statement and keeps the connection"))]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_query_timeout_alone_leaves_the_statement_running() {
        let rule = "query-timeout-before-statement-timeout";
        let proxy = r#"proxy: PgBouncer(query_timeout: "60s")"#;
        assert!(found(rule, proxy).expect("no statement_timeout").contains("statement_timeout below 1min"));
        is_quiet(rule, &format!(r#"{proxy}, database: (statement_timeout: "30s")"#));
        is_quiet(rule, "proxy: PgBouncer()");
    }
}
