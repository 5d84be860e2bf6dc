//! PostgreSQL: admission, service of statements, timeouts, restarts.

use serde::{Deserialize, Serialize};

use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;

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
