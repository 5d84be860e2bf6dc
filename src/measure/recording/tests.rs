//! A recording written by hand, counted.

use super::outcome::{NAMELESS, of};
use super::*;

const MS: u64 = 1_000_000;

/// Two workers of one app, a second after a warm-up of a second.
fn recording(attempts: Vec<Attempt>) -> Recording {
    let about = About {
        warmup: 1000 * MS,
        duration: 1000 * MS,
        streams: vec!["api".to_owned()],
        workers: vec!["web".to_owned(), "web".to_owned()],
        ..About::default()
    };
    Recording { about, attempts, ..Recording::default() }
}

/// Arrived, got its connection after `wait`, held it for `hold` ms.
fn attempt(arrived: u64, wait: u64, hold: u64) -> Attempt {
    let [asked, got, back] = [arrived, arrived + wait, arrived + wait + hold].map(|ms| ms * MS);
    let checkout = Checkout { asked, got: Some(got), given: Some(back), back: Some(back), connects: Vec::new() };
    Attempt {
        attempt: 1,
        arrived: asked,
        due: asked,
        sent: asked,
        began: Some(asked),
        checkouts: vec![checkout],
        ended: Some(back),
        heard: Some(back),
        ..Attempt::default()
    }
}

#[test]
fn what_arrived_in_the_counted_span_counts_to_its_end() {
    let outcome = of(&recording(vec![attempt(900, 0, 200), attempt(1100, 0, 100), attempt(1950, 30, 200), attempt(2000, 0, 10)]), 10);
    let stream = &outcome.streams[0];
    assert_eq!((stream.arrived, stream.completed), (2, 2));
    assert_eq!((stream.latency.min(), stream.latency.max()), (Some(100 * MS), Some(230 * MS)));
    assert_eq!(stream.pool_wait.max(), Some(30 * MS));
}

#[test]
fn pools_are_counted_over_the_span_alone() {
    let outcome = of(&recording(vec![attempt(900, 0, 200), attempt(1050, 100, 250), attempt(1950, 0, 200)]), 10);
    let pool = &outcome.pools[0];
    // 100 ms of the first, all 250 of the second, 50 of the third.
    assert!((pool.in_use.mean - 0.4).abs() < 1e-9, "{}", pool.in_use.mean);
    assert_eq!(pool.in_use.most, 1);
    assert!((pool.pending.mean - 0.1).abs() < 1e-9, "{}", pool.pending.mean);
    let in_use: Vec<f64> = outcome.windows.iter().map(|window| window.in_use[0]).collect();
    for (seen, known) in in_use.iter().zip([1.0, 0.5, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]) {
        assert!((seen - known).abs() < 1e-9, "{in_use:?}");
    }
}

#[test]
fn only_the_last_attempt_of_a_request_is_its_end_and_a_nameless_error_is_counted_too() {
    let failed = |name| Some(Failure { name, text: "it failed".to_owned() });
    let first = Attempt { failure: failed(Some(crate::protocol::error::Error::PoolTimeout)), retried: true, ..attempt(1100, 10, 0) };
    let second = Attempt { attempt: 2, arrived: 1100 * MS, ..attempt(1150, 0, 20) };
    let other = Attempt { number: 1, failure: failed(None), ..attempt(1200, 0, 5) };
    let cut_short = Attempt { number: 2, heard: None, ..attempt(1300, 0, 5) };
    let stream = &of(&recording(vec![first, second, other, cut_short]), 10).streams[0];
    assert_eq!((stream.arrived, stream.completed), (3, 1));
    assert_eq!(stream.latency.max(), Some(70 * MS), "from the first arrival to the last reply");
    assert_eq!(stream.errors.iter().sum::<u64>(), 1);
    assert_eq!(stream.errors[NAMELESS as usize], 1);
}

#[test]
fn connections_that_were_open_before_the_span_are_open_in_it() {
    let event = |at: u64, opened| PoolEvent { worker: 1, at: at * MS, opened, took: None };
    let mut recording = recording(Vec::new());
    recording.pools = vec![event(500, true), event(600, true), event(1500, false), event(2500, true)];
    let pool = &of(&recording, 10).pools[0];
    assert_eq!((pool.connects, pool.closes, pool.open.most), (0, 1, 2));
    assert!((pool.open.mean - 1.5).abs() < 1e-9, "{}", pool.open.mean);
}

#[test]
fn a_late_driver_and_a_busy_machine_are_told() {
    use super::fitness::warnings;
    use crate::parts::pool::sqlalchemy::SqlAlchemy;
    use crate::simulation::blueprint::{AppSpec, Blueprint};
    let blueprint = Blueprint::new(Vec::new(), vec![AppSpec::new("web", SqlAlchemy::default())]);
    let mut recording = recording((0..200).map(|n| attempt(1000 + n, 0, 1)).collect());
    assert_eq!(warnings(&recording, &blueprint), Vec::<String>::new());
    for late in recording.attempts.iter_mut().take(10) {
        late.sent += 20 * MS;
    }
    recording.health = vec![Health { busiest_driver: 0.9, steal: 0.1, foreign: 1.0, ..Health::default() }];
    let told = warnings(&recording, &blueprint).join("\n");
    for word in ["late", "bottleneck", "hypervisor", "other programs"] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_recording_is_written_line_by_line() {
    let mut text = String::new();
    let mut recording = recording(vec![attempt(1100, 0, 10), attempt(1200, 0, 10)]);
    recording.warnings.push("a word".to_owned());
    let mut print = |line: &str| {
        text.push_str(line);
        Ok(())
    };
    recording.lines(&mut print).expect("a string takes everything");
    let names: Vec<&str> = text.lines().map(|line| line[2..].split('"').next().unwrap_or_default()).collect();
    assert_eq!(names, ["about", "attempt", "attempt", "warning"]);
    let line: serde_json::Value = serde_json::from_str(text.lines().nth(1).expect("a second line")).expect("it is JSON");
    let read: Attempt = serde_json::from_value(line["attempt"].clone()).expect("it reads back");
    assert_eq!(read, recording.attempts[0]);
}
