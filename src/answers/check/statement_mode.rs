//! Transactions through statement mode.

use super::fleet::pgbouncer;
use super::holds::begins;
use super::{Finding, Rule, System, of_app, of_stream};
use crate::parts::proxy::pgbouncer::PoolMode;
use crate::protocol::program::StepSpec;

pub(super) const RULE: Rule = Rule { name: "transactions-in-statement-mode", about: "transactions through statement mode", apply };

fn apply(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    if pgbouncer(blueprint).is_none_or(|proxy| proxy.pool_mode != PoolMode::Statement) {
        return Vec::new();
    }
    let explicit = blueprint.workload.iter().find(|stream| has_transaction(&stream.steps));
    let implicit = blueprint.apps.iter().find(|app| begins(&app.pool));
    let finding = Finding::error("transactions cannot pass statement mode").at("proxy.pool_mode", "a server connection for one statement");
    let finding = match (explicit, implicit) {
        (Some(stream), _) => finding.at(of_stream(&stream.name, "steps"), "a Transaction"),
        (None, Some(app)) => finding.at(of_app(&app.name, "pool"), "begins a transaction with the first statement"),
        (None, None) => return Vec::new(),
    };
    let why = "PgBouncer closes both connections with \"transaction blocks not allowed in statement pooling mode\"";
    vec![finding.why(why).help("pool_mode transaction")]
}

fn has_transaction(steps: &[StepSpec]) -> bool {
    steps.iter().any(|step| match step {
        StepSpec::Transaction(_) => true,
        StepSpec::Session(inner) | StepSpec::Repeat(_, inner) => has_transaction(inner),
        StepSpec::Choose(branches) => branches.iter().any(|(_, inner)| has_transaction(inner)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn sqlalchemy_begins_a_transaction_also_when_nobody_asked_for_one() {
        let rule = "transactions-in-statement-mode";
        assert!(found(rule, "proxy: PgBouncer(pool_mode: Statement)").expect("autobegin").contains("begins a transaction"));
        is_quiet(rule, "proxy: PgBouncer(pool_mode: Transaction)");
        is_quiet(rule, r#"proxy: PgBouncer(pool_mode: Statement), apps: [App(name: "api", pool: Deadpool(max_size: 5))]"#);
    }
}
