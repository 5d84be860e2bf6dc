//! Who gets a server, when, and for how long.

use super::*;
use crate::parts::proxy::house::{Heard, at, begin, commit, ms, statement};
use crate::protocol::conn::{Statement, StatementKind, TxStatus};

#[test]
fn a_cold_pool_grows_by_one_server_for_each_login_time() {
    let mut house = House::new(&pool_of(20, PoolMode::Session), ms(200));
    let clients: Vec<_> = (0..8).map(|_| house.connect()).collect();
    assert_eq!(house.last(clients[0]), None, "the first clients wait for the first server login");
    house.run(at(200));
    assert!(clients.iter().all(|client| house.last(*client) == Some(Heard::Accepted)));
    for client in &clients {
        house.ask(*client, statement(ms(10_000)));
    }
    house.run(at(3000));
    assert_eq!(house.database.logins, [0, 200, 400, 600, 800, 1000, 1200, 1400].map(at));
    assert_eq!(house.linked.iter().map(|(when, ..)| *when).collect::<Vec<_>>(), [200, 400, 600, 800, 1000, 1200, 1400, 1600].map(at));
    assert_eq!(house.linked.iter().map(|(_, who, _)| *who).collect::<Vec<_>>(), clients, "first come, first served");
}

#[test]
fn a_connect_needs_no_server_once_the_pool_knows_the_welcome_message() {
    let mut house = House::new(&pool_of(1, PoolMode::Session), ms(10));
    let first = house.clients(1, at(10))[0];
    house.ask(first, statement(ms(60_000)));
    let second = house.connect();
    assert_eq!(house.when(second, Heard::Accepted), at(10));
    assert_eq!(house.world.proxy.waiting.value(), 0);
    house.ask(second, statement(ms(1)));
    assert_eq!(house.world.proxy.waiting.value(), 1);
    assert_eq!(house.last(second), Some(Heard::Accepted), "it hangs in its first statement");
}

#[test]
fn the_server_that_came_back_last_goes_out_first_unless_they_take_turns() {
    let serials = |server_round_robin| {
        let mut house = House::new(&PgBouncer { server_round_robin, ..pool_of(3, PoolMode::Transaction) }, ms(1));
        let clients = house.clients(3, at(1));
        for client in &clients {
            house.ask(*client, statement(ms(100)));
        }
        house.run(at(1000));
        house.database.statements.clear();
        for _ in 0..6 {
            house.ask(clients[0], statement(ms(1)));
            house.run(house.now() + ms(10));
        }
        house.database.statements.iter().map(|(_, serial, _)| *serial).collect::<Vec<_>>()
    };
    let stack = serials(false);
    assert!(stack.iter().all(|serial| *serial == stack[0]), "six queries over three idle servers: {stack:?}");
    assert_eq!(serials(true), [1, 2, 3, 1, 2, 3]);
}

#[test]
fn in_transaction_mode_a_server_changes_hands_when_the_transaction_ends() {
    let mut house = House::new(&pool_of(1, PoolMode::Transaction), ms(10));
    let clients = house.clients(2, at(10));
    let (a, b) = (clients[0], clients[1]);
    house.ask(a, begin(ms(5)));
    house.ask(b, statement(ms(5)));
    house.run(at(1000));
    assert_eq!(house.last(a), Some(Heard::Reply(None, TxStatus::InTransaction)));
    assert_eq!(house.last(b), Some(Heard::Accepted), "b waits while a thinks");
    house.ask(a, commit());
    house.run(at(1005));
    assert_eq!(house.answered(a), Some(at(1000)));
    assert_eq!(house.answered(b), Some(at(1005)));
    assert_eq!(house.linked, [(at(10), a, Span::ZERO), (at(1000), b, ms(990))]);
    assert_eq!(house.world.proxy.linked.value(), 0);
    assert_eq!(house.database.logins.len(), 1);
}

#[test]
fn a_begin_of_its_own_holds_the_server_and_what_the_statement_is_for_comes_last() {
    let mut house = House::new(&pool_of(1, PoolMode::Transaction), ms(10));
    let a = house.clients(1, at(10))[0];
    house.ask(a, Statement { extra_trips: 1, kind: StatementKind::Commit, ..begin(ms(7)) });
    house.run(at(100));
    let sent: Vec<_> = house.database.statements.iter().map(|(when, _, s)| (*when, s.kind, s.demand, s.begins, s.extra_trips)).collect();
    assert_eq!(sent, [(at(10), StatementKind::Query, Span::ZERO, true, 0), (at(10), StatementKind::Commit, ms(7), true, 0)]);
    assert_eq!(house.linked.len(), 1, "both trips are one transaction");
    assert_eq!(house.last(a), Some(Heard::Reply(None, TxStatus::Idle)));
}

#[test]
fn statement_mode_ends_a_client_that_begins_a_transaction_and_its_server() {
    let mut house = House::new(&pool_of(1, PoolMode::Statement), ms(10));
    let a = house.clients(1, at(10))[0];
    house.ask(a, statement(ms(5)));
    house.run(at(15));
    assert_eq!(house.answered(a), Some(at(15)));
    house.ask(a, begin(ms(5)));
    house.run(at(20));
    assert_eq!(house.last(a), Some(Heard::Lost(Error::TransactionInStatementMode)));
    assert_eq!(house.database.closed, [(at(20), 1)]);
}

#[test]
fn discard_all_delays_the_hand_over_by_a_round_trip() {
    let handed_over = |query: &str| {
        let settings = PgBouncer { server_reset_query: query.to_owned(), ..pool_of(1, PoolMode::Session) };
        let mut house = House::new(&settings, ms(10));
        house.world.proxy_wire.becomes(crate::kernel::latency::LatencySpec::always(ms(4)).prepare());
        let clients = house.clients(2, at(14));
        house.ask(clients[0], statement(ms(1)));
        house.ask(clients[1], statement(ms(1)));
        house.run(at(100));
        house.leave(clients[0]);
        assert_eq!(shown(&house, "sv_tested"), if query.is_empty() { "0" } else { "1" });
        house.run(at(200));
        assert_eq!(house.database.statements.iter().any(|(_, _, s)| s.kind == StatementKind::Reset), !query.is_empty());
        assert_eq!(house.database.logins.len(), 1, "the waiter is for the server that is being reset");
        house.linked[1].0
    };
    assert_eq!(handed_over("DISCARD ALL"), at(104));
    assert_eq!(handed_over(""), at(100));
}

#[test]
fn a_client_that_leaves_in_the_middle_frees_its_slot_at_once_while_the_database_goes_on() {
    let mut house = House::new(&pool_of(1, PoolMode::Transaction), ms(40));
    let clients = house.clients(2, at(40));
    house.ask(clients[0], statement(ms(4000)));
    house.ask(clients[1], statement(ms(1000)));
    house.run(at(100));
    house.leave(clients[0]);
    house.run(at(140));
    assert_eq!(house.database.closed, [(at(100), 1)]);
    assert_eq!(house.linked[1].0, at(140), "as soon as another server has logged in");
    assert_eq!(house.database.running, 2, "more than the pool's size");
}

#[test]
fn a_waiter_that_has_left_keeps_its_turn_and_costs_a_server() {
    let mut house = House::new(&pool_of(1, PoolMode::Transaction), ms(40));
    let clients = house.clients(3, at(40));
    for client in &clients {
        house.ask(*client, statement(ms(1000)));
    }
    house.run(at(100));
    house.leave(clients[1]);
    assert_eq!([shown(&house, "cl_waiting"), shown(&house, "cl_active")], ["2", "1"], "nobody looks at its socket");
    house.run(at(5000));
    assert_eq!(house.database.closed, [(at(1040), 1)]);
    assert_eq!(house.answered(clients[2]), Some(at(1040 + 40 + 1000)), "on a server of its own");
    assert_eq!(house.database.statements.len(), 2, "PostgreSQL never heard of what the one that left had asked");
    assert_eq!(house.world.proxy.clients.value(), 2);
}

#[test]
fn whoever_leaves_while_it_waits_is_told_nothing_when_the_wait_ends() {
    let mut house = House::new(&PgBouncer { query_wait_timeout: ms(1000), ..pool_of(1, PoolMode::Session) }, ms(10));
    let clients = house.clients(2, at(10));
    for client in &clients {
        house.ask(*client, statement(ms(1)));
    }
    house.leave(clients[1]);
    house.run(at(2000));
    assert_eq!((house.last(clients[1]), house.world.proxy.clients.value()), (Some(Heard::Accepted), 1));
    let mut house = House::new(&pool_of(1, PoolMode::Session), ms(500));
    let (first, second) = (house.connect(), house.connect());
    house.leave(first);
    assert_eq!(shown(&house, "cl_waiting"), "2");
    house.run(at(1000));
    assert_eq!((house.last(first), house.last(second)), (None, Some(Heard::Accepted)));
    assert_eq!((house.world.proxy.clients.value(), house.world.proxy.servers.value()), (1, 1));
}

#[test]
fn two_idle_sessions_starve_a_third_client_on_an_idle_database() {
    let mut house = House::new(&pool_of(2, PoolMode::Session), ms(10));
    let clients = house.clients(3, at(10));
    for client in &clients[..2] {
        house.ask(*client, statement(ms(1)));
        house.run(house.now() + ms(20));
    }
    house.run(at(1000));
    house.ask(clients[2], statement(ms(1)));
    house.run(at(100_000));
    assert_eq!(house.database.running, 0);
    let columns = ["cl_active", "cl_waiting", "sv_active", "maxwait", "maxwait_us", "pool_mode"];
    assert_eq!(columns.map(|name| shown(&house, name)), ["2", "1", "2", "99", "0", "session"]);
    house.run(at(130_000));
    assert_next_tick(house.when(clients[2], Heard::Lost(Error::QueryWaitTimeout)), at(121_000));
    assert_eq!(house.database.logins.len(), 2);
}

#[test]
fn the_thread_takes_one_message_after_another() {
    let mut house = House::new(&PgBouncer { cpu_per_query: ms(2), ..pool_of(2, PoolMode::Transaction) }, ms(10));
    let clients = house.clients(2, at(20));
    for client in &clients {
        house.ask(*client, statement(ms(10)));
    }
    house.run(at(100));
    house.linked.clear();
    for client in &clients {
        house.ask(*client, statement(ms(10)));
    }
    house.run(at(200));
    assert_eq!(house.linked.iter().map(|(when, ..)| *when).collect::<Vec<_>>(), [at(100), at(100)], "decided as they come in");
    assert_eq!(house.answered(clients[0]), Some(at(112)));
    assert_eq!(house.answered(clients[1]), Some(at(113)));
}
