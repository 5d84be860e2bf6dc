//! Parameters of proxies.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "proxy",
        owner: "proxies",
        fields: &[
            field("Direct", "", "Nothing stands between the pools and the database.", ""),
            field(
                "PgBouncer",
                "",
                "PgBouncer 1.18 to 1.25, under the names of its ini file: one process for one database and one user.",
                "",
            ),
            field("RdsProxy", "", "Amazon RDS Proxy, from its documentation: what AWS does not publish is an assumption.", ""),
        ],
    },
    Family {
        place: "proxy",
        owner: "PgBouncer",
        fields: &[
            field("version", "\"1.25\"", "Which PgBouncer; texts and some rules differ.", "1.18 to 1.25."),
            field(
                "pool_mode",
                "Session",
                "When a server connection goes back: Session (the client disconnects), Transaction (it ends) or Statement (after each).",
                "In session mode a pooled client connection holds its server connection for its whole life.",
            ),
            field(
                "max_client_conn",
                "100",
                "Client connections in all; more are refused with \"no more connections allowed (max_client_conn)\".",
                "",
            ),
            field("max_db_client_connections", "0", "Client connections for one database (since 1.24). 0 is no limit.", ""),
            field("max_user_client_connections", "0", "Client connections of one user (since 1.24). 0 is no limit.", ""),
            field(
                "default_pool_size",
                "20",
                "Server connections for each pair of database and user; clients beyond wait.",
                "The limit that most people meet first, because it has a value even if nobody sets it.",
            ),
            field("min_pool_size", "0", "Server connections that are kept open even if nobody needs them.", ""),
            field("reserve_pool_size", "0", "Further server connections once a client has waited for reserve_pool_timeout.", ""),
            field("reserve_pool_timeout", "5s", "How long a client waits before the reserve is used.", ""),
            field(
                "max_db_connections",
                "0",
                "Server connections to one database, over all its pools. 0 is no limit. Clients beyond wait; nobody is refused.",
                "",
            ),
            field("max_user_connections", "0", "Server connections of one user. 0 is no limit.", ""),
            field(
                "query_wait_timeout",
                "2min",
                "Longest wait for a server connection; then the client is disconnected with \"query_wait_timeout\". 0s waits for ever.",
                "",
            ),
            field(
                "query_timeout",
                "0s",
                "Longest time for a statement, waiting included; then client and server connection are closed. 0s is off.",
                "",
            ),
            field(
                "idle_transaction_timeout",
                "0s",
                "Longest idleness inside a transaction; then both connections are closed. 0s is off.",
                "",
            ),
            field("transaction_timeout", "0s", "Longest transaction (since 1.25); then both connections are closed. 0s is off.", ""),
            field(
                "client_idle_timeout",
                "0s",
                "A client idle for longer is disconnected. 0s is off.",
                "Shorter than the pools' idle time, it breaks pooled connections.",
            ),
            field("client_login_timeout", "1min", "Longest login of a client.", ""),
            field("server_lifetime", "1h", "A server connection older than this is closed when nobody uses it, one after the other.", ""),
            field("server_idle_timeout", "10min", "A server connection unused for longer is closed.", ""),
            field("server_connect_timeout", "15s", "Longest set-up of a server connection.", ""),
            field(
                "server_login_retry",
                "15s",
                "The pause after a failed login at the server, in which clients fail fast if there is no connection.",
                "",
            ),
            field("server_check_delay", "30s", "A server connection idle for longer is checked with server_check_query before use.", ""),
            field(
                "server_reset_query",
                "\"DISCARD ALL\"",
                "Sent when a client gives a connection back, in session mode only. \"\" sends nothing.",
                "",
            ),
            field("server_reset_query_always", "false", "Sends server_reset_query in the other modes too.", ""),
            field("server_round_robin", "false", "Takes the server connection that has rested longest, not the last used.", ""),
            field(
                "cpu_per_query",
                "25us",
                "(Not in the ini file.) What one statement's way through takes of PgBouncer's single core.",
                "At 25us, one process passes 40 000 statements a second.",
            ),
        ],
    },
    Family {
        place: "proxy",
        owner: "RdsProxy",
        fields: &[
            field(
                "max_connections_percent",
                "100",
                "Database connections it may open, in per cent of max_connections (MaxConnectionsPercent).",
                "",
            ),
            field("max_idle_connections_percent", "50", "Idle database connections it keeps, in per cent of max_connections.", ""),
            field(
                "connection_borrow_timeout",
                "2min",
                "Longest wait for a database connection; then \"Timed-out waiting to acquire database connection.\"",
                "",
            ),
            field("idle_client_timeout", "30min", "A client that says nothing for longer is disconnected.", ""),
            field(
                "pin_probability",
                "0",
                "Probability that a transaction pins its client to the database connection until the client disconnects (SET, temporary tables, prepared statements).",
                "",
            ),
            field("latency", "0.7 ms", "Time that the proxy adds to each statement's round trip. AWS publishes no figure.", ""),
        ],
    },
    Family {
        place: "proxy.pool_mode",
        owner: "pool_mode",
        fields: &[
            field("Session", "", "A server connection belongs to its client until that disconnects.", ""),
            field("Transaction", "", "A server connection goes back when the transaction ends: session state does not survive it.", ""),
            field("Statement", "", "A server connection goes back after each statement; transactions are refused.", ""),
        ],
    },
];
