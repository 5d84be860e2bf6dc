//! The most connections that there can be: the pools of all workers, what a proxy lets through, what the database takes.

use crate::answers::demand;
use crate::answers::words::{count, plural};
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::{PgBouncer, PoolMode};
use crate::simulation::blueprint::{AppSpec, Blueprint};

use super::pools::habits;
use super::{System, of_app};

/// The worst case of a system, as a table shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// "4 × 30", and what it comes to; nothing without a limit.
    pub pools: (String, Option<u64>),
    /// The same while workers are replaced, with what is there twice.
    pub deploy: Option<u64>,
    /// What the proxy lets through at most, if there is one with a limit.
    pub proxy: Option<u64>,
    /// The most at the database, and while workers are replaced.
    pub database: [Option<u64>; 2],
    /// Slots that the database has for it.
    pub slots: u64,
}

/// The worst case of a system.
pub fn worst(system: &System) -> Worst {
    let blueprint = system.blueprint;
    let pools = fleet(blueprint);
    let proxy = match &blueprint.proxy {
        ProxySpec::PgBouncer(proxy) => servers(proxy).map(|limit| limit.connections),
        ProxySpec::RdsProxy(_) => rds_quota(blueprint),
        ProxySpec::Direct => None,
    };
    let database = [pools, deploy(system)].map(|clients| clients.into_iter().chain(proxy).min());
    Worst { pools: (sum(blueprint), pools), deploy: deploy(system), proxy, database, slots: slots(blueprint) }
}

/// Connections that all pools may have open at once; nothing if one has no limit.
pub(super) fn fleet(blueprint: &Blueprint) -> Option<u64> {
    blueprint.apps.iter().map(|app| of(app, blueprint)).try_fold(0, |sum, most| Some(u64::saturating_add(sum, most?)))
}

/// What all pools keep open when nothing happens.
pub(super) fn kept(blueprint: &Blueprint) -> u64 {
    let kept = |app: &AppSpec| {
        let each = habits(&app.pool).kept.min(each(app, blueprint).unwrap_or(u64::MAX));
        each.saturating_mul(u64::from(app.workers))
    };
    blueprint.apps.iter().map(kept).fold(0, u64::saturating_add)
}

/// The fleet while a new version is rolled out: so many workers of one app are there twice.
pub(super) fn deploy(system: &System) -> Option<u64> {
    let twice = |app: &AppSpec| Some(each(app, system.blueprint)?.saturating_mul(system.surge.unwrap_or(1).min(u64::from(app.workers))));
    let more = system.blueprint.apps.iter().filter_map(twice).max()?;
    Some(fleet(system.blueprint)?.saturating_add(more))
}

/// A limit that the fleet keeps, but not while a new version is rolled out.
pub(super) struct Rollout {
    /// "up to 225 (1 worker more at a time)", or "2 × 180 = 360".
    pub words: String,
    /// Whether replacing workers a few at a time is too much already, or only all of them at once.
    pub rolling: bool,
}

/// What a deploy does to a limit of `limit` connections. Where a file says how it is done, nothing else is thought of.
pub(super) fn rollout(system: &System, limit: u64) -> Option<Rollout> {
    let (most, during) = (fleet(system.blueprint)?, deploy(system)?);
    let all = most.saturating_mul(2);
    if most <= limit && during > limit {
        let words = format!("up to {} ({} more at a time)", count(during), plural(system.surge.unwrap_or(1), "worker"));
        return Some(Rollout { words, rolling: true });
    }
    let at_once = most <= limit && all > limit && system.surge.is_none();
    at_once.then(|| Rollout { words: format!("2 × {} = {}", count(most), count(all)), rolling: false })
}

/// The pools of an app: all its workers'.
pub(super) fn of(app: &AppSpec, blueprint: &Blueprint) -> Option<u64> {
    Some(each(app, blueprint)?.saturating_mul(u64::from(app.workers)))
}

/// Connections of one worker of an app: what its pool allows, or what the requests that it handles at once can ask for.
pub(super) fn each(app: &AppSpec, blueprint: &Blueprint) -> Option<u64> {
    let asked = app.concurrency.map(|at_once| u64::from(at_once) * u64::from(depth(app, blueprint)));
    app.pool.kind().most_connections().into_iter().chain(asked).min()
}

/// Connections that one request of an app holds at once at most.
pub(super) fn depth(app: &AppSpec, blueprint: &Blueprint) -> u32 {
    let streams = blueprint.workload.iter().filter(|stream| stream.app == app.name);
    streams.map(|stream| demand::of(&stream.steps).depth).max().unwrap_or(0).max(1)
}

/// Slots that the database has for applications.
pub(super) fn slots(blueprint: &Blueprint) -> u64 {
    u64::from(blueprint.database.max_connections.saturating_sub(blueprint.database.superuser_reserved_connections))
}

/// "100 − 3 reserved = 97".
pub(super) fn slots_in_words(blueprint: &Blueprint) -> String {
    let database = &blueprint.database;
    format!("{} − {} reserved = {}", database.max_connections, database.superuser_reserved_connections, count(slots(blueprint)))
}

/// "4 × 30", or "api 4 × 30 + jobs 2 × 5" of several apps.
pub(super) fn sum(blueprint: &Blueprint) -> String {
    let several = blueprint.apps.len() > 1;
    let one = |app: &AppSpec| {
        let each = each(app, blueprint).map_or("∞".to_owned(), count);
        format!("{}{} × {each}", if several { format!("{} ", app.name) } else { String::new() }, app.workers)
    };
    blueprint.apps.iter().map(one).collect::<Vec<_>>().join(" + ")
}

/// Points at what the fleet is made of: each app's pool with its arithmetic, and how many workers.
pub(super) fn labels(blueprint: &Blueprint) -> Vec<(String, String)> {
    let one = |app: &AppSpec| {
        let size = app.pool.kind().size();
        let asked = app.pool.kind().most_connections() != each(app, blueprint);
        let each = match each(app, blueprint) {
            Some(each) if asked => format!("{each} at once (concurrency)"),
            _ if size.contains('+') => format!("({})", size.replace('+', " + ")),
            _ => size,
        };
        let all = of(app, blueprint).map_or("∞".to_owned(), count);
        let workers = (of_app(&app.name, "workers"), String::new());
        [(of_app(&app.name, "pool"), format!("{} × {each} = {all}", app.workers)), workers]
    };
    blueprint.apps.iter().flat_map(one).collect()
}

/// PgBouncer, if it stands between.
pub(super) fn pgbouncer(blueprint: &Blueprint) -> Option<&PgBouncer> {
    if let ProxySpec::PgBouncer(proxy) = &blueprint.proxy { Some(proxy) } else { None }
}

/// Whether a server connection is a client's for one transaction only.
pub(super) fn multiplexes(proxy: &PgBouncer) -> bool {
    proxy.pool_mode != PoolMode::Session
}

/// What keeps PgBouncer from opening more server connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// How many.
    pub connections: u64,
    /// The setting that says so.
    pub setting: &'static str,
}

impl Limit {
    /// The path of the setting.
    pub fn path(self) -> String {
        format!("proxy.{}", self.setting)
    }
}

/// The lowest of PgBouncer's limits for one database and one user; nothing if a pool has no limit (a size of 0).
pub(super) fn servers(proxy: &PgBouncer) -> Option<Limit> {
    let reserve = if proxy.reserve_pool_timeout.is_zero() { 0 } else { proxy.reserve_pool_size };
    let pool = u64::from(proxy.default_pool_size) + u64::from(reserve);
    let pool = (proxy.default_pool_size > 0).then_some(Limit { connections: pool, setting: "default_pool_size" });
    let caps = [("max_db_connections", proxy.max_db_connections), ("max_user_connections", proxy.max_user_connections)];
    let caps = caps.into_iter().filter(|(_, cap)| *cap > 0).map(|(setting, cap)| Limit { connections: u64::from(cap), setting });
    // The first of equals: default_pool_size is what people know.
    pool.into_iter().chain(caps).min_by_key(|limit| limit.connections)
}

/// Connections that RDS Proxy may open: never more than the slots.
pub(super) fn rds_quota(blueprint: &Blueprint) -> Option<u64> {
    let ProxySpec::RdsProxy(proxy) = &blueprint.proxy else { return None };
    let quota = (f64::from(blueprint.database.max_connections) * proxy.max_connections_percent / 100.0) as u64;
    Some(quota.min(slots(blueprint)))
}
