//! What a request did from its arrival to its end, as a person would say it.

use crate::kernel::time::{SimTime, Span};
use crate::protocol::error::Error;
use crate::protocol::event::{StreamId, WorkerId};
use crate::protocol::fact::PoolStep;

/// What a request is doing, or waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // their names say it
pub enum Doing {
    EventLoop,
    AppQueue,
    Work,
    Await,
    Driver,
    Pool,
    PoolWait,
    Connect,
    Initialise,
    Ping,
    Close,
    Query,
    Commit,
    ProxyWait,
    Reset,
    RetryPause,
}

impl Doing {
    /// All of them, in the order in which a request meets them.
    pub const ALL: [Doing; 16] = [
        Doing::EventLoop,
        Doing::AppQueue,
        Doing::Work,
        Doing::Await,
        Doing::Driver,
        Doing::Pool,
        Doing::PoolWait,
        Doing::Connect,
        Doing::Initialise,
        Doing::Ping,
        Doing::Close,
        Doing::Query,
        Doing::Commit,
        Doing::ProxyWait,
        Doing::Reset,
        Doing::RetryPause,
    ];

    /// In at most eleven characters.
    pub fn name(self) -> &'static str {
        match self {
            Doing::EventLoop => "event loop",
            Doing::AppQueue => "app queue",
            Doing::Work => "work",
            Doing::Await => "await",
            Doing::Driver => "driver",
            Doing::Pool => "pool",
            Doing::PoolWait => "pool wait",
            Doing::Connect => "connect",
            Doing::Initialise => "initialise",
            Doing::Ping => "ping",
            Doing::Close => "close",
            Doing::Query => "query",
            Doing::Commit => "commit",
            Doing::ProxyWait => "proxy wait",
            Doing::Reset => "reset",
            Doing::RetryPause => "retry pause",
        }
    }

    /// What a step of the pool begins for the request that it is for.
    pub fn of_step(step: PoolStep) -> Option<Doing> {
        match step {
            PoolStep::Request => Some(Doing::Pool),
            PoolStep::Wait => Some(Doing::PoolWait),
            PoolStep::ConnectStart => Some(Doing::Connect),
            PoolStep::ConnectDone => Some(Doing::Initialise),
            PoolStep::Ping => Some(Doing::Ping),
            PoolStep::Reset => Some(Doing::Reset),
            PoolStep::Close => Some(Doing::Close),
            _ => None,
        }
    }

    /// Whether it is part of getting a connection.
    pub fn is_checkout(self) -> bool {
        matches!(self, Doing::Pool | Doing::PoolWait | Doing::Connect | Doing::Initialise | Doing::Ping | Doing::ProxyWait | Doing::Close)
    }
}

/// A time for which a request did one thing; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What.
    pub doing: Doing,
    /// From when.
    pub from: SimTime,
    /// Until when.
    pub to: SimTime,
    /// At which worker.
    pub worker: WorkerId,
    /// With which of the pool's connections, counted from 1.
    pub conn: Option<u32>,
}

/// A request's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Its stream.
    pub stream: StreamId,
    /// Its number in the stream, from 0.
    pub number: u64,
    /// When it arrived.
    pub arrived: SimTime,
    /// When it ended for its client, or when nobody looked any more.
    pub ended: SimTime,
    /// Whether it ended.
    pub is_over: bool,
    /// Why it failed.
    pub failure: Option<Error>,
    /// Attempts.
    pub attempts: u32,
    /// What it did, without a gap.
    pub segments: Vec<Segment>,
}

impl Journey {
    /// How long its client waited.
    pub fn took(&self) -> Span {
        self.ended - self.arrived
    }
}
