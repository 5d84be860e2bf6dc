//! The client library between a worker and its connections: time of its own, and how many round trips things take.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::{Latency, LatencySpec};
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::Span;

/// A driver as an experiment file writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum DriverSpec {
    /// No time beyond the network's, one round trip each.
    #[default]
    Ideal,
    /// asyncpg under SQLAlchemy: a ping is three round trips, closing waits for the server.
    Asyncpg,
    /// psycopg 3 under SQLAlchemy.
    Psycopg,
    /// tokio-postgres.
    TokioPostgres,
    /// Measured by the user.
    Custom(Custom),
}

/// A driver's own times, zero where left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// At each checkout.
    pub checkout: LatencySpec,
    /// At each statement.
    pub statement: LatencySpec,
    /// At each ping.
    pub ping: LatencySpec,
    /// At each reset on return.
    pub reset: LatencySpec,
    /// At each close, while the caller waits.
    pub close: LatencySpec,
}

/// An operation that takes the driver time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Taking a connection from the pool.
    Checkout,
    /// Sending a statement and reading its reply.
    Statement,
    /// Asking whether a connection lives.
    Ping,
    /// Resetting a connection on its return.
    Reset,
    /// Closing a connection.
    Close,
}

/// A driver at work in the processes of one app.
pub struct Driver {
    times: [Box<dyn Latency>; 5],
    dice: Stream,
    /// Round trips before the one that answers a ping.
    pub ping_trips: u8,
    /// Round trips before a statement that begins a transaction: 1 where BEGIN is sent by itself.
    pub begin_trips: u8,
    /// Round trips before the last of what a library asks on its first connection.
    pub initialise_trips: u8,
}

impl DriverSpec {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Result<(), Invalid> {
        let times = self.times();
        for (name, latency) in [
            ("checkout", &times.checkout),
            ("statement", &times.statement),
            ("ping", &times.ping),
            ("reset", &times.reset),
            ("close", &times.close),
        ] {
            latency.check().map_err(|e| e.within(name))?;
        }
        Ok(())
    }

    /// The driver of app `app`.
    pub fn build(&self, app: &str, seed: &Seed) -> Driver {
        let times = self.times();
        let (ping_trips, begin_trips, initialise_trips) = match self {
            DriverSpec::Asyncpg => (2, 1, 4),
            DriverSpec::Psycopg => (0, 1, 4),
            DriverSpec::Ideal | DriverSpec::TokioPostgres | DriverSpec::Custom(_) => (0, 0, 3),
        };
        let times = [times.checkout, times.statement, times.ping, times.reset, times.close].map(|latency| latency.prepare());
        Driver { times, dice: seed.stream(&format!("driver/{app}/times")), ping_trips, begin_trips, initialise_trips }
    }

    fn times(&self) -> Custom {
        let us = |us: u64| LatencySpec::always(Span::from_nanos(us * 1000));
        match self {
            DriverSpec::Ideal | DriverSpec::TokioPostgres => Custom::default(),
            DriverSpec::Asyncpg => Custom { checkout: us(35), statement: us(100), ping: us(60), reset: us(75), close: us(2600) },
            DriverSpec::Psycopg => Custom { checkout: us(35), statement: us(100), ping: us(20), reset: us(75), close: us(50) },
            DriverSpec::Custom(times) => times.clone(),
        }
    }
}

impl Driver {
    /// What `operation` takes this time beyond its round trips.
    pub fn time(&mut self, operation: Operation) -> Span {
        let latency = &self.times[operation as usize];
        latency.constant().unwrap_or_else(|| latency.sample(&mut self.dice))
    }
}
