//! How long one statement may run, against how long others wait.

use super::pools::habits;
use super::{Finding, Rule, System, of_app, of_stream};
use crate::kernel::time::Span;

pub(super) const LONGER_THAN_POOL_TIMEOUT: Rule = Rule {
    name: "statement-timeout-over-pool-timeout",
    about: "statements that may hold a connection for longer than others wait for it",
    apply: longer,
};
pub(super) const NONE: Rule =
    Rule { name: "no-statement-timeout", about: "statements that go on when their client has given up", apply: none };

const PATH: &str = "database.statement_timeout";

fn longer(system: &System) -> Vec<Finding> {
    let timeout = system.blueprint.database.statement_timeout;
    let shorter = system.blueprint.apps.iter().filter_map(|app| match habits(&app.pool).wait? {
        (field, Some(patience)) if patience < timeout && patience > Span::ZERO => Some((app, field, patience)),
        _ => None,
    });
    let finding = |(app, field, patience): (&crate::simulation::blueprint::AppSpec, &str, Span)| {
        Finding::warning(format!("one statement may run for {timeout}, others wait {patience} for its connection"))
            .at(PATH, format!("a statement may take {timeout}"))
            .at(of_app(&app.name, &format!("pool.{field}")), format!("a waiter gives up after {patience}"))
            .why(format!(
                "a few slow statements (a report, a lock) hold all connections of a pool, and everybody else in {} fails",
                app.name
            ))
            .help(format!("statement_timeout below {patience}; what must run longer gets a pool of its own"))
    };
    shorter.map(finding).collect()
}

fn none(system: &System) -> Vec<Finding> {
    let impatient = system.blueprint.workload.iter().find_map(|stream| Some((stream, stream.deadline?)));
    match impatient {
        Some((stream, deadline)) if system.blueprint.database.statement_timeout.is_zero() => vec![
            Finding::note("statements go on when their clients have given up")
                .at(PATH, "no limit")
                .at(of_stream(&stream.name, "deadline"), format!("the client gives up after {deadline}"))
                .why("a client that closes its connection does not stop its statement: the work is done for nobody, and retries add to it")
                .help(format!("statement_timeout of {deadline} or less")),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn one_slow_report_starves_the_api() {
        let timeout = |span: &str| format!(r#"database: (statement_timeout: "{span}")"#);
        let said = found("statement-timeout-over-pool-timeout", &timeout("5min")).expect("5 min > 30 s");
        assert!(said.contains("statement_timeout below 30s"), "{said}");
        is_quiet("statement-timeout-over-pool-timeout", &timeout("30s"));
        is_quiet("statement-timeout-over-pool-timeout", "");
    }

    #[test]
    fn the_statement_of_a_client_that_left_goes_on() {
        let impatient =
            r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 5), steps: [Session([Query(Constant("1ms"))])], deadline: "30s")]"#;
        assert!(found("no-statement-timeout", impatient).expect("no limit").starts_with("note"));
        is_quiet("no-statement-timeout", &format!(r#"{impatient}, database: (statement_timeout: "30s")"#));
        is_quiet("no-statement-timeout", "");
    }
}
