//! AWS RDS Proxy.

use serde::{Deserialize, Serialize};

use super::ProxyKind;
use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::parts::database::Postgres;
use crate::protocol::server::Proxy;

/// RDS Proxy's settings, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RdsProxy {
    /// Database connections it may open, in per cent of the database's `max_connections`.
    pub max_connections_percent: f64,
    /// Idle database connections it keeps, in per cent of `max_connections`.
    pub max_idle_connections_percent: f64,
    /// Longest wait for a database connection.
    pub connection_borrow_timeout: Span,
    /// A client that says nothing for so long is disconnected.
    pub idle_client_timeout: Span,
    /// Probability that a transaction pins its client to the database connection until the client disconnects.
    pub pin_probability: f64,
    /// Time the proxy adds to each statement's round trip.
    pub latency: LatencySpec,
}

impl Default for RdsProxy {
    fn default() -> RdsProxy {
        RdsProxy {
            max_connections_percent: 100.0,
            max_idle_connections_percent: 50.0,
            connection_borrow_timeout: Span::from_secs(120),
            idle_client_timeout: Span::from_secs(1800),
            pin_probability: 0.0,
            latency: LatencySpec::always(Span::from_nanos(700_000)),
        }
    }
}

impl Example for RdsProxy {
    const EXAMPLE: &'static str = r#"RdsProxy(max_connections_percent: 90, connection_borrow_timeout: "30s", pin_probability: 0.01)"#;
}

impl ProxyKind for RdsProxy {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn build(&self, _: &Postgres, _: &Seed) -> Option<Box<dyn Proxy>> {
        None
    }
}
