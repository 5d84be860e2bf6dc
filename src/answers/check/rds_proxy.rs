//! Pinned clients in RDS Proxy, each of which has a database connection to itself.

use super::fleet::{fleet, labels, rds_quota};
use super::{Finding, Rule, System};
use crate::answers::words::{count, percent};
use crate::parts::proxy::ProxySpec;

pub(super) const PINNED: Rule = Rule { name: "rds-proxy-pinning", about: "pinned clients that can use up RDS Proxy's connections", apply };

fn apply(system: &System) -> Vec<Finding> {
    let ProxySpec::RdsProxy(proxy) = &system.blueprint.proxy else { return Vec::new() };
    let (Some(quota), Some(most)) = (rds_quota(system.blueprint), fleet(system.blueprint)) else { return Vec::new() };
    if proxy.pin_probability <= 0.0 || most <= quota {
        return Vec::new();
    }
    let finding = Finding::warning(format!("pinned clients can use up RDS Proxy's {} database connections", count(quota)))
        .at("proxy.pin_probability", format!("{} of transactions pin their client", percent(proxy.pin_probability)))
        .all(labels(system.blueprint))
        .why(format!(
            "a pinned client keeps its database connection until it disconnects, which a pooled one does not: sooner or later {} clients want {}",
            count(most),
            count(quota)
        ))
        .help("avoid what pins (SET, temporary tables, advisory locks, statements above 16 kB); or pools that recycle");
    vec![finding]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_pool_never_lets_go_of_what_the_proxy_pinned() {
        let pinning = |p: f64| {
            format!(
                r#"apps: [App(name: "api", workers: 10, pool: SqlAlchemy(pool_size: 5, max_overflow: 10))], proxy: RdsProxy(pin_probability: {p})"#
            )
        };
        assert!(found("rds-proxy-pinning", &pinning(0.01)).expect("150 of 97").contains("150 clients want 97"));
        is_quiet("rds-proxy-pinning", &pinning(0.0));
    }
}
