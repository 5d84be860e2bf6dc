//! PostgreSQL: admission, service of statements, timeouts, restarts.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::server::Slots;

mod alarm;
mod queue;
mod server;
mod service;
mod sessions;
mod sharing;
mod slowness;
mod table;

pub use server::PostgresServer;

/// How statements share the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ServiceSpec {
    /// Each takes its demand, however many there are.
    Delay,
    /// Processor sharing with contention: with N active, each runs at rate min(1, cores/N) / (1 + sigma (m-1) + kappa m (m-1)), m = min(N, 4 cores).
    Sharing {
        /// Cores.
        cores: u32,
        /// Contention (serialisation).
        #[serde(default)]
        sigma: f64,
        /// Coherency.
        #[serde(default)]
        kappa: f64,
    },
    /// First come, first served at so many cores.
    Queue {
        /// Cores.
        cores: u32,
    },
}

/// A PostgreSQL server, with its defaults. A timeout of "0s" is off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Postgres {
    /// Connection slots.
    pub max_connections: u32,
    /// Slots kept for superusers.
    pub superuser_reserved_connections: u32,
    /// A statement that runs longer is cancelled.
    pub statement_timeout: Span,
    /// A session idle inside a transaction for longer is ended.
    pub idle_in_transaction_session_timeout: Span,
    /// One connection set-up on an idle server, above the network.
    pub connect: LatencySpec,
    /// How statements share the server.
    pub service: ServiceSpec,
}

impl Default for Postgres {
    fn default() -> Postgres {
        Postgres {
            max_connections: 100,
            superuser_reserved_connections: 3,
            statement_timeout: Span::ZERO,
            idle_in_transaction_session_timeout: Span::ZERO,
            connect: LatencySpec::always(Span::from_millis(3)),
            service: ServiceSpec::Sharing { cores: 8, sigma: 0.03, kappa: 0.0001 },
        }
    }
}

/// The most that PostgreSQL can be told (`MAX_BACKENDS`, 2^18 - 1).
const MOST_CONNECTIONS: u32 = 262_143;

impl Postgres {
    /// Says what is wrong with the parameters and what would be right.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(1..=MOST_CONNECTIONS).contains(&self.max_connections) {
            return Err(Invalid::field(
                "max_connections",
                format!("max_connections lies between 1 and {MOST_CONNECTIONS}, as in PostgreSQL"),
            ));
        }
        if self.superuser_reserved_connections >= self.max_connections {
            let why = format!(
                "of {} connections {} are reserved, which leaves none; superuser_reserved_connections must be less than max_connections",
                self.max_connections, self.superuser_reserved_connections
            );
            return Err(Invalid::field("superuser_reserved_connections", why));
        }
        self.connect.check().map_err(|e| e.within("connect"))?;
        self.service.check().map_err(|e| e.within("service"))
    }

    /// How many connections it lets in.
    pub fn slots(&self) -> Slots {
        Slots { most: self.max_connections, reserved: self.superuser_reserved_connections }
    }

    /// The server, just started, of parameters that passed the check.
    pub fn build(&self, seed: &Seed) -> PostgresServer {
        PostgresServer::new(self, seed)
    }
}

impl ServiceSpec {
    /// Says what is wrong with the parameters and what would be right.
    pub fn check(&self) -> Result<(), Invalid> {
        let (cores, sigma, kappa) = match *self {
            ServiceSpec::Delay => return Ok(()),
            ServiceSpec::Queue { cores } => (cores, 0.0, 0.0),
            ServiceSpec::Sharing { cores, sigma, kappa } => (cores, sigma, kappa),
        };
        if cores == 0 {
            return Err(Invalid::field("cores", "without a core no statement ends; cores is 1 or more"));
        }
        for (name, coefficient) in [("sigma", sigma), ("kappa", kappa)] {
            if !(0.0..=1.0).contains(&coefficient) {
                return Err(Invalid::field(
                    name,
                    format!("{name} lies between 0 (none) and 1; 0.03 and 0.0001 suit mixed statements on 8 cores"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Postgres)) -> (String, String) {
        let mut spec = Postgres::default();
        change(&mut spec);
        let invalid = spec.check().expect_err("it is refused");
        (invalid.path, invalid.why)
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(Postgres::default().check(), Ok(()));
        assert_eq!(Postgres { service: ServiceSpec::Delay, ..Postgres::default() }.check(), Ok(()));
    }

    #[test]
    fn what_postgresql_would_not_start_with_is_refused_with_the_remedy() {
        let (path, why) = refused(|spec| spec.superuser_reserved_connections = 100);
        assert_eq!(path, "superuser_reserved_connections");
        assert!(why.contains("less than max_connections"), "{why}");
        assert_eq!(refused(|spec| spec.max_connections = 0).0, "max_connections");
        assert_eq!(refused(|spec| spec.max_connections = u32::MAX).0, "max_connections");
    }

    #[test]
    fn cores_that_never_finish_are_refused() {
        let sharing = |cores, sigma, kappa| ServiceSpec::Sharing { cores, sigma, kappa };
        assert_eq!(refused(|spec| spec.service = ServiceSpec::Queue { cores: 0 }).0, "service.cores");
        assert_eq!(refused(|spec| spec.service = sharing(0, 0.0, 0.0)).0, "service.cores");
        assert_eq!(refused(|spec| spec.service = sharing(8, f64::NAN, 0.0)).0, "service.sigma");
        assert_eq!(refused(|spec| spec.service = sharing(8, 0.0, -0.1)).0, "service.kappa");
    }
}
