//! A request: what it wants, drawn at its birth, and how far it has come.

use crate::kernel::time::SimTime;
use crate::protocol::conn::Leases;
use crate::protocol::error::Error;
use crate::protocol::event::{StreamId, WorkerId};

/// What a request's task is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// At the client, between two attempts.
    #[default]
    AtClient,
    /// Sent, and not yet taken up by the worker's event loop.
    Sent,
    /// At the worker, which has no room for it yet.
    Queued,
    /// Ready to go on, as soon as the event loop takes it.
    Ready,
    /// Occupying the event loop.
    Working,
    /// Waiting by itself.
    Awaiting,
    /// Getting ready for the instruction it stands at: the driver's own time.
    Preparing,
    /// Waiting for the pool to lend a connection.
    Acquiring,
    /// Waiting for a statement's reply.
    InStatement,
    /// Waiting for the pool to take a connection back.
    Releasing,
    /// The worker is done with it.
    Done,
}

/// One request, from its arrival to its end, through all its attempts.
#[derive(Clone, Default)]
pub struct Request {
    // What it wants.
    /// Its stream.
    pub stream: StreamId,
    /// Its number in the stream: with seed and stream, all that decides what it wants.
    pub number: u64,
    /// The user of a closed stream who sent it.
    pub user: u32,
    /// A random word for the load balancer.
    pub balance: u64,
    /// All it drew at birth: what the stream's program wants, then pauses between attempts.
    pub drawn: Vec<u64>,

    // How far it has come.
    /// Attempts begun.
    pub attempt: u32,
    /// The worker of this attempt.
    pub worker: WorkerId,
    /// What its task is doing.
    pub stage: Stage,
    /// The instruction it stands at.
    pub step: u32,
    /// Counts what it has waited for by itself, so that an old [`Resume`](super::event::Event::Resume) is known.
    pub turn: u32,
    /// Its connections, the innermost last.
    pub leases: Leases,
    /// Why it is being unwound.
    pub failure: Option<Error>,
    /// The client has gone; what is left is clearing up.
    pub given_up: bool,
    /// A number of the pool's own, while the request deals with the pool.
    pub pool_tag: u32,

    // Stamps.
    /// When it arrived at the client.
    pub arrived: SimTime,
    /// When it asked for the connection it waits for, or got last.
    pub asked: SimTime,
}

impl Request {
    /// A newborn in a place where another request stood before: its buffers are kept, and its dice still to be thrown.
    #[inline]
    pub fn reset(&mut self, stream: StreamId, number: u64, user: u32, now: SimTime) {
        (self.stream, self.number, self.user, self.arrived, self.asked) = (stream, number, user, now, SimTime::ZERO);
        (self.attempt, self.step, self.turn, self.pool_tag) = (0, 0, 0, 0);
        (self.stage, self.failure, self.given_up) = (Stage::AtClient, None, false);
        self.leases.clear();
    }
}
