//! AWS RDS Proxy: its settings, and what an experiment has to say of it.
//!
//! After the RDS user guide (2023 and newer). What AWS does not publish is chosen here and said so where it is chosen:
//! which idle connection is lent first, how soon a failed connect is tried again, and that one node has the whole quota.
//! The fixed life of connections (24 hours) is left out.

use serde::{Deserialize, Serialize};

use super::ProxyKind;
use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::server::{Proxy, Slots};

mod process;
mod servers;
#[cfg(test)]
mod tests;

/// RDS Proxy's settings, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RdsProxy {
    /// Database connections it may open, in per cent of the database's `max_connections`; never the ones reserved for
    /// superusers.
    pub max_connections_percent: f64,
    /// Idle database connections it keeps, in per cent of `max_connections`; others are closed after five minutes.
    pub max_idle_connections_percent: f64,
    /// Longest wait for a database connection.
    pub connection_borrow_timeout: Span,
    /// A client that says nothing for so long is disconnected.
    pub idle_client_timeout: Span,
    /// Probability that a transaction pins its client to the database connection until the client disconnects.
    pub pin_probability: f64,
    /// Time the proxy adds to each round trip, half of it each way, and to each connect.
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
    const WHAT: &'static str = "Amazon RDS Proxy, from its documentation: what AWS does not publish is an assumption.";
    const PARAMETERS: &'static [Field] = &[
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
    ];
}

impl ProxyKind for RdsProxy {
    fn check(&self) -> Result<(), Invalid> {
        if !(self.max_connections_percent > 0.0 && self.max_connections_percent <= 100.0) {
            return Err(Invalid::field("max_connections_percent", "a percentage above 0 and up to 100, such as 90"));
        }
        if !(0.0..=100.0).contains(&self.max_idle_connections_percent) {
            return Err(Invalid::field("max_idle_connections_percent", "a percentage from 0 to 100, such as 50"));
        }
        if self.idle_client_timeout.is_zero() {
            return Err(Invalid::field("idle_client_timeout", "it cannot be off; AWS takes \"1s\" to \"8h\""));
        }
        if !(0.0..=1.0).contains(&self.pin_probability) {
            return Err(Invalid::field("pin_probability", "a probability lies between 0 and 1"));
        }
        self.latency.check().map_err(|e| e.within("latency"))
    }
    fn build(&self, database: Slots, seed: &Seed) -> Option<Box<dyn Proxy>> {
        Some(Box::new(process::Process::new(self, database, seed)))
    }
}
