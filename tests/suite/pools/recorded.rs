//! Pools step for step as the real libraries were recorded to go (`tests/oracle/pools`).

use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::SimTime;
use poolcast::parts::pool::PoolSpec;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::event::Event;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use serde::Deserialize;

use crate::recorded::system::System;
use crate::recorded::{self, Played, Recording, Row, assert_all_agree, recordings};

#[test]
fn every_step_is_that_of_psycopg_pool() {
    assert_all_agree(&read("POOLCAST_PSYCOPG_POOL_TRACES", include_str!("recorded/psycopg_pool.jsonl")));
}

#[test]
fn every_step_is_that_of_asyncpg() {
    assert_all_agree(&read("POOLCAST_ASYNCPG_TRACES", include_str!("recorded/asyncpg.jsonl")));
}

#[test]
fn every_step_is_that_of_pg_pool() {
    assert_all_agree(&read("POOLCAST_PG_POOL_TRACES", include_str!("recorded/pg_pool.jsonl")));
}

fn read(fresh: &str, kept: &str) -> Vec<Recording<Schedule>> {
    let mut found: Vec<Recording<Schedule>> = recordings(fresh, kept);
    for recording in &mut found {
        by_instant(&mut recording.rows);
        recording.errors.as_mut().expect("errors are recorded").sort();
    }
    found
}

/// What happens in one instant is compared, not in which order: a loop's turns are not modelled. (And of errors who has
/// which: a task is over when it has given everything back, its client may know sooner.)
fn by_instant(rows: &mut [Row]) {
    rows.sort_by_key(|row| (row.at, row.event, row.request, row.conn));
}

/// The real psycopg_pool was given what its model draws under the seed of the comparison.
#[test]
fn the_recorders_dice_are_the_pools_own() {
    let kept: serde_json::Value = serde_json::from_str(include_str!("../../oracle/pools/dice.json")).expect("the list is JSON");
    let mut dice = Seed::new(1, 0).of("pool/app/0").stream("psycopg");
    let drawn: Vec<f64> = (0..400).map(|_| dice.uniform()).collect();
    let kept = kept["psycopg"].as_array().expect("a list for each pool");
    let same = drawn.iter().zip(kept).all(|(drawn, kept)| (drawn - kept.as_f64().expect("a number")).abs() < 1e-15);
    assert!(same && kept.len() == drawn.len(), "dice.json has to hold {drawn:?}");
}

/// A schedule as `schedules.py` draws it; all times in nanoseconds.
#[derive(Deserialize)]
struct Schedule {
    pool: PoolSpec,
    #[serde(flatten)]
    system: System,
}

impl recorded::Schedule for Schedule {
    const COUNTERS: &'static str = "connections, idle, waiting";

    fn seed(&self) -> i64 {
        self.system.seed
    }

    fn play(&self) -> Played {
        let mut model = self.system.model(self.pool.clone());
        let mut watch = Watch { figures: figures(&self.pool), now: 0, counts: [0; 3], changes: Vec::new(), errors: Vec::new() };
        watch.look(&model);
        let mut rows = self.system.run(&mut model, &mut watch);
        watch.turn_to(u64::MAX);
        rows.retain(|row| !["wait", "wake", "checkin", "invalidate"].contains(&row.event));
        for row in &mut rows {
            // Whom a connect, a ping or a close is for cannot be seen from within the driver.
            match row.event {
                "request" | "checkout" | "timeout" | "error" => {}
                _ => row.request = None,
            }
        }
        by_instant(&mut rows);
        watch.errors.sort();
        Played { rows, counters: watch.changes, errors: watch.errors }
    }

    fn settings(&self) -> String {
        format!("{:?} {}", self.pool, self.system.settings())
    }
}

/// Which of the numbers in the pool's status are connections, idle ones and waiting requests.
fn figures(pool: &PoolSpec) -> [usize; 3] {
    match pool {
        PoolSpec::PsycopgPool(_) => [2, 3, 4],
        PoolSpec::AsyncpgPool(_) => [0, 1, 4],
        // pg-pool's totalCount, idleCount, waitingCount
        _ => [0, 1, 2],
    }
}

/// Watches the pool's own figures from instant to instant, and how requests end.
struct Watch {
    figures: [usize; 3],
    now: u64,
    counts: [i64; 3],
    changes: Vec<[i64; 4]>,
    errors: Vec<String>,
}

impl Watch {
    fn look(&mut self, model: &Model) {
        let status = model.pools()[0].status();
        let numbers: Vec<i64> = status.split(' ').filter_map(|word| word.parse().ok()).collect();
        self.counts = self.figures.map(|place| numbers[place]);
    }

    fn turn_to(&mut self, now: u64) {
        let [connections, idle, waiting] = self.counts;
        if now != self.now && self.changes.last().is_none_or(|last| last[1..] != self.counts) {
            self.changes.push([self.now as i64, connections, idle, waiting]);
        }
        self.now = now;
    }
}

impl Observer for Watch {
    fn fact(&mut self, _: SimTime, fact: &Fact, world: &World) {
        if let Fact::Ended { request, failure: Some(why) } = *fact {
            self.errors.push(format!("{} {}", world.requests[request].stream.index(), word(why)));
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        self.turn_to(now.nanos());
        self.look(model);
    }
}

/// What the recorder's server and driver call an error.
fn word(why: Error) -> &'static str {
    match why {
        Error::ConnectionRefused | Error::CannotConnectNow => "refused",
        Error::TooManyClients => "too many",
        Error::StatementTimeout => "timeout",
        Error::InFailedTransaction => "aborted",
        Error::ConnectionLost | Error::AdminShutdown => "lost",
        other => other.name(),
    }
}
