//! Limits and timeouts of clients.

use super::*;
use crate::parts::proxy::house::{Heard, at, begin, ms, statement};

#[test]
fn a_client_beyond_max_client_conn_is_turned_away_at_once() {
    let mut house = House::new(&PgBouncer { max_client_conn: 2, ..pool_of(1, PoolMode::Session) }, ms(10));
    let clients = house.clients(2, at(10));
    let third = house.connect();
    assert_eq!(house.last(third), Some(Heard::Lost(Error::NoMoreConnections)));
    house.leave(clients[0]);
    let fourth = house.connect();
    assert_eq!(house.last(fourth), Some(Heard::Accepted));
    assert_eq!((house.world.proxy.clients.value(), house.world.proxy.clients.most()), (2, 2));
}

#[test]
fn the_limits_of_one_database_and_one_user_turn_clients_away_too() {
    let plain = || pool_of(1, PoolMode::Session);
    let by_db = PgBouncer { max_db_client_connections: 1, ..plain() };
    let by_user = PgBouncer { max_user_client_connections: 1, ..plain() };
    for (settings, why) in [(by_db, Error::MaxDbClientConnections), (by_user, Error::MaxUserClientConnections)] {
        let mut house = House::new(&settings, ms(10));
        house.clients(1, at(10));
        let second = house.connect();
        assert_eq!(house.last(second), Some(Heard::Lost(why)));
    }
}

#[test]
fn whoever_waits_for_longer_than_query_wait_timeout_is_told_so_within_a_third_of_a_second() {
    let settings = PgBouncer { query_wait_timeout: ms(6000), ..pool_of(1, PoolMode::Transaction) };
    let mut house = House::new(&settings, ms(10));
    let clients = house.clients(4, at(10));
    house.ask(clients[0], statement(ms(60_000)));
    for (client, when) in clients[1..].iter().zip([500, 550, 3000]) {
        house.run(at(when));
        house.ask(*client, statement(ms(1)));
    }
    house.run(at(20_000));
    for (client, when) in clients[1..].iter().zip([500, 550, 3000]) {
        assert_next_tick(house.when(*client, Heard::Lost(Error::QueryWaitTimeout)), at(when + 6000));
    }
    assert_eq!(house.world.proxy.waiting.value(), 0);
    assert_eq!(house.world.proxy.clients.value(), 1);
}

#[test]
fn the_first_clients_of_a_dead_server_are_sent_away_after_client_login_timeout() {
    let mut house = House::new(&PgBouncer { query_wait_timeout: ms(0), ..pool_of(1, PoolMode::Session) }, ms(10));
    house.database.silent = true;
    let first = house.connect();
    house.run(at(100_000));
    assert_next_tick(house.when(first, Heard::Lost(Error::ClientLoginTimeout)), at(60_000));
    let mut attempts = house.database.logins.iter();
    assert_eq!(attempts.next(), Some(&at(0)));
    assert_next_tick(*attempts.next().expect("a second attempt"), at(15_000));
}

#[test]
fn query_timeout_ends_client_and_server() {
    let mut house = House::new(&PgBouncer { query_timeout: ms(3000), ..pool_of(1, PoolMode::Session) }, ms(10));
    let clients = house.clients(2, at(10));
    house.ask(clients[0], statement(ms(60_000)));
    house.run(at(1000));
    house.ask(clients[1], statement(ms(1)));
    house.run(at(10_000));
    let when = house.when(clients[0], Heard::Lost(Error::QueryTimeout));
    assert_next_tick(when, at(3010));
    assert_eq!(house.database.closed, [(when, 1)]);
    assert_eq!(house.answered(clients[1]), Some(when + ms(11)), "the slot is free for another server");
}

#[test]
fn query_timeout_counts_anew_once_the_wait_is_over_and_ends_the_wait_in_other_words() {
    let mut house = House::new(&PgBouncer { query_timeout: ms(2000), ..pool_of(1, PoolMode::Transaction) }, ms(10));
    let clients = house.clients(3, at(10));
    for (client, takes) in clients.iter().zip([1800, 1900, 1]) {
        house.ask(*client, statement(ms(takes)));
    }
    house.run(at(5000));
    assert_eq!(house.answered(clients[1]), Some(at(10 + 1800 + 1900)));
    assert_next_tick(house.when(clients[2], Heard::Lost(Error::QueryTimeoutWaiting)), at(2010));
}

#[test]
fn a_client_idle_in_a_transaction_is_ended_and_one_idle_between_transactions_is_not() {
    let settings = PgBouncer { idle_transaction_timeout: ms(2000), ..pool_of(2, PoolMode::Session) };
    let mut house = House::new(&settings, ms(10));
    let clients = house.clients(2, at(20));
    house.ask(clients[0], begin(ms(30)));
    house.ask(clients[1], statement(ms(30)));
    house.run(at(20_000));
    assert_next_tick(house.when(clients[0], Heard::Lost(Error::IdleTransactionTimeout)), at(2050));
    assert!(matches!(house.last(clients[1]), Some(Heard::Reply(..))));
}

#[test]
fn transaction_timeout_counts_from_the_first_packet_of_the_transaction() {
    let settings = PgBouncer { transaction_timeout: ms(5000), ..pool_of(1, PoolMode::Transaction) };
    let mut house = House::new(&settings, ms(10));
    let a = house.clients(1, at(10))[0];
    house.ask(a, begin(ms(1)));
    for second in 1..5 {
        house.run(at(second * 1000));
        house.ask(a, statement(ms(1)));
    }
    house.run(at(10_000));
    assert_next_tick(house.when(a, Heard::Lost(Error::TransactionTimeout)), at(5010));
}

#[test]
fn client_idle_timeout_ends_only_clients_without_a_server() {
    let settings = PgBouncer { client_idle_timeout: ms(3000), ..pool_of(2, PoolMode::Session) };
    let mut house = House::new(&settings, ms(10));
    let clients = house.clients(2, at(10));
    house.ask(clients[0], statement(ms(1)));
    house.run(at(30_000));
    assert!(matches!(house.last(clients[0]), Some(Heard::Reply(..))), "a session that has run a query keeps its server and stays");
    assert_next_tick(house.when(clients[1], Heard::Lost(Error::ClientIdleTimeout)), at(3000));
}
