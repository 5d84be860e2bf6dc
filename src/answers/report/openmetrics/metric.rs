//! What each exporter tells at a scrape, and under which names.

use crate::measure::scrapes::{Buckets, PgBouncerScrape, PoolScrape, Scrape};
use crate::parts::proxy::pgbouncer::PgBouncer;

/// A metric at one instant.
pub(super) struct Metric<'a> {
    /// Its family's name, without `_total`.
    pub(super) name: &'static str,
    /// What its exporter says of it.
    pub(super) help: &'static str,
    /// Labels of its own.
    pub(super) labels: &'static str,
    pub(super) value: Value<'a>,
}

pub(super) enum Value<'a> {
    Gauge(u64),
    /// Only grows.
    Count(u64),
    /// The same, in nanoseconds.
    Seconds(u128),
    Times(&'a Buckets),
}

use Value::{Count, Gauge, Seconds, Times};

/// OpenTelemetry's semantic conventions 1.44, `db.client.connection.*`, dots and units as Prometheus writes them.
pub(super) fn of_pool(pool: &PoolScrape) -> Vec<Metric<'_>> {
    let metric = |name, labels, value, help| Metric { name, help, labels, value };
    let state = "The number of connections that are currently in the state described by the state attribute.";
    let mut told = vec![
        metric("db_client_connection_count", "db_client_connection_state=\"idle\"", Gauge(pool.idle), state),
        metric("db_client_connection_count", "db_client_connection_state=\"used\"", Gauge(pool.used), state),
        metric("db_client_connection_pending_requests", "", Gauge(pool.pending), "The number of pending requests for an open connection."),
        metric("db_client_connection_timeouts", "", Count(pool.timeouts), "The number of timeouts trying to obtain a connection."),
        metric("db_client_connection_create_time_seconds", "", Times(&pool.create), "The time it took to create a new connection."),
        metric("db_client_connection_wait_time_seconds", "", Times(&pool.wait), "The time it took to obtain an open connection."),
        metric(
            "db_client_connection_use_time_seconds",
            "",
            Times(&pool.use_time),
            "The time between borrowing and returning a connection.",
        ),
    ];
    let most = |most| metric("db_client_connection_max", "", Gauge(most), "The maximum number of open connections allowed.");
    told.extend(pool.most.map(most));
    told
}

/// `pgbouncer_exporter` 0.12: `SHOW POOLS`, `SHOW STATS_TOTALS` and `SHOW DATABASES`. Bytes and prepared statements are not
/// modelled, and left out.
pub(super) fn of_pgbouncer<'a>(now: &PgBouncerScrape, settings: &PgBouncer) -> Vec<Metric<'a>> {
    const POOL: &str = "database=\"app\",user=\"app\"";
    const TOTALS: &str = "database=\"app\"";
    const DATABASE: &str = "name=\"app\",host=\"postgres\",port=\"5432\",database=\"app\",force_user=\"\"";
    let metric = |labels, name, value, help| Metric { name, help, labels, value };
    let pool = |name, value, help| metric(POOL, name, Gauge(value), help);
    let totals = |name, value, help| metric(TOTALS, name, value, help);
    let database = |name, value, help| metric(DATABASE, name, Gauge(value), help);
    let pools = &now.pools;
    vec![
        metric("", "pgbouncer_up", Gauge(1), "The pgbouncer scrape succeeded."),
        metric("", "pgbouncer_config_max_client_connections", Gauge(settings.max_client_conn.into()), "Config max_client_conn."),
        pool("pgbouncer_pools_client_active_connections", pools.cl_active, "Client connections that are active (cl_active)."),
        pool("pgbouncer_pools_client_waiting_connections", pools.cl_waiting, "Client connections that wait for a server connection."),
        // The exporter leaves out the microseconds, which SHOW POOLS has in a column of their own.
        pool("pgbouncer_pools_client_maxwait_seconds", pools.maxwait.nanos() / 1_000_000_000, "Age of the oldest unserved client."),
        pool("pgbouncer_pools_server_active_connections", pools.sv_active, "Server connections linked to a client connection."),
        pool("pgbouncer_pools_server_idle_connections", pools.sv_idle, "Server connections idle and ready for a client query."),
        pool("pgbouncer_pools_server_used_connections", pools.sv_used, "Server connections idle more than server_check_delay."),
        pool("pgbouncer_pools_server_testing_connections", pools.sv_tested, "Server connections running their reset or check query."),
        pool("pgbouncer_pools_server_login_connections", pools.sv_login, "Server connections in the process of logging in."),
        totals("pgbouncer_stats_totals_queries_pooled", Count(now.queries), "Total number of SQL queries pooled."),
        totals("pgbouncer_stats_totals_queries_duration_seconds", Seconds(now.query_time), "Total time of queries, waits included."),
        totals("pgbouncer_stats_totals_sql_transactions_pooled", Count(now.transactions), "Total number of SQL transactions pooled."),
        totals("pgbouncer_stats_totals_server_in_transaction_seconds", Seconds(now.transaction_time), "Total time of transactions."),
        totals("pgbouncer_stats_totals_client_wait_seconds", Seconds(now.wait_time), "Time spent by clients waiting for a server."),
        database("pgbouncer_databases_pool_size", settings.default_pool_size.into(), "Maximum number of server connections."),
        database("pgbouncer_databases_reserve_pool", settings.reserve_pool_size.into(), "Maximum number of additional connections."),
        database("pgbouncer_databases_max_connections", settings.max_db_connections.into(), "Maximum number of connections; 0 is none."),
        database("pgbouncer_databases_current_connections", now.connections, "Current number of connections for this database."),
        database("pgbouncer_databases_paused", 0, "1 if this database is currently paused, else 0."),
        database("pgbouncer_databases_disabled", 0, "1 if this database is currently disabled, else 0."),
    ]
}

/// `postgres_exporter`: the two that show how near the limit is.
pub(super) fn of_postgres<'a>(now: &Scrape, most: u32) -> Vec<Metric<'a>> {
    let metric = |name, labels, value, help| Metric { name, help, labels, value: Gauge(value) };
    vec![
        metric("pg_stat_database_numbackends", "datname=\"app\"", now.connections, "Number of backends connected to this database."),
        metric("pg_settings_max_connections", "", most.into(), "Sets the maximum number of concurrent connections."),
    ]
}
