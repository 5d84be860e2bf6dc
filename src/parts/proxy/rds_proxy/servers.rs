//! Database connections: opened on demand, lent for a transaction, kept or closed when idle.

use super::RdsProxy;
use super::process::{IDLE, Process, RETRY};
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::list::{List, Table};
use crate::protocol::conn::{Link, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;
use crate::protocol::fact::Fact;
use crate::protocol::server::Slots;

/// A database connection.
#[derive(Clone)]
pub(super) struct ServerConn {
    conn: ConnId,
    /// The client that has borrowed it.
    pub(super) link: Option<u32>,
    state: State,
    idle_since: SimTime,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Idle,
    /// Lent, and outside a transaction with nothing running.
    Ready,
    /// Lent, and in a transaction or running.
    Busy,
}

/// All database connections. A connection's number stands in its `near_tag`.
#[derive(Clone)]
pub(super) struct Servers {
    /// Parameter: most connections, those being opened included.
    most: usize,
    /// Parameter: most connections idle for longer than [`KEPT`].
    most_idle: usize,
    /// State.
    pub(super) table: Table<ServerConn>,
    /// State: the one that came back last goes out first. AWS does not say; it keeps the rest idle long enough to be closed.
    pub(super) idle: List,
    opening: usize,
    failed_at: Option<SimTime>,
    dialled: u32,
    /// Statistic: clients that are pinned.
    pub(super) pinned: u32,
}

/// Without activity for so long a connection counts as idle (RDS user guide, `MaxIdleConnectionsPercent`).
const KEPT: Span = Span::from_secs(300);
/// Pause after a failed connect. AWS does not publish one.
const PAUSE: Span = Span::from_millis(100);

impl Servers {
    pub(super) fn new(written: &RdsProxy, database: Slots) -> Servers {
        let share = |percent: f64| (f64::from(database.most) * percent / 100.0) as usize;
        let usable = database.most.saturating_sub(database.reserved) as usize;
        Servers {
            most: share(written.max_connections_percent).min(usable).max(1),
            most_idle: share(written.max_idle_connections_percent),
            table: Table::default(),
            idle: List::default(),
            opening: 0,
            failed_at: None,
            dialled: 0,
            pinned: 0,
        }
    }

    /// Whether no more are opened.
    pub(super) fn are_all(&self) -> bool {
        self.table.living() >= self.most
    }
}

impl Process {
    /// Opens as many connections as clients wait for, at once, up to the limit.
    pub(super) fn open_more(&mut self, cx: &mut Cx) {
        let now = cx.now();
        if let Some(failed) = self.servers.failed_at.filter(|failed| now < *failed + PAUSE) {
            if !self.waiting.is_empty() {
                self.arm(RETRY, failed + PAUSE, cx);
            }
            return;
        }
        while self.servers.opening < self.waiting.len() && !self.servers.are_all() {
            self.servers.dialled += 1;
            let conn = cx.dial_database(0, self.servers.dialled);
            let server = self.servers.table.add(ServerConn { conn, link: None, state: State::Opening, idle_since: now });
            cx.conn(conn).near_tag = server;
            self.servers.opening += 1;
            cx.world.proxy.servers.up(now);
        }
    }

    pub(super) fn server_opened(&mut self, server: u32, cx: &mut Cx) {
        self.servers.opening -= 1;
        self.servers.failed_at = None;
        cx.world.proxy.connects += 1;
        self.make_available(server, cx);
    }

    /// Clients go on waiting, and connecting is tried again after a pause.
    pub(super) fn server_failed(&mut self, server: u32, cx: &mut Cx) {
        self.servers.failed_at = Some(cx.now());
        self.forget_server(server, cx);
        self.open_more(cx);
    }

    /// The database has closed a connection: whoever has borrowed it is cut off.
    pub(super) fn server_lost(&mut self, server: u32, why: Error, cx: &mut Cx) {
        let client = self.servers.table[server].link;
        if let Some(client) = client {
            self.part(client, cx);
            self.disconnect_client(client, why, cx);
        }
        self.close_server(server, cx);
    }

    /// Lends an idle connection for a transaction, or, if the transaction pins, until the client disconnects.
    pub(super) fn lend(&mut self, server: u32, client: u32, cx: &mut Cx) {
        let now = cx.now();
        if self.servers.table[server].state == State::Idle {
            self.servers.idle.remove(&mut self.servers.table, server);
        }
        self.servers.table[server].link = Some(client);
        let borrower = &mut self.clients[client];
        borrower.link = Some(server);
        cx.world.proxy.linked.up(now);
        cx.conn(borrower.conn).link = Link::Held;
        cx.fact(Fact::Linked { client: borrower.conn, waited: now - borrower.since });
        if self.pin_probability > 0.0 && self.pin_dice.uniform() < self.pin_probability {
            borrower.pinned = true;
            self.servers.pinned += 1;
        }
        self.forward(client, server, cx);
    }

    /// Sends the client's message on; what a statement is for counts with its last message only.
    pub(super) fn forward(&mut self, client: u32, server: u32, cx: &mut Cx) {
        let asked = cx.conn(self.clients[client].conn).statement;
        let kind = if asked.extra_trips > 0 { StatementKind::Query } else { asked.kind };
        self.servers.table[server].state = State::Busy;
        let statement = Statement { kind, demand: asked.demand_now(), begins: asked.begins, extra_trips: 0 };
        cx.query(self.servers.table[server].conn, statement);
    }

    /// A reply has passed through the proxy: the end of a transaction gives the connection back.
    pub(super) fn answered(&mut self, server: u32, cx: &mut Cx) {
        let lent = &mut self.servers.table[server];
        let client = lent.link.expect("whoever was cut off has closed the connection");
        let conn = cx.conn(lent.conn);
        let (error, status) = (conn.error, conn.status);
        lent.state = if status == TxStatus::Idle { State::Ready } else { State::Busy };
        cx.reply(self.clients[client].conn, error, status);
        self.fall_quiet(client, cx);
        if status == TxStatus::Idle && !self.clients[client].pinned {
            let server = self.part(client, cx);
            self.take_back(server, cx);
        }
    }

    /// Parts a client from what it has borrowed.
    pub(super) fn part(&mut self, client: u32, cx: &mut Cx) -> Option<u32> {
        let server = self.clients[client].link.take()?;
        self.servers.table[server].link = None;
        cx.conn(self.clients[client].conn).link = Link::None;
        cx.world.proxy.linked.down(cx.world.agenda.now());
        Some(server)
    }

    /// Makes a connection available again, or closes it if its transaction has not ended.
    pub(super) fn take_back(&mut self, server: Option<u32>, cx: &mut Cx) {
        match server {
            Some(server) if self.servers.table[server].state == State::Ready => self.make_available(server, cx),
            Some(server) => self.close_server(server, cx),
            None => {}
        }
    }

    /// Closes what has been idle for long, down to what may stay.
    pub(super) fn close_idle(&mut self, cx: &mut Cx) {
        while self.servers.idle.len() > self.servers.most_idle {
            let oldest = self.servers.idle.last().expect("there are more than none");
            let due = self.servers.table[oldest].idle_since + KEPT;
            if due > cx.now() {
                return self.arm(IDLE, due, cx);
            }
            self.close_server(oldest, cx);
        }
    }

    /// What CloudWatch shows, under its names.
    pub(super) fn metrics(&self) -> String {
        let servers = &self.servers;
        let borrowed = servers.table.living() - servers.idle.len() - servers.opening;
        format!(
            "ClientConnections                         {}\n\
             DatabaseConnections                       {}\n\
             DatabaseConnectionsCurrentlyBorrowed      {borrowed}\n\
             DatabaseConnectionsCurrentlySessionPinned {}\n\
             MaxDatabaseConnectionsAllowed             {}",
            self.clients.living(),
            servers.table.living(),
            servers.pinned,
            servers.most
        )
    }

    fn make_available(&mut self, server: u32, cx: &mut Cx) {
        let free = &mut self.servers.table[server];
        free.state = State::Ready;
        free.idle_since = cx.now();
        if let Some(client) = self.next_waiter(cx) {
            return self.lend(server, client, cx);
        }
        self.servers.table[server].state = State::Idle;
        self.servers.idle.prepend(&mut self.servers.table, server);
        if self.servers.idle.len() > self.servers.most_idle {
            let oldest = self.servers.idle.last().expect("one was just put there");
            let due = self.servers.table[oldest].idle_since + KEPT;
            self.arm(IDLE, due.max(cx.now()), cx);
        }
    }

    /// Closes a connection and, if somebody waits for its place, opens another.
    fn close_server(&mut self, server: u32, cx: &mut Cx) {
        cx.hang_up(self.servers.table[server].conn);
        self.forget_server(server, cx);
        self.open_more(cx);
    }

    fn forget_server(&mut self, server: u32, cx: &mut Cx) {
        debug_assert!(self.servers.table[server].link.is_none(), "a connection is parted from its client before it goes");
        match self.servers.table[server].state {
            State::Idle => self.servers.idle.remove(&mut self.servers.table, server),
            State::Opening => self.servers.opening -= 1,
            State::Ready | State::Busy => {}
        }
        self.servers.table.free(server);
        cx.world.proxy.servers.down(cx.world.agenda.now());
    }
}
