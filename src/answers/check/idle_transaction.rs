//! Pauses inside transactions, against the limits on sessions that are idle in one.

use super::fleet::pgbouncer;
use super::holds::begins;
use super::{Finding, Rule, System, of_stream};
use crate::answers::words::seconds;
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::client::StreamSpec;
use crate::protocol::program::StepSpec;

pub(super) const RULE: Rule =
    Rule { name: "idle-in-transaction", about: "pauses inside a transaction that are longer than such a session may be idle", apply };

fn apply(system: &System) -> Vec<Finding> {
    let database = ("database.idle_in_transaction_session_timeout", system.blueprint.database.idle_in_transaction_session_timeout);
    let proxy = pgbouncer(system.blueprint).map(|proxy| ("proxy.idle_transaction_timeout", proxy.idle_transaction_timeout));
    let limits = [Some(database), proxy].into_iter().flatten().filter(|(_, limit)| !limit.is_zero());
    let Some((path, limit)) = limits.min_by_key(|(_, limit)| *limit) else { return Vec::new() };
    system.blueprint.workload.iter().filter_map(|stream| finding(stream, path, limit, system)).collect()
}

fn finding(stream: &StreamSpec, path: &str, limit: Span, system: &System) -> Option<Finding> {
    let app = system.blueprint.apps.iter().find(|app| app.name == stream.app)?;
    let pause = pauses(&stream.steps, begins(&app.pool), false, &mut false)
        .into_iter()
        .map(|time| time.prepare().quantile(0.99))
        .fold(0.0, f64::max);
    let pause = Span::from_nanos_f64(pause);
    (pause >= limit).then(|| {
        Finding::error(format!("{} pauses inside its transaction for longer than {limit}", stream.name))
            .at(of_stream(&stream.name, "steps"), format!("one pause in a hundred is {} or longer", seconds(pause.seconds())))
            .at(path, format!("the session is ended after {limit}"))
            .why("the connection is closed under the request, and the transaction is lost")
            .help("pause before the transaction or after it; a connection idle in a transaction also keeps its locks")
    })
}

/// The pauses between BEGIN and COMMIT. `begun`: a statement of the session has begun a transaction by itself.
fn pauses<'a>(steps: &'a [StepSpec], autobegin: bool, inside: bool, begun: &mut bool) -> Vec<&'a LatencySpec> {
    let mut found = Vec::new();
    for step in steps {
        match step {
            StepSpec::Work(time) | StepSpec::Await(time) | StepSpec::Block(time) if inside || *begun => found.push(time),
            StepSpec::Query(_) => *begun |= autobegin,
            StepSpec::Session(inner) => found.extend(pauses(inner, autobegin, inside, &mut false)),
            StepSpec::Transaction(inner) => {
                found.extend(pauses(inner, autobegin, true, begun));
                *begun = false;
            }
            StepSpec::Repeat(_, inner) => found.extend(pauses(inner, autobegin, inside, begun)),
            StepSpec::Choose(branches) => found.extend(branches.iter().flat_map(|(_, inner)| pauses(inner, autobegin, inside, begun))),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_request_to_another_service_inside_a_transaction_outlasts_the_patience_of_the_server() {
        let pause = |steps: &str| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 1), steps: [Session([{steps}])])], database: (idle_in_transaction_session_timeout: "10s")"#
            )
        };
        let rule = "idle-in-transaction";
        let said = found(rule, &pause(r#"Transaction([Query(Constant("1ms")), Await(Exponential(mean: "3s"))])"#)).expect("p99 is 13.8 s");
        assert!(said.contains("one pause in a hundred is 14 s"), "{said}");
        assert!(found(rule, &pause(r#"Query(Constant("1ms")), Await(Constant("20s"))"#)).is_some(), "SQLAlchemy has begun a transaction");
        is_quiet(rule, &pause(r#"Await(Constant("20s")), Query(Constant("1ms"))"#));
        is_quiet(rule, &pause(r#"Transaction([Query(Constant("1ms")), Await(Constant("3s"))])"#));
    }
}
