//! A schedule of SQLAlchemy's pools as poolcast runs it.

use poolcast::kernel::time::{SimTime, Span};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::sqlalchemy::{Release, ResetOnReturn, SqlAlchemy};
use poolcast::protocol::event::Event;
use poolcast::protocol::request::Stage;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use serde::Deserialize;

use crate::recorded::system::System;
use crate::recorded::{self, Played};

/// A schedule as `schedules.py` draws it; all times in nanoseconds.
#[derive(Deserialize)]
pub struct Schedule {
    pub pool: Pool,
    #[serde(flatten)]
    system: System,
}

#[derive(Debug, Deserialize)]
pub struct Pool {
    pub kind: String,
    pub release: String,
    reset_on_return: Option<String>,
    #[serde(default)]
    pub pool_size: u32,
    #[serde(default)]
    pub max_overflow: i64,
    pub timeout: Option<u64>,
    pub recycle: Option<u64>,
    #[serde(default)]
    pub pre_ping: bool,
    #[serde(default)]
    use_lifo: bool,
}

impl recorded::Schedule for Schedule {
    const COUNTERS: &'static str = "idle, checked out, overflow";

    fn seed(&self) -> i64 {
        self.system.seed
    }

    fn play(&self) -> Played {
        let mut model = self.system.model(self.pool.spec());
        let size = i64::from(self.pool.pool_size);
        let mut counting = Counters { size, now: 0, counts: [0, 0, -size], changes: vec![[0, 0, 0, -size]] };
        let rows = self.system.run(&mut model, &mut counting);
        counting.turn_to(u64::MAX);
        let asking = model.world.requests.iter().filter(|(_, request)| request.stage == Stage::Acquiring).count() as u64;
        assert!(model.pools()[0].gauges().pending <= asking, "who has left the line is no waiter");
        let counters = if self.pool.kind == "null" { Vec::new() } else { counting.changes };
        Played { rows, counters, errors: Vec::new() }
    }

    fn settings(&self) -> String {
        format!("{:?} {}", self.pool, self.system.settings())
    }
}

impl Pool {
    fn spec(&self) -> PoolSpec {
        if self.kind == "null" {
            return PoolSpec::NullPool;
        }
        SqlAlchemy {
            pool_size: self.pool_size,
            max_overflow: self.max_overflow,
            pool_timeout: self.timeout.map(Span::from_nanos),
            pool_recycle: self.recycle.map(Span::from_nanos),
            pool_pre_ping: self.pre_ping,
            pool_use_lifo: self.use_lifo,
            pool_reset_on_return: self.reset_on_return.as_deref().map(|how| match how {
                "rollback" => ResetOnReturn::Rollback,
                _ => ResetOnReturn::Commit,
            }),
            release: if self.release == "with" { Release::AsyncWith } else { Release::Close },
        }
        .into()
    }
}

/// Watches the pool's counters from instant to instant.
struct Counters {
    size: i64,
    now: u64,
    counts: [i64; 3],
    changes: Vec<[i64; 4]>,
}

impl Counters {
    fn turn_to(&mut self, now: u64) {
        let [idle, out, overflow] = self.counts;
        if now != self.now && self.changes.last().is_some_and(|last| last[1..] != self.counts) {
            self.changes.push([self.now as i64, idle, out, overflow]);
        }
        self.now = now;
    }
}

impl Observer for Counters {
    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        self.turn_to(now.nanos());
        let gauges = model.pools()[0].gauges();
        let (idle, out) = (gauges.idle as i64, gauges.in_use as i64);
        self.counts = [idle, out, out + idle - self.size];
    }
}
