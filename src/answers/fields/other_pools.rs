//! Parameters of the pools of other libraries, each under its library's names.

use super::{Family, Field, field};

pub(super) const ALL: &[Family] = &[
    family("PsycopgPool", PSYCOPG),
    family("AsyncpgPool", ASYNCPG),
    family("Hikari", HIKARI),
    family("Pgx", PGX),
    family("DatabaseSql", DATABASE_SQL),
    family("Sqlx", SQLX),
    family("Deadpool", DEADPOOL),
    family("Bb8", BB8),
    family("R2d2", R2D2),
    family("NodePostgres", NODE_POSTGRES),
    family("Npgsql", NPGSQL),
];

const fn family(owner: &'static str, fields: &'static [Field]) -> Family {
    Family { place: "apps.*.pool", owner, fields }
}

const PSYCOPG: &[Field] = &[
    field("min_size", "4", "Connections that the workers open at the start and keep.", ""),
    field("max_size", "None", "Connections at most; None is as many as min_size, so that the pool never grows.", ""),
    field("timeout", "30s", "Longest wait for a connection; then PoolTimeout.", "A check under way is not cut short."),
    field("max_waiting", "0", "Requests that may wait; one more gets TooManyRequests. 0 is no limit.", ""),
    field("max_lifetime", "1h", "Age from which a connection is replaced when it comes back, less up to 5 % at random.", ""),
    field("max_idle", "10min", "At the end of each such period one connection that was never needed in it is closed, above min_size.", ""),
    field("reconnect_timeout", "5min", "How long a worker goes on trying after a failed connect: after about 1 s, 2 s, 4 s …", ""),
    field("num_workers", "3", "Workers that connect. Growing beyond min_size still takes one connect after the other.", ""),
    field("check", "false", "check=ConnectionPool.check_connection: a round trip at each checkout; a dead connection is replaced.", ""),
];

const ASYNCPG: &[Field] = &[
    field("min_size", "10", "Connections kept.", ""),
    field("max_size", "10", "Connections at most.", ""),
    field("init_size", "None", "Connections opened at the start; None is as many as min_size.", "Requests wait until that is done."),
    field("max_queries", "50000", "Statements after which a connection is closed when it comes back; BEGIN and the reset count.", ""),
    field("max_inactive_connection_lifetime", "5min", "Idle time after which a connection above min_size is closed; 0s never.", ""),
    field("timeout", "None", "acquire(timeout=…): longest wait, connecting included, and longest reset. None waits for ever.", ""),
];

const HIKARI: &[Field] = &[
    field(
        "version",
        "V6",
        "Whose way of adding connections: V6 (6.0) pauses 30 ms after each, V2 (2.7) does not.",
        "V2 tries a failed connect again after 250 ms and more, V6 after 10 ms and more.",
    ),
    field("maximumPoolSize", "10", "Connections at most.", ""),
    field("minimumIdle", "None", "Idle connections that the pool tries to have; None is as many as maximumPoolSize.", ""),
    field(
        "connectionTimeout",
        "30s",
        "Longest getConnection(); then SQLTransientConnectionException.",
        "A validation under way is not cut short.",
    ),
    field("idleTimeout", "10min", "Idle time after which a connection above minimumIdle is closed, looked at each 30 s; 0s never.", ""),
    field("maxLifetime", "30min", "Age at which a connection is closed, or when it comes back, less up to 2.5 % at random; 0s never.", ""),
    field("keepaliveTime", "0s", "How often an idle connection is asked whether it lives, less up to 10 % at random; 0s never.", ""),
    field("aliveBypassWindow", "500ms", "aliveBypassWindowMs: a connection used so recently is not validated at checkout.", ""),
];

const PGX: &[Field] = &[
    field("pool_max_conns", "4", "Connections at most. The library takes 4 or the number of CPUs, whichever is more.", ""),
    field("pool_min_conns", "0", "Connections that the health check keeps open.", ""),
    field("pool_min_idle_conns", "0", "Idle connections that the health check keeps.", ""),
    field(
        "pool_max_conn_lifetime",
        "1h",
        "Age from which a connection is destroyed, at checkout, at return or by the health check; 0s never.",
        "",
    ),
    field(
        "pool_max_conn_lifetime_jitter",
        "0s",
        "Adds up to this at random to each lifetime, cut to whole seconds: 1s or less does nothing.",
        "",
    ),
    field("pool_max_conn_idle_time", "30min", "Idle time from which the health check destroys a connection above pool_min_conns.", ""),
    field("pool_health_check_period", "1min", "The period of the health check.", ""),
];

const DATABASE_SQL: &[Field] = &[
    field("max_open_conns", "0", "SetMaxOpenConns: connections at most; 0 is no limit.", ""),
    field("max_idle_conns", "2", "SetMaxIdleConns: a connection that comes back to so many idle ones is closed.", ""),
    field("conn_max_lifetime", "0s", "SetConnMaxLifetime: age from which a connection is closed; 0s never.", ""),
    field("conn_max_idle_time", "0s", "SetConnMaxIdleTime: idle time from which a connection is closed; 0s never.", ""),
];

const SQLX: &[Field] = &[
    field("max_connections", "10", "Connections at most.", ""),
    field("min_connections", "0", "Connections that the reaper keeps open.", ""),
    field("acquire_timeout", "30s", "Longest acquire(): waiting, ping and connect together; then PoolTimedOut.", ""),
    field("idle_timeout", "10min", "Idle time from which the reaper closes a connection; None never.", ""),
    field("max_lifetime", "30min", "Age from which a connection is closed when it comes back, or by the reaper; None never.", ""),
    field("test_before_acquire", "true", "A ping at each checkout. When it comes back, each connection is pinged in any case.", ""),
];

const DEADPOOL: &[Field] = &[
    field("max_size", "8", "Connections at most. The library takes twice the number of CPUs.", ""),
    field("wait", "None", "Longest wait for a slot; None for ever.", ""),
    field("create", "None", "Longest connect; None for ever.", ""),
    field("recycle", "None", "Longest recycling of one connection, after which the next is tried; None for ever.", ""),
    field("queue_mode", "Fifo", "Which idle connection is taken: Fifo the one that came back first, Lifo the last.", ""),
    field(
        "recycling_method",
        "Fast",
        "How an idle connection is made ready: Fast asks the driver whether it is closed, Verified sends a test query, Clean resets the session.",
        "",
    ),
];

const BB8: &[Field] = &[
    field("max_size", "10", "Connections at most.", ""),
    field("min_idle", "None", "Idle connections that the pool tries to have; None is 0.", ""),
    field("connection_timeout", "30s", "Longest get(), everything included; also how long a failed connect is tried again.", ""),
    field("max_lifetime", "30min", "Age from which a connection is dropped when it comes back, or by the reaper; None never.", ""),
    field("idle_timeout", "10min", "Idle time from which the reaper drops a connection; None never.", ""),
    field("reaper_rate", "30s", "The reaper's period.", ""),
    field("test_on_check_out", "true", "A round trip at each checkout, to see whether the connection lives.", ""),
    field("retry_connection", "true", "Tries a failed connect again after 200 ms, 400 ms …", ""),
    field("queue_strategy", "Fifo", "Which idle connection is taken: Fifo the one that came back first, Lifo the last.", ""),
];

const R2D2: &[Field] = &[
    field("max_size", "10", "Connections at most.", ""),
    field("min_idle", "None", "Idle connections that the pool tries to have; None is max_size.", ""),
    field("connection_timeout", "30s", "Longest get(); then \"timed out waiting for connection\".", "A check under way is not cut short."),
    field("max_lifetime", "30min", "Age from which the reaper closes an idle connection, looked at each 30 s; None never.", ""),
    field("idle_timeout", "10min", "Idle time from which the reaper closes a connection; None never.", ""),
    field("test_on_check_out", "true", "A round trip at each checkout, to see whether the connection lives.", ""),
];

const NODE_POSTGRES: &[Field] = &[
    field("max", "10", "Clients at most.", ""),
    field("min", "0", "Clients that do not age out when idle. None is opened ahead of need.", ""),
    field("idleTimeoutMillis", "10s", "Idle time after which a client is closed; 0s never.", ""),
    field("connectionTimeoutMillis", "0s", "Longest wait for a client, and longest connect; 0s for ever.", ""),
    field("maxUses", "None", "Uses after which a client is closed; None never.", ""),
    field("maxLifetimeSeconds", "0s", "Age at which a client is closed, or when it comes back; 0s never.", ""),
];

const NPGSQL: &[Field] = &[
    field("maximum_pool_size", "100", "Maximum Pool Size: connectors at most.", ""),
    field("minimum_pool_size", "0", "Minimum Pool Size: connectors that pruning leaves.", ""),
    field("timeout", "15s", "Timeout: longest Open(), connecting included.", ""),
    field(
        "connection_idle_lifetime",
        "5min",
        "Connection Idle Lifetime: how long the idle count is sampled before its median is pruned.",
        "",
    ),
    field("connection_pruning_interval", "10s", "Connection Pruning Interval: time between two samples.", ""),
    field("connection_lifetime", "1h", "Connection Lifetime: age from which a connector is closed when it is taken; 0s never.", ""),
];
