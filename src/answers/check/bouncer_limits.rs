//! Limits of PgBouncer of which only one can bind.

use super::fleet::{pgbouncer, servers};
use super::{Finding, Rule, System};

pub(super) const RULE: Rule = Rule { name: "limit-that-never-binds", about: "a limit of PgBouncer that another one makes void", apply };

fn apply(system: &System) -> Vec<Finding> {
    let Some(proxy) = pgbouncer(system.blueprint).filter(|proxy| proxy.default_pool_size > 0) else { return Vec::new() };
    let Some(lowest) = servers(proxy) else { return Vec::new() };
    let caps = [("max_db_connections", proxy.max_db_connections), ("max_user_connections", proxy.max_user_connections)];
    let finding = |(setting, cap): (&str, u32)| {
        let (idle, binds) = if lowest.setting == "default_pool_size" {
            ((setting, u64::from(cap)), ("default_pool_size", u64::from(proxy.default_pool_size)))
        } else {
            (("default_pool_size", u64::from(proxy.default_pool_size)), (setting, u64::from(cap)))
        };
        Finding::note(format!("{} ({}) never binds: {} ({}) does", idle.0, idle.1, binds.0, binds.1))
            .at(format!("proxy.{}", idle.0), format!("{}, but", idle.1))
            .at(format!("proxy.{}", binds.0), format!("only {} server connections for one database and user", binds.1))
            .why("for one database and one user the lower of the two is the limit; the other only matters with several users or databases")
            .help(format!("say what is meant in default_pool_size; keep {setting} for the sum over users"))
    };
    caps.into_iter().filter(|(_, cap)| *cap > 0 && *cap != proxy.default_pool_size).take(1).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_hundred_connections_for_the_database_are_twenty_as_long_as_the_pool_is_twenty() {
        let rule = "limit-that-never-binds";
        let said = found(rule, "proxy: PgBouncer(max_db_connections: 100)").expect("20 binds");
        assert!(said.contains("max_db_connections (100) never binds: default_pool_size (20) does"), "{said}");
        let other = found(rule, "proxy: PgBouncer(default_pool_size: 50, max_db_connections: 30)").expect("30 binds");
        assert!(other.contains("default_pool_size (50) never binds"), "{other}");
        is_quiet(rule, "proxy: PgBouncer(default_pool_size: 50)");
        is_quiet(rule, "proxy: PgBouncer(default_pool_size: 50, max_db_connections: 50)");
    }
}
