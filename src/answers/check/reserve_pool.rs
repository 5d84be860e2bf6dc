//! A reserve pool that is never used.

use super::fleet::pgbouncer;
use super::{Finding, Rule, System};

pub(super) const RULE: Rule = Rule { name: "reserve-pool-unused", about: "a reserve pool whose moment never comes", apply };

fn apply(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint).filter(|proxy| proxy.reserve_pool_size > 0) else { return Vec::new() };
    let (after, gone) = (proxy.reserve_pool_timeout, proxy.query_wait_timeout);
    let why = if after.is_zero() {
        "a reserve_pool_timeout of 0 switches the reserve off".to_owned()
    } else if !gone.is_zero() && after >= gone {
        format!("it opens when a client has waited {after}, but no client waits longer than query_wait_timeout ({gone})")
    } else {
        return Vec::new();
    };
    let finding = Finding::warning(format!("the reserve of {} server connections is never used", proxy.reserve_pool_size))
        .at("proxy.reserve_pool_timeout", format!("{after}"))
        .at("proxy.reserve_pool_size", "never opened")
        .why(why);
    vec![finding.help("a reserve_pool_timeout of a few seconds, well below query_wait_timeout")]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_reserve_that_opens_after_everybody_has_left_is_none() {
        let rule = "reserve-pool-unused";
        let with =
            |after: &str| format!(r#"proxy: PgBouncer(reserve_pool_size: 5, reserve_pool_timeout: "{after}", query_wait_timeout: "10s")"#);
        assert!(found(rule, &with("10s")).is_some());
        assert!(found(rule, &with("0s")).expect("off").contains("switches the reserve off"));
        is_quiet(rule, &with("3s"));
        is_quiet(rule, &with("10s").replace("reserve_pool_size: 5, ", ""));
    }
}
