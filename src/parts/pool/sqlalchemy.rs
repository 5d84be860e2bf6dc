//! SQLAlchemy's `QueuePool` and `AsyncAdaptedQueuePool` (2.0.55 to 2.1): the parameters, and the steps' house.
//!
//! The steps bear the letters that their comments in `checkout.rs` and `checkin.rs` explain: G get a slot, R make it
//! usable, P ping it, K take it back. No background task exists: nothing ever happens to an idle connection.

use serde::{Deserialize, Serialize};

use super::{Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::event::WorkerId;

mod checkin;
mod checkout;
mod queue_pool;

/// What happens to a connection before it goes back to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResetOnReturn {
    /// `rollback()`.
    Rollback,
    /// `commit()`.
    Commit,
}

/// Who runs first when a connection is given back and somebody waits for it.
///
/// The library puts the connection into the idle list and wakes the oldest waiter; whoever *runs* first takes it. This
/// one choice moves the pool from fairness to starvation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Release {
    /// `async with engine.connect()`: closing takes extra turns of the event loop, so the waiter takes the connection first.
    #[default]
    AsyncWith,
    /// `await conn.close()`, and threads: whoever gives back runs on, and takes its own connection again if it asks at once.
    Close,
}

/// SQLAlchemy's pool under its engine arguments, with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqlAlchemy {
    /// Connections kept at most; 0 is no limit at all.
    pub pool_size: u32,
    /// Connections beyond `pool_size`; -1 is no limit.
    pub max_overflow: i64,
    /// Longest wait in the queue; `None` waits for ever, "0s" not at all.
    pub pool_timeout: Option<Span>,
    /// Age from which a connection is replaced at checkout; `None` never.
    pub pool_recycle: Option<Span>,
    /// Pings a connection at checkout.
    pub pool_pre_ping: bool,
    /// Takes the connection that came back last.
    pub pool_use_lifo: bool,
    /// What happens to a connection before it goes back; `None` nothing.
    pub pool_reset_on_return: Option<ResetOnReturn>,
    /// Who runs first when a connection is given back and somebody waits for it.
    pub release: Release,
}

impl Default for SqlAlchemy {
    fn default() -> SqlAlchemy {
        SqlAlchemy {
            pool_size: 5,
            max_overflow: 10,
            pool_timeout: Some(Span::from_secs(30)),
            pool_recycle: None,
            pool_pre_ping: false,
            pool_use_lifo: false,
            pool_reset_on_return: Some(ResetOnReturn::Rollback),
            release: Release::AsyncWith,
        }
    }
}

impl Example for SqlAlchemy {
    const EXAMPLE: &'static str =
        r#"SqlAlchemy(pool_size: 20, max_overflow: 10, pool_timeout: "30s", pool_recycle: "1h", pool_pre_ping: true)"#;
    const WHAT: &'static str = "SQLAlchemy's QueuePool and AsyncAdaptedQueuePool (2.0.55 to 2.1), under the arguments of create_engine.";
    const PARAMETERS: &'static [Field] = &[
        field(
            "pool_size",
            "5",
            "Connections that the pool of each process keeps. 0 is no limit at all.",
            "A fleet may open workers × (pool_size + max_overflow).",
        ),
        field(
            "max_overflow",
            "10",
            "Connections beyond pool_size. One that comes back is closed only if pool_size connections are idle already. -1 is no limit.",
            "",
        ),
        field(
            "pool_timeout",
            "30s",
            "Longest wait for a connection; then TimeoutError, \"QueuePool limit of size … reached\".",
            "None waits for ever, 0s not at all.",
        ),
        field(
            "pool_recycle",
            "None",
            "Age from which a connection is replaced at its next checkout, while the request waits. None (-1 there) never.",
            "",
        ),
        field(
            "pool_pre_ping",
            "false",
            "Asks at each checkout whether the connection lives, and replaces all older ones if not: a round trip each time.",
            "The driver decides how many round trips: three for asyncpg.",
        ),
        field("pool_use_lifo", "false", "Takes the connection that came back last, so that idle ones can age out at the server.", ""),
        field(
            "pool_reset_on_return",
            "Rollback",
            "What happens to a connection before it goes back: Rollback, Commit or None.",
            "A reset takes a round trip only if a transaction is open, as the driver knows.",
        ),
        field(
            "release",
            "AsyncWith",
            "Who runs first when a connection comes back and a request waits: with AsyncWith (async with engine.connect()) the waiter, with Close (await conn.close(), and threads) whoever gave it back, who may take it again.",
            "This alone moves the pool from fairness to starvation.",
        ),
    ];
}

impl PoolKind for SqlAlchemy {
    fn check(&self) -> Result<(), Invalid> {
        if !(-1..=1_000_000).contains(&self.max_overflow) {
            return Err(Invalid::field("max_overflow", "max_overflow is -1 (no limit), 0, or up to a million"));
        }
        if self.pool_size > 1_000_000 {
            return Err(Invalid::field("pool_size", "pool_size is 0 (no limit) or up to a million"));
        }
        Ok(())
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(queue_pool::QueuePool::new(self.clone(), worker))
    }

    fn most_connections(&self) -> Option<u64> {
        let overflow = u64::try_from(self.max_overflow).ok()?;
        (self.pool_size > 0).then(|| u64::from(self.pool_size) + overflow)
    }

    fn size(&self) -> String {
        match self.most_connections() {
            Some(_) => format!("{}+{}", self.pool_size, self.max_overflow),
            None => format!("{}+∞", self.pool_size),
        }
    }

    fn timeout_text(&self) -> String {
        let timeout = self.pool_timeout.map_or(0.0, Span::seconds);
        format!(
            "QueuePool limit of size {} overflow {} reached, connection timed out, timeout {timeout:.2}",
            self.pool_size, self.max_overflow
        )
    }
}
