//! Parameters of pools and drivers.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "apps.*.pool",
        owner: "pools",
        fields: &[
            field(
                "SqlAlchemy",
                "",
                "SQLAlchemy's QueuePool and AsyncAdaptedQueuePool (2.0.55 to 2.1), under the arguments of create_engine.",
                "",
            ),
            field(
                "NullPool",
                "",
                "SQLAlchemy's NullPool: a new connection for each checkout, closed at checkin. No limit, no waiting.",
                "",
            ),
            field("PsycopgPool", "", "psycopg_pool 3.3, sync or async: workers connect, and a burst grows the pool one at a time.", ""),
            field("AsyncpgPool", "", "asyncpg's own pool (0.32): whoever takes an unconnected holder connects it.", ""),
            field("Hikari", "", "HikariCP (6.0): one thread adds connections, with 30 ms between two of them.", ""),
            field("Pgx", "", "pgxpool (pgx 5.10): first come, first served; what comes back inside a transaction is destroyed.", ""),
            field("DatabaseSql", "", "Go's database/sql: keeps two connections unless told otherwise, serves waiters at random.", ""),
            field("Sqlx", "", "sqlx 0.9: pings before and after every use.", ""),
            field("Deadpool", "", "deadpool 0.13 with deadpool-postgres: no timeouts, no lifetimes unless set.", ""),
            field("Bb8", "", "bb8 0.9: tasks connect, and everybody races for what comes.", ""),
            field("R2d2", "", "r2d2 0.8: opens all connections at the start.", ""),
            field("NodePostgres", "", "node-postgres' pg-pool 3.14: no validation, no reset, no rollback.", ""),
            field("Npgsql", "", "Npgsql (11): the reset travels with the next command; idle connectors are pruned by their median.", ""),
        ],
    },
    Family {
        place: "apps.*.pool",
        owner: "SqlAlchemy",
        fields: &[
            field(
                "pool_size",
                "5",
                "Connections that the pool of each process keeps. 0 is no limit at all.",
                "A fleet may open workers × (pool_size + max_overflow).",
            ),
            field(
                "max_overflow",
                "10",
                "Connections beyond pool_size. One that comes back is closed only if pool_size connections are idle already. -1 is no limit.",
                "",
            ),
            field(
                "pool_timeout",
                "30s",
                "Longest wait for a connection; then TimeoutError, \"QueuePool limit of size … reached\".",
                "None waits for ever, 0s not at all.",
            ),
            field(
                "pool_recycle",
                "None",
                "Age from which a connection is replaced at its next checkout, while the request waits. None (-1 there) never.",
                "",
            ),
            field(
                "pool_pre_ping",
                "false",
                "Asks at each checkout whether the connection lives, and replaces all older ones if not: a round trip each time.",
                "The driver decides how many round trips: three for asyncpg.",
            ),
            field("pool_use_lifo", "false", "Takes the connection that came back last, so that idle ones can age out at the server.", ""),
            field(
                "pool_reset_on_return",
                "Rollback",
                "What happens to a connection before it goes back: Rollback, Commit or None.",
                "A reset takes a round trip only if a transaction is open, as the driver knows.",
            ),
            field(
                "release",
                "AsyncWith",
                "Who runs first when a connection comes back and a request waits: with AsyncWith (async with engine.connect()) the waiter, with Close (await conn.close(), and threads) whoever gave it back, who may take it again.",
                "This alone moves the pool from fairness to starvation.",
            ),
        ],
    },
    Family {
        place: "apps.*.driver",
        owner: "drivers",
        fields: &[
            field("Ideal", "", "No time beyond the network's, one round trip each.", ""),
            field(
                "Asyncpg",
                "",
                "asyncpg under SQLAlchemy: BEGIN is sent by itself, a ping is three round trips, closing waits for the server.",
                "",
            ),
            field("Psycopg", "", "psycopg 3 under SQLAlchemy: BEGIN is sent by itself.", ""),
            field("TokioPostgres", "", "tokio-postgres: no time of its own.", ""),
            field(
                "Custom",
                "",
                "Your own measurements: Custom(checkout, statement, ping, reset, close), each a distribution, 0s where left out.",
                "",
            ),
        ],
    },
    Family {
        place: "apps.*.driver",
        owner: "Custom",
        fields: &[
            field("checkout", "0s", "The library's own time at each checkout.", ""),
            field("statement", "0s", "At each statement.", ""),
            field("ping", "0s", "At each ping.", ""),
            field("reset", "0s", "At each reset on return.", ""),
            field("close", "0s", "At each close, while the caller waits.", ""),
        ],
    },
    Family {
        place: "apps.*.balance",
        owner: "balance",
        fields: &[
            field("RoundRobin", "", "One worker after the other.", ""),
            field("Random", "", "Any worker, by the request's own dice.", ""),
            field("LeastBusy", "", "The worker with the fewest requests, the first among equals.", ""),
        ],
    },
];
