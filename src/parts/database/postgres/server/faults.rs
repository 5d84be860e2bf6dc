//! What faults do to a server and its clients, as conversations.

use super::dialogue::{Dialogue, query};
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::database::{Outage, Postgres, ServiceSpec};
use crate::protocol::error::Error;

fn millis(ms: u64) -> Span {
    Span::from_millis(ms)
}

/// A server with these cores, to which connecting takes 1 ms.
fn server(service: ServiceSpec) -> Dialogue {
    Dialogue::with(Postgres { connect: LatencySpec::always(millis(1)), service, ..Postgres::default() })
}

const SHARING: ServiceSpec = ServiceSpec::Sharing { cores: 2, sigma: 0.0, kappa: 0.0 };

#[test]
fn a_crash_ends_all_sessions_without_a_word_and_nobody_gets_in_until_the_log_is_replayed() {
    let mut talk = server(SHARING);
    talk.dial("ann").dial("bob").at(2).ask("ann", query(10)).at(5);
    talk.fault(|server, cx| server.go_down(Outage { farewell: Error::ConnectionLost, refuses: Span::ZERO, starts: millis(20) }, cx));
    talk.dial("cid").at(24).dial("dan").at(25).dial("eve").at(30).ask("eve", query(1));
    assert_eq!(
        talk.all_said()[2..],
        [
            "5ms ann: server closed the connection unexpectedly",
            "5ms bob: server closed the connection unexpectedly",
            "5ms cid: the database system is starting up",
            "24ms dan: the database system is starting up",
            "26ms eve: welcome",
            "31ms eve: done",
        ]
    );
}

#[test]
fn a_restart_refuses_first_and_then_says_that_it_starts() {
    let mut talk = server(SHARING);
    talk.fault(|server, cx| server.go_down(Outage { farewell: Error::AdminShutdown, refuses: millis(10), starts: millis(5) }, cx));
    talk.at(9).dial("ann").at(10).dial("bob").at(15).dial("cid");
    assert_eq!(talk.all_said(), ["9ms ann: connection refused", "10ms bob: the database system is starting up", "16ms cid: welcome"]);
}

#[test]
fn on_shared_cores_a_slow_spell_stretches_exactly_the_work_that_falls_into_it() {
    let mut talk = server(SHARING);
    talk.dial("ann").dial("bob").at(10).ask("ann", query(20)).ask("bob", query(10)).at(14);
    talk.fault(|server, cx| server.slow_down(4.0, millis(16), cx));
    // From 14 ms to 30 ms everybody does 4 ms of work; 2 ms of bob's and 12 ms of ann's are left then.
    assert_eq!(talk.all_said()[2..], ["32ms bob: done", "42ms ann: done"]);
}

#[test]
fn without_shared_cores_statements_that_begin_in_a_slow_spell_take_longer() {
    for service in [ServiceSpec::Delay, ServiceSpec::Queue { cores: 3 }] {
        let mut talk = server(service);
        talk.dial("ann").dial("bob").dial("cid").at(10).ask("ann", query(10)).at(12);
        talk.fault(|server, cx| server.slow_down(3.0, millis(8), cx));
        talk.ask("bob", query(10)).at(20).ask("cid", query(10));
        assert_eq!(talk.all_said()[3..], ["20ms ann: done", "30ms cid: done", "42ms bob: done"]);
    }
}

#[test]
fn connecting_takes_longer_for_who_begins_in_a_slow_spell() {
    let mut talk = server(SHARING);
    talk.at(1).fault(|server, cx| server.slow_connects(5.0, millis(10), cx));
    talk.dial("ann").at(11).dial("bob");
    assert_eq!(talk.all_said(), ["6ms ann: welcome", "12ms bob: welcome"]);
}

#[test]
fn behind_a_lock_statements_wait_with_their_connections_and_all_run_when_it_is_free() {
    let mut talk = server(SHARING);
    talk.dial("ann").dial("bob").dial("cid").at(5).ask("ann", query(10)).at(6).fault(|server, cx| server.lock(millis(50), cx));
    talk.ask("bob", query(10)).at(20).ask("cid", query(10)).at(40);
    assert_eq!(talk.states()[0], 2, "both are active, and wait");
    assert_eq!(talk.meters()[1], 0, "no statement is at work");
    assert_eq!(talk.all_said()[3..], ["15ms ann: done", "66ms bob: done", "66ms cid: done"]);
}

#[test]
fn a_statement_timeout_runs_while_the_statement_waits_for_a_lock() {
    let mut talk = Dialogue::with(Postgres { statement_timeout: millis(30), service: SHARING, ..Postgres::default() });
    talk.dial("ann").dial("bob").at(10).fault(|server, cx| server.lock(millis(100), cx));
    talk.ask("ann", query(10)).at(90).ask("bob", query(10)).hang_up("bob").at(95).dial("cid").at(105).ask("cid", query(1));
    assert_eq!(talk.all_said()[2..], ["40ms ann: canceling statement due to statement timeout", "98ms cid: welcome", "111ms cid: done"]);
    assert_eq!(talk.at(200).meters(), [2, 0, 0], "the abandoned statement waited for the lock, ran, and ended its session");
}
