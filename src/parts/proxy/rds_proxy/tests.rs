//! Conversations with RDS Proxy.

use super::*;
use crate::parts::proxy::house::{Heard, House, at, begin, commit, ms, statement};
use crate::protocol::conn::TxStatus;
use crate::protocol::error::Error;

/// A proxy that adds no time, in front of a database with 100 connections of which 3 are reserved.
fn plain() -> RdsProxy {
    RdsProxy { latency: LatencySpec::default(), ..RdsProxy::default() }
}

fn few(connections: u32) -> RdsProxy {
    RdsProxy { max_connections_percent: f64::from(connections), max_idle_connections_percent: 0.0, ..plain() }
}

#[test]
fn connections_are_opened_on_demand_and_in_parallel() {
    let mut house = House::new(&plain(), ms(200));
    let clients = house.clients(8, at(0));
    assert!(house.database.logins.is_empty(), "a client's login needs no database connection");
    for client in &clients {
        house.ask(*client, statement(ms(10)));
    }
    house.run(at(1000));
    assert_eq!(house.database.logins, [at(0); 8]);
    assert!(clients.iter().all(|client| house.answered(*client) == Some(at(210))));
}

#[test]
fn reserved_connections_are_never_used() {
    for (percent, most) in [(100.0, "97"), (90.0, "90"), (0.1, "1")] {
        let settings = RdsProxy { max_connections_percent: percent, max_idle_connections_percent: 0.0, ..plain() };
        let house = House::new(&settings, ms(1));
        let status = house.proxy.status(house.now());
        let shown = status.lines().find_map(|line| line.strip_prefix("MaxDatabaseConnectionsAllowed"));
        assert_eq!(shown.map(str::trim), Some(most));
    }
}

#[test]
fn a_transaction_keeps_its_connection_and_its_end_hands_it_to_whoever_waited_longest() {
    let mut house = House::new(&few(1), ms(10));
    let clients = house.clients(3, at(0));
    house.ask(clients[0], begin(ms(5)));
    house.ask(clients[1], statement(ms(5)));
    house.ask(clients[2], statement(ms(5)));
    house.run(at(100));
    house.ask(clients[0], commit());
    house.run(at(200));
    assert_eq!(house.linked, [(at(10), clients[0], ms(10)), (at(100), clients[1], ms(100)), (at(105), clients[2], ms(105))]);
    assert_eq!(house.database.logins.len(), 1);
}

#[test]
fn whoever_waits_for_the_borrow_timeout_is_told_so_on_time() {
    let mut house = House::new(&RdsProxy { connection_borrow_timeout: ms(3000), ..few(1) }, ms(10));
    let clients = house.clients(4, at(0));
    house.ask(clients[0], statement(ms(60_000)));
    for (client, when) in clients[1..].iter().zip([100, 200, 2900]) {
        house.run(at(when));
        house.ask(*client, statement(ms(1)));
    }
    house.run(at(1000));
    house.leave(clients[2]);
    house.run(at(30_000));
    assert_eq!(house.when(clients[1], Heard::Lost(Error::BorrowTimeout)), at(3100));
    assert_eq!(house.when(clients[3], Heard::Lost(Error::BorrowTimeout)), at(5900));
    assert_eq!(house.last(clients[2]), Some(Heard::Accepted));
    assert_eq!(house.world.proxy.waiting.value(), 0);
}

#[test]
fn a_pinned_client_keeps_its_connection_until_it_disconnects() {
    let mut house = House::new(&RdsProxy { pin_probability: 1.0, ..few(1) }, ms(10));
    let clients = house.clients(2, at(0));
    house.ask(clients[0], statement(ms(5)));
    house.ask(clients[1], statement(ms(5)));
    house.run(at(1000));
    assert_eq!(house.answered(clients[1]), None);
    assert!(house.proxy.status(house.now()).contains("SessionPinned 1"));
    house.leave(clients[0]);
    house.run(at(2000));
    assert_eq!(house.answered(clients[1]), Some(at(1005)));
    assert_eq!(house.database.logins.len(), 1);
}

#[test]
fn transactions_pin_as_often_as_is_said() {
    let mut house = House::new(&RdsProxy { pin_probability: 0.2, ..plain() }, ms(1));
    let mut pinned = 0;
    for number in 1..=2000 {
        let client = house.connect();
        house.ask(client, statement(ms(1)));
        house.run(at(number * 10));
        pinned += house.world.proxy.linked.value();
        house.leave(client);
    }
    assert!((329..=471).contains(&pinned), "four standard deviations around 400, found {pinned}");
}

#[test]
fn connections_idle_for_five_minutes_are_closed_down_to_what_may_stay() {
    let mut house = House::new(&RdsProxy { max_idle_connections_percent: 2.0, ..plain() }, ms(10));
    let clients = house.clients(5, at(0));
    for (number, client) in clients.iter().enumerate() {
        house.ask(*client, statement(ms(100 + 10 * number as u64)));
    }
    house.run(at(600_000));
    assert_eq!(house.database.closed.iter().map(|(when, _)| *when).collect::<Vec<_>>(), [300_110, 300_120, 300_130].map(at));
    assert_eq!(house.world.proxy.servers.value(), 2);
}

#[test]
fn a_client_that_says_nothing_is_disconnected_and_what_it_holds_is_freed() {
    let mut house = House::new(&RdsProxy { idle_client_timeout: ms(10_000), ..few(1) }, ms(10));
    let clients = house.clients(3, at(0));
    house.ask(clients[0], begin(ms(5)));
    house.run(at(7000));
    house.ask(clients[1], statement(ms(5)));
    house.run(at(60_000));
    assert_eq!(house.when(clients[2], Heard::Lost(Error::ClientIdleTimeout)), at(10_000));
    assert_eq!(house.when(clients[0], Heard::Lost(Error::ClientIdleTimeout)), at(10_015));
    assert_eq!(house.database.closed[0], (at(10_015), 1), "its transaction had not ended");
    assert_eq!(house.answered(clients[1]), Some(at(10_030)));
    assert_eq!(house.when(clients[1], Heard::Lost(Error::ClientIdleTimeout)), at(20_030));
}

#[test]
fn the_proxy_adds_its_time_half_each_way() {
    let mut house = House::new(&RdsProxy { latency: LatencySpec::always(ms(8)), ..plain() }, ms(10));
    let client = house.clients(1, at(8))[0];
    house.run(at(100));
    house.ask(client, statement(ms(5)));
    house.run(at(200));
    assert_eq!(house.database.logins, [at(104)]);
    assert_eq!(house.database.statements[0].0, at(114));
    assert_eq!(house.answered(client), Some(at(123)));
}

#[test]
fn clients_wait_while_the_database_is_down_and_are_served_soon_after() {
    let mut house = House::new(&plain(), ms(10));
    let clients = house.clients(3, at(0));
    house.ask(clients[0], statement(ms(5)));
    house.ask(clients[1], statement(ms(5000)));
    house.run(at(100));
    house.database.refuses = Some(Error::ConnectionRefused);
    house.end_sessions(Error::AdminShutdown);
    assert_eq!(house.last(clients[1]), Some(Heard::Lost(Error::AdminShutdown)), "it is cut off in its statement");
    assert_eq!(house.last(clients[0]), Some(Heard::Reply(None, TxStatus::Idle)), "an idle client survives");
    house.ask(clients[2], statement(ms(5)));
    house.run(at(1000));
    house.database.refuses = None;
    house.run(at(2000));
    let served = house.answered(clients[2]).expect("it is served");
    assert!(served <= at(1130), "{served:?}");
    assert!(house.database.logins.len() < 15, "it is not tried all the time: {:?}", house.database.logins);
}

#[test]
fn a_client_that_leaves_in_the_middle_frees_its_place_at_once_while_the_database_goes_on() {
    let mut house = House::new(&few(1), ms(10));
    let clients = house.clients(2, at(0));
    house.ask(clients[0], statement(ms(5000)));
    house.ask(clients[1], statement(ms(5)));
    house.run(at(100));
    house.leave(clients[0]);
    house.run(at(1000));
    assert_eq!(house.answered(clients[1]), Some(at(115)));
    assert_eq!(house.database.running, 1);
}

#[test]
fn what_cannot_work_is_refused_by_the_name_of_the_field() {
    assert_eq!(RdsProxy::default().check(), Ok(()));
    for (settings, field) in [
        (RdsProxy { max_connections_percent: 0.0, ..plain() }, "max_connections_percent"),
        (RdsProxy { max_connections_percent: f64::NAN, ..plain() }, "max_connections_percent"),
        (RdsProxy { max_idle_connections_percent: 101.0, ..plain() }, "max_idle_connections_percent"),
        (RdsProxy { idle_client_timeout: Span::ZERO, ..plain() }, "idle_client_timeout"),
        (RdsProxy { pin_probability: 1.5, ..plain() }, "pin_probability"),
    ] {
        assert_eq!(settings.check().expect_err("it is refused").path, field);
    }
}
