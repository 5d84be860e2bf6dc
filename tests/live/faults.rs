//! Faults really happen to real servers, at their time, and pools recover.

use poolcast::measure::recording::Recording;
use poolcast::protocol::error::Error;

use crate::system::{blueprint, failed, live};

const STEPS: &str = "[Session([Query(Constant(\"10ms\"))])]";

fn struck(recording: &Recording, what: &str) {
    assert_eq!(recording.faults.len(), 1, "{:?}", recording.faults);
    assert_eq!((recording.faults[0].what.as_str(), recording.faults[0].due), (what, 1_000_000_000));
    assert!(recording.faults[0].at >= 1_000_000_000);
    let end = recording.about.duration - 300_000_000;
    let after = recording.attempts.iter().filter(|attempt| attempt.arrived > end && attempt.heard.is_some());
    let (mut all, mut good) = (0, 0);
    after.for_each(|attempt| {
        all += 1;
        good += usize::from(attempt.failure.is_none());
    });
    assert!(all > 5 && good * 10 >= all * 9, "after the fault {good} of {all} ended well");
}

#[test]
fn a_restart_of_the_database_refuses_for_as_long_as_it_is_down() {
    let system = "database: Postgres(service: Delay), faults: [At(\"1s\", RestartDatabase(down: \"500ms\"))]";
    let app = "pool: SqlAlchemy(pool_size: 4, pool_pre_ping: true)";
    let recording = live(&blueprint("Regular(rate: 80)", STEPS, app, system), 3000);
    struck(&recording, "RestartDatabase");
    assert!(recording.faults[0].until - recording.faults[0].at >= 500_000_000);
    assert!(failed(&recording, Error::ConnectionRefused) >= 10, "{} were refused", failed(&recording, Error::ConnectionRefused));
    let nameless: Vec<_> = recording.attempts.iter().filter_map(|a| a.failure.as_ref()).filter(|failure| failure.name.is_none()).collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

#[test]
fn killed_connections_fail_the_requests_that_have_them() {
    let system = "database: Postgres(service: Delay), faults: [At(\"1s\", KillConnections(fraction: 1.0))]";
    let steps = "[Session([Query(Constant(\"40ms\"))])]";
    let recording = live(&blueprint("Regular(rate: 60)", steps, "pool: SqlAlchemy(pool_size: 4)", system), 2500);
    struck(&recording, "KillConnections");
    let lost = failed(&recording, Error::AdminShutdown) + failed(&recording, Error::ConnectionLost);
    assert!((1..=8).contains(&lost), "{lost} were lost");
}

#[test]
fn a_restart_of_the_proxy_ends_its_connections() {
    let system = "proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 4), database: Postgres(service: Delay),
        faults: [At(\"1s\", RestartProxy(down: \"300ms\"))]";
    let recording = live(&blueprint("Regular(rate: 60)", STEPS, "pool: Deadpool(max_size: 4)", system), 2500);
    struck(&recording, "RestartProxy");
    assert!(failed(&recording, Error::ConnectionRefused) > 5, "{} were refused", failed(&recording, Error::ConnectionRefused));
}
