//! Waves: connections that were opened together fall due together, or are closed together when nothing happens, and are
//! opened together again.

use crate::answers::check::pools::habits;
use crate::answers::document::Wave;
use crate::answers::runner::Course;
use crate::answers::words::{count, mean, seconds};
use crate::kernel::time::Span;
use crate::measure::outcome::Outcome;
use crate::measure::rush::Rush;
use crate::measure::waves;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// An age explains a period that is no more than this share longer: ages are looked at when a connection is next used.
const LATER: f64 = 0.25;
/// Without a warm-up, so many seconds are left out: the first connections of all are no wave.
const FIRST: f64 = 10.0;
/// Columns of the curve.
const COLUMNS: usize = 60;

/// A setting that closes connections.
struct Closes {
    path: String,
    after: f64,
    cause: &'static str,
    jitter: Option<String>,
}

/// The waves that come without a fault: at the database, and from the pools where a proxy is between.
pub fn of(blueprint: &Blueprint, outcomes: &[Outcome], course: Course) -> Vec<Wave> {
    if !blueprint.faults.is_empty() {
        return Vec::new();
    }
    let from = if course.warmup.is_zero() { FIRST } else { 0.0 };
    let at = |place: &str, rushes: Vec<&Rush>| {
        let found = waves::of(&rushes, from, course.duration.seconds(), COLUMNS)?;
        let closes = found.period.and_then(|period| explains(settings(blueprint, place), period));
        let (setting, cause, jitter) =
            closes.map_or((None, None, None), |closes| (Some(closes.path), Some(closes.cause.to_owned()), closes.jitter));
        let waves::Waves { mean, peak, count, period, curve } = found;
        Some(Wave { place: place.to_owned(), mean, peak, count, period, setting, cause, jitter, curve })
    };
    let database = at("database", outcomes.iter().map(|outcome| &outcome.connects).collect());
    let dials = || outcomes.iter().map(|outcome| &outcome.dials).collect();
    let proxy = if matches!(blueprint.proxy, ProxySpec::Direct) { None } else { at("proxy", dials()) };
    database.into_iter().chain(proxy).collect()
}

/// The same as a sentence, with what makes them and what spreads them.
pub fn sentence(wave: &Wave) -> String {
    let often = match wave.period {
        Some(period) => format!("one every {}", seconds(period)),
        None => format!("{} in all, at no regular distance", count(wave.count)),
    };
    let setting = wave.setting.as_deref().unwrap_or_default();
    let cause = match (wave.cause.as_deref(), &wave.jitter) {
        (Some("age"), Some(jitter)) => format!(": opened together, they reach {setting} together; {jitter} spreads them"),
        (Some("age"), None) => format!(": opened together, they reach {setting} together"),
        (Some(_), _) => format!(": {setting} closes what is idle, and the next load opens all of it together"),
        (None, _) if wave.period.is_some() => ": no setting has that time, so it is the load's".to_owned(),
        (None, _) => String::new(),
    };
    let (peak, usual) = (mean(wave.peak), mean(wave.mean));
    format!("connects to the {} come in waves, {peak}/s at worst, {usual}/s on average, {often}{cause}", wave.place)
}

/// The setting whose time explains the period: connections of that age are replaced with each wave, or what is idle for
/// that long is closed between two of them.
fn explains(settings: Vec<Closes>, period: f64) -> Option<Closes> {
    let replaces = |closes: &Closes| period >= 0.98 * closes.after && period <= (1.0 + LATER) * closes.after + 2.0;
    let between = |closes: &Closes| closes.after < period;
    let fits = |closes: &Closes| if closes.cause == "age" { replaces(closes) } else { between(closes) };
    settings.into_iter().find(|closes| closes.after > 0.0 && fits(closes))
}

/// All of a system that close connections of this place, ages first.
fn settings(blueprint: &Blueprint, place: &str) -> Vec<Closes> {
    let new = |cause| move |(path, after): (String, Span)| Closes { path, after: after.seconds(), cause, jitter: None };
    let (mut ages, mut idles) = (Vec::new(), Vec::new());
    match &blueprint.proxy {
        ProxySpec::PgBouncer(proxy) if place == "database" => {
            ages.push(new("age")(("proxy.server_lifetime".to_owned(), proxy.server_lifetime)));
            idles.push(new("idle")(("proxy.server_idle_timeout".to_owned(), proxy.server_idle_timeout)));
        }
        _ => {}
    }
    for app in &blueprint.apps {
        let path = |field: &str| format!("apps.{}.pool.{field}", app.name);
        let age = habits(&app.pool).lifetime.and_then(|(field, age)| Some((path(field), age?)));
        ages.extend(age.map(new("age")).map(|age| Closes { jitter: jitter(app).map(path), ..age }));
        idles.extend(idle(&app.pool).map(|(field, idle)| new("idle")((path(field), idle))));
    }
    ages.into_iter().chain(idles).collect()
}

/// The setting that makes ages differ, if that kind of pool has one.
pub fn jitter(app: &AppSpec) -> Option<&'static str> {
    matches!(app.pool, PoolSpec::Pgx(_)).then_some("pool_max_conn_lifetime_jitter")
}

/// After how long idle connections are closed, as far as the kind closes any.
fn idle(pool: &PoolSpec) -> Option<(&'static str, Span)> {
    match pool {
        PoolSpec::PsycopgPool(pool) => Some(("max_idle", pool.max_idle)),
        PoolSpec::AsyncpgPool(pool) => Some(("max_inactive_connection_lifetime", pool.max_inactive_connection_lifetime)),
        PoolSpec::Hikari(pool) => Some(("idleTimeout", pool.idle_timeout)),
        PoolSpec::Pgx(pool) => Some(("pool_max_conn_idle_time", pool.pool_max_conn_idle_time)),
        PoolSpec::DatabaseSql(pool) => Some(("conn_max_idle_time", pool.conn_max_idle_time)),
        PoolSpec::NodePostgres(pool) => Some(("idleTimeoutMillis", pool.idle_timeout_millis)),
        PoolSpec::Npgsql(pool) => Some(("connection_idle_lifetime", pool.connection_idle_lifetime)),
        PoolSpec::Sqlx(pool) => Some(("idle_timeout", pool.idle_timeout?)),
        PoolSpec::Bb8(pool) => Some(("idle_timeout", pool.idle_timeout?)),
        PoolSpec::R2d2(pool) => Some(("idle_timeout", pool.idle_timeout?)),
        PoolSpec::SqlAlchemy(_) | PoolSpec::NullPool | PoolSpec::Deadpool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::path::get;
    use crate::experiment::spec::options;

    #[test]
    fn every_kind_of_pool_has_the_settings_that_are_looked_for() {
        for listed in PoolSpec::KINDS {
            let pool: PoolSpec = options().from_str(listed.example).unwrap_or_else(|error| panic!("{}: {error}", listed.name));
            let value = serde_json::json!({ "pool": &pool });
            let field = idle(&pool).map(|(field, _)| field);
            assert!(field.is_none_or(|field| get(&value, &format!("pool.{field}")).is_some()), "{} has no {field:?}", listed.name);
        }
    }

    #[test]
    fn an_age_explains_waves_that_come_a_little_later_and_an_idle_timeout_those_that_come_any_time_later() {
        let settings = || {
            let closes = |path: &str, after, cause| Closes { path: path.to_owned(), after, cause, jitter: None };
            vec![closes("age", 60.0, "age"), closes("idle", 10.0, "idle")]
        };
        let by = |period| explains(settings(), period).map(|closes| closes.path);
        assert_eq!((by(60.0), by(66.0)), (Some("age".to_owned()), Some("age".to_owned())));
        assert_eq!((by(120.0), by(30.0), by(9.0)), (Some("idle".to_owned()), Some("idle".to_owned()), None));
    }
}
