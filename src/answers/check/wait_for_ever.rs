//! Requests that wait for a connection with no end.

use super::pools::habits;
use super::{Finding, Rule, System, of_app, of_stream};
use crate::simulation::blueprint::AppSpec;

pub(super) const RULE: Rule = Rule { name: "wait-for-ever", about: "requests that may wait for a connection with no end", apply };

fn apply(system: &System) -> Vec<Finding> {
    let endless = |app: &&AppSpec| match habits(&app.pool).wait {
        Some((_, patience)) => patience.is_none(),
        None => app.pool.kind().most_connections().is_some(),
    };
    let finding = |app: &AppSpec| {
        let stream = system.blueprint.workload.iter().find(|stream| stream.app == app.name && stream.deadline.is_none())?;
        let finding = Finding::warning(format!("requests of {} may wait for a connection for ever", stream.name));
        let finding = match habits(&app.pool).wait {
            Some((field, _)) => finding.at(of_app(&app.name, &format!("pool.{field}")), "no limit to the wait"),
            None => finding.at(of_app(&app.name, "pool"), "has no timeout of its own"),
        };
        Some(
            finding
                .at(of_stream(&stream.name, "deadline"), "nobody gives up either")
                .why("when a connection is lost, leaked or stuck, whoever waits for it waits until the process is restarted, and no error tells")
                .help("a timeout on acquiring, or a deadline (a context) on each request"),
        )
    };
    system.blueprint.apps.iter().filter(endless).filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn asyncpg_waits_for_ever_unless_it_is_told_otherwise() {
        let rule = "wait-for-ever";
        assert!(found(rule, r#"apps: [App(name: "api", pool: AsyncpgPool())]"#).expect("no timeout").contains("timeout is unset"));
        assert!(found(rule, r#"apps: [App(name: "api", pool: Pgx())]"#).expect("only a context").contains("no timeout of its own"));
        is_quiet(rule, r#"apps: [App(name: "api", pool: AsyncpgPool(timeout: "5s"))]"#);
        is_quiet(rule, r#"apps: [App(name: "api", pool: NullPool)]"#);
        is_quiet(rule, "");
    }
}
