//! Errors of real libraries and servers, under the names that they have here.

use super::Trouble;
use crate::protocol::error::Error;

/// Words in an error's text, in lower case; the first that fit decide.
const WORDS: &[(&str, Error)] = &[
    // Pools: SQLAlchemy, deadpool, bb8, sqlx.
    ("queuepool limit of size", Error::PoolTimeout),
    ("waiting for a slot to become available", Error::PoolTimeout),
    ("timed out in bb8", Error::PoolTimeout),
    ("pool timed out while waiting", Error::PoolTimeout),
    // PgBouncer.
    ("query_wait_timeout", Error::QueryWaitTimeout),
    ("max_db_client_connections", Error::MaxDbClientConnections),
    ("max_user_client_connections", Error::MaxUserClientConnections),
    ("no more connections allowed", Error::NoMoreConnections),
    ("query_timeout", Error::QueryTimeoutWaiting),
    ("query timeout", Error::QueryTimeout),
    ("idle transaction timeout", Error::IdleTransactionTimeout),
    ("client_idle_timeout", Error::ClientIdleTimeout),
    ("client_login_timeout", Error::ClientLoginTimeout),
    ("server_login_retry", Error::ServerLoginFailing),
    ("server login has been failing", Error::ServerLoginFailing),
    ("server conn crashed", Error::ServerConnCrashed),
    ("transaction blocks not allowed in statement pooling", Error::TransactionInStatementMode),
    ("pooler is shut", Error::ProxyShutdown),
    ("bouncer shutting down", Error::ProxyShutdown),
    // PostgreSQL.
    ("sorry, too many clients", Error::TooManyClients),
    ("remaining connection slots are reserved", Error::TooManyClients),
    ("the database system is", Error::CannotConnectNow),
    ("due to administrator command", Error::AdminShutdown),
    ("due to statement timeout", Error::StatementTimeout),
    ("idle-in-transaction timeout", Error::IdleInTransactionTimeout),
    ("transaction timeout", Error::TransactionTimeout),
    ("current transaction is aborted", Error::InFailedTransaction),
    // The way between them.
    ("connection refused", Error::ConnectionRefused),
    ("connect call failed", Error::ConnectionRefused),
    ("timeout while connecting", Error::ConnectTimeout),
    ("connection timeout", Error::ConnectTimeout),
    ("timeout occurred while creating", Error::ConnectTimeout),
    ("closed in the middle of operation", Error::ConnectionLost),
    ("closed the connection", Error::ConnectionLost),
    ("connection is closed", Error::ConnectionLost),
    ("connection was closed", Error::ConnectionLost),
    ("connection closed", Error::ConnectionLost),
    ("connection reset", Error::ConnectionLost),
    ("connection_lost", Error::ConnectionLost),
    ("connection is lost", Error::ConnectionLost),
    ("broken pipe", Error::ConnectionLost),
    ("unexpected eof", Error::ConnectionLost),
    ("expected to read", Error::ConnectionLost),
];

/// The name that an error has here, if it has one.
pub fn name(trouble: &Trouble) -> Option<Error> {
    let text = trouble.text.to_lowercase();
    let by_words = WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, name)| *name);
    by_words.or_else(|| by_state(trouble.state.as_deref()?))
}

/// What a server in another language says is known by its five letters.
fn by_state(state: &str) -> Option<Error> {
    match state {
        "53300" => Some(Error::TooManyClients),
        "57P01" => Some(Error::AdminShutdown),
        "57P03" => Some(Error::CannotConnectNow),
        "57014" => Some(Error::StatementTimeout),
        "25P02" => Some(Error::InFailedTransaction),
        "25P03" => Some(Error::IdleInTransactionTimeout),
        _ if state.starts_with("08") => Some(Error::ConnectionLost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, state: Option<&str>) -> Option<Error> {
        name(&Trouble { class: String::new(), state: state.map(str::to_owned), text: text.to_owned() })
    }

    #[test]
    fn what_real_libraries_say_has_its_name_here() {
        let said = [
            ("QueuePool limit of size 5 overflow 0 reached, connection timed out, timeout 0.50", Error::PoolTimeout),
            ("Timeout occurred while waiting for a slot to become available", Error::PoolTimeout),
            (
                "<class 'asyncpg.exceptions.ConnectionDoesNotExistError'>: connection was closed in the middle of operation",
                Error::ConnectionLost,
            ),
            ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", Error::ConnectionRefused),
            ("remaining connection slots are reserved for roles with the SUPERUSER attribute", Error::TooManyClients),
            ("terminating connection due to administrator command", Error::AdminShutdown),
            ("terminating connection due to idle-in-transaction timeout", Error::IdleInTransactionTimeout),
            ("server closed the connection unexpectedly", Error::ConnectionLost),
        ];
        for (text, expected) in said {
            assert_eq!(named(text, None), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_server_that_speaks_another_language_is_understood_and_what_is_unknown_has_no_name() {
        assert_eq!(named("désolé, trop de clients", Some("53300")), Some(Error::TooManyClients));
        assert_eq!(named("division by zero", Some("22012")), None);
    }
}
