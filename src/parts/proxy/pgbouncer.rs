//! PgBouncer 1.18 to 1.25: its settings as an experiment file writes them, and the process that works by them.
//!
//! One process, one thread, one database, one user, so one pool. The sections of the process keep PgBouncer's own words
//! (`CL_WAITING`, `SV_TESTED`, `launch_new_connection`, the janitor) and the order of its tests, as its sources 1.18.0
//! and 1.25.2 have them (`src/objects.c`, `src/janitor.c`, `src/client.c`, `src/server.c`).

use serde::{Deserialize, Serialize};

use super::ProxyKind;
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::server::{Proxy, Slots};

mod clients;
mod janitor;
mod pool;
mod process;
mod restart;
mod servers;
mod settings;
mod show;
#[cfg(test)]
mod tests;

/// When a server connection goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolMode {
    /// When the client disconnects.
    #[default]
    Session,
    /// When the transaction ends.
    Transaction,
    /// After each statement.
    Statement,
}

/// PgBouncer's settings under their ini names, with its defaults. A timeout of "0s" is off, but a `server_lifetime` of
/// "0s" means that a server connection is used once. `version` and `cpu_per_query` are the model's own:
/// `cpu_per_query` is what one query costs the one thread there and back (measured 23 to 30 us for `select 1`), and
/// "0s" takes all of the process's own time away, that of logins included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // named and documented by PgBouncer
pub struct PgBouncer {
    pub version: String,
    pub pool_mode: PoolMode,
    pub max_client_conn: u32,
    pub max_db_client_connections: u32,
    pub max_user_client_connections: u32,
    pub default_pool_size: u32,
    pub min_pool_size: u32,
    pub reserve_pool_size: u32,
    pub reserve_pool_timeout: Span,
    pub max_db_connections: u32,
    pub max_user_connections: u32,
    pub query_wait_timeout: Span,
    pub query_timeout: Span,
    pub idle_transaction_timeout: Span,
    pub transaction_timeout: Span,
    pub client_idle_timeout: Span,
    pub client_login_timeout: Span,
    pub server_lifetime: Span,
    pub server_idle_timeout: Span,
    pub server_connect_timeout: Span,
    pub server_login_retry: Span,
    pub server_check_delay: Span,
    pub server_reset_query: String,
    pub server_reset_query_always: bool,
    pub server_round_robin: bool,
    pub cpu_per_query: Span,
}

impl Default for PgBouncer {
    fn default() -> PgBouncer {
        PgBouncer {
            version: "1.25".to_owned(),
            pool_mode: PoolMode::Session,
            max_client_conn: 100,
            max_db_client_connections: 0,
            max_user_client_connections: 0,
            default_pool_size: 20,
            min_pool_size: 0,
            reserve_pool_size: 0,
            reserve_pool_timeout: Span::from_secs(5),
            max_db_connections: 0,
            max_user_connections: 0,
            query_wait_timeout: Span::from_secs(120),
            query_timeout: Span::ZERO,
            idle_transaction_timeout: Span::ZERO,
            transaction_timeout: Span::ZERO,
            client_idle_timeout: Span::ZERO,
            client_login_timeout: Span::from_secs(60),
            server_lifetime: Span::from_secs(3600),
            server_idle_timeout: Span::from_secs(600),
            server_connect_timeout: Span::from_secs(15),
            server_login_retry: Span::from_secs(15),
            server_check_delay: Span::from_secs(30),
            server_reset_query: "DISCARD ALL".to_owned(),
            server_reset_query_always: false,
            server_round_robin: false,
            cpu_per_query: Span::from_nanos(25_000),
        }
    }
}

impl Example for PgBouncer {
    const EXAMPLE: &'static str = "PgBouncer(pool_mode: Transaction, default_pool_size: 40, max_client_conn: 1000)";
    const WHAT: &'static str = "PgBouncer 1.18 to 1.25, under the names of its ini file: one process for one database and one user.";
    const PARAMETERS: &'static [Field] = &[
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
        field("idle_transaction_timeout", "0s", "Longest idleness inside a transaction; then both connections are closed. 0s is off.", ""),
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
    ];
}

impl ProxyKind for PgBouncer {
    fn check(&self) -> Result<(), Invalid> {
        settings::check(self)
    }
    fn build(&self, _: Slots, seed: &Seed) -> Option<Box<dyn Proxy>> {
        Some(Box::new(process::Process::new(self, seed)))
    }
}
