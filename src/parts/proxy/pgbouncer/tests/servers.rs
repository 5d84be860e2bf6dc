//! Server connections: launched, reserved, checked, aged, failing and lost.

use super::*;
use crate::parts::proxy::house::{Heard, at, begin, ms, statement};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::event::ConnId;

/// A house where so many servers were opened by half a second, for clients of whom none has asked anything since.
fn warm(settings: &PgBouncer, servers: usize) -> (House, Vec<ConnId>) {
    let mut house = House::new(settings, ms(10));
    let clients = house.clients(servers, at(10));
    for client in &clients {
        house.ask(*client, statement(ms(500)));
    }
    house.run(at(1000));
    assert_eq!(house.world.proxy.connects, servers as u64);
    (house, clients)
}

#[test]
fn the_reserve_is_opened_once_the_first_waiter_has_waited_long_enough() {
    let settings =
        PgBouncer { reserve_pool_size: 2, reserve_pool_timeout: ms(3000), query_wait_timeout: ms(8000), ..pool_of(2, PoolMode::Session) };
    let (mut house, mut clients) = warm(&settings, 2);
    clients.extend((0..4).map(|_| house.connect()));
    for client in &clients[2..] {
        house.ask(*client, statement(ms(1)));
    }
    house.run(at(20_000));
    for client in &clients[2..4] {
        assert_next_tick(house.answered(*client).expect("it is served"), at(4000));
    }
    for client in &clients[4..] {
        assert_next_tick(house.when(*client, Heard::Lost(Error::QueryWaitTimeout)), at(9000));
    }
    assert_eq!(house.world.proxy.servers.value(), 4);
}

#[test]
fn servers_that_are_too_old_are_closed_one_at_a_time() {
    let settings = PgBouncer { server_lifetime: ms(10_000), ..pool_of(5, PoolMode::Transaction) };
    let (mut house, _) = warm(&settings, 5);
    house.run(at(60_000));
    let closed: Vec<_> = house.database.closed.iter().map(|(when, _)| *when).collect();
    assert_eq!(closed.len(), 5);
    for (when, due) in closed.iter().zip([10_000, 12_000, 14_000, 16_000, 18_000]) {
        assert!(*when >= at(due) && *when <= at(due) + TICK + ms(50), "{when:?} is a tick after {due} ms");
    }
}

#[test]
fn a_busy_server_that_is_too_old_is_closed_at_its_release_and_its_client_sees_nothing() {
    let settings = PgBouncer { server_lifetime: ms(3000), ..pool_of(1, PoolMode::Transaction) };
    let (mut house, clients) = warm(&settings, 1);
    house.ask(clients[0], statement(ms(5000)));
    house.run(at(6000));
    assert_eq!(house.answered(clients[0]), Some(at(6000)));
    assert_eq!(house.database.closed, [(at(6000), 1)]);
    house.ask(clients[0], statement(ms(1)));
    house.run(at(6011));
    assert_eq!(house.answered(clients[0]), Some(at(6011)));
}

#[test]
fn an_idle_server_is_checked_first_once_somebody_wants_it() {
    for (number, demand) in [("1.25", Span::ZERO), ("1.18", Span::from_nanos(50_000))] {
        let (mut house, clients) = warm(&version(number, pool_of(1, PoolMode::Transaction)), 1);
        house.run(at(31_000));
        assert_eq!([shown(&house, "sv_idle"), shown(&house, "sv_used")], ["0", "1"]);
        house.database.statements.clear();
        house.ask(clients[0], statement(ms(1)));
        house.run(at(31_002));
        let (_, _, check) = house.database.statements[0];
        assert_eq!((check.kind, check.demand), (StatementKind::Ping, demand), "{number}");
        assert_eq!(house.answered(clients[0]), Some(at(31_001) + demand));
    }
}

#[test]
fn a_server_is_checked_before_every_use_if_the_delay_is_zero() {
    let (mut house, clients) = warm(&PgBouncer { server_check_delay: ms(0), ..pool_of(1, PoolMode::Transaction) }, 1);
    house.database.statements.clear();
    for _ in 0..2 {
        house.ask(clients[0], statement(ms(1)));
        house.run(house.now() + ms(2));
    }
    let kinds: Vec<_> = house.database.statements.iter().map(|(_, _, s)| s.kind).collect();
    assert_eq!(kinds, [StatementKind::Ping, StatementKind::Query, StatementKind::Ping, StatementKind::Query]);
}

#[test]
fn a_server_idle_for_too_long_is_closed_down_to_the_smallest_size_wanted() {
    let settings = PgBouncer { server_idle_timeout: ms(60_000), min_pool_size: 1, ..pool_of(3, PoolMode::Transaction) };
    let (mut house, _) = warm(&settings, 3);
    house.run(at(100_000));
    assert_eq!(house.world.proxy.servers.value(), 1);
    for (when, _) in &house.database.closed {
        assert!(*when >= at(60_500) && *when <= at(60_600) + TICK, "{when:?}");
    }
}

#[test]
fn min_pool_size_is_filled_by_one_server_in_each_pass() {
    let mut house = House::new(&PgBouncer { min_pool_size: 5, ..pool_of(5, PoolMode::Session) }, ms(10));
    house.clients(1, at(10));
    house.run(at(5000));
    let gaps: Vec<_> = house.database.logins[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [TICK; 3]);
    let mut house = House::new(&PgBouncer { min_pool_size: 5, ..pool_of(0, PoolMode::Session) }, ms(10));
    house.clients(1, at(10));
    house.run(at(5000));
    assert_eq!(house.database.logins.len(), 1, "a pool without a limit is not filled up");
}

#[test]
fn the_smallest_of_all_limits_binds_the_one_pool() {
    for (settings, servers) in [
        (PgBouncer { max_db_connections: 2, ..pool_of(20, PoolMode::Session) }, 2),
        (PgBouncer { max_user_connections: 3, ..pool_of(20, PoolMode::Session) }, 3),
        (pool_of(2, PoolMode::Session), 2),
        (version("1.18", pool_of(0, PoolMode::Session)), 1),
        (pool_of(0, PoolMode::Session), 4),
    ] {
        let mut house = House::new(&settings, ms(1));
        let clients = house.clients(4, at(1));
        for client in &clients {
            house.ask(*client, statement(ms(1000)));
        }
        house.run(at(1000));
        assert_eq!(house.world.proxy.servers.value(), servers, "{settings:?}");
    }
}

#[test]
fn after_a_failed_login_queries_fail_fast_until_one_has_succeeded() {
    let (mut house, mut clients) = warm(&pool_of(2, PoolMode::Transaction), 1);
    clients.extend((0..3).map(|_| house.connect()));
    house.database.refuses = Some(Error::ConnectionRefused);
    house.end_sessions(Error::AdminShutdown);
    assert!(matches!(house.last(clients[0]), Some(Heard::Reply(..))), "idle clients survive");
    house.ask(clients[0], statement(ms(1)));
    house.run(at(1010));
    house.database.refuses = None;
    house.ask(clients[1], statement(ms(1)));
    assert_eq!(house.last(clients[1]), Some(Heard::Lost(Error::ServerLoginFailing)));
    house.run(at(30_000));
    let when = house.answered(clients[0]).expect("the one that waited is served");
    assert_next_tick(when, at(16_011));
    assert_eq!(house.database.logins.len(), 3, "no attempt in between");
    house.ask(clients[2], statement(ms(1)));
    house.run(at(30_001));
    assert_eq!(house.answered(clients[2]), Some(at(30_001)));
}

#[test]
fn a_failed_login_ends_waiters_of_a_pool_without_servers_since_1_21() {
    let waiter_after = |number: &str, why: Error| {
        let (mut house, clients) = warm(&version(number, pool_of(2, PoolMode::Transaction)), 1);
        house.database.refuses = Some(why);
        house.end_sessions(Error::AdminShutdown);
        house.ask(clients[0], statement(ms(1)));
        house.run(at(2000));
        house.last(clients[0])
    };
    let full = Error::TooManyClients;
    assert_eq!(waiter_after("1.25", full), Some(Heard::Lost(full)));
    assert!(matches!(waiter_after("1.18", full), Some(Heard::Reply(..))), "it goes on waiting");
    assert!(matches!(waiter_after("1.25", Error::CannotConnectNow), Some(Heard::Reply(..))));
    assert!(matches!(waiter_after("1.25", Error::ConnectionRefused), Some(Heard::Reply(..))));
}

#[test]
fn a_client_that_logs_in_to_a_full_database_hears_its_error_in_every_version() {
    for number in ["1.18", "1.25"] {
        let mut house = House::new(&version(number, pool_of(2, PoolMode::Session)), ms(10));
        house.database.refuses = Some(Error::TooManyClients);
        let first = house.connect();
        house.run(at(10));
        assert_eq!(house.last(first), Some(Heard::Lost(Error::TooManyClients)), "{number}");
        house.database.refuses = None;
        let second = house.connect();
        house.run(at(30_000));
        assert_next_tick(house.when(second, Heard::Accepted), at(15_010));
    }
}

#[test]
fn waiters_stay_while_another_server_lives() {
    let (mut house, mut clients) = warm(&pool_of(2, PoolMode::Session), 1);
    clients.push(house.connect());
    house.database.refuses = Some(Error::TooManyClients);
    house.ask(clients[1], statement(ms(1)));
    house.run(at(5000));
    assert_eq!(house.last(clients[1]), Some(Heard::Accepted));
    house.leave(clients[0]);
    assert_eq!(house.linked[1].1, clients[1]);
}

#[test]
fn a_server_that_dies_takes_its_client_with_it_and_its_last_words_are_passed_on() {
    for (why, told) in [(Error::AdminShutdown, Error::AdminShutdown), (Error::ConnectionLost, Error::ServerConnCrashed)] {
        let (mut house, clients) = warm(&pool_of(3, PoolMode::Transaction), 3);
        house.ask(clients[0], begin(ms(1)));
        house.ask(clients[1], statement(ms(5000)));
        house.run(at(2000));
        house.end_sessions(why);
        assert_eq!(house.last(clients[0]), Some(Heard::Lost(told)));
        assert_eq!(house.last(clients[1]), Some(Heard::Lost(told)));
        house.ask(clients[2], statement(ms(1)));
        house.run(at(2011));
        assert_eq!(house.answered(clients[2]), Some(at(2011)), "an idle server dies silently");
        assert_eq!(house.world.proxy.servers.value(), 1);
    }
}

#[test]
fn a_query_that_crosses_the_last_words_of_its_server_hears_them() {
    let (mut house, clients) = warm(&pool_of(1, PoolMode::Transaction), 1);
    house.world.proxy_wire.becomes(crate::kernel::latency::LatencySpec::always(ms(4)).prepare());
    house.end_sessions(Error::AdminShutdown);
    house.run(at(1001));
    house.ask(clients[0], statement(ms(1)));
    house.run(at(1002));
    assert_eq!(house.last(clients[0]), Some(Heard::Lost(Error::AdminShutdown)));
}

#[test]
fn a_restart_ends_every_connection_without_a_word_and_the_next_process_knows_nothing_of_the_last() {
    let (mut house, clients) = warm(&pool_of(2, PoolMode::Transaction), 2);
    house.ask(clients[0], statement(ms(5000)));
    let waits = house.clients(1, at(1500))[0];
    house.ask(clients[1], begin(ms(5000)));
    house.ask(waits, statement(ms(1)));
    house.run(at(2000));
    house.proxy.restart(ms(1000), &mut Cx { world: &mut house.world });
    let early = house.connect();
    house.run(at(2500));
    for client in [clients[0], clients[1], waits] {
        assert_eq!(house.last(client), Some(Heard::Lost(Error::ConnectionLost)));
    }
    assert_eq!(house.last(early), Some(Heard::Lost(Error::ConnectionRefused)));
    let meters = &house.world.proxy;
    assert_eq!([meters.clients.value(), meters.servers.value(), meters.linked.value(), meters.waiting.value()], [0; 4]);
    house.run(at(3000));
    let late = house.clients(1, at(3100))[0];
    house.ask(late, statement(ms(1)));
    house.run(at(4000));
    assert!(house.answered(late).is_some(), "it is served by a connection of its own");
    assert_eq!(house.world.proxy.connects, 3);
}
