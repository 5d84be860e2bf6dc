//! More work in transactions than the proxy has server connections for.

use super::fleet::{multiplexes, pgbouncer, rds_quota, servers};
use super::{Finding, Rule, System, holds};
use crate::answers::words::{count, mean, percent};

pub(super) const RULE: Rule =
    Rule { name: "proxy-overloaded", about: "transactions that need more server connections than a proxy has", apply };

const BUSY: f64 = 0.8;

fn apply(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let bouncer = pgbouncer(blueprint).filter(|proxy| multiplexes(proxy)).and_then(servers).map(|limit| (limit.connections, limit.path()));
    let rds = || rds_quota(blueprint).map(|quota| (quota, "proxy.max_connections_percent".to_owned()));
    let Some((limit, path)) = bouncer.or_else(rds) else { return Vec::new() };
    let each = blueprint.workload.iter().filter_map(|stream| Some((stream, holds::rate(stream)?, holds::of(stream, blueprint).servers)));
    let each: Vec<_> = each.collect();
    let needed: f64 = each.iter().map(|(_, rate, held)| rate * held).sum();
    if needed < BUSY * limit as f64 {
        return Vec::new();
    }
    let message = format!("transactions need {} of the proxy's server connections, before anybody waits", percent(needed / limit as f64));
    let finding = if needed >= limit as f64 { Finding::error(message) } else { Finding::warning(message) };
    let sums =
        each.iter().map(|(stream, rate, held)| (*stream, format!("{}/s × {:.1} ms = {}", mean(*rate), held * 1e3, mean(rate * held))));
    let wanted = (needed + 3.0 * needed.sqrt()).ceil();
    let finding = finding
        .at(path, format!("{} server connections", count(limit)))
        .all(holds::labels(sums))
        .why("a transaction keeps its server connection also while the application computes or waits between its statements");
    vec![finding.help(format!("about {wanted} server connections, if the database has the slots and cores; or shorter transactions"))]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_transaction_that_waits_for_another_service_takes_the_proxy_with_it() {
        let load = |rate: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Session([Transaction([Query(Constant("2ms")), Await(Constant("98ms"))])])])],
                   apps: [App(name: "api", pool: SqlAlchemy(pool_size: 90))], proxy: PgBouncer(pool_mode: Transaction)"#
            )
        };
        let said = found("proxy-overloaded", &load(250)).expect("25 of 20");
        assert!(said.starts_with("error") && said.contains("250.0/s × 100.0 ms = 25.0"), "{said}");
        is_quiet("proxy-overloaded", &load(150));
        is_quiet("proxy-overloaded", &load(250).replace("Transaction)", "Session)"));
    }
}
