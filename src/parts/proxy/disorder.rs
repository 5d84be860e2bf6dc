//! For tests: whatever clients, database and time do, a proxy keeps its books.

use proptest::prelude::*;

use super::house::{Heard, House, begin, commit, ms, statement};
use super::pgbouncer::{PgBouncer, PoolMode};
use super::rds_proxy::RdsProxy;
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::protocol::conn::Statement;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;

/// Something that happens in the house.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Connect,
    /// The n-th client, if it is free to, sends a statement of so many milliseconds that may begin a transaction.
    Ask(usize, u64, bool),
    Commit(usize),
    Leave(usize),
    Wait(u64),
    EndSessions(bool),
    Refuse(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Connect),
        8 => (0..12usize, 0..400u64, any::<bool>()).prop_map(|(client, takes, begins)| Deed::Ask(client, takes, begins)),
        4 => (0..12usize).prop_map(Deed::Commit),
        2 => (0..12usize).prop_map(Deed::Leave),
        8 => prop_oneof![0..5u64, 0..300u64, 0..4000u64].prop_map(Deed::Wait),
        1 => any::<bool>().prop_map(Deed::EndSessions),
        1 => (0..4u8).prop_map(Deed::Refuse),
    ]
}

fn pgbouncer() -> impl Strategy<Value = PgBouncer> {
    let mode = prop_oneof![Just(PoolMode::Session), Just(PoolMode::Transaction), Just(PoolMode::Statement)];
    let timeout = || prop_oneof![Just(Span::ZERO), (1..3000u64).prop_map(ms)];
    let sizes = (0..4u32, 0..3u32, 4..14u32, prop_oneof![Just("1.18"), Just("1.22"), Just("1.25")]);
    (mode, sizes, [timeout(), timeout(), timeout(), timeout(), timeout(), timeout()], any::<[bool; 3]>()).prop_map(
        |(pool_mode, (size, reserve, most, version), [a, b, c, d, e, f], [robin, reset, cpu])| PgBouncer {
            version: version.to_owned(),
            pool_mode,
            max_client_conn: most,
            default_pool_size: size,
            min_pool_size: size / 2,
            reserve_pool_size: reserve,
            reserve_pool_timeout: a,
            // A pool of no size that has lost its only server never serves again: whoever has left while it waited there
            // is noticed when its time is over, or never.
            query_wait_timeout: if size == 0 { b.max(ms(1)) } else { b },
            query_timeout: c,
            idle_transaction_timeout: d,
            client_idle_timeout: e,
            server_lifetime: f,
            server_connect_timeout: ms(2000),
            server_login_retry: ms(500),
            server_check_delay: if robin { Span::ZERO } else { ms(700) },
            server_idle_timeout: ms(5000),
            server_reset_query: if reset { "DISCARD ALL".to_owned() } else { String::new() },
            server_round_robin: robin,
            cpu_per_query: if cpu { ms(2) } else { Span::ZERO },
            ..PgBouncer::default()
        },
    )
}

fn rds_proxy() -> impl Strategy<Value = RdsProxy> {
    (1..4u32, 0..3000u64, 1..5000u64, prop_oneof![Just(0.0), Just(0.3)], 0..3u64).prop_map(|(size, borrow, idle, pin, takes)| RdsProxy {
        max_connections_percent: f64::from(size),
        max_idle_connections_percent: 1.0,
        connection_borrow_timeout: ms(borrow),
        idle_client_timeout: ms(idle),
        pin_probability: pin,
        latency: LatencySpec::always(ms(takes)),
    })
}

/// A house with wires, its clients, and which of them wait for an answer.
struct Disorder {
    house: House,
    clients: Vec<ConnId>,
    asking: Vec<ConnId>,
}

impl Disorder {
    fn new(mut house: House) -> Disorder {
        house.world.app_wire.becomes(LatencySpec::always(ms(2)).prepare());
        house.world.proxy_wire.becomes(LatencySpec::always(ms(2)).prepare());
        Disorder { house, clients: Vec::new(), asking: Vec::new() }
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Connect => self.clients.push(self.house.connect()),
            Deed::Ask(client, takes, begins) => self.ask(client, if begins { begin(ms(takes)) } else { statement(ms(takes)) }),
            Deed::Commit(client) => self.ask(client, commit()),
            Deed::Leave(client) => {
                if client < self.clients.len() {
                    let client = self.clients.remove(client);
                    self.asking.retain(|asking| *asking != client);
                    self.house.leave(client);
                }
            }
            Deed::Wait(span) => self.house.run(self.house.now() + ms(span)),
            Deed::EndSessions(said) => self.house.end_sessions(if said { Error::AdminShutdown } else { Error::ConnectionLost }),
            Deed::Refuse(why) => {
                let reasons = [None, Some(Error::ConnectionRefused), Some(Error::TooManyClients), Some(Error::CannotConnectNow)];
                self.house.database.refuses = reasons[usize::from(why)];
            }
        }
        let heard = std::mem::take(&mut self.house.heard);
        for (_, client, what) in &heard {
            self.asking.retain(|asking| asking != client);
            if matches!(what, Heard::Lost(_)) {
                self.clients.retain(|living| living != client);
            }
        }
    }

    fn ask(&mut self, client: usize, statement: Statement) {
        let Some(&client) = self.clients.get(client) else { return };
        if self.house.world.conns[client].up && !self.asking.contains(&client) {
            self.asking.push(client);
            self.house.ask(client, statement);
        }
    }

    /// Everybody leaves and the database is well: nothing may be left behind.
    fn end(mut self) -> House {
        self.house.database.refuses = None;
        for client in std::mem::take(&mut self.clients) {
            self.house.leave(client);
        }
        self.house.run(self.house.now() + Span::from_secs(700));
        self.house
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pgbouncer_keeps_its_books(settings in pgbouncer(), deeds in prop::collection::vec(deed(), 1..150)) {
        let most = (settings.default_pool_size + settings.reserve_pool_size).max(1) as u64;
        let unlimited = settings.default_pool_size == 0 && settings.version == "1.25";
        let mut disorder = Disorder::new(House::new(&settings, ms(20)));
        for deed in deeds {
            disorder.act(deed);
            let proxy = &disorder.house.world.proxy;
            prop_assert!(proxy.servers.value() <= most || unlimited);
            prop_assert!(proxy.clients.value() <= u64::from(settings.max_client_conn));
            prop_assert!(proxy.linked.value() <= proxy.servers.value());
            prop_assert!(proxy.linked.value() + proxy.waiting.value() <= proxy.clients.value());
        }
        let house = disorder.end();
        let proxy = &house.world.proxy;
        prop_assert_eq!([proxy.clients.value(), proxy.linked.value(), proxy.waiting.value()], [0; 3]);
        prop_assert_eq!(house.world.conns.living() as u64, proxy.servers.value(), "what is open is a server of the proxy");
        prop_assert_eq!(house.database.running, 0);
        prop_assert_eq!(proxy.servers.value(), 0, "all are idle for too long");
        prop_assert_eq!(house.world.agenda.pending(), 0, "the janitor rests when there is nothing to look at");
    }

    #[test]
    fn rds_proxy_keeps_its_books(settings in rds_proxy(), deeds in prop::collection::vec(deed(), 1..150)) {
        let mut disorder = Disorder::new(House::new(&settings, ms(20)));
        for deed in deeds {
            disorder.act(deed);
            let proxy = &disorder.house.world.proxy;
            prop_assert!(proxy.servers.value() as f64 <= settings.max_connections_percent);
            prop_assert!(proxy.linked.value() <= proxy.servers.value());
            prop_assert!(proxy.linked.value() + proxy.waiting.value() <= proxy.clients.value());
        }
        let house = disorder.end();
        let proxy = &house.world.proxy;
        prop_assert_eq!([proxy.clients.value(), proxy.linked.value(), proxy.waiting.value()], [0; 3]);
        prop_assert_eq!(house.world.conns.living() as u64, proxy.servers.value(), "what is open is a server of the proxy");
        prop_assert!(proxy.servers.value() <= 1, "idle ones go after five minutes");
        prop_assert_eq!(house.world.agenda.pending(), 0);
    }
}
