//! What was written and what will be done: checks, versions, and the settings as the process uses them.

use super::{PgBouncer, PoolMode};
use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;
use crate::protocol::error::Error;

/// A release of PgBouncer: its minor number, since all are 1.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32);

/// Fast-fail text with the cached error, `max_*_client_connections`, a pool size of 0 without limit.
pub(super) const V1_24: Version = Version(24);
/// A failed login ends all waiters of a pool without servers.
pub(super) const V1_21: Version = Version(21);
/// `transaction_timeout`, the empty check query.
pub(super) const V1_25: Version = Version(25);
const OLDEST: Version = Version(18);

impl Version {
    /// Reads "1.25" or "1.25.2".
    pub(super) fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.split('.').map(|part| part.parse::<u32>().ok());
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Some(1)), Some(Some(minor)), None | Some(Some(_)), None) => Some(Version(minor)),
            _ => None,
        }
    }
}

/// The settings of a running process. The fields mean what PgBouncer's settings of these names mean.
#[derive(Clone)]
pub(super) struct Settings {
    /// As written.
    pub(super) written: PgBouncer,
    /// Whose behaviour.
    pub(super) version: Version,
    /// Time of the thread that one message takes.
    pub(super) message: Span,
    /// Time of the thread that one login takes.
    pub(super) login: Span,
    /// `default_pool_size`, with no limit as the greatest number.
    pub(super) pool_size: usize,
    /// A released server connection is reset before anybody gets it.
    pub(super) resets: bool,
    /// Service demand of the check query.
    pub(super) check_demand: Span,
}

/// CPU of one login with md5 or a stored SCRAM secret: 0.2 to 0.3 ms, measured with PgBouncer 1.18 on one core. A server
/// login is taken to cost the same (md5; SCRAM from a plain-text password would take about 4 ms).
const LOGIN: Span = Span::from_nanos(250_000);
/// Service demand of `select 1`; 1.25 sends an empty query instead, which has none.
const SELECT_1: Span = Span::from_nanos(50_000);

impl Settings {
    /// Of settings that passed the check.
    pub(super) fn new(written: &PgBouncer) -> Settings {
        let version = Version::parse(&written.version).expect("the version was checked");
        let unlimited = written.default_pool_size == 0 && version >= V1_24;
        Settings {
            version,
            message: Span::from_nanos(written.cpu_per_query.nanos() / 2),
            login: if written.cpu_per_query.is_zero() { Span::ZERO } else { LOGIN },
            pool_size: if unlimited { usize::MAX } else { written.default_pool_size as usize },
            resets: !written.server_reset_query.is_empty() && (written.pool_mode == PoolMode::Session || written.server_reset_query_always),
            check_demand: if version >= V1_25 { Span::ZERO } else { SELECT_1 },
            written: written.clone(),
        }
    }

    /// Why a process with `sockets` client sockets, this one among them, turns the client away at its startup packet.
    /// One database and one user, so all sockets count for all three limits.
    pub(super) fn turns_away(&self, sockets: usize) -> Option<Error> {
        let written = &self.written;
        let over = |limit: u32| limit > 0 && sockets > limit as usize;
        if sockets > written.max_client_conn as usize {
            Some(Error::NoMoreConnections)
        } else if over(written.max_db_client_connections) {
            Some(Error::MaxDbClientConnections)
        } else if over(written.max_user_client_connections) {
            Some(Error::MaxUserClientConnections)
        } else {
            None
        }
    }

    /// Time between two closings for age: the lifetime spread over the pool.
    pub(super) fn lifetime_gap(&self) -> Span {
        match self.written.default_pool_size {
            0 => Span::ZERO,
            size => Span::from_nanos(self.written.server_lifetime.nanos() / u64::from(size)),
        }
    }
}

impl PgBouncer {
    /// The text of `why` as this version writes it.
    pub fn text(&self, why: Error) -> &'static str {
        let older = Version::parse(&self.version).is_some_and(|version| version < V1_24);
        if why == Error::ServerLoginFailing && older {
            return "server login has been failing, try again later (server_login_retry)";
        }
        why.text()
    }
}

/// Whether `age` exceeds a timeout that is off when zero.
pub(super) fn over(timeout: Span, age: Span) -> bool {
    !timeout.is_zero() && age > timeout
}

/// Says what is wrong with the settings and what would be right.
pub(super) fn check(written: &PgBouncer) -> Result<(), Invalid> {
    let version = Version::parse(&written.version)
        .filter(|version| *version >= OLDEST)
        .ok_or_else(|| Invalid::field("version", format!("expected a release from \"1.18\" to \"1.25\", found \"{}\"", written.version)))?;
    let newer = [
        ("max_db_client_connections", written.max_db_client_connections > 0, V1_24),
        ("max_user_client_connections", written.max_user_client_connections > 0, V1_24),
        ("transaction_timeout", !written.transaction_timeout.is_zero(), V1_25),
    ];
    for (name, used, since) in newer {
        if used && version < since {
            return Err(Invalid::field(
                name,
                format!("PgBouncer {} does not know it: leave it out, or say version: \"1.{}\"", written.version, since.0),
            ));
        }
    }
    check_sizes(written)
}

fn check_sizes(written: &PgBouncer) -> Result<(), Invalid> {
    if written.max_client_conn == 0 {
        return Err(Invalid::field("max_client_conn", "no client could connect; PgBouncer's default is 100"));
    }
    if written.default_pool_size > 0 && written.min_pool_size > written.default_pool_size {
        return Err(Invalid::field(
            "min_pool_size",
            format!("the pool never grows beyond default_pool_size, {}: make this at most as large", written.default_pool_size),
        ));
    }
    if written.cpu_per_query > Span::from_secs(1) {
        return Err(Invalid::field("cpu_per_query", "more than a second for each query; about \"25us\" was measured"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(written: PgBouncer) -> String {
        check(&written).expect_err("it is refused").path
    }

    #[test]
    fn what_cannot_work_is_refused_by_the_name_of_the_field() {
        assert_eq!(check(&PgBouncer::default()), Ok(()));
        let plain = PgBouncer::default;
        for version in ["", "2.1", "1", "1.x", "1.25.2.1", "1.17"] {
            assert_eq!(refused(PgBouncer { version: version.to_owned(), ..plain() }), "version", "{version}");
        }
        assert_eq!(refused(PgBouncer { max_client_conn: 0, ..plain() }), "max_client_conn");
        assert_eq!(refused(PgBouncer { min_pool_size: 21, ..plain() }), "min_pool_size");
        assert_eq!(refused(PgBouncer { cpu_per_query: Span::from_secs(2), ..plain() }), "cpu_per_query");
    }

    #[test]
    fn a_setting_that_came_later_is_refused_with_the_version_that_has_it() {
        let old = || PgBouncer { version: "1.18".to_owned(), ..PgBouncer::default() };
        assert_eq!(check(&old()), Ok(()));
        assert_eq!(refused(PgBouncer { max_db_client_connections: 5, ..old() }), "max_db_client_connections");
        let why = check(&PgBouncer { transaction_timeout: Span::from_secs(1), ..old() }).expect_err("it is refused").why;
        assert!(why.contains("1.25"), "{why}");
    }

    #[test]
    fn versions_have_their_texts_and_their_meaning_of_a_pool_size_of_zero() {
        let of = |version: &str| PgBouncer { version: version.to_owned(), default_pool_size: 0, ..PgBouncer::default() };
        assert!(of("1.23.1").text(Error::ServerLoginFailing).contains("try again later"));
        assert!(of("1.24").text(Error::ServerLoginFailing).contains("cached error"));
        assert_eq!(of("1.18").text(Error::QueryWaitTimeout), "query_wait_timeout");
        assert_eq!(Settings::new(&of("1.18.0")).pool_size, 0);
        assert_eq!(Settings::new(&of("1.24.0")).pool_size, usize::MAX);
    }
}
