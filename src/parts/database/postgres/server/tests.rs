//! Conversations with a PostgreSQL server.

use super::dialogue::{Dialogue, begin, commit, query, rollback};
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::database::{Postgres, ServiceSpec};
use crate::protocol::conn::Statement;
use crate::protocol::error::Error;
use crate::protocol::fact::Fact;

/// A server with this many slots for everybody, one core, and no time for setting connections up.
fn small(slots: u32) -> Postgres {
    Postgres {
        max_connections: slots + 3,
        connect: LatencySpec::default(),
        service: ServiceSpec::Sharing { cores: 1, sigma: 0.0, kappa: 0.0 },
        ..Postgres::default()
    }
}

#[test]
fn the_last_slot_is_let_and_the_next_client_is_refused_after_the_same_set_up() {
    let mut talk = Dialogue::with(Postgres { connect: LatencySpec::always(Span::from_millis(3)), ..small(2) });
    talk.dial("ann").at(1).dial("bob").dial("cid");
    assert_eq!(talk.all_said(), ["3ms ann: welcome", "4ms bob: welcome", "4ms cid: sorry, too many clients already"]);
    let facts = &talk.world.facts;
    assert!(
        matches!(facts[..], [Fact::DatabaseConnect, Fact::DatabaseConnect, Fact::DatabaseRefused { why: Error::TooManyClients }]),
        "{facts:?}"
    );
    assert_eq!(talk.meters(), [2, 0, 0]);
    assert_eq!(talk.states(), [0, 2, 0, 0]);
}

#[test]
fn a_slot_is_free_as_soon_as_its_client_has_gone() {
    let mut talk = Dialogue::with(small(1));
    talk.dial("ann").at(1).hang_up("ann").at(2).dial("bob");
    assert_eq!(talk.all_said(), ["0s ann: welcome", "2ms bob: welcome"]);
    assert_eq!(talk.world.database.connections.most(), 1);
}

#[test]
fn a_slot_is_looked_for_at_the_end_of_set_up_and_not_before() {
    let mut talk = Dialogue::with(Postgres { connect: LatencySpec::always(Span::from_millis(3)), ..small(1) });
    talk.dial("ann").at(3).dial("bob").at(5).hang_up("ann");
    assert_eq!(talk.all_said(), ["3ms ann: welcome", "6ms bob: welcome"]);
}

#[test]
fn who_hangs_up_during_set_up_never_has_a_session() {
    let mut talk = Dialogue::with(Postgres { connect: LatencySpec::always(Span::from_millis(3)), ..small(1) });
    talk.dial("ann").at(2).hang_up("ann").at(2).dial("bob");
    assert_eq!(talk.all_said(), ["5ms bob: welcome"]);
    assert_eq!(talk.meters(), [1, 0, 0]);
    assert!(matches!(talk.world.facts[..], [Fact::DatabaseConnect]));
}

#[test]
fn statements_share_the_core_and_the_meters_count_both() {
    let mut talk = Dialogue::with(small(2));
    talk.dial("ann").dial("bob").at(0).ask("ann", query(10)).ask("bob", query(30));
    assert_eq!(talk.at(1).meters(), [2, 2, 1]);
    assert_eq!(talk.states(), [2, 0, 0, 0]);
    assert_eq!(talk.all_said()[2..], ["20ms ann: done", "40ms bob: done"]);
    assert_eq!(talk.meters(), [2, 0, 0]);
    assert_eq!(talk.world.database.busy.area(talk.world.agenda.now()), 40_000_000, "the core worked for 40 ms");
}

#[test]
fn in_a_queue_the_second_statement_waits_for_the_first() {
    let mut talk = Dialogue::with(Postgres { service: ServiceSpec::Queue { cores: 1 }, ..small(3) });
    talk.dial("ann").dial("bob").dial("cid").at(0).ask("ann", query(10)).ask("bob", query(30)).at(5).ask("cid", query(1));
    assert_eq!(talk.meters(), [3, 3, 1]);
    assert_eq!(talk.all_said()[3..], ["10ms ann: done", "40ms bob: done", "41ms cid: done"]);
    assert_eq!(talk.meters(), [3, 0, 0]);
}

#[test]
fn as_delay_nobody_slows_anybody() {
    let mut talk = Dialogue::with(Postgres { service: ServiceSpec::Delay, ..small(2) });
    talk.dial("ann").dial("bob").at(0).ask("ann", query(10)).ask("bob", query(30));
    assert_eq!(talk.meters(), [2, 2, 2]);
    assert_eq!(talk.all_said()[2..], ["10ms ann: done", "30ms bob: done"]);
}

#[test]
fn a_statement_without_demand_needs_no_core() {
    let mut talk = Dialogue::with(Postgres { service: ServiceSpec::Queue { cores: 1 }, ..small(2) });
    talk.dial("ann").dial("bob").at(0).ask("ann", query(10)).at(1).ask("bob", query(0));
    assert_eq!(talk.all_said()[2..], ["1ms bob: done", "10ms ann: done"]);
}

#[test]
fn a_transaction_lasts_from_its_first_statement_to_its_end() {
    let mut talk = Dialogue::with(small(1));
    talk.dial("ann").at(0).ask("ann", begin(1)).at(2).ask("ann", query(1));
    assert_eq!(talk.at(4).states(), [0, 0, 1, 0]);
    talk.at(5).ask("ann", commit(1)).at(7).ask("ann", query(1));
    assert_eq!(talk.all_said()[1..], ["1ms ann: done, go on", "3ms ann: done, go on", "6ms ann: done", "8ms ann: done"]);
}

#[test]
fn messages_before_the_statement_itself_begin_a_transaction_but_do_not_end_it() {
    let mut talk = Dialogue::with(small(1));
    let begin_first = Statement { extra_trips: 1, ..begin(5) };
    talk.dial("ann").at(0).ask("ann", begin_first).at(1).ask("ann", begin(5)).at(9);
    talk.ask("ann", Statement { extra_trips: 1, ..commit(1) }).at(10).ask("ann", commit(1));
    assert_eq!(talk.all_said()[1..], ["0s ann: done, go on", "6ms ann: done, go on", "9ms ann: done, go on", "11ms ann: done"]);
}

#[test]
fn a_statement_goes_on_after_its_client_has_gone_and_holds_slot_and_core() {
    let mut talk = Dialogue::with(small(2));
    talk.dial("ann").dial("bob").at(0).ask("ann", query(20)).ask("bob", query(20)).at(1).hang_up("ann");
    assert_eq!(talk.meters(), [2, 2, 1]);
    assert_eq!(talk.states(), [2, 0, 0, 0]);
    talk.at(2).dial("cid").at(40);
    assert_eq!(talk.said()[2..], ["2ms cid: sorry, too many clients already", "40ms bob: done"]);
    assert_eq!(talk.meters(), [1, 0, 0], "at its end it finds nobody and goes");
    talk.dial("dan");
    assert_eq!(talk.all_said(), ["40ms dan: welcome"]);
}

#[test]
fn a_statement_is_cancelled_at_its_timeout_and_its_transaction_has_failed() {
    let mut talk = Dialogue::with(Postgres { statement_timeout: Span::from_millis(10), ..small(1) });
    talk.dial("ann").at(0).ask("ann", query(50)).at(20).ask("ann", begin(50)).at(40);
    assert_eq!(talk.states(), [0, 0, 0, 1]);
    talk.ask("ann", query(1)).at(41).ask("ann", rollback()).at(42).ask("ann", query(10));
    assert_eq!(
        talk.all_said()[1..],
        [
            "10ms ann: canceling statement due to statement timeout",
            "30ms ann: canceling statement due to statement timeout, roll back",
            "40ms ann: current transaction is aborted, commands ignored until end of transaction block, roll back",
            "41ms ann: done",
            "52ms ann: done",
        ],
        "a statement that ends in the instant of its timeout is done"
    );
    assert_eq!(talk.meters(), [1, 0, 0]);
}

#[test]
fn a_commit_that_is_cancelled_ends_its_transaction_too() {
    let mut talk = Dialogue::with(Postgres { statement_timeout: Span::from_millis(10), ..small(1) });
    talk.dial("ann").at(0).ask("ann", begin(1)).at(5).ask("ann", commit(20));
    assert_eq!(talk.all_said()[2..], ["15ms ann: canceling statement due to statement timeout"]);
    assert_eq!(talk.states(), [0, 1, 0, 0]);
}

#[test]
fn the_core_of_a_cancelled_statement_goes_to_the_others_at_once() {
    let timeout = Span::from_millis(10);
    let shared = Postgres { statement_timeout: timeout, ..small(2) };
    let mut talk = Dialogue::with(shared.clone());
    talk.dial("ann").dial("bob").at(0).ask("ann", query(50)).at(4).ask("bob", query(6));
    // Half the core from 4 ms to 10 ms, then all of it for the 3 ms that are left.
    assert_eq!(talk.all_said()[2..], ["10ms ann: canceling statement due to statement timeout", "13ms bob: done"]);

    let mut talk = Dialogue::with(Postgres { service: ServiceSpec::Queue { cores: 1 }, ..shared });
    talk.dial("ann").dial("bob").at(0).ask("ann", query(50)).at(4).ask("bob", query(3));
    assert_eq!(talk.all_said()[2..], ["10ms ann: canceling statement due to statement timeout", "13ms bob: done"]);
}

#[test]
fn the_timeout_runs_while_a_statement_waits_for_a_core() {
    let spec = Postgres { service: ServiceSpec::Queue { cores: 1 }, statement_timeout: Span::from_millis(10), ..small(3) };
    let mut talk = Dialogue::with(spec);
    talk.dial("ann").dial("bob").dial("cid").at(0).ask("ann", query(10)).ask("bob", query(10)).at(1).ask("cid", query(1));
    assert_eq!(talk.all_said()[3..], ["10ms ann: done", "10ms bob: canceling statement due to statement timeout", "11ms cid: done"]);
    assert_eq!(talk.meters(), [3, 0, 0]);
}

#[test]
fn a_session_idle_in_its_transaction_is_ended_at_the_timeout_and_a_busy_one_is_not() {
    let mut talk = Dialogue::with(Postgres { idle_in_transaction_session_timeout: Span::from_millis(10), ..small(2) });
    talk.dial("ann").dial("bob").dial("cid").at(0).ask("ann", begin(1)).ask("bob", begin(1));
    talk.at(8).ask("bob", query(30)).at(13).dial("cid").at(40).ask("bob", commit(0));
    assert_eq!(
        talk.all_said()[2..],
        [
            "0s cid: sorry, too many clients already",
            "2ms ann: done, go on",
            "2ms bob: done, go on",
            "12ms ann: terminating connection due to idle-in-transaction timeout",
            "13ms cid: welcome",
            "38ms bob: done, go on",
            "40ms bob: done",
        ]
    );
    assert_eq!(talk.meters(), [2, 0, 0]);
}

#[test]
fn a_restart_ends_all_sessions_and_refuses_new_ones_until_it_is_up() {
    let mut talk = Dialogue::with(Postgres { connect: LatencySpec::always(Span::from_millis(1)), ..small(3) });
    talk.dial("ann").dial("bob").at(2).ask("ann", query(10)).at(3).dial("cid").restart(50).at(3).dial("dan");
    talk.at(52).dial("eve").at(53).dial("fay").at(60).ask("fay", query(5));
    assert_eq!(
        talk.all_said()[2..],
        [
            "3ms ann: terminating connection due to administrator command",
            "3ms bob: terminating connection due to administrator command",
            "3ms cid: connection refused",
            "3ms dan: connection refused",
            "52ms eve: connection refused",
            "54ms fay: welcome",
            "65ms fay: done",
        ]
    );
    assert_eq!(talk.meters(), [1, 0, 0]);
}

#[test]
fn a_restart_ends_set_up_and_abandoned_statements_too() {
    for service in [ServiceSpec::Delay, ServiceSpec::Queue { cores: 1 }, ServiceSpec::Sharing { cores: 1, sigma: 0.0, kappa: 0.0 }] {
        let mut talk = Dialogue::with(Postgres { connect: LatencySpec::always(Span::from_millis(2)), service, ..small(2) });
        talk.dial("ann").dial("bob").at(2).ask("ann", query(10)).ask("bob", query(10)).at(3).hang_up("ann").dial("cid").at(4);
        assert_eq!(talk.restart(0).meters(), [0, 0, 0]);
        talk.dial("dan").at(6).ask("dan", query(10));
        assert_eq!(
            talk.all_said()[2..],
            [
                "4ms bob: terminating connection due to administrator command",
                "4ms cid: terminating connection due to administrator command",
                "6ms dan: welcome",
                "16ms dan: done",
            ]
        );
    }
}

#[test]
fn messages_that_cross_the_end_of_the_session_on_the_wire_do_no_harm() {
    let mut talk = Dialogue::with(small(2));
    talk.world.app_wire.becomes(LatencySpec::always(Span::from_millis(2)).prepare());
    talk.dial("ann").dial("bob").at(10).ask("ann", query(5)).hang_up("bob").restart(0);
    assert_eq!(talk.all_said()[2..], ["11ms ann: terminating connection due to administrator command"]);
    assert_eq!(talk.meters(), [0, 0, 0]);
    assert_eq!(talk.world.conns.living(), 0);
}

#[test]
fn a_fraction_of_the_sessions_is_killed_idle_or_not_and_the_rest_works_on() {
    let mut talk = Dialogue::with(small(4));
    talk.dial("ann").dial("bob").dial("cid").dial("dan").at(0).ask("ann", query(10)).ask("bob", query(10));
    assert_eq!(talk.at(4).kill(0.5).meters()[0], 2);
    let said = talk.all_said();
    let killed: Vec<_> = said.iter().filter(|line| line.ends_with("terminating connection due to administrator command")).collect();
    assert_eq!(killed.len(), 2, "{said:?}");
    assert!(killed.iter().all(|line| line.starts_with("4ms")), "{said:?}");
    let done = said.iter().filter(|line| line.ends_with("done")).count();
    let killed_active = killed.iter().filter(|line| line.contains("ann") || line.contains("bob")).count();
    assert_eq!(done + killed_active, 2, "{said:?}");
    assert_eq!(talk.kill(0.0).meters(), [2, 0, 0]);
    assert_eq!(talk.kill(1.0).meters(), [0, 0, 0]);
}

#[test]
fn who_is_killed_is_a_matter_of_the_dice() {
    const NAMES: [&str; 8] = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"];
    let mut talk = Dialogue::with(small(8));
    let mut killed = [0; 8];
    for round in 0..400 {
        for name in NAMES {
            talk.dial(name);
        }
        talk.at(round).said();
        talk.kill(0.25);
        for line in talk.said() {
            killed[NAMES.iter().position(|name| line.contains(name)).expect("it is one of them")] += 1;
        }
        talk.kill(1.0).said();
    }
    assert_eq!(killed.iter().sum::<u32>(), 800, "two of eight each time");
    // Binomial(400, 1/4): 100 each, four standard deviations are 35.
    assert!(killed.iter().all(|times| (65..=135).contains(times)), "{killed:?}");
}

#[test]
fn the_table_is_the_one_that_psql_prints() {
    let mut talk = Dialogue::with(small(2));
    talk.dial("ann").dial("bob").at(0).ask("ann", begin(5)).ask("bob", begin(1)).at(3);
    assert_eq!(
        talk.table(),
        " state                         | count
-------------------------------+-------
 active                        |     1
 idle                          |     0
 idle in transaction           |     1
 idle in transaction (aborted) |     0
"
    );
}
