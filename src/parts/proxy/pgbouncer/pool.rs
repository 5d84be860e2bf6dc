//! The pool: its lists, who gets the next server, and when a new one is launched.

use super::clients::Client;
use super::process::Process;
use super::servers::{ServerConn, ServerState};
use crate::kernel::time::SimTime;
use crate::parts::proxy::list::List;
use crate::protocol::cx::Cx;

/// The pool of one database and one user. Linked servers stand in no list: they are the ones left over.
#[derive(Clone, Default)]
pub(super) struct Pool {
    /// `waiting_client_list`: first come, first served.
    pub(super) waiting: List,
    /// `idle_server_list`: a stack, or a queue with `server_round_robin`.
    pub(super) idle: List,
    /// `used_server_list`.
    pub(super) used: List,
    /// `tested_server_list`.
    pub(super) tested: List,
    /// `new_server_list`, which never holds more than one.
    pub(super) login: Option<u32>,
    /// A server has once told what every client is told at login.
    pub(super) welcome_msg_ready: bool,
    pub(super) last_login_failed: bool,
    pub(super) last_connect_failed: bool,
    last_connect_time: SimTime,
    pub(super) last_lifetime_disconnect: Option<SimTime>,
    /// Servers launched so far.
    launched: u32,
}

impl Pool {
    /// An empty one, in the next process.
    pub(super) fn after(last: &Pool) -> Pool {
        Pool { launched: last.launched, ..Pool::default() }
    }

    /// A login has failed: no other for `server_login_retry`.
    pub(super) fn login_failed(&mut self) {
        self.last_login_failed = true;
        self.last_connect_failed = true;
    }
}

impl Process {
    /// `per_loop_activate`: after everything that has happened, whether a waiter can be served or a server be launched.
    #[inline(always)] // mostly nobody waits
    pub(super) fn per_loop_activate(&mut self, cx: &mut Cx) {
        if !self.pool.waiting.is_empty() {
            self.look_at_waiters(cx);
        }
    }

    fn look_at_waiters(&mut self, cx: &mut Cx) {
        let mut tested = self.pool.tested.len();
        let mut used = self.pool.used.len();
        let mut next = self.pool.waiting.first();
        while let Some(client) = next {
            next = self.clients.after(client);
            if !self.pool.idle.is_empty() {
                self.activate_client(client, cx);
            } else if tested > 0 {
                tested -= 1; // one of them will be for this client
            } else if used > 0 {
                self.launch_recheck(cx);
                used -= 1;
            } else {
                return self.launch_new_connection(cx);
            }
        }
    }

    /// `launch_new_connection`: if nothing forbids it. Whoever waits goes on waiting otherwise.
    pub(super) fn launch_new_connection(&mut self, cx: &mut Cx) {
        let now = cx.now();
        let written = &self.settings.written;
        if self.pool.login.is_some() {
            return;
        }
        if self.pool.last_connect_failed && now - self.pool.last_connect_time < written.server_login_retry {
            return;
        }
        let count = self.pool_server_count();
        if count >= self.settings.pool_size && self.pool.welcome_msg_ready && !self.may_take_reserve(count, now) {
            return;
        }
        // With one pool nothing can be evicted: an idle server would have served whoever waits.
        if self.is_at_limit(count) {
            return;
        }
        self.connect_server(cx);
    }

    /// Whether no more servers are launched, however long somebody waits.
    pub(super) fn is_full(&self) -> bool {
        let written = &self.settings.written;
        let reserve = if written.reserve_pool_timeout.is_zero() { 0 } else { written.reserve_pool_size as usize };
        let count = self.pool_server_count();
        count >= self.settings.pool_size.saturating_add(reserve) || self.is_at_limit(count)
    }

    /// `max_db_connections` and `max_user_connections`, where they are set.
    fn is_at_limit(&self, count: usize) -> bool {
        let written = &self.settings.written;
        [written.max_db_connections, written.max_user_connections].iter().any(|limit| *limit > 0 && count >= *limit as usize)
    }

    /// `pool_server_count`: all of them, the one in login included.
    pub(super) fn pool_server_count(&self) -> usize {
        self.servers.living()
    }

    /// `pool_connected_server_count`: all but the one in login.
    pub(super) fn connected_server_count(&self) -> usize {
        self.servers.living() - usize::from(self.pool.login.is_some())
    }

    /// How many are linked to a client.
    pub(super) fn active_server_count(&self) -> usize {
        self.connected_server_count() - self.pool.idle.len() - self.pool.used.len() - self.pool.tested.len()
    }

    /// Makes a server available: to be taken first, or last if they take turns.
    pub(super) fn enter_idle(&mut self, server: u32) {
        self.servers[server].state = ServerState::Idle;
        if self.settings.written.server_round_robin {
            self.pool.idle.append(&mut self.servers, server);
        } else {
            self.pool.idle.prepend(&mut self.servers, server);
        }
    }

    /// Sets a server aside until somebody waits.
    pub(super) fn enter_used(&mut self, server: u32) {
        self.servers[server].state = ServerState::Used;
        self.pool.used.prepend(&mut self.servers, server);
    }

    /// A server runs a query of PgBouncer's own.
    pub(super) fn enter_tested(&mut self, server: u32) {
        self.servers[server].state = ServerState::Tested;
        self.pool.tested.append(&mut self.servers, server);
    }

    /// Takes a server out of the list of its state.
    pub(super) fn leave_list(&mut self, server: u32) {
        match self.servers[server].state {
            ServerState::Login => self.pool.login = None,
            ServerState::Idle => self.pool.idle.remove(&mut self.servers, server),
            ServerState::Used => self.pool.used.remove(&mut self.servers, server),
            ServerState::Tested => self.pool.tested.remove(&mut self.servers, server),
            ServerState::Active | ServerState::Gone => {}
        }
    }

    /// The client that has waited longest.
    pub(super) fn first_waiter(&self) -> Option<&Client> {
        self.pool.waiting.first().map(|client| &self.clients[client])
    }

    fn may_take_reserve(&self, count: usize, now: SimTime) -> bool {
        let written = &self.settings.written;
        !written.reserve_pool_timeout.is_zero()
            && count < self.settings.pool_size + written.reserve_pool_size as usize
            && self.first_waiter().is_some_and(|client| now - client.request_time >= written.reserve_pool_timeout)
    }

    /// `launch_recheck`: asks a server that was idle for long whether it lives, unless it has not been so long.
    fn launch_recheck(&mut self, cx: &mut Cx) {
        let server = self.pool.used.first().expect("a server to be checked was counted");
        let idle = cx.now() - self.servers[server].request_time;
        let delay = self.settings.written.server_check_delay;
        if delay.is_zero() || idle >= delay { self.check(server, cx) } else { self.release_server(server, cx) }
    }

    fn connect_server(&mut self, cx: &mut Cx) {
        let now = cx.now();
        self.pool.launched += 1;
        self.pool.last_connect_time = now;
        let conn = cx.dial_database(0, self.pool.launched);
        let server = self.servers.add(ServerConn {
            conn,
            state: ServerState::Login,
            link: None,
            ready: false,
            idle_tx: false,
            connect_time: now,
            request_time: now,
        });
        cx.conn(conn).near_tag = server;
        self.pool.login = Some(server);
        cx.world.proxy.servers.up(now);
    }
}
