//! The process: one thread that takes messages one after another, and what it does about each.
//!
//! A message starts when the thread is free and is forwarded at the end of its time. What follows from it (assignment,
//! release, the next launch) is decided when it comes in, in the same order; so a message costs no event of its own.
//! Sockets that close are dealt with when they are noticed, and take no time.

use super::PgBouncer;
use super::clients::Client;
use super::janitor::Janitor;
use super::pool::Pool;
use super::servers::ServerConn;
use super::settings::Settings;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::list::Table;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;
use crate::protocol::server::{Proxy, Server, ShowPools};

/// A running PgBouncer.
#[derive(Clone)]
pub(super) struct Process {
    /// Parameter.
    pub(super) settings: Settings,
    /// State: all client sockets. A client's number stands in its connection's `far_tag`.
    pub(super) clients: Table<Client>,
    /// State: all server sockets. A server's number stands in its connection's `near_tag`.
    pub(super) servers: Table<ServerConn>,
    /// State: the one pool.
    pub(super) pool: Pool,
    /// State.
    pub(super) janitor: Janitor,
    /// State: when the thread is through with all it was given.
    pub(super) busy_until: SimTime,
    /// State: before that nobody listens.
    pub(super) listens_from: SimTime,
}

/// A message for the thread.
#[derive(Clone, Copy)]
enum Message {
    ClientLogin(ConnId),
    FromClient(ConnId),
    ServerLogin(ConnId),
    FromServer(ConnId),
}

/// The alarm of the janitor.
pub(super) const JANITOR: u64 = 1;

impl Process {
    /// Just started, with no connection.
    pub(super) fn new(written: &PgBouncer, seed: &Seed) -> Process {
        Process {
            settings: Settings::new(written),
            clients: Table::default(),
            servers: Table::default(),
            pool: Pool::default(),
            janitor: Janitor::new(seed),
            busy_until: SimTime::ZERO,
            listens_from: SimTime::ZERO,
        }
    }

    /// The thread takes `takes` for a message once it is through with those before. What follows from the message is
    /// decided now, in the order in which messages came; what is said because of it leaves when its time is over.
    fn give(&mut self, message: Message, takes: Span, cx: &mut Cx) {
        self.busy_until = self.busy_until.max(cx.now()) + takes;
        cx.world.departs = self.busy_until;
        self.handle(message, cx);
        cx.world.departs = SimTime::ZERO;
    }

    /// Handles a message whose socket is still open.
    fn handle(&mut self, message: Message, cx: &mut Cx) {
        match message {
            Message::ClientLogin(conn) => {
                if let Some(client) = live_client(conn, cx) {
                    self.finish_client_login(client, cx);
                }
            }
            Message::FromClient(conn) => {
                if let Some(client) = live_client(conn, cx) {
                    self.client_packet(client, cx);
                }
            }
            Message::ServerLogin(conn) => {
                if let Some(server) = live_server(conn, cx) {
                    self.finish_server_login(server, cx);
                }
            }
            Message::FromServer(conn) => {
                if let Some(server) = live_server(conn, cx) {
                    self.server_packet(server, cx);
                }
            }
        }
        self.per_loop_activate(cx);
    }
}

/// The number of the client behind `conn`, unless it has gone or was sent away.
fn live_client(conn: ConnId, cx: &Cx) -> Option<u32> {
    cx.world.conns.get(conn).filter(|conn| conn.far_open).map(|conn| conn.far_tag)
}

/// The number of the server behind `conn`, unless it was closed.
fn live_server(conn: ConnId, cx: &Cx) -> Option<u32> {
    cx.world.conns.get(conn).filter(|conn| conn.near_open).map(|conn| conn.near_tag)
}

impl Server for Process {
    fn connect(&mut self, conn: ConnId, cx: &mut Cx) {
        if cx.now() < self.listens_from {
            return cx.shut(conn, Error::ConnectionRefused);
        }
        if self.client_startup(conn, cx) {
            self.give(Message::ClientLogin(conn), self.settings.login, cx);
        }
    }

    fn query(&mut self, conn: ConnId, cx: &mut Cx) {
        self.give(Message::FromClient(conn), self.settings.message, cx);
    }

    fn hang_up(&mut self, conn: ConnId, cx: &mut Cx) {
        let client = cx.conn(conn).far_tag;
        self.client_gone(client, cx);
        self.per_loop_activate(cx);
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        debug_assert_eq!(alarm, JANITOR, "the janitor alone sets alarms");
        self.janitor_pass(cx);
        self.per_loop_activate(cx);
    }
}

impl Proxy for Process {
    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        self.give(Message::ServerLogin(conn), self.settings.login, cx);
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let server = cx.conn(conn).near_tag;
        self.server_login_failed(server, why, cx);
        self.per_loop_activate(cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        self.give(Message::FromServer(conn), self.settings.message, cx);
    }

    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        if let Some(server) = live_server(conn, cx) {
            self.server_gone(server, why, cx);
            self.per_loop_activate(cx);
        }
    }

    fn restart(&mut self, down: Span, cx: &mut Cx) {
        self.start_again(down, cx);
    }

    fn status(&self, now: SimTime) -> String {
        self.print_pools(now)
    }

    fn show_pools(&self, now: SimTime) -> Option<ShowPools> {
        Some(self.pools_now(now))
    }
}
