//! More clients than PgBouncer lets in.

use super::fleet::{fleet, labels, pgbouncer, rollout, sum};
use super::{Finding, Rule, System};
use crate::answers::words::count;
use crate::parts::proxy::pgbouncer::PgBouncer;

pub(super) const RULE: Rule =
    Rule { name: "clients-over-max-client-conn", about: "pools that can open more connections than PgBouncer accepts", apply };
pub(super) const DEPLOY: Rule =
    Rule { name: "deploy-over-max-client-conn", about: "the same while old and new workers are both there", apply: deploys };

fn apply(system: &System) -> Vec<Finding> {
    let (Some(proxy), Some(most)) = (pgbouncer(system.blueprint), fleet(system.blueprint)) else { return Vec::new() };
    let (setting, limit) = lowest(proxy);
    if most <= limit {
        return Vec::new();
    }
    let finding = Finding::error("pools can open more connections than PgBouncer accepts")
        .at(format!("proxy.{setting}"), format!("{} clients", count(limit)))
        .all(labels(system.blueprint))
        .why(format!(
            "{} = {} against {}: PgBouncer refuses the others at once, with \"no more connections allowed\"",
            sum(system.blueprint),
            count(most),
            count(limit)
        ))
        .help(format!("{setting} of {} and room for a deploy; clients that wait cost PgBouncer a few kB each", count(most)));
    vec![finding]
}

fn deploys(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let (Some(proxy), Some(most)) = (pgbouncer(blueprint), fleet(blueprint)) else { return Vec::new() };
    let (setting, limit) = lowest(proxy);
    let Some(deploy) = rollout(system, limit) else { return Vec::new() };
    let finding = match deploy.rolling {
        true => Finding::warning("a rolling deploy opens more connections than PgBouncer accepts"),
        false => Finding::note("replacing all workers at once opens more connections than PgBouncer accepts"),
    };
    let finding = finding.at(format!("proxy.{setting}"), format!("{} clients", count(limit))).all(labels(blueprint)).why(format!(
        "while new workers start before old ones have stopped there are {}, against {}",
        deploy.words,
        count(limit)
    ));
    vec![finding.help(format!("{setting} of {}", count(most.saturating_mul(2))))]
}

/// The lowest limit of clients for one database and one user.
fn lowest(proxy: &PgBouncer) -> (&'static str, u64) {
    let limits = [
        ("max_client_conn", proxy.max_client_conn),
        ("max_db_client_connections", proxy.max_db_client_connections),
        ("max_user_client_connections", proxy.max_user_client_connections),
    ];
    let on = limits.into_iter().filter(|(setting, limit)| *limit > 0 || *setting == "max_client_conn");
    let (setting, limit) = on.min_by_key(|(_, limit)| *limit).expect("there is always max_client_conn");
    (setting, u64::from(limit))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_fleet_beyond_the_default_of_a_hundred_clients_is_refused() {
        let fleet = r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20))], proxy: PgBouncer(pool_mode: Transaction)"#;
        let said = found("clients-over-max-client-conn", fleet).expect("120 are more than 100");
        assert!(said.contains("max_client_conn is unset: 100 clients") && said.contains("4 × 30 = 120 against 100"), "{said}");
        is_quiet("clients-over-max-client-conn", &fleet.replace("Transaction)", "Transaction, max_client_conn: 120)"));
    }

    #[test]
    fn a_limit_for_the_fleet_alone_is_too_small_for_its_deploy() {
        let fleet = r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20))], proxy: PgBouncer(max_client_conn: 200)"#;
        let said = found("deploy-over-max-client-conn", fleet).expect("240 are more than 200");
        assert!(said.starts_with("note") && said.contains("2 × 120 = 240"), "{said}");
        let tight = found("deploy-over-max-client-conn", &fleet.replace("200", "130")).expect("150 are more than 130");
        assert!(tight.starts_with("warning") && tight.contains("up to 150"), "{tight}");
        is_quiet("deploy-over-max-client-conn", &fleet.replace("200", "1000"));
    }
}
