//! Server sockets: login, links, replies, release, and how they end.

use super::PoolMode;
use super::process::Process;
use super::settings::V1_21;
use crate::kernel::time::SimTime;
use crate::protocol::conn::{Link, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;
use crate::protocol::fact::Fact;

/// PgBouncer's states of a server connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerState {
    /// `SV_LOGIN`: being set up.
    Login,
    /// `SV_IDLE`: can be used at once.
    Idle,
    /// `SV_USED`: idle for so long that it is checked before use.
    Used,
    /// `SV_TESTED`: runs the reset or the check query.
    Tested,
    /// `SV_ACTIVE`: linked to a client.
    Active,
    /// Its place is free.
    Gone,
}

/// A server socket.
#[derive(Clone)]
pub(super) struct ServerConn {
    pub(super) conn: ConnId,
    pub(super) state: ServerState,
    /// The client it is linked to.
    pub(super) link: Option<u32>,
    /// The last word from it was ReadyForQuery outside a transaction, and nothing was sent since.
    pub(super) ready: bool,
    /// The last word from it was ReadyForQuery inside a transaction, and nothing was sent since.
    pub(super) idle_tx: bool,
    pub(super) connect_time: SimTime,
    /// When its last packet came.
    pub(super) request_time: SimTime,
}

impl Process {
    /// The first ReadyForQuery.
    pub(super) fn finish_server_login(&mut self, server: u32, cx: &mut Cx) {
        let socket = &mut self.servers[server];
        socket.ready = true;
        socket.request_time = cx.now();
        self.pool.welcome_msg_ready = true;
        cx.world.proxy.connects += 1;
        self.release_server(server, cx);
    }

    /// The login did not succeed; the connection is gone.
    pub(super) fn server_login_failed(&mut self, server: u32, why: Error, cx: &mut Cx) {
        self.forget_server(server, cx);
        self.pool.login_failed();
        let said_by_postgres = !matches!(why, Error::ConnectionRefused | Error::ConnectTimeout | Error::ConnectionLost);
        let kills = if self.settings.version < V1_21 {
            !self.pool.welcome_msg_ready
        } else {
            self.connected_server_count() == 0 && why != Error::CannotConnectNow
        };
        if said_by_postgres && kills {
            while let Some(client) = self.pool.waiting.first() {
                self.disconnect_client(client, why, cx);
            }
        }
    }

    /// Takes an idle server for a client and sends what the client has asked.
    pub(super) fn link(&mut self, client: u32, server: u32, cx: &mut Cx) {
        let now = cx.now();
        self.leave_list(server);
        self.servers[server].state = ServerState::Active;
        self.servers[server].link = Some(client);
        self.clients[client].link = Some(server);
        cx.world.proxy.linked.up(now);
        let socket = &mut self.clients[client];
        let waited = now - std::mem::replace(&mut socket.request_time, now);
        let conn = socket.socket();
        cx.conn(conn).link = Link::Held;
        cx.fact(Fact::Linked { client: conn, waited });
        self.forward(client, server, cx);
    }

    /// Sends the client's message on. What a statement is for counts with its last message only; the ones before ask
    /// nothing of the server, but the first of them may begin the transaction.
    #[inline]
    pub(super) fn forward(&mut self, client: u32, server: u32, cx: &mut Cx) {
        let asked = cx.conn(self.clients[client].socket()).statement;
        let kind = if asked.extra_trips > 0 { StatementKind::Query } else { asked.kind };
        self.send(server, Statement { kind, demand: asked.demand_now(), begins: asked.begins, extra_trips: 0 }, cx);
    }

    /// A reply, and with it ReadyForQuery.
    pub(super) fn server_packet(&mut self, server: u32, cx: &mut Cx) {
        let socket = &mut self.servers[server];
        let conn = cx.conn(socket.conn);
        let (error, status) = (conn.error, conn.status);
        socket.request_time = cx.now();
        socket.ready = status == TxStatus::Idle;
        socket.idle_tx = !socket.ready;
        let Some(client) = socket.link else {
            // A check or reset query.
            return if error.is_none() { self.release_server(server, cx) } else { self.close_server(server, cx) };
        };
        let mode = self.settings.written.pool_mode;
        if status != TxStatus::Idle && mode == PoolMode::Statement {
            return self.disconnect_server(server, Error::TransactionInStatementMode, cx);
        }
        cx.reply(self.clients[client].socket(), error, status);
        if status == TxStatus::Idle && mode != PoolMode::Session {
            self.unlink(server, cx);
            self.release_server(server, cx);
        }
    }

    /// `release_server`: an unlinked server is used again, after its reset, or closed for its age. The first waiter gets
    /// it in the same instant.
    pub(super) fn release_server(&mut self, server: u32, cx: &mut Cx) {
        let state = self.servers[server].state;
        if state != ServerState::Login && self.life_over(server, cx.now()) {
            self.pool.last_lifetime_disconnect = Some(cx.now());
            return self.close_server(server, cx);
        }
        self.leave_list(server);
        if state == ServerState::Login {
            self.pool.last_login_failed = false;
            self.pool.last_connect_failed = false;
        }
        if state == ServerState::Active && self.settings.resets {
            self.enter_tested(server);
            return self.send(server, Statement { kind: StatementKind::Reset, ..Statement::default() }, cx);
        }
        if state == ServerState::Active && self.settings.written.server_check_delay.is_zero() {
            return self.enter_used(server); // no delay at all: checked before every use
        }
        self.enter_idle(server);
        if let Some(client) = self.pool.waiting.first() {
            self.activate_client(client, cx);
        }
    }

    /// `life_over`: older than `server_lifetime`, and long enough since another was closed for that. PgBouncer's clock
    /// counts microseconds, so six passes of the janitor are two seconds.
    pub(super) fn life_over(&self, server: u32, now: SimTime) -> bool {
        let micros = |time: SimTime| time.nanos() / 1000;
        if now - self.servers[server].connect_time < self.settings.written.server_lifetime {
            return false;
        }
        let gap = self.settings.lifetime_gap().nanos() / 1000;
        self.pool.last_lifetime_disconnect.is_none_or(|last| micros(now) - micros(last) >= gap)
    }

    /// The server's end has closed: an unlinked one goes silently, a linked one takes its client with it.
    pub(super) fn server_gone(&mut self, server: u32, why: Error, cx: &mut Cx) {
        let crashed = matches!(why, Error::ConnectionLost | Error::ConnectionRefused);
        self.disconnect_server(server, if crashed { Error::ServerConnCrashed } else { why }, cx);
    }

    /// `disconnect_server`: closes it and tells its client why, if it has one.
    pub(super) fn disconnect_server(&mut self, server: u32, why: Error, cx: &mut Cx) {
        if let Some(client) = self.servers[server].link {
            self.unlink(server, cx);
            self.disconnect_client(client, why, cx);
        }
        self.close_server(server, cx);
    }

    /// Parts a server from its client.
    pub(super) fn unlink(&mut self, server: u32, cx: &mut Cx) {
        let client = self.servers[server].link.take().expect("a linked server is unlinked");
        let unlinked = &mut self.clients[client];
        unlinked.link = None;
        if let Some(conn) = unlinked.conn {
            cx.conn(conn).link = Link::None;
        }
        cx.world.proxy.linked.down(cx.world.agenda.now());
    }

    /// Closes an unlinked server. PostgreSQL goes on with what it does for it.
    pub(super) fn close_server(&mut self, server: u32, cx: &mut Cx) {
        let socket = &self.servers[server];
        let conn = socket.conn;
        if socket.state == ServerState::Login {
            self.pool.login_failed();
        }
        self.forget_server(server, cx);
        cx.hang_up(conn);
    }

    /// Sends the check query to a server that was idle for long.
    pub(super) fn check(&mut self, server: u32, cx: &mut Cx) {
        self.leave_list(server);
        self.enter_tested(server);
        let demand = self.settings.check_demand;
        self.send(server, Statement { kind: StatementKind::Ping, demand, ..Statement::default() }, cx);
    }

    #[inline(always)] // a statement goes field by field to where it stands; as a whole it would be waited for
    fn send(&mut self, server: u32, statement: Statement, cx: &mut Cx) {
        let socket = &mut self.servers[server];
        socket.ready = false;
        socket.idle_tx = false;
        cx.query(socket.conn, statement);
    }

    fn forget_server(&mut self, server: u32, cx: &mut Cx) {
        debug_assert!(self.servers[server].link.is_none(), "a server is unlinked before it goes");
        self.leave_list(server);
        self.servers[server].state = ServerState::Gone;
        self.servers.free(server);
        cx.world.proxy.servers.down(cx.world.agenda.now());
    }
}
