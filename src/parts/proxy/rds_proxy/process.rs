//! The proxy at work: messages that take their time, clients that borrow, wait, or are quiet for too long.

use super::RdsProxy;
use super::servers::{ServerConn, Servers};
use crate::kernel::agenda::Rank;
use crate::kernel::latency::Often;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::list::{List, Table};
use crate::protocol::conn::Link;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event};
use crate::protocol::fact::Fact;
use crate::protocol::server::{Proxy, Server, Slots};

/// A running RDS Proxy.
#[derive(Clone)]
pub(super) struct Process {
    // Parameters.
    borrow_timeout: Span,
    idle_client_timeout: Span,
    pub(super) pin_probability: f64,
    latency: Often,
    // State.
    latency_dice: Stream,
    pub(super) pin_dice: Stream,
    /// A client's number stands in its connection's `far_tag`.
    pub(super) clients: Table<Client>,
    /// Clients that wait for a database connection, first come, first served.
    pub(super) waiting: List,
    /// Clients with nothing under way, the longest quiet first.
    quiet: List,
    /// Messages on their way through the proxy.
    passing: Table<Message>,
    pub(super) servers: Servers,
    /// Whether an alarm of this kind is in the event list: one of each is enough.
    armed: [bool; ALARMS as usize],
}

/// A client connection.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) conn: ConnId,
    place: Place,
    /// The database connection it has borrowed.
    pub(super) link: Option<u32>,
    /// It keeps what it has borrowed until it disconnects.
    pub(super) pinned: bool,
    /// Since when it is where it is.
    pub(super) since: SimTime,
    /// What the proxy adds to the reply of the statement under way.
    back: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Quiet,
    Waiting,
    Busy,
}

#[derive(Clone, Copy)]
enum Message {
    Login(ConnId),
    FromClient(ConnId),
    FromServer(ConnId),
}

/// The client that has waited longest may have waited long enough.
const BORROW: u64 = 0;
/// The client that has been quiet for longest may have been so for long enough.
const QUIET: u64 = 1;
/// The connection that has been idle for longest may be closed.
pub(super) const IDLE: u64 = 2;
/// Connecting to the database may be tried again.
pub(super) const RETRY: u64 = 3;
/// All above are messages that have passed.
const ALARMS: u64 = 4;

impl Process {
    /// Just started, with no connection, in front of this database.
    pub(super) fn new(written: &RdsProxy, database: Slots, seed: &Seed) -> Process {
        Process {
            borrow_timeout: written.connection_borrow_timeout,
            idle_client_timeout: written.idle_client_timeout,
            pin_probability: written.pin_probability,
            latency: written.latency.prepare().into(),
            latency_dice: seed.stream("proxy/latency"),
            pin_dice: seed.stream("proxy/pin"),
            clients: Table::default(),
            waiting: List::default(),
            quiet: List::default(),
            passing: Table::default(),
            servers: Servers::new(written, database),
            armed: [false; ALARMS as usize],
        }
    }

    /// Sets the alarm of this kind, unless one is set: an alarm that comes too early sets the next.
    pub(super) fn arm(&mut self, kind: u64, due: SimTime, cx: &mut Cx) {
        if !std::mem::replace(&mut self.armed[kind as usize], true) {
            cx.at(due, Rank::Timeout, Event::ProxyRing { alarm: kind });
        }
    }

    /// Tells a client why and closes its connection.
    pub(super) fn disconnect_client(&mut self, client: u32, why: Error, cx: &mut Cx) {
        cx.fact(Fact::ProxyError { why });
        cx.shut(self.clients[client].conn, why);
        self.forget_client(client, cx);
    }

    /// Takes the client that has waited longest out of the queue.
    pub(super) fn next_waiter(&mut self, cx: &mut Cx) -> Option<u32> {
        let client = self.waiting.first()?;
        self.put(client, Place::Busy, cx);
        Some(client)
    }

    /// The client has its answer.
    pub(super) fn fall_quiet(&mut self, client: u32, cx: &mut Cx) {
        self.put(client, Place::Quiet, cx);
        self.clients[client].since = cx.now();
        self.arm(QUIET, cx.now() + self.idle_client_timeout, cx);
    }

    fn put(&mut self, client: u32, place: Place, cx: &mut Cx) {
        let now = cx.now();
        match self.clients[client].place {
            Place::Quiet => self.quiet.remove(&mut self.clients, client),
            Place::Waiting => {
                self.waiting.remove(&mut self.clients, client);
                cx.world.proxy.waiting.down(now);
                cx.conn(self.clients[client].conn).link = Link::None;
            }
            Place::Busy => {}
        }
        match place {
            Place::Quiet => self.quiet.append(&mut self.clients, client),
            Place::Waiting => {
                self.waiting.append(&mut self.clients, client);
                cx.world.proxy.waiting.up(now);
                cx.conn(self.clients[client].conn).link = Link::Awaited;
            }
            Place::Busy => {}
        }
        self.clients[client].place = place;
    }

    fn forget_client(&mut self, client: u32, cx: &mut Cx) {
        debug_assert!(self.clients[client].link.is_none(), "a client gives back before it goes");
        self.put(client, Place::Busy, cx);
        if std::mem::replace(&mut self.clients[client].pinned, false) {
            self.servers.pinned -= 1;
        }
        self.clients.free(client);
        cx.world.proxy.clients.down(cx.world.agenda.now());
    }

    fn take(&mut self) -> Span {
        self.latency.sample(&mut self.latency_dice)
    }

    fn pass(&mut self, message: Message, takes: Span, cx: &mut Cx) {
        if takes.is_zero() {
            return self.handle(message, cx);
        }
        let alarm = ALARMS + u64::from(self.passing.add(message));
        cx.after(takes, Rank::Completion, Event::ProxyRing { alarm });
    }

    /// A message is through; its connection may have been closed meanwhile.
    fn handle(&mut self, message: Message, cx: &mut Cx) {
        match message {
            Message::Login(conn) if lives(conn, cx) => {
                cx.accept(conn);
                self.fall_quiet(cx.conn(conn).far_tag, cx);
            }
            Message::FromClient(conn) if lives(conn, cx) => self.borrow(cx.conn(conn).far_tag, cx),
            Message::FromServer(conn) if cx.world.conns.get(conn).is_some_and(|conn| conn.near_open) => {
                self.answered(cx.conn(conn).near_tag, cx);
            }
            _ => {}
        }
    }

    /// The client's statement needs a database connection.
    fn borrow(&mut self, client: u32, cx: &mut Cx) {
        self.clients[client].since = cx.now();
        if let Some(server) = self.clients[client].link {
            self.forward(client, server, cx);
        } else if let Some(server) = self.servers.idle.first() {
            self.lend(server, client, cx);
        } else {
            self.put(client, Place::Waiting, cx);
            self.arm(BORROW, cx.now() + self.borrow_timeout, cx);
            self.open_more(cx);
            if self.servers.are_all() {
                cx.fact(Fact::ProxyFull { client: self.clients[client].conn });
            }
        }
    }

    fn end_long_waits(&mut self, cx: &mut Cx) {
        while let Some(client) = self.waiting.first() {
            let due = self.clients[client].since + self.borrow_timeout;
            if due > cx.now() {
                return self.arm(BORROW, due, cx);
            }
            self.disconnect_client(client, Error::BorrowTimeout, cx);
        }
    }

    fn end_quiet_clients(&mut self, cx: &mut Cx) {
        while let Some(client) = self.quiet.first() {
            let due = self.clients[client].since + self.idle_client_timeout;
            if due > cx.now() {
                return self.arm(QUIET, due, cx);
            }
            let server = self.part(client, cx);
            self.disconnect_client(client, Error::ClientIdleTimeout, cx);
            self.take_back(server, cx);
        }
    }
}

/// Whether the client behind `conn` is there and was not sent away.
fn lives(conn: ConnId, cx: &Cx) -> bool {
    cx.world.conns.get(conn).is_some_and(|conn| conn.far_open)
}

impl Server for Process {
    fn reseed(&mut self, seed: &Seed) {
        self.latency_dice.reseed(seed);
        self.pin_dice.reseed(seed);
    }
    fn connect(&mut self, conn: ConnId, cx: &mut Cx) {
        let now = cx.now();
        let client = Client { conn, place: Place::Busy, link: None, pinned: false, since: now, back: Span::ZERO };
        cx.conn(conn).far_tag = self.clients.add(client);
        cx.world.proxy.clients.up(now);
        let takes = self.take();
        self.pass(Message::Login(conn), takes, cx);
    }

    fn query(&mut self, conn: ConnId, cx: &mut Cx) {
        let client = cx.conn(conn).far_tag;
        self.put(client, Place::Busy, cx);
        let round_trip = self.take();
        let there = Span::from_nanos(round_trip.nanos() / 2);
        self.clients[client].back = round_trip - there;
        self.pass(Message::FromClient(conn), there, cx);
    }

    fn hang_up(&mut self, conn: ConnId, cx: &mut Cx) {
        let client = cx.conn(conn).far_tag;
        let server = self.part(client, cx);
        self.forget_client(client, cx);
        self.take_back(server, cx);
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        if alarm >= ALARMS {
            let number = (alarm - ALARMS) as u32;
            let message = self.passing[number];
            self.passing.free(number);
            return self.handle(message, cx);
        }
        self.armed[alarm as usize] = false;
        match alarm {
            BORROW => self.end_long_waits(cx),
            QUIET => self.end_quiet_clients(cx),
            IDLE => self.close_idle(cx),
            _ => self.open_more(cx),
        }
    }
}

impl Proxy for Process {
    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        self.server_opened(cx.conn(conn).near_tag, cx);
    }

    fn failed(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        self.server_failed(cx.conn(conn).near_tag, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let server: &ServerConn = &self.servers.table[cx.conn(conn).near_tag];
        let client = server.link.expect("only a borrowed connection is asked anything");
        let takes = self.clients[client].back;
        self.pass(Message::FromServer(conn), takes, cx);
    }

    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        self.server_lost(cx.conn(conn).near_tag, why, cx);
    }

    fn restart(&mut self, _: Span, _: &mut Cx) {
        unreachable!("AWS restarts no RDS Proxy at one instant, and a blueprint that asks for it is refused")
    }

    fn status(&self, _: SimTime) -> String {
        self.metrics()
    }
}
