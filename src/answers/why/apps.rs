//! Rules about application processes and their pools.

use super::{Advice, arrivals, counted, errors, is_long};
use crate::answers::demand::{self, Demand};
use crate::answers::document::{Answer, PoolUse};
use crate::answers::words::{count, mean, percent, plural, seconds};
use crate::parts::pool::PoolSpec;
use crate::parts::pool::sqlalchemy::SqlAlchemy;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::AppSpec;

/// An event loop this busy makes everything in its process late.
const OCCUPIED: f64 = 0.9;
/// A pool this full is called exhausted.
const FULL: f64 = 0.9;

/// `Leak` steps have taken connections that nobody gives back, until the pool is empty.
pub(super) fn leaks(answer: &Answer) -> Option<Advice> {
    let (app, limit, _) = limited_apps(answer).find(|(app, limit, _)| {
        let leaks = demands(answer, app).any(|(_, demand)| demand.leaks > 0.0);
        leaks && ends_at(answer, app) >= FULL * *limit as f64
    })?;
    let (stream, demand) = demands(answer, app).find(|(_, demand)| demand.leaks > 0.0)?;
    let rate = demand.leaks * arrivals(answer, stream);
    let why = format!(
        "{stream} leaks {} of its sessions, {} connections a second: after {} all {} connections of {} are gone and nobody gives them back",
        percent(demand.leaks),
        number(rate),
        if rate > 0.0 { seconds(limit as f64 / rate) } else { "a while".to_owned() },
        count(limit),
        app.name
    );
    Some(
        Advice::new("leaked connections", why)
            .then(format!("find the code path in {stream} that does not close its session; a larger pool only postpones this")),
    )
}

/// `Leak` steps take connections that nobody gives back, and the pool is not empty yet.
pub(super) fn leaks_so_far(answer: &Answer) -> Option<Advice> {
    let (app, limit, _) = limited_apps(answer).find(|(app, ..)| demands(answer, app).any(|(_, demand)| demand.leaks > 0.0))?;
    let (stream, demand) = demands(answer, app).find(|(_, demand)| demand.leaks > 0.0)?;
    let rate = demand.leaks * arrivals(answer, stream);
    let why = format!(
        "nobody waits yet, but {stream} leaks {} of its sessions: {} connections of {} are gone by the end, all {} after {}",
        percent(demand.leaks),
        count(ends_at(answer, app) as u64),
        app.name,
        count(limit),
        seconds(limit as f64 / rate.max(f64::MIN_POSITIVE)),
    );
    Some(Advice::new("leaked connections", why).then(format!("find the code path in {stream} that does not close its session")))
}

/// `Work` and `Block` steps occupy the event loops.
pub(super) fn event_loop(answer: &Answer) -> Option<Advice> {
    let apps = answer.blueprint.apps.iter();
    let (app, busy) = apps.map(|app| (app, occupied(answer, app))).find(|(_, busy)| *busy > OCCUPIED)?;
    let needed = (busy * f64::from(app.workers) / 0.7).ceil() as u32;
    let why = format!(
        "the event loops of {} are {} occupied by Work and Block steps ({} with {}): everything in the process waits for them, the database does not",
        app.name,
        percent(busy.min(1.0)),
        plural(u64::from(app.workers), "worker"),
        plural((busy * f64::from(app.workers)).ceil() as u64, "event loop") + " of work",
    );
    Some(Advice::new("event loop", why).set(
        format!("at least {needed} workers for {}, or move the work off the event loop", app.name),
        [(format!("apps.{}.workers", app.name), needed.to_string())],
    ))
}

/// Steps that occupy an event loop seldom, but long at once: everything else in the process waits behind them.
pub(super) fn blocked_loop(answer: &Answer) -> Option<Advice> {
    let usual = answer.point.latency.p50?;
    let (app, wait) = answer.blueprint.apps.iter().map(|app| (app, loop_wait(answer, app))).find(|(_, wait)| *wait > usual)?;
    let longest = demands(answer, app).map(|(_, demand)| demand.longest).fold(0.0, f64::max);
    let why = format!(
        "steps of {} keep an event loop of {} to themselves, {} of the time in all: replies are not read and connections not given back meanwhile, so each turn of the loop waits about {}; that requests wait for a connection is a consequence",
        seconds(longest),
        app.name,
        percent(occupied(answer, app)),
        seconds(wait),
    );
    Some(Advice::new("event loop", why).then(format!(
        "run what takes {} outside the event loop (a thread, an asynchronous client); a larger pool does not help, more workers help a little",
        seconds(longest)
    )))
}

/// Mean time that anything waits for an event loop by the formula of Pollaczek and Khinchine, with each step taken to
/// last its mean: a lower bound.
fn loop_wait(answer: &Answer, app: &AppSpec) -> f64 {
    let each = f64::from(app.workers);
    let squares: f64 = demands(answer, app).map(|(stream, demand)| demand.occupies_squared * arrivals(answer, stream) / each).sum();
    squares / (2.0 * (1.0 - occupied(answer, app)).max(0.01))
}

/// Connections are in use, but most of the time what holds them waits for something that is no database.
pub(super) fn holds_while_waiting(answer: &Answer) -> Option<Advice> {
    let (app, limit, usage) = limited_apps(answer).find(|(app, limit, usage)| {
        let awaits: f64 = demands(answer, app).map(|(stream, demand)| demand.awaits_in_session * arrivals(answer, stream)).sum();
        let short = is_exhausted(answer, app, *limit, usage) || answer.point.proxy.waiting_mean >= 1.0;
        short && awaits > 0.5 * usage.in_use_mean.min(answer.point.database.connections_mean.max(1.0))
    })?;
    let cost = |demand: &Demand, stream: &str| demand.awaits_in_session * arrivals(answer, stream);
    let (stream, demand) = demands(answer, app).max_by(|(a, x), (b, y)| cost(x, a).total_cmp(&cost(y, b)))?;
    let why = format!(
        "{} of {} connections of {} are in use on average, but mostly by {stream}, which holds one for {} while it waits for something else (Await inside its Session); the database runs {} statements meanwhile",
        mean(usage.in_use_mean),
        count(limit),
        app.name,
        seconds(demand.awaits_in_session),
        mean(answer.point.database.active_mean),
    );
    Some(Advice::new("held idle", why).then(format!(
        "let {stream} wait before its session or between two; neither a larger pool nor a proxy in transaction mode frees what is held"
    )))
}

/// A request that holds a connection asks the same pool for another, and so do all others.
pub(super) fn holds_one_and_asks_for_another(answer: &Answer) -> Option<Advice> {
    let timeouts = errors(answer, "PoolTimeout") > 0 || answer.point.requests.unfinished > 0;
    let (app, limit, stream, depth) = limited_apps(answer).find_map(|(app, limit, _)| {
        let (stream, demand) = demands(answer, app).find(|(_, demand)| demand.depth > 1)?;
        (timeouts && answer.point.pools.get(&app.name)?.pending_max > 0).then_some((
            app,
            limit / u64::from(answer.blueprint.most_workers(app)),
            stream,
            demand.depth,
        ))
    })?;
    let seen = answer.point.deadlocks.as_ref().filter(|found| found.seen > 0);
    let seen = seen.map_or_else(String::new, |found| format!(", seen {} here", plural(found.seen, "time")));
    let why = format!(
        "each request of {stream} takes {depth} connections at once from one pool of {limit}: when {limit} requests hold one each, all wait for a second that nobody can give back (a deadlock that only pool_timeout ends{seen})",
    );
    Some(Advice::new("nested sessions", why).then(format!(
        "let {stream} pass its first session on instead of opening another; or limit the requests of each {} worker so that {depth} connections each fit: concurrency {}",
        app.name,
        (limit / u64::from(depth)).max(1)
    )))
}

/// All connections of a pool are in use and requests wait for one.
pub(super) fn pool(answer: &Answer) -> Option<Advice> {
    let (app, limit, usage) = limited_apps(answer).find(|(app, limit, usage)| is_exhausted(answer, app, *limit, usage))?;
    let workers = u64::from(app.workers);
    let why = format!(
        "the pools of {} are exhausted: {} of {} connections in use on average and {} at worst ({} with {} each), and requests wait for one{}",
        app.name,
        mean(usage.in_use_mean),
        count(limit),
        count(usage.in_use_max),
        plural(workers, "worker"),
        app.pool.kind().size(),
        match usage.timeouts {
            0 => String::new(),
            timeouts => format!("; {} gave up after pool_timeout", count(timeouts)),
        }
    );
    let advice = Advice::new("app pool", why);
    let least = limit / workers + (limit / workers).div_ceil(4).max(1);
    let wanted = wanted_per_worker(answer, app, usage).max(least);
    let room = room(answer);
    if room.is_some_and(|room| wanted * workers > room) {
        return Some(advice.then(format!(
            "about {} connections for each worker would do, {} in all, which is more than the {} that the database has free: put PgBouncer(pool_mode: Transaction) between them, or make the sessions shorter",
            count(wanted), count(wanted * workers), count(room.unwrap_or(0))
        )));
    }
    Some(match &app.pool {
        PoolSpec::SqlAlchemy(pool) => {
            let size = wanted - u64::try_from(pool.max_overflow).unwrap_or(0).min(wanted - 1);
            advice.set(format!("pool_size {size} for {}", app.name), [(format!("apps.{}.pool.pool_size", app.name), size.to_string())])
        }
        _ => advice.then(format!("about {wanted} connections for each worker of {}", app.name)),
    })
}

/// Connections are opened for every few checkouts: no pool, or a pool whose overflow comes and goes.
pub(super) fn opens_too_often(answer: &Answer) -> Option<Advice> {
    let checkouts = answer.point.pool_wait.times.count as f64;
    let often = |app: &AppSpec| answer.point.pools.get(&app.name).map_or(0.0, |usage| usage.connects as f64 / checkouts.max(1.0));
    let app = answer.blueprint.apps.iter().find(|app| often(app) > 0.2)?;
    if !is_long(&answer.point.pool_wait.times, &answer.point.latency) {
        return None;
    }
    let ratio = often(app);
    let opens = format!("{} opens {} connections for every hundred checkouts", app.name, (100.0 * ratio).round());
    Some(match &app.pool {
        PoolSpec::NullPool => Advice::new("connecting", format!("{opens}, as NullPool does: each request pays for a new connection"))
            .then("a pool that keeps connections: SqlAlchemy(pool_size: 5), or PgBouncer between them"),
        PoolSpec::SqlAlchemy(SqlAlchemy { pool_size, max_overflow, .. }) if *max_overflow > 0 => {
            let all = i64::from(*pool_size) + max_overflow;
            Advice::new(
                "overflow",
                format!("{opens}: when {pool_size} are idle (pool_size), any other that comes back is closed, and soon missed"),
            )
            .set(
                format!("the same {all} connections, all kept: pool_size {all} and max_overflow 0"),
                [
                    (format!("apps.{}.pool.pool_size", app.name), all.to_string()),
                    (format!("apps.{}.pool.max_overflow", app.name), "0".to_owned()),
                ],
            )
        }
        _ => Advice::new("connecting", format!("{opens}, and requests wait for them")).then("keep connections longer"),
    })
}

/// A setting lets connections come in waves, and requests wait for them.
pub(super) fn herds(answer: &Answer) -> Option<Advice> {
    let wave = answer.point.waves.iter().find(|wave| wave.setting.is_some())?;
    let (setting, period) = (wave.setting.as_ref()?, wave.period?);
    if !waits_now_and_then(answer) {
        return None;
    }
    let why = format!(
        "only waves of connects make requests wait: every {} connections are opened together, {}/s at worst, because {setting} {}",
        seconds(period),
        mean(wave.peak),
        if wave.cause.as_deref() == Some("age") { "replaces them together" } else { "has closed what was idle" },
    );
    let field = setting.rsplit('.').next().unwrap_or(setting);
    let spans = |times: f64| format!("{}s", (times * period).ceil() as u64);
    let (words, path, value) = match (wave.cause.as_deref(), &wave.jitter) {
        (Some("age"), Some(jitter)) => ("half of it as jitter, so that not all fall due together".to_owned(), jitter, spans(0.5)),
        (Some("age"), None) => (
            format!(
                "a longer {field}, if nothing between here and the database cuts idle connections; and another in each worker, so that not all fall due together"
            ),
            setting,
            spans(4.0),
        ),
        _ => (format!("a longer {field} than the pause between two waves, so that they are kept"), setting, spans(2.0)),
    };
    Some(Advice::new("recycling", why).set(words, [(path.clone(), value)]))
}

/// Whether the longest waits are far above what a request usually takes.
fn waits_now_and_then(answer: &Answer) -> bool {
    let waits = &answer.point.pool_wait.times;
    let (longest, usual) = (waits.p999.or(waits.max), answer.point.latency.p50);
    longest.zip(usual).is_some_and(|(longest, usual)| longest > 3.0 * usual)
}

/// Connections are replaced by age, and the requests that meet an old one pay for it.
pub(super) fn recycles(answer: &Answer) -> Option<Advice> {
    let point = &answer.point;
    let (app, recycle, usage) = answer.blueprint.apps.iter().find_map(|app| match &app.pool {
        PoolSpec::SqlAlchemy(SqlAlchemy { pool_recycle: Some(recycle), .. }) => Some((app, recycle.seconds(), point.pools.get(&app.name)?)),
        _ => None,
    })?;
    let expected = usage.open_max as f64 * counted(answer) / recycle.max(1e-9);
    if point.duration < recycle || (usage.connects as f64) < 0.5 * expected || !waits_now_and_then(answer) {
        return None;
    }
    let why = format!(
        "only recycling makes requests wait: each connection of {} is replaced when it is {} old (pool_recycle), {} times in all, while a request waits",
        app.name,
        seconds(recycle),
        count(usage.connects)
    );
    Some(Advice::new("recycling", why).set(
        "a longer pool_recycle, if nothing between here and the database cuts idle connections",
        [(format!("apps.{}.pool.pool_recycle", app.name), format!("{}s", (4.0 * recycle) as u64))],
    ))
}

/// Share of an app's event loops that its steps occupy; above 1 it cannot keep up.
pub(super) fn occupied(answer: &Answer, app: &AppSpec) -> f64 {
    let work: f64 = demands(answer, app).map(|(stream, demand)| demand.occupies * arrivals(answer, stream)).sum();
    work / f64::from(app.workers)
}

/// What the streams of an app ask for.
pub(super) fn demands<'a>(answer: &'a Answer, app: &'a AppSpec) -> impl Iterator<Item = (&'a str, Demand)> {
    let streams = answer.blueprint.workload.iter().filter(|stream| stream.app == app.name);
    streams.map(|stream| (stream.name.as_str(), demand::of(&stream.steps)))
}

/// Apps whose pools have a limit, with the limit over all workers and the figures.
fn limited_apps(answer: &Answer) -> impl Iterator<Item = (&AppSpec, u64, &PoolUse)> {
    answer.blueprint.apps.iter().filter_map(|app| {
        let limit = app.pool.kind().most_connections()? * u64::from(answer.blueprint.most_workers(app));
        Some((app, limit, answer.point.pools.get(&app.name)?))
    })
}

fn is_exhausted(answer: &Answer, app: &AppSpec, limit: u64, usage: &PoolUse) -> bool {
    let one_worker_may_be_full = usage.in_use_max >= limit / u64::from(answer.blueprint.most_workers(app)).max(1) && usage.pending_max > 0;
    let waits = is_long(&answer.point.pool_wait.times, &answer.point.latency) || usage.pending_mean >= 1.0;
    usage.timeouts > 0 || (one_worker_may_be_full && waits && queues(answer, usage))
}

/// Whether a good part of the time spent waiting for connections is spent in queues, by Little's law; the rest is
/// spent on opening them.
fn queues(answer: &Answer, usage: &PoolUse) -> bool {
    let waits = &answer.point.pool_wait.times;
    waits.mean.is_none_or(|mean| usage.pending_mean * counted(answer) > 0.25 * mean * waits.count as f64)
}

/// Connections for one worker by the square-root rule, a + 3 √a for an offered load of a, where a is what is in use for
/// the checkouts that were served, scaled to those that were asked for.
fn wanted_per_worker(answer: &Answer, app: &AppSpec, usage: &PoolUse) -> u64 {
    let served = answer.point.pool_wait.times.count.max(1) as f64;
    let unserved = usage.timeouts as f64 + answer.point.requests.unfinished as f64;
    let load = usage.in_use_mean * (1.0 + unserved / served) / f64::from(app.workers);
    (load + 3.0 * load.sqrt()).ceil() as u64
}

/// Connections that the pools may have in all, if they go to the database directly.
fn room(answer: &Answer) -> Option<u64> {
    let database = &answer.blueprint.database;
    let slots = database.max_connections.saturating_sub(database.superuser_reserved_connections);
    matches!(answer.blueprint.proxy, ProxySpec::Direct).then_some(u64::from(slots))
}

/// What an app had in use at the end of the counted span.
fn ends_at(answer: &Answer, app: &AppSpec) -> f64 {
    answer.in_use.get(&app.name).and_then(|series| series.last().copied()).unwrap_or(0.0)
}

fn number(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.2}") }
}
