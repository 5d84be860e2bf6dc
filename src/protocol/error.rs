//! What can go wrong for a request, under the name and with the text that a person finds in the log.

use std::fmt;

macro_rules! errors {
    ($($(#[$doc:meta])* $Name:ident = $text:literal),* $(,)?) => {
        /// Why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Error { $($(#[$doc])* $Name),* }

        impl Error {
            /// All of them, in the order in which a request can meet them.
            pub const ALL: &'static [Error] = &[$(Error::$Name),*];

            /// Its name in results and in `retry`'s `on`.
            pub fn name(self) -> &'static str {
                match self { $(Error::$Name => stringify!($Name)),* }
            }

            /// The text in the log, where it does not depend on the configuration.
            pub fn text(self) -> &'static str {
                match self { $(Error::$Name => $text),* }
            }
        }
    };
}

errors! {
    /// The client's own deadline passed.
    DeadlineExceeded = "the client gave up",
    /// The pool's wait was over; each kind of pool has its own text.
    PoolTimeout = "timed out waiting for a connection from the pool",
    /// The pool accepts no more waiters.
    PoolQueueFull = "the pool has too many requests waiting",
    /// Nobody listens at the other end.
    ConnectionRefused = "connection refused",
    /// Setting the connection up took longer than the pool waits for it.
    ConnectTimeout = "timeout while connecting",
    /// The connection ended under the request.
    ConnectionLost = "server closed the connection unexpectedly",
    /// PgBouncer, at connect.
    NoMoreConnections = "no more connections allowed (max_client_conn)",
    /// PgBouncer 1.24, at connect.
    MaxDbClientConnections = "client connections exceeded (max_db_client_connections)",
    /// PgBouncer 1.24, at connect.
    MaxUserClientConnections = "client connections exceeded (max_user_client_connections)",
    /// PgBouncer: no server connection within `query_wait_timeout`.
    QueryWaitTimeout = "query_wait_timeout",
    /// PgBouncer: the statement ran longer than `query_timeout`.
    QueryTimeout = "query timeout",
    /// PgBouncer: the statement waited for a server connection for longer than `query_timeout`.
    QueryTimeoutWaiting = "query_timeout",
    /// PgBouncer: idle inside a transaction for too long.
    IdleTransactionTimeout = "idle transaction timeout",
    /// PgBouncer 1.25 and PostgreSQL 17: the transaction lasted too long.
    TransactionTimeout = "transaction timeout",
    /// PgBouncer: the client was idle for too long.
    ClientIdleTimeout = "client_idle_timeout",
    /// PgBouncer: the login could not be finished in time.
    ClientLoginTimeout = "client_login_timeout (server down)",
    /// PgBouncer: the last login at the server failed and there is no other connection.
    ServerLoginFailing = "server login has been failing, cached error: connect failed (server_login_retry)",
    /// PgBouncer: the server's end broke.
    ServerConnCrashed = "server conn crashed?",
    /// PgBouncer in statement mode.
    TransactionInStatementMode = "transaction blocks not allowed in statement pooling mode",
    /// PgBouncer or RDS Proxy was restarted or shut down.
    ProxyShutdown = "pooler is shutting down",
    /// RDS Proxy: nothing to borrow in time.
    BorrowTimeout = "Timed-out waiting to acquire database connection.",
    /// PostgreSQL has no slot left for this role.
    TooManyClients = "sorry, too many clients already",
    /// PostgreSQL is being started or stopped.
    CannotConnectNow = "the database system is starting up",
    /// PostgreSQL was told to stop or to end this session.
    AdminShutdown = "terminating connection due to administrator command",
    /// PostgreSQL cancelled the statement.
    StatementTimeout = "canceling statement due to statement timeout",
    /// PostgreSQL: a statement before this one has failed, and nothing has ended the transaction since.
    InFailedTransaction = "current transaction is aborted, commands ignored until end of transaction block",
    /// PostgreSQL ended the session.
    IdleInTransactionTimeout = "terminating connection due to idle-in-transaction timeout",
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
