//! The janitor: a pass every third of a second, in which every timeout is looked at.

use super::clients::ClientState;
use super::process::{JANITOR, Process};
use super::servers::ServerState;
use super::settings::over;
use crate::kernel::agenda::Rank;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::list::List;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::Event;

/// PgBouncer's `USEC/3`.
pub(super) const PERIOD: Span = Span::from_nanos(333_333_333);

/// When the janitor comes: always at the same phase, but not while there is nothing to look at.
#[derive(Clone)]
pub(super) struct Janitor {
    /// Parameter: when the first pass of the run is due, somewhere in the first period.
    phase: Span,
    /// State: the next pass is in the event list.
    expected: bool,
}

impl Janitor {
    /// The process has started at some moment that nobody has chosen.
    pub(super) fn new(seed: &Seed) -> Janitor {
        let phase = PERIOD.scaled(seed.stream("proxy/janitor").uniform());
        Janitor { phase, expected: false }
    }

    /// The first pass after `now`.
    fn next(&self, now: SimTime) -> SimTime {
        let passed = now.since(SimTime::ZERO + self.phase).nanos() / PERIOD.nanos();
        let first = SimTime::ZERO + self.phase;
        if now < first { first } else { first + Span::from_nanos((passed + 1) * PERIOD.nanos()) }
    }
}

impl Process {
    /// There is a client: somebody has to look after it.
    pub(super) fn keep_janitor_going(&mut self, cx: &mut Cx) {
        if !std::mem::replace(&mut self.janitor.expected, true) {
            cx.at(self.janitor.next(cx.now()), Rank::Timer, Event::ProxyRing { alarm: JANITOR });
        }
    }

    /// One pass, in PgBouncer's order.
    pub(super) fn janitor_pass(&mut self, cx: &mut Cx) {
        for list in [ServerState::Used, ServerState::Tested, ServerState::Idle] {
            self.check_unused_servers(list, cx);
        }
        self.check_active_servers(cx);
        self.check_login(cx);
        self.fill_up(cx);
        self.check_idle_clients(cx);
        self.check_waiting_clients(cx);
        self.janitor.expected = false;
        if self.clients.living() + self.servers.living() > 0 {
            self.keep_janitor_going(cx);
        }
    }

    fn list(&self, state: ServerState) -> &List {
        match state {
            ServerState::Used => &self.pool.used,
            ServerState::Tested => &self.pool.tested,
            _ => &self.pool.idle,
        }
    }

    fn check_unused_servers(&mut self, state: ServerState, cx: &mut Cx) {
        let now = cx.now();
        let mut next = self.list(state).first();
        while let Some(server) = next {
            next = self.servers.after(server);
            let idle = now - self.servers[server].request_time;
            let written = &self.settings.written;
            if over(written.server_idle_timeout, idle) && self.connected_server_count() > written.min_pool_size as usize {
                self.close_server(server, cx);
            } else if now - self.servers[server].connect_time >= written.server_lifetime {
                if self.life_over(server, now) {
                    self.pool.last_lifetime_disconnect = Some(now);
                    self.close_server(server, cx);
                }
            } else if state == ServerState::Idle && idle > written.server_check_delay {
                self.leave_list(server);
                self.enter_used(server);
            }
        }
    }

    /// `query_timeout` counts from the client's last packet, or from when it got its server if it had to wait, so it ends
    /// one that idles in a transaction too.
    fn check_active_servers(&mut self, cx: &mut Cx) {
        let written = &self.settings.written;
        let (query, idle, transaction) = (written.query_timeout, written.idle_transaction_timeout, written.transaction_timeout);
        if query.is_zero() && idle.is_zero() && transaction.is_zero() {
            return;
        }
        let now = cx.now();
        for server in self.servers.numbers() {
            let socket = &self.servers[server];
            let Some(client) = socket.link.filter(|_| !socket.ready).map(|client| &self.clients[client]) else { continue };
            if over(query, now - client.request_time) {
                self.disconnect_server(server, Error::QueryTimeout, cx);
            } else if socket.idle_tx && over(idle, now - socket.request_time) {
                self.disconnect_server(server, Error::IdleTransactionTimeout, cx);
            } else if over(transaction, now - client.xact_start) {
                self.disconnect_server(server, Error::TransactionTimeout, cx);
            }
        }
    }

    fn check_login(&mut self, cx: &mut Cx) {
        let Some(server) = self.pool.login else { return };
        let socket = &self.servers[server];
        // Ready: the login is done and only waits for its turn on the thread.
        if !cx.conn(socket.conn).up && over(self.settings.written.server_connect_timeout, cx.now() - socket.connect_time) {
            self.close_server(server, cx);
        }
    }

    /// `min_pool_size`: one launch in each pass, while there is a client. A pool without a limit is never filled up.
    fn fill_up(&mut self, cx: &mut Cx) {
        let count = self.connected_server_count();
        let wanted = self.settings.written.min_pool_size.min(self.settings.written.default_pool_size);
        if count < wanted as usize && self.clients.living() > 0 {
            self.launch_new_connection(cx);
        }
    }

    fn check_idle_clients(&mut self, cx: &mut Cx) {
        let timeout = self.settings.written.client_idle_timeout;
        if timeout.is_zero() {
            return;
        }
        for client in self.clients.numbers() {
            let socket = &self.clients[client];
            let idle = socket.state == ClientState::Active && socket.link.is_none();
            if idle && over(timeout, cx.now() - socket.request_time) {
                self.disconnect_client(client, Error::ClientIdleTimeout, cx);
            }
        }
    }

    /// Who has waited longest stands first, so the look ends at the first one who may go on waiting.
    fn check_waiting_clients(&mut self, cx: &mut Cx) {
        while let Some(client) = self.pool.waiting.first() {
            let Some(why) = self.waited_enough(client, cx.now()) else { return };
            self.disconnect_client(client, why, cx);
        }
    }

    fn waited_enough(&self, client: u32, now: SimTime) -> Option<Error> {
        let socket = &self.clients[client];
        let written = &self.settings.written;
        let age = now - socket.request_time;
        let logging_in = socket.state == ClientState::WaitingLogin && !self.pool.welcome_msg_ready;
        if over(written.query_timeout, age) {
            Some(Error::QueryTimeoutWaiting)
        } else if over(written.query_wait_timeout, age) {
            Some(Error::QueryWaitTimeout)
        } else if logging_in && over(written.client_login_timeout, now - socket.connect_time) {
            Some(Error::ClientLoginTimeout)
        } else {
            None
        }
    }
}
