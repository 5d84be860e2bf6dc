//! A system's settings as its own configuration files write them.

use serde_json::Value;

use crate::answers::document::Named;
use crate::kernel::time::Span;
use crate::parts::database::Postgres;
use crate::parts::pool::PoolSpec;
use crate::parts::pool::sqlalchemy::SqlAlchemy;
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::PgBouncer;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// Texts to paste, by the file or call that they belong to.
pub fn configuration(blueprint: &Blueprint) -> Named<String> {
    let several = blueprint.apps.len() > 1;
    let of = |file: &str, app: &AppSpec| if several { format!("{file} of {}", app.name) } else { file.to_owned() };
    let mut texts = Vec::new();
    for app in &blueprint.apps {
        let code = if matches!(app.pool, PoolSpec::SqlAlchemy(_) | PoolSpec::NullPool) { "create_engine" } else { app.pool.name() };
        texts.push((of(code, app), engine(&app.pool)));
    }
    let lines: String = blueprint.apps.iter().map(|app| environment(app, several)).collect();
    if !lines.is_empty() {
        texts.push((".env".to_owned(), lines));
    }
    if let ProxySpec::PgBouncer(proxy) = &blueprint.proxy {
        texts.push(("pgbouncer.ini".to_owned(), pgbouncer(proxy)));
    }
    texts.push(("postgresql.conf".to_owned(), postgresql(&blueprint.database)));
    Named(texts)
}

fn engine(pool: &PoolSpec) -> String {
    match pool {
        PoolSpec::SqlAlchemy(pool) => format!("create_engine(url, {})\n", arguments(pool).join(", ")),
        PoolSpec::NullPool => "create_engine(url, poolclass=NullPool)\n".to_owned(),
        other => parameters(other),
    }
}

/// The size and the timeout, and of the rest what is not SQLAlchemy's default.
fn arguments(pool: &SqlAlchemy) -> Vec<String> {
    let usual = SqlAlchemy::default();
    let seconds = |span: Option<Span>, none: &str| span.map_or(none.to_owned(), seconds);
    let mut arguments = vec![
        format!("pool_size={}", pool.pool_size),
        format!("max_overflow={}", pool.max_overflow),
        format!("pool_timeout={}", seconds(pool.pool_timeout, "None")),
    ];
    if pool.pool_recycle != usual.pool_recycle {
        arguments.push(format!("pool_recycle={}", seconds(pool.pool_recycle, "-1")));
    }
    for (name, on, by_default) in
        [("pool_pre_ping", pool.pool_pre_ping, usual.pool_pre_ping), ("pool_use_lifo", pool.pool_use_lifo, usual.pool_use_lifo)]
    {
        if on != by_default {
            arguments.push(format!("{name}={}", if on { "True" } else { "False" }));
        }
    }
    arguments
}

/// Every parameter of another library's pool, under the names that it has there.
fn parameters(pool: &PoolSpec) -> String {
    let value = serde_json::to_value(pool).expect("a pool is plain data");
    let fields = value.as_object().and_then(|kind| kind.values().next()).and_then(Value::as_object).cloned().unwrap_or_default();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name} = {}\n", plain(value))).collect()
}

fn environment(app: &AppSpec, several: bool) -> String {
    let PoolSpec::SqlAlchemy(pool) = &app.pool else { return String::new() };
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let prefix = if several { format!("{}_", app.name.chars().map(upper).collect::<String>()) } else { String::new() };
    let timeout = pool.pool_timeout.map_or(String::new(), |timeout| format!("{prefix}DB_POOL_TIMEOUT={}\n", seconds(timeout)));
    format!("{prefix}DB_POOL_SIZE={}\n{prefix}DB_MAX_OVERFLOW={}\n{timeout}", pool.pool_size, pool.max_overflow)
}

fn pgbouncer(proxy: &PgBouncer) -> String {
    let mode = format!("{:?}", proxy.pool_mode).to_lowercase();
    let mut text = format!("[pgbouncer]\npool_mode = {mode}\n");
    let usual = PgBouncer::default();
    let always = [("max_client_conn", proxy.max_client_conn), ("default_pool_size", proxy.default_pool_size)];
    let others = [
        ("min_pool_size", proxy.min_pool_size, usual.min_pool_size),
        ("reserve_pool_size", proxy.reserve_pool_size, usual.reserve_pool_size),
        ("max_db_connections", proxy.max_db_connections, usual.max_db_connections),
        ("max_user_connections", proxy.max_user_connections, usual.max_user_connections),
    ];
    let others = others.into_iter().filter(|(_, value, by_default)| value != by_default).map(|(name, value, _)| (name, value));
    for (name, value) in always.into_iter().chain(others) {
        text += &format!("{name} = {value}\n");
    }
    if proxy.query_wait_timeout != usual.query_wait_timeout {
        text += &format!("query_wait_timeout = {}\n", seconds(proxy.query_wait_timeout));
    }
    text
}

fn postgresql(database: &Postgres) -> String {
    let mut text = format!(
        "max_connections = {}\nsuperuser_reserved_connections = {}\n",
        database.max_connections, database.superuser_reserved_connections
    );
    let timeouts = [
        ("statement_timeout", database.statement_timeout),
        ("idle_in_transaction_session_timeout", database.idle_in_transaction_session_timeout),
    ];
    for (name, timeout) in timeouts.into_iter().filter(|(_, timeout)| !timeout.is_zero()) {
        text += &format!("{name} = {}ms\n", timeout.nanos() / 1_000_000);
    }
    text
}

/// "30", "0.5": as these files write seconds.
fn seconds(span: Span) -> String {
    span.seconds().to_string()
}
