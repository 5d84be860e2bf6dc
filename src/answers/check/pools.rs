//! What rules ask of any kind of pool: how long it lets wait, how old and how many it keeps, whether it asks first.

use crate::kernel::time::Span;
use crate::parts::pool::PoolSpec;

/// What a kind of pool does, under the names that it has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answers) struct Habits {
    /// Longest wait for a connection: the field, and nothing if it waits for ever. No field if there is no such setting.
    pub wait: Option<(&'static str, Option<Span>)>,
    /// Age from which a connection is replaced: the field, and nothing if never.
    pub lifetime: Option<(&'static str, Option<Span>)>,
    /// Idle time after which any connection is closed, down to none.
    pub idle: Option<Span>,
    /// Connections that one pool keeps open when they were opened once and nothing happens.
    pub kept: u64,
    /// The switch that asks a connection whether it lives before it is lent, if that is done.
    pub asks: Option<&'static str>,
}

/// What this pool does.
pub(in crate::answers) fn habits(pool: &PoolSpec) -> Habits {
    let none = Habits { wait: None, lifetime: None, idle: None, kept: 0, asks: None };
    let on = |span: Span| (!span.is_zero()).then_some(span);
    let asks = |on: bool, field| on.then_some(field);
    match pool {
        PoolSpec::SqlAlchemy(pool) => Habits {
            wait: Some(("pool_timeout", pool.pool_timeout)),
            lifetime: Some(("pool_recycle", pool.pool_recycle)),
            kept: if pool.pool_size == 0 { u64::MAX } else { u64::from(pool.pool_size) },
            asks: asks(pool.pool_pre_ping, "pool_pre_ping"),
            ..none
        },
        PoolSpec::PsycopgPool(pool) => Habits {
            wait: Some(("timeout", Some(pool.timeout))),
            lifetime: Some(("max_lifetime", Some(pool.max_lifetime))),
            kept: u64::from(pool.min_size),
            asks: asks(pool.check, "check"),
            ..none
        },
        PoolSpec::AsyncpgPool(pool) => Habits { wait: Some(("timeout", pool.timeout)), kept: u64::from(pool.min_size), ..none },
        PoolSpec::Hikari(pool) => Habits {
            wait: Some(("connectionTimeout", Some(pool.connection_timeout))),
            lifetime: Some(("maxLifetime", on(pool.max_lifetime))),
            kept: u64::from(pool.minimum_idle.unwrap_or(pool.maximum_pool_size)),
            // isValid is asked of whatever was idle for more than half a second.
            asks: Some("aliveBypassWindow"),
            ..none
        },
        PoolSpec::Pgx(pool) => Habits {
            lifetime: Some(("pool_max_conn_lifetime", on(pool.pool_max_conn_lifetime))),
            idle: (pool.pool_min_conns == 0).then_some(pool.pool_max_conn_idle_time),
            kept: u64::from(pool.pool_min_conns),
            asks: Some("pool_max_conn_idle_time"),
            ..none
        },
        PoolSpec::DatabaseSql(pool) => Habits {
            lifetime: Some(("conn_max_lifetime", on(pool.conn_max_lifetime))),
            idle: on(pool.conn_max_idle_time),
            kept: u64::from(pool.max_idle_conns),
            ..none
        },
        PoolSpec::NodePostgres(pool) => Habits {
            wait: Some(("connectionTimeoutMillis", on(pool.connection_timeout_millis))),
            lifetime: Some(("maxLifetimeSeconds", on(pool.max_lifetime_seconds))),
            idle: on(pool.idle_timeout_millis).filter(|_| pool.min == 0),
            kept: if pool.idle_timeout_millis.is_zero() { u64::from(pool.max) } else { u64::from(pool.min) },
            ..none
        },
        PoolSpec::Npgsql(pool) => Habits {
            wait: Some(("timeout", Some(pool.timeout))),
            lifetime: Some(("connection_lifetime", on(pool.connection_lifetime))),
            idle: (pool.minimum_pool_size == 0).then_some(pool.connection_idle_lifetime),
            kept: u64::from(pool.minimum_pool_size),
            ..none
        },
        PoolSpec::NullPool => none,
        PoolSpec::Sqlx(_) | PoolSpec::Deadpool(_) | PoolSpec::Bb8(_) | PoolSpec::R2d2(_) => of_rust(pool, none),
    }
}

/// What one of Rust's pools does.
fn of_rust(pool: &PoolSpec, none: Habits) -> Habits {
    let asks = |on: bool, field| on.then_some(field);
    match pool {
        PoolSpec::Sqlx(pool) => Habits {
            wait: Some(("acquire_timeout", Some(pool.acquire_timeout))),
            lifetime: Some(("max_lifetime", pool.max_lifetime)),
            idle: pool.idle_timeout.filter(|_| pool.min_connections == 0),
            kept: u64::from(pool.min_connections),
            asks: asks(pool.test_before_acquire, "test_before_acquire"),
        },
        PoolSpec::Deadpool(pool) => Habits { wait: Some(("wait", pool.wait)), kept: u64::from(pool.max_size), ..none },
        PoolSpec::Bb8(pool) => Habits {
            wait: Some(("connection_timeout", Some(pool.connection_timeout))),
            lifetime: Some(("max_lifetime", pool.max_lifetime)),
            idle: pool.idle_timeout.filter(|_| pool.min_idle.unwrap_or(0) == 0),
            kept: u64::from(pool.min_idle.unwrap_or(0)),
            asks: asks(pool.test_on_check_out, "test_on_check_out"),
        },
        PoolSpec::R2d2(pool) => Habits {
            wait: Some(("connection_timeout", Some(pool.connection_timeout))),
            lifetime: Some(("max_lifetime", pool.max_lifetime)),
            idle: pool.idle_timeout.filter(|_| pool.min_idle == Some(0)),
            kept: u64::from(pool.min_idle.unwrap_or(pool.max_size)),
            asks: asks(pool.test_on_check_out, "test_on_check_out"),
        },
        _ => none,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::path::get;
    use crate::experiment::spec::options;

    #[test]
    fn every_kind_of_pool_has_the_fields_that_it_is_said_to_have() {
        for listed in PoolSpec::KINDS {
            let pool: PoolSpec = options().from_str(listed.example).unwrap_or_else(|error| panic!("{}: {error}", listed.name));
            let value = serde_json::json!({ "pool": &pool });
            let habits = habits(&pool);
            let fields = [habits.wait.map(|(field, _)| field), habits.lifetime.map(|(field, _)| field), habits.asks];
            for field in fields.into_iter().flatten() {
                assert!(get(&value, &format!("pool.{field}")).is_some(), "{} has no {field}", listed.name);
            }
        }
    }
}
