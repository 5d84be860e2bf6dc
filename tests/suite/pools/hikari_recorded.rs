//! HikariCP as the real one was recorded to go, in real time (`tests/oracle/hikari`).
//!
//! A thread wakes a few milliseconds late, so times agree within a tolerance. What a request and a connection go through
//! must agree exactly, if it is decided by more than a few milliseconds: that poolcast tells before it looks at the
//! recording, by running a schedule again and again with all its times a little longer.

use std::collections::BTreeMap;
use std::fmt::Write;

use poolcast::kernel::rng::{Seed, Stream};
use poolcast::kernel::time::SimTime;
use poolcast::parts::pool::PoolSpec;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::observer::Observer;
use serde::Deserialize;
use serde_json::Value;

use crate::recorded::system::System;
use crate::recorded::{Recording, Row};

const MS: u64 = 1_000_000;
/// Between the real instant of a step and ours. Each sleep of the recorder may have come 10 ms late, and they add up.
const TOLERANCE: u64 = 100 * MS;
/// All times of a schedule can be longer by so much, and its restarts so much sooner or later, without another course of
/// things.
const SHAKE: u64 = 8 * MS;
const SHAKES: usize = 12;
const RECORDED: &str = include_str!("recorded/hikari.jsonl");

/// What happens to one request, or to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Request(u64),
    Conn(u64),
}

/// What happens to each, in order: the event, the connection, the instant.
type Courses = BTreeMap<Whose, Vec<(&'static str, Option<u64>, u64)>>;

#[test]
fn every_request_and_every_connection_goes_the_way_of_hikaricp() {
    let recordings = recordings();
    let (mut same, mut undecided, mut furthest) = (0, 0, 0);
    let mut different = String::new();
    for recording in &recordings {
        let schedule = &recording.schedule;
        let Some(ours) = schedule.decided() else {
            undecided += 1;
            continue;
        };
        match compare(&courses(&recording.rows), &ours.courses) {
            Ok(distance) if recording.errors.as_deref().is_some_and(|errors| sorted(errors) == sorted(&ours.errors)) => {
                same += 1;
                furthest = furthest.max(distance);
            }
            Ok(_) => writeln!(different, "{} {:?} {:?}", schedule.0, recording.errors, ours.errors).expect("a string takes it"),
            Err(why) => writeln!(different, "\n{}\n{why}", schedule.0).expect("a string takes it"),
        }
    }
    println!(
        "{same} of {} schedules agree within {} ms, {undecided} more hang on less than {} ms",
        recordings.len(),
        furthest / MS,
        SHAKE / MS
    );
    assert!(different.is_empty(), "{different}");
    assert!(same * 3 > recordings.len(), "too many schedules hang on milliseconds");
}

#[test]
fn the_recordings_show_waits_checks_failures_and_timeouts() {
    let kept = RECORDED.lines().map(Recording::<Schedule>::read);
    let rows: Vec<Row> = kept.flat_map(|recording| recording.rows).collect();
    for event in ["connect_start", "connect_done", "connect_fail", "ping", "checkout", "close", "timeout"] {
        let times = rows.iter().filter(|row| row.event == event).count();
        assert!(times >= 10, "{event}: {times} times");
    }
}

fn recordings() -> Vec<Recording<Schedule>> {
    crate::recorded::recordings("POOLCAST_HIKARI_TRACES", RECORDED)
}

/// A schedule as the recorder draws it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Schedule(Value);

/// What poolcast does.
struct Played {
    courses: Courses,
    errors: Vec<String>,
}

impl Schedule {
    /// What poolcast does, unless it would do something else with slightly longer times.
    fn decided(&self) -> Option<Played> {
        let ours = play(&self.0);
        let seed = self.0["seed"].as_u64().expect("a number");
        let mut dice = Seed::new(seed, 0).stream("shake");
        let is_decided = (0..SHAKES).all(|_| {
            let mut shaken = self.0.clone();
            shake(&mut shaken, &mut dice);
            let other = play(&shaken);
            compare(&other.courses, &ours.courses).is_ok() && sorted(&other.errors) == sorted(&ours.errors)
        });
        is_decided.then_some(ours)
    }
}

fn sorted(errors: &[String]) -> Vec<&String> {
    let mut sorted: Vec<&String> = errors.iter().collect();
    sorted.sort();
    sorted
}

/// Makes all times a little longer, each by its own little, and moves what a restart begins and ends with. Whether an
/// attempt to connect comes just before the server is back may hang on how late HikariCP's own pauses ended: that is one
/// with the server being back a little sooner.
fn shake(schedule: &mut Value, dice: &mut Stream) {
    let mut change = |time: &mut Value, least: u64| {
        let ns = time.as_u64().expect("a time in nanoseconds");
        *time = Value::from((ns + (dice.uniform() * (least + SHAKE) as f64) as u64).saturating_sub(least));
    };
    for restart in schedule["faults"].as_array_mut().expect("a list") {
        change(&mut restart[1], SHAKE);
        change(&mut restart[2], SHAKE);
    }
    let mut longer = |time: &mut Value| change(time, 0);
    longer(&mut schedule["connect"]);
    for request in schedule["requests"].as_array_mut().expect("a list") {
        longer(&mut request["at"]);
        for session in request["steps"].as_array_mut().expect("a list") {
            match &mut session[1] {
                Value::Array(steps) => steps.iter_mut().for_each(|step| longer(&mut step[1])),
                pause => longer(pause),
            }
        }
    }
}

fn play(schedule: &Value) -> Played {
    let pool = PoolSpec::deserialize(&schedule["pool"]).expect("the recorder writes what is read here");
    let system = System::deserialize(schedule).expect("the recorder writes what is read here");
    let mut endings = Endings::default();
    let mut rows = system.run(&mut system.model(pool), &mut endings);
    rows.retain(|row| !["request", "wait", "wake", "checkin", "invalidate"].contains(&row.event));
    Played { courses: courses(&rows), errors: endings.0 }
}

fn courses(rows: &[Row]) -> Courses {
    let mut courses = Courses::new();
    for row in rows {
        let whose = match (row.event, row.request, row.conn) {
            ("checkout" | "ping" | "timeout", Some(request), _) => Whose::Request(request),
            (_, _, Some(conn)) => Whose::Conn(conn),
            _ => panic!("{row} is nobody's"),
        };
        let conn = row.conn.filter(|_| matches!(whose, Whose::Request(_)));
        courses.entry(whose).or_default().push((row.event, conn, row.at));
    }
    courses
}

/// How far the two are apart at most, in nanoseconds; or where they differ.
fn compare(real: &Courses, ours: &Courses) -> Result<u64, String> {
    let mut furthest = 0;
    for whose in real.keys().chain(ours.keys()) {
        let [real, ours] = [real, ours].map(|courses| courses.get(whose).map_or(&[][..], Vec::as_slice));
        let agree = real.len() == ours.len()
            && real.iter().zip(ours).all(|(one, other)| {
                furthest = furthest.max(one.2.abs_diff(other.2));
                (one.0, one.1) == (other.0, other.1) && one.2.abs_diff(other.2) <= TOLERANCE
            });
        if !agree {
            return Err(format!("{whose:?}\n  real {}\n  ours {}", course(real), course(ours)));
        }
    }
    Ok(furthest)
}

fn course(steps: &[(&str, Option<u64>, u64)]) -> String {
    let step = |(event, conn, at): &(&str, Option<u64>, u64)| {
        format!("{} ms {event}{}", at / MS, conn.map_or(String::new(), |conn| format!(" {conn}")))
    };
    steps.iter().map(step).collect::<Vec<_>>().join(", ")
}

/// How requests failed.
#[derive(Default)]
struct Endings(Vec<String>);

impl Observer for Endings {
    fn fact(&mut self, _: SimTime, fact: &Fact, world: &World) {
        if let Fact::Ended { request, failure: Some(why) } = *fact {
            let words = match why {
                // After it come the milliseconds that have passed.
                Error::PoolTimeout => "Connection is not available, request timed out after",
                Error::ConnectionLost | Error::AdminShutdown => "lost",
                other => other.name(),
            };
            self.0.push(format!("{} {words}", world.requests[request].stream.index()));
        }
    }
}
