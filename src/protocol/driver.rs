//! The client library between a worker and its connections: time of its own, and how many round trips things take.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::{LatencySpec, Often};
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::Span;

/// A driver as an experiment file writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // an app has one
pub enum DriverSpec {
    /// No time beyond the network's, one round trip each.
    #[default]
    Ideal,
    /// asyncpg 0.32 under SQLAlchemy 2.1: a ping is three round trips, closing waits for the server. Measured, see [`Driver`].
    Asyncpg,
    /// psycopg 3.3 (async) under SQLAlchemy 2.1. Measured.
    Psycopg,
    /// tokio-postgres 0.7. Measured.
    TokioPostgres,
    /// Measured by the user.
    Custom(Box<Custom>),
}

/// A driver's own times, zero where left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// At each checkout.
    pub checkout: LatencySpec,
    /// At each statement.
    pub statement: LatencySpec,
    /// More of it where a statement begins a transaction: a BEGIN sent by itself, its round trip included.
    pub begin: LatencySpec,
    /// At each ping.
    pub ping: LatencySpec,
    /// At each reset on return.
    pub reset: LatencySpec,
    /// At each close, while the caller waits.
    pub close: LatencySpec,
    /// When a connection has been set up, of the event loop, on which nobody else can be served meanwhile: the proof of a
    /// password above all.
    pub connect: LatencySpec,
}

impl Custom {
    /// Each with the name that it has in a file.
    pub fn named(&self) -> [(&'static str, &LatencySpec); 7] {
        let Custom { checkout, statement, begin, ping, reset, close, connect } = self;
        [
            ("checkout", checkout),
            ("statement", statement),
            ("begin", begin),
            ("ping", ping),
            ("reset", reset),
            ("close", close),
            ("connect", connect),
        ]
    }

    /// All of them.
    pub fn all_mut(&mut self) -> [&mut LatencySpec; 7] {
        let Custom { checkout, statement, begin, ping, reset, close, connect } = self;
        [checkout, statement, begin, ping, reset, close, connect]
    }
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
    /// Sending a BEGIN of its own.
    Begin,
    /// Computing what the set-up of a connection needs.
    Connect,
}

/// A driver at work in the processes of one app.
///
/// The figures of the named drivers are means of four repetitions on two shared cores (AMD EPYC, loopback, PostgreSQL
/// 15.18, Python 3.11, November 2026; spreads of 7 to 50 %), measured by `tests/bench/measure_postgres.py`: what an
/// operation takes beyond its round trips. Round trips are counted, not timed. What a driver adds to a connection's
/// set-up (0.5 to 0.8 ms; with SCRAM some 2.5 ms of asyncpg's event loop: `connect` of [`Custom`]) and to the first statement on it
/// (0.1 to 0.3 ms) is not in them.
#[derive(Clone)]
pub struct Driver {
    times: [Often; 7],
    /// None of them ever takes any time.
    ideal: bool,
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
        self.times().named().into_iter().try_for_each(|(name, latency)| latency.check().map_err(|invalid| invalid.within(name)))
    }

    /// The driver of app `app`.
    pub fn build(&self, app: &str, seed: &Seed) -> Driver {
        let times = self.times();
        let (ping_trips, begin_trips, initialise_trips) = match self {
            DriverSpec::Asyncpg => (2, 1, 9),
            DriverSpec::Psycopg => (0, 1, 8),
            DriverSpec::TokioPostgres => (0, 1, 3),
            DriverSpec::Ideal | DriverSpec::Custom(_) => (0, 0, 3),
        };
        let times = [times.checkout, times.statement, times.ping, times.reset, times.close, times.begin, times.connect]
            .map(|latency| Often::from(latency.prepare()));
        let ideal = times.iter().all(|time| time.constant() == Some(Span::ZERO));
        Driver { times, ideal, dice: seed.stream(&format!("driver/{app}/times")), ping_trips, begin_trips, initialise_trips }
    }

    fn times(&self) -> Custom {
        let us = |us: u64| LatencySpec::always(micros(us));
        match self {
            DriverSpec::Ideal => Custom::default(),
            DriverSpec::Asyncpg => Custom {
                checkout: us(142),
                statement: us(120),
                begin: us(185),
                ping: us(99),
                reset: us(105),
                close: us(2390),
                ..Custom::default()
            },
            DriverSpec::Psycopg => Custom {
                checkout: us(144),
                statement: us(150),
                begin: us(218),
                ping: us(147),
                reset: us(104),
                close: us(98),
                ..Custom::default()
            },
            DriverSpec::TokioPostgres => Custom { statement: us(2), begin: us(25), reset: us(5), ..Custom::default() },
            DriverSpec::Custom(times) => (**times).clone(),
        }
    }
}

fn micros(us: u64) -> Span {
    Span::from_nanos(us * 1_000)
}

impl Driver {
    /// What `operations` take this time, one after the other.
    #[inline]
    pub fn times(&mut self, operations: &[Operation]) -> Span {
        if self.ideal { Span::ZERO } else { operations.iter().fold(Span::ZERO, |all, operation| all + self.time(*operation)) }
    }

    /// From here on with the dice of `seed`.
    pub fn reseed(&mut self, seed: &Seed) {
        self.dice.reseed(seed);
    }

    /// What `operation` takes this time beyond its round trips.
    pub fn time(&mut self, operation: Operation) -> Span {
        self.times[operation as usize].sample(&mut self.dice)
    }
}
