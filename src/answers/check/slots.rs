//! More connections than PostgreSQL has slots: the pools alone, a proxy's, or while a deploy has both versions up.

use super::fleet::{fleet, labels, multiplexes, pgbouncer, rollout, servers, slots, slots_in_words, sum};
use super::{Finding, Rule, System};
use crate::answers::words::count;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::Blueprint;

pub(super) const POOLS_OVER_SLOTS: Rule =
    Rule { name: "pools-over-slots", about: "pools that can open more connections than the server has slots", apply: pools };
pub(super) const PROXY_OVER_SLOTS: Rule =
    Rule { name: "proxy-over-slots", about: "a proxy that may open more server connections than there are slots", apply: proxy };
pub(super) const DEPLOY_OVER_SLOTS: Rule =
    Rule { name: "deploy-over-slots", about: "pools that fit, but not while old and new workers are both there", apply: deploys };

const DATABASE: &str = "database.max_connections";

fn pools(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let (Some(most), slots) = (direct(blueprint), slots(blueprint)) else { return Vec::new() };
    if most <= slots {
        return Vec::new();
    }
    let finding = Finding::error("pools can open more connections than the server allows")
        .all(labels(blueprint))
        .at(DATABASE, slots_in_words(blueprint))
        .why(format!(
            "{} = {} connections against {} slots: the others are refused with \"sorry, too many clients already\", and the pools only find out under load",
            sum(blueprint), count(most), count(slots)
        ));
    vec![finding.help(fits(blueprint, slots))]
}

fn proxy(system: &System) -> Vec<Finding> {
    let (blueprint, slots) = (system.blueprint, slots(system.blueprint));
    let Some(proxy) = pgbouncer(blueprint) else { return Vec::new() };
    let limit = servers(proxy);
    let most = match (limit.map(|limit| limit.connections), fleet(blueprint)) {
        (Some(servers), Some(clients)) => servers.min(clients),
        (Some(most), None) | (None, Some(most)) => most,
        (None, None) => u64::MAX,
    };
    if most <= slots {
        return Vec::new();
    }
    let (path, text) = match limit {
        Some(limit) => (limit.path(), format!("up to {} server connections", count(limit.connections))),
        None => ("proxy.default_pool_size".to_owned(), "0 is no limit".to_owned()),
    };
    let remedy = if multiplexes(proxy) { "a few times the cores are enough in transaction mode" } else { "or raise max_connections" };
    let finding = Finding::error("PgBouncer may open more server connections than PostgreSQL has slots")
        .at(path, text)
        .at(DATABASE, slots_in_words(blueprint))
        .why(format!(
            "a refused login is tried again after server_login_retry ({}): meanwhile clients wait, and if no server connection is left they fail",
            proxy.server_login_retry
        ))
        .help(format!("default_pool_size of at most {}: {remedy}", count(slots)));
    vec![finding]
}

fn deploys(system: &System) -> Vec<Finding> {
    let (blueprint, slots) = (system.blueprint, slots(system.blueprint));
    let Some(deploy) = direct(blueprint).and_then(|_| rollout(system, slots)) else { return Vec::new() };
    let finding = match deploy.rolling {
        true => Finding::warning("a rolling deploy opens more connections than the server allows"),
        false => Finding::note("replacing all workers at once opens more connections than the server allows"),
    };
    let finding = finding.all(labels(blueprint)).at(DATABASE, slots_in_words(blueprint)).why(format!(
        "while new workers start before old ones have stopped there are {}, against {} slots",
        deploy.words,
        count(slots)
    ));
    vec![finding.help("leave room for the deploy: smaller pools, old workers stopped first, or PgBouncer in transaction mode between them")]
}

/// What the pools may open at the database itself.
fn direct(blueprint: &Blueprint) -> Option<u64> {
    matches!(blueprint.proxy, ProxySpec::Direct).then(|| fleet(blueprint)).flatten()
}

fn fits(blueprint: &Blueprint, slots: u64) -> String {
    let workers: u64 = blueprint.apps.iter().map(|app| u64::from(app.workers)).sum();
    match slots / workers.max(1) {
        0 => "more workers than slots: put PgBouncer in transaction mode between them".to_owned(),
        each => format!("at most {each} connections per worker, or PgBouncer in transaction mode between them"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn fifteen_and_thirty_in_each_worker_become_two_hundred_connections() {
        let five =
            r#"apps: [App(name: "api", workers: 5, pool: SqlAlchemy(pool_size: 15, max_overflow: 30))], database: (max_connections: 200)"#;
        let said = found("pools-over-slots", five).expect("225 are more than 197");
        assert!(said.contains("5 × (15 + 30) = 225") && said.contains("200 − 3 reserved = 197"), "{said}");
        assert!(said.contains("at most 39 connections per worker"), "{said}");
        is_quiet("pools-over-slots", &five.replace("workers: 5", "workers: 4"));
    }

    #[test]
    fn four_workers_fit_until_a_fifth_is_there_for_the_deploy() {
        let four =
            r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 15, max_overflow: 30))], database: (max_connections: 200)"#;
        let said = found("deploy-over-slots", four).expect("180 fit, 225 do not");
        assert!(said.contains("up to 225 (1 worker more at a time)"), "{said}");
        is_quiet("deploy-over-slots", &four.replace("max_connections: 200", "max_connections: 400"));
        let roomy =
            found("deploy-over-slots", &four.replace("max_connections: 200", "max_connections: 300")).expect("twice 180 do not fit");
        assert!(roomy.starts_with("note") && roomy.contains("2 × 180 = 360"), "{roomy}");
    }

    #[test]
    fn one_worker_at_its_limit_of_concurrency_opens_no_more_than_it_can_use() {
        let sync = r#"apps: [App(name: "api", workers: 48, concurrency: 1, pool: SqlAlchemy(pool_size: 5, max_overflow: 10))]"#;
        is_quiet("pools-over-slots", sync);
    }

    #[test]
    fn a_pgbouncer_without_a_limit_reaches_the_limit_of_postgresql() {
        let wide = r#"apps: [App(name: "api", workers: 8, pool: SqlAlchemy(pool_size: 20))], proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 150)"#;
        let said = found("proxy-over-slots", wide).expect("150 are more than 97");
        assert!(said.contains("up to 150 server connections") && said.contains("server_login_retry (15s)"), "{said}");
        is_quiet("proxy-over-slots", &wide.replace("150", "90"));
        assert!(found("proxy-over-slots", &wide.replace("150", "0")).expect("240 clients").contains("0 is no limit"));
    }
}
