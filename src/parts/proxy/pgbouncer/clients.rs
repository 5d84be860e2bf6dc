//! Client sockets: startup, login, packets, waiting, and how they end.

use super::process::Process;
use crate::kernel::time::SimTime;
use crate::protocol::conn::Link;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;
use crate::protocol::fact::Fact;

/// PgBouncer's states of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientState {
    /// `CL_LOGIN`: being authenticated.
    Login,
    /// `CL_ACTIVE`: logged in, linked to a server or simply idle.
    Active,
    /// `CL_WAITING`: has sent a query and waits for a server.
    Waiting,
    /// `CL_WAITING_LOGIN`: waits for the first server login of the pool, which tells the welcome message.
    WaitingLogin,
    /// Its place is free.
    Gone,
}

/// A client socket.
#[derive(Clone)]
pub(super) struct Client {
    /// Its connection; none if it has left while it waited, which is noticed only when the wait is over.
    pub(super) conn: Option<ConnId>,
    pub(super) state: ClientState,
    /// The server it is linked to.
    pub(super) link: Option<u32>,
    pub(super) connect_time: SimTime,
    /// When its last packet was handled: one that had to wait for a server is handled again then.
    pub(super) request_time: SimTime,
    /// When the first packet of its transaction came, the wait for a server included.
    pub(super) xact_start: SimTime,
}

impl Client {
    /// The connection of one that is not waiting.
    pub(super) fn socket(&self) -> ConnId {
        self.conn.expect("only a client that waits can have left unnoticed")
    }
}

impl Process {
    /// The startup packet: whether the client may go on to log in. No server connection is needed for that.
    pub(super) fn client_startup(&mut self, conn: ConnId, cx: &mut Cx) -> bool {
        if let Some(why) = self.settings.turns_away(self.clients.living() + 1) {
            cx.fact(Fact::ProxyError { why });
            cx.shut(conn, why);
            return false;
        }
        let now = cx.now();
        let client =
            Client { conn: Some(conn), state: ClientState::Login, link: None, connect_time: now, request_time: now, xact_start: now };
        cx.conn(conn).far_tag = self.clients.add(client);
        cx.world.proxy.clients.up(now);
        self.keep_janitor_going(cx);
        true
    }

    /// `finish_client_login`: the first clients of a pool wait for its welcome message, all others are in.
    pub(super) fn finish_client_login(&mut self, client: u32, cx: &mut Cx) {
        if self.pool.welcome_msg_ready {
            self.welcome_client(client, cx);
        } else {
            self.pause_client(client, ClientState::WaitingLogin, cx);
        }
    }

    /// A query has come in: `find_server`.
    pub(super) fn client_packet(&mut self, client: u32, cx: &mut Cx) {
        let now = cx.now();
        let link = self.clients[client].link;
        let socket = &mut self.clients[client];
        socket.request_time = now;
        if link.is_none_or(|server| self.servers[server].ready) {
            socket.xact_start = now;
        }
        if let Some(server) = link {
            self.forward(client, server, cx);
        } else if let Some(server) = self.pool.idle.first() {
            self.link(client, server, cx);
        } else if self.pool.last_login_failed && self.pool_server_count() == usize::from(self.pool.login.is_some()) {
            // There will be no waiting client that would cause the next attempt, so it is made here.
            self.disconnect_client(client, Error::ServerLoginFailing, cx);
            self.launch_new_connection(cx);
        } else {
            self.pause_client(client, ClientState::Waiting, cx);
        }
    }

    /// `activate_client`: the wait is over. One that waits in login takes no server. One that has left takes the server
    /// from the others all the same: its query is handled and then its Terminate, which finds the server not ready, so
    /// the server is closed before PostgreSQL has heard of the query.
    pub(super) fn activate_client(&mut self, client: u32, cx: &mut Cx) {
        let in_login = self.clients[client].state == ClientState::WaitingLogin;
        self.leave_waiting(client, cx);
        self.clients[client].state = ClientState::Active;
        let has_left = self.clients[client].conn.is_none();
        if has_left {
            self.forget_client(client, cx);
        }
        match (in_login, has_left) {
            (true, true) => {}
            (true, false) => self.welcome_client(client, cx),
            (false, true) => self.close_server(self.first_idle(), cx),
            (false, false) => self.link(client, self.first_idle(), cx),
        }
    }

    fn first_idle(&self) -> u32 {
        self.pool.idle.first().expect("a waiting client is woken for an idle server")
    }

    /// The client has closed its socket, or timed out. A server in the middle of something is of no further use, and
    /// PostgreSQL goes on with it behind the closed connection. While a client waits its socket is not read
    /// (`pause_client`), so it stays in the queue, and counts as a client, until it would get a server.
    pub(super) fn client_gone(&mut self, client: u32, cx: &mut Cx) {
        match self.clients[client].link {
            None if self.is_waiting(client) => self.clients[client].conn = None,
            None => self.forget_client(client, cx),
            Some(server) if self.servers[server].ready => {
                self.unlink(server, cx);
                self.forget_client(client, cx);
                self.release_server(server, cx);
            }
            Some(server) => {
                self.unlink(server, cx);
                self.forget_client(client, cx);
                self.close_server(server, cx);
            }
        }
    }

    /// `disconnect_client`: tells an unlinked client why, if it is still there, and closes its socket.
    pub(super) fn disconnect_client(&mut self, client: u32, why: Error, cx: &mut Cx) {
        if let Some(conn) = self.clients[client].conn {
            cx.fact(Fact::ProxyError { why });
            cx.shut(conn, why);
        }
        self.forget_client(client, cx);
    }

    fn welcome_client(&mut self, client: u32, cx: &mut Cx) {
        self.clients[client].state = ClientState::Active;
        cx.accept(self.clients[client].socket());
    }

    fn pause_client(&mut self, client: u32, state: ClientState, cx: &mut Cx) {
        self.clients[client].state = state;
        self.pool.waiting.append(&mut self.clients, client);
        cx.world.proxy.waiting.up(cx.world.agenda.now());
        if state == ClientState::Waiting {
            let conn = self.clients[client].socket();
            cx.conn(conn).link = Link::Awaited;
            if self.is_full() {
                cx.fact(Fact::ProxyFull { client: conn });
            }
        }
    }

    fn leave_waiting(&mut self, client: u32, cx: &mut Cx) {
        self.pool.waiting.remove(&mut self.clients, client);
        cx.world.proxy.waiting.down(cx.world.agenda.now());
        if let Some(conn) = self.clients[client].conn {
            cx.conn(conn).link = Link::None;
        }
    }

    fn is_waiting(&self, client: u32) -> bool {
        matches!(self.clients[client].state, ClientState::Waiting | ClientState::WaitingLogin)
    }

    pub(super) fn forget_client(&mut self, client: u32, cx: &mut Cx) {
        debug_assert!(self.clients[client].link.is_none(), "a client is unlinked before it goes");
        if self.is_waiting(client) {
            self.leave_waiting(client, cx);
        }
        self.clients[client].state = ClientState::Gone;
        self.clients.free(client);
        cx.world.proxy.clients.down(cx.world.agenda.now());
    }
}
