//! More statements than one PgBouncer process can pass on.

use super::fleet::pgbouncer;
use super::{Finding, Rule, System, holds};
use crate::answers::demand;
use crate::answers::words::{mean, percent};

pub(super) const RULE: Rule = Rule { name: "pgbouncer-core", about: "more statements than PgBouncer's single process can pass on", apply };

const BUSY: f64 = 0.7;

fn apply(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint) else { return Vec::new() };
    let streams = system.blueprint.workload.iter();
    let statements: f64 = streams.filter_map(|stream| Some(holds::rate(stream)? * demand::of(&stream.steps).statements)).sum();
    let busy = statements * proxy.cpu_per_query.seconds();
    if busy < BUSY {
        return Vec::new();
    }
    let message = format!("PgBouncer's one process is {} busy", percent(busy));
    let finding = if busy >= 1.0 { Finding::error(message) } else { Finding::warning(message) };
    let sum = format!("{}/s × {} = {}", mean(statements), proxy.cpu_per_query, percent(busy));
    let finding = finding.at("proxy.cpu_per_query", sum).why("PgBouncer is one thread: when its core is full, every statement waits in it");
    vec![finding.help(format!("{} processes behind one port (so_reuseport), which share the limits out among them", (busy / 0.5).ceil()))]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn one_core_passes_forty_thousand_statements_a_second_and_no_more() {
        let load = |rate: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Session([Query(Constant("10us"))])])], proxy: PgBouncer(pool_mode: Transaction)"#
            )
        };
        assert!(found("pgbouncer-core", &load(41_000)).expect("1.03").starts_with("error"));
        assert!(found("pgbouncer-core", &load(30_000)).expect("0.75").starts_with("warning"));
        is_quiet("pgbouncer-core", &load(20_000));
    }
}
