//! Workers with real pools: what they are told, and what they tell.
//!
//! A worker is a process in Python ([`python`]: SQLAlchemy) or a thread with an event loop of its own ([`rust`]: deadpool,
//! bb8, sqlx, or none). It is told what a request does, one [`Does`] after the other, and tells when each thing happened.

use std::sync::mpsc::Sender;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::clock::Clock;
use super::statements::Statements;
use crate::experiment::Problem;
use crate::kernel::time::Span;
use crate::measure::recording::{Checkout, PoolEvent, StatementKind};
use crate::parts::pool::PoolSpec;
use crate::protocol::driver::DriverSpec;
use crate::protocol::program::Does;
use crate::shells::cli::Failure;
use crate::simulation::blueprint::AppSpec;

pub mod errors;
pub mod python;
pub mod rust;
mod venv;

/// What a worker is told.
pub enum Order {
    /// A request, under a number of its own; each query with what is asked of the server.
    Begin(u64, Vec<Step>),
    /// Its client has gone.
    Cancel(u64),
}

/// A thing to do: what, and for a query the argument of the [statement](Statements).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What.
    pub does: Does,
    /// The argument of a query.
    pub argument: f64,
}

/// What a worker tells.
#[derive(Debug)]
pub enum Word {
    /// A request is over.
    Done(Told),
    /// Its pool opened or closed a connection.
    Pool(PoolEvent),
    /// The worker has ended by itself, with these last words.
    Gone(String),
}

/// What became of a request, on the run's clock.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// The number of the order.
    pub id: u64,
    /// Taken up.
    pub began: u64,
    /// Checkouts in the order in which they were asked for.
    pub checkouts: Vec<Checkout>,
    /// Statements in order.
    pub statements: Vec<Stated>,
    /// Done.
    pub ended: u64,
    /// What went wrong.
    pub error: Option<Trouble>,
}

/// A statement as a worker saw it.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)] // as in [`crate::measure::recording::Statement`]
pub struct Stated {
    pub checkout: u32,
    pub kind: StatementKind,
    pub sent: u64,
    pub replied: Option<u64>,
}

/// An error as a library told it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// Its type.
    pub class: String,
    /// The server's five letters, if it came from there.
    pub state: Option<String>,
    /// Its words.
    pub text: String,
}

/// Somebody who does requests.
pub trait Worker: Send {
    /// Waits until it can be started.
    fn ready(&mut self) -> Result<(), Failure>;
    /// The run starts when this clock stands at zero.
    fn start(&mut self, clock: Clock, number: u32, words: Sender<(u32, Word)>) -> Result<(), Failure>;
    /// Passes an order on; one that cannot be passed on is told of as [`Word::Gone`].
    fn tell(&mut self, order: Order);
    /// Its process, if it has one of its own.
    fn process(&self) -> Option<u32>;
    /// The libraries in it.
    fn versions(&self) -> Vec<String>;
    /// Nanoseconds that the set-up of a connection takes of its event loop, measured while it got ready; zero if it has none.
    fn set_up(&self) -> u64 {
        0
    }
    /// Ends it.
    fn stop(&mut self);
}

/// What a worker's pool is made of.
pub struct Setup<'a> {
    /// The app.
    pub app: &'a AppSpec,
    /// What it dials.
    pub address: &'a Address,
    /// The database itself, which it may dial to warm up.
    pub database: &'a Address,
    /// Whether a proxy stands there.
    pub proxied: bool,
    /// What a query is.
    pub statements: Statements,
    /// A statement that runs for longer is cancelled, where sessions are to say so themselves.
    pub statement_timeout: Option<Span>,
    /// The Python to make workers with.
    pub python: &'a str,
}

/// A worker for this app, on its way to be ready.
pub fn worker(setup: &Setup) -> Result<Box<dyn Worker>, Failure> {
    match (&setup.app.pool, &setup.app.driver) {
        (PoolSpec::SqlAlchemy(_), DriverSpec::TokioPostgres) => Err(unplayable(setup.app)),
        (PoolSpec::Deadpool(_) | PoolSpec::Bb8(_) | PoolSpec::Sqlx(_), _) | (PoolSpec::NullPool, DriverSpec::TokioPostgres) => {
            Ok(Box::new(rust::Rust::new(setup)))
        }
        (PoolSpec::SqlAlchemy(_) | PoolSpec::NullPool, _) => Ok(Box::new(python::Python::start(setup)?)),
        _ => Err(unplayable(setup.app)),
    }
}

fn unplayable(app: &AppSpec) -> Failure {
    let problem = Problem::nowhere(format!("the pools of {} cannot be run live", app.name));
    Failure::Input(problem.help("these can: SqlAlchemy and NullPool (with the driver Asyncpg, or Psycopg in threads), Deadpool, Bb8, Sqlx"))
}
