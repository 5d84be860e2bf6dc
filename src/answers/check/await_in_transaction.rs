//! Connections that are held while their holder waits for something that is no database.

use super::fleet::{multiplexes, pgbouncer};
use super::{Finding, Rule, System, holds, of_stream};
use crate::answers::demand;
use crate::answers::words::{percent, seconds};
use crate::parts::client::StreamSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::program::StepSpec;

pub(super) const TRANSACTION: Rule =
    Rule { name: "await-in-transaction", about: "transactions that keep a proxy's server connection while they wait", apply: transactions };
pub(super) const SESSION: Rule =
    Rule { name: "await-in-session", about: "sessions that mostly wait for something else than the database", apply: sessions };

/// From this share on waiting is what the connection is mostly held for.
const MOSTLY: f64 = 0.5;

fn transactions(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    if !matches!(blueprint.proxy, ProxySpec::RdsProxy(_)) && !pgbouncer(blueprint).is_some_and(multiplexes) {
        return Vec::new();
    }
    let finding = |stream: &StreamSpec| {
        let (awaits, held) = (awaits(&stream.steps, false), holds::of(stream, blueprint).servers);
        (awaits > 0.3 * held).then(|| {
            Finding::warning(format!("{} waits for something else inside its transaction", stream.name))
                .at(
                    of_stream(&stream.name, "steps"),
                    format!("{} of the {} that it holds a server connection", seconds(awaits), seconds(held)),
                )
                .why("a proxy can lend a server connection to somebody else only when the transaction has ended")
                .help("wait before the transaction, or commit first; locks are held for as long")
        })
    };
    blueprint.workload.iter().filter_map(finding).collect()
}

fn sessions(system: &System) -> Vec<Finding> {
    let finding = |stream: &StreamSpec| {
        let (awaits, held) = (demand::of(&stream.steps).awaits_in_session, holds::of(stream, system.blueprint).outer);
        (awaits > MOSTLY * held).then(|| {
            Finding::warning(format!(
                "{} holds a connection and waits for something else for {} of that time",
                stream.name,
                percent(awaits / held)
            ))
            .at(of_stream(&stream.name, "steps"), format!("Await inside a Session: {} of {}", seconds(awaits), seconds(held)))
            .why("the pool runs out of connections while the database has nothing to do")
            .help("wait before the session or between two; no pool size and no proxy gives back what is held idle")
        })
    };
    system.blueprint.workload.iter().filter_map(finding).collect()
}

/// Seconds of Await between BEGIN and COMMIT.
fn awaits(steps: &[StepSpec], inside: bool) -> f64 {
    let one = |step: &StepSpec| match step {
        StepSpec::Await(time) if inside => holds::mean(time),
        StepSpec::Transaction(inner) => awaits(inner, true),
        StepSpec::Session(inner) => awaits(inner, inside),
        StepSpec::Repeat(times, inner) => f64::from(*times) * awaits(inner, inside),
        StepSpec::Choose(branches) => {
            let total: f64 = branches.iter().map(|(weight, _)| weight).sum();
            branches.iter().map(|(weight, inner)| weight / total * awaits(inner, inside)).sum()
        }
        _ => 0.0,
    };
    steps.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    fn with(steps: &str) -> String {
        format!(
            r#"workload: [Stream(name: "pay", arrivals: Poisson(rate: 1), steps: [{steps}])], proxy: PgBouncer(pool_mode: Transaction)"#
        )
    }

    #[test]
    fn a_payment_service_asked_inside_the_transaction_holds_the_proxys_connection() {
        let inside = with(r#"Session([Transaction([Query(Constant("5ms")), Await(Constant("95ms"))])])"#);
        assert!(found("await-in-transaction", &inside).expect("95 of 100 ms").contains("95.0 ms of the 100 ms"));
        is_quiet("await-in-transaction", &inside.replace("pool_mode: Transaction", "pool_mode: Session"));
        is_quiet("await-in-transaction", &with(r#"Await(Constant("95ms")), Session([Transaction([Query(Constant("5ms"))])])"#));
    }

    #[test]
    fn an_endpoint_that_waits_in_its_session_holds_a_connection_idle() {
        let inside = with(r#"Session([Query(Constant("5ms")), Await(Constant("95ms"))])"#);
        assert!(found("await-in-session", &inside).expect("95 of 100 ms").contains("for 95 % of that time"));
        is_quiet("await-in-session", &with(r#"Session([Query(Constant("5ms"))]), Await(Constant("95ms"))"#));
    }
}
