//! deadpool, bb8, sqlx, r2d2 and database/sql step for step as the real libraries were recorded to go in virtual time
//! (`tests/oracle/rust_pools`, `tests/oracle/database_sql`).

use poolcast::kernel::time::SimTime;
use poolcast::parts::pool::PoolSpec;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::observer::Observer;
use serde::Deserialize;

use crate::recorded::system::System;
use crate::recorded::{self, Played, Recording, Row, assert_all_agree, recordings};

#[test]
fn every_step_is_that_of_deadpool() {
    assert_all_agree(&deadpool());
}

#[test]
fn every_step_is_that_of_bb8() {
    assert_all_agree(&bb8());
}

#[test]
fn every_step_is_that_of_sqlx() {
    assert_all_agree(&sqlx());
}

#[test]
fn every_step_is_that_of_r2d2() {
    assert_all_agree(&r2d2());
}

#[test]
fn every_step_is_that_of_database_sql() {
    assert_all_agree(&database_sql());
}

#[test]
fn the_recordings_show_every_kind_of_step_and_of_failure() {
    let steps = ["connect_start", "connect_done", "connect_fail", "ping", "checkout", "close", "timeout"];
    for (name, recordings, failures) in [
        ("deadpool", deadpool(), ["lost", "DeadlineExceeded", "slot to become available", "creating a new object"].as_slice()),
        ("bb8", bb8(), &["lost", "DeadlineExceeded", "Timed out in bb8"]),
        ("sqlx", sqlx(), &["lost", "DeadlineExceeded", "pool timed out"]),
        ("r2d2", r2d2(), &["lost", "timed out waiting"]),
        ("database/sql", database_sql(), &["lost", "DeadlineExceeded"]),
    ] {
        // database/sql neither checks nor has a timeout of its own.
        for step in steps.iter().copied().filter(|step| name != "database/sql" || !["ping", "timeout"].contains(step)) {
            let times: usize = recordings.iter().map(|recording| recording.rows.iter().filter(|row| row.event == step).count()).sum();
            assert!(times >= 10, "{name}: {step} {times} times");
        }
        for failure in failures {
            let errors = recordings.iter().flat_map(|recording| recording.errors.iter().flatten());
            let times = errors.filter(|error| error.contains(failure)).count();
            assert!(times >= 10, "{name}: {failure} {times} times");
        }
    }
}

fn deadpool() -> Vec<Recording<Schedule>> {
    library("POOLCAST_DEADPOOL_TRACES", include_str!("recorded/deadpool.jsonl"))
}

fn bb8() -> Vec<Recording<Schedule>> {
    library("POOLCAST_BB8_TRACES", include_str!("recorded/bb8.jsonl"))
}

fn sqlx() -> Vec<Recording<Schedule>> {
    library("POOLCAST_SQLX_TRACES", include_str!("recorded/sqlx.jsonl"))
}

fn r2d2() -> Vec<Recording<Schedule>> {
    library("POOLCAST_R2D2_TRACES", include_str!("recorded/r2d2.jsonl"))
}

fn database_sql() -> Vec<Recording<Schedule>> {
    let mut recordings = library("POOLCAST_DATABASE_SQL_TRACES", include_str!("recorded/database_sql.jsonl"));
    for recording in &mut recordings {
        if recording.schedule.is_served_at_random() {
            forget_who(&mut recording.rows, recording.errors.as_mut().expect("errors are recorded"));
        }
    }
    recordings
}

/// database/sql serves those who wait at random; where somebody can wait, all requests of a schedule are alike.
fn forget_who(rows: &mut [Row], errors: &mut [String]) {
    for row in &mut *rows {
        row.request = None;
    }
    rows.sort_by_key(place);
    for error in &mut *errors {
        *error = error.split(' ').skip(1).collect::<Vec<_>>().join(" ");
    }
    errors.sort();
}

/// What happens in one instant has no order here: the recorder sees the driver's calls, and the pool may make them in a
/// task of its own.
fn library(fresh: &str, kept: &str) -> Vec<Recording<Schedule>> {
    let mut recordings: Vec<Recording<Schedule>> = recordings(fresh, kept);
    for recording in &mut recordings {
        recording.rows.sort_by_key(place);
        recording.errors.iter_mut().for_each(|errors| errors.sort());
    }
    recordings
}

fn place(row: &Row) -> (u64, &'static str, Option<u64>, Option<u64>) {
    (row.at, row.event, row.request, row.conn)
}

/// A schedule as the recorder draws it; all times in nanoseconds.
#[derive(Deserialize)]
struct Schedule {
    pool: PoolSpec,
    #[serde(flatten)]
    system: System,
}

impl Schedule {
    fn is_served_at_random(&self) -> bool {
        matches!(&self.pool, PoolSpec::DatabaseSql(pool) if pool.max_open_conns > 0)
    }
}

impl recorded::Schedule for Schedule {
    const COUNTERS: &'static str = "";
    const TIES_LAST: bool = true;

    fn seed(&self) -> i64 {
        self.system.seed
    }

    fn play(&self) -> Played {
        let mut model = self.system.model(self.pool.clone());
        let mut watch = Watch { timeout: self.pool.kind().timeout_text(), errors: Vec::new() };
        let mut rows = self.system.run(&mut model, &mut watch);
        rows.retain(|row| !["request", "wait", "wake", "checkin", "invalidate"].contains(&row.event));
        for row in &mut rows {
            // Who closes a connection cannot be seen from within it; nor, in Go, who opens it.
            if row.event == "close" || row.event.starts_with("connect") && matches!(self.pool, PoolSpec::DatabaseSql(_)) {
                row.request = None;
            }
            if row.event == "reset" {
                row.event = "ping";
            }
        }
        rows.sort_by_key(place);
        if self.is_served_at_random() {
            forget_who(&mut rows, &mut watch.errors);
        }
        watch.errors.sort();
        Played { rows, counters: Vec::new(), errors: watch.errors }
    }

    fn settings(&self) -> String {
        format!("{:?} {}", self.pool, self.system.settings())
    }
}

/// Watches how requests end.
struct Watch {
    /// What the pool says when the wait is over.
    timeout: String,
    errors: Vec<String>,
}

impl Observer for Watch {
    fn fact(&mut self, _: SimTime, fact: &Fact, world: &World) {
        if let Fact::Ended { request, failure: Some(why) } = *fact {
            let words = match why {
                Error::PoolTimeout => self.timeout.clone(),
                Error::ConnectTimeout => "Timeout occurred while creating a new object".to_owned(),
                Error::ConnectionRefused | Error::CannotConnectNow => "refused".to_owned(),
                Error::ConnectionLost | Error::AdminShutdown => "lost".to_owned(),
                other => other.name().to_owned(),
            };
            self.errors.push(format!("{} {words}", world.requests[request].stream.index()));
        }
    }
}
