//! For tests: a house with a proxy between clients that do as they are told and a database that follows a script.

use crate::kernel::agenda::Rank;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::ProxyKind;
use crate::protocol::conn::{Far, Near, Statement, StatementKind, TxStatus};
use crate::protocol::cx::{Cx, World};
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, WorkerId};
use crate::protocol::fact::Fact;
use crate::protocol::server::{Proxy, Slots};

/// What a client hears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Heard {
    Accepted,
    Reply(Option<Error>, TxStatus),
    Lost(Error),
}

/// Everything, and a log of what was heard and seen.
pub(super) struct House {
    pub(super) world: World,
    pub(super) proxy: Box<dyn Proxy>,
    pub(super) database: Script,
    /// When each client heard what.
    pub(super) heard: Vec<(SimTime, ConnId, Heard)>,
    /// When a client was linked to a server, and after what wait.
    pub(super) linked: Vec<(SimTime, ConnId, Span)>,
}

/// A database that does what the test wants.
#[derive(Default)]
pub(super) struct Script {
    /// How long a login takes.
    pub(super) login: Span,
    /// Why it lets nobody in.
    pub(super) refuses: Option<Error>,
    /// It never answers a login.
    pub(super) silent: bool,
    /// When each login began.
    pub(super) logins: Vec<SimTime>,
    /// When each statement came, on which of the proxy's connections.
    pub(super) statements: Vec<(SimTime, u32, Statement)>,
    /// When each connection was closed by the proxy, and which.
    pub(super) closed: Vec<(SimTime, u32)>,
    /// Statements running, those of closed connections included.
    pub(super) running: u32,
    open: Vec<ConnId>,
    jobs: Vec<(ConnId, bool)>,
}

pub(super) fn ms(ms: u64) -> Span {
    Span::from_millis(ms)
}

pub(super) fn at(ms: u64) -> SimTime {
    SimTime::from_nanos(ms * 1_000_000)
}

/// One statement outside a transaction.
pub(super) fn statement(takes: Span) -> Statement {
    Statement { demand: takes, ..Statement::default() }
}

/// The first statement of a transaction.
pub(super) fn begin(takes: Span) -> Statement {
    Statement { begins: true, ..statement(takes) }
}

/// The end of a transaction.
pub(super) fn commit() -> Statement {
    Statement { kind: StatementKind::Commit, ..Statement::default() }
}

impl House {
    /// A house where a server login takes `login` and wires take no time.
    pub(super) fn new(kind: &impl ProxyKind, login: Span) -> House {
        kind.check().expect("the settings of a test are right");
        let proxy = kind.build(Slots { most: 100, reserved: 3 }, &Seed::new(1, 0)).expect("there is a proxy");
        let database = Script { login, ..Script::default() };
        let world = World { upstream: Far::Proxy, ..World::for_tests() };
        House { world, proxy, database, heard: Vec::new(), linked: Vec::new() }
    }

    pub(super) fn now(&self) -> SimTime {
        self.world.agenda.now()
    }

    /// A client connects, and this instant passes.
    pub(super) fn connect(&mut self) -> ConnId {
        let conn = Cx { world: &mut self.world }.dial_upstream(WorkerId(0), 0, 0);
        self.run(self.now());
        conn
    }

    /// So many clients connect and are let in by `time`.
    pub(super) fn clients(&mut self, count: usize, time: SimTime) -> Vec<ConnId> {
        let clients: Vec<_> = (0..count).map(|_| self.connect()).collect();
        self.run(time);
        assert!(clients.iter().all(|client| self.last(*client) == Some(Heard::Accepted)), "all clients are let in by {time:?}");
        clients
    }

    /// A client sends a statement, and this instant passes.
    pub(super) fn ask(&mut self, client: ConnId, statement: Statement) {
        Cx { world: &mut self.world }.query(client, statement);
        self.run(self.now());
    }

    /// A client hangs up, and this instant passes.
    pub(super) fn leave(&mut self, client: ConnId) {
        Cx { world: &mut self.world }.hang_up(client);
        self.run(self.now());
    }

    /// The database ends every session, telling why.
    pub(super) fn end_sessions(&mut self, why: Error) {
        for conn in std::mem::take(&mut self.database.open) {
            Cx { world: &mut self.world }.shut(conn, why);
        }
        self.run(self.now());
    }

    /// Time passes until `end`.
    pub(super) fn run(&mut self, end: SimTime) {
        while let Some(event) = self.world.next(end) {
            self.dispatch(event);
            for fact in std::mem::take(&mut self.world.facts) {
                if let Fact::Linked { client, waited } = fact {
                    self.linked.push((self.world.agenda.now(), client, waited));
                }
            }
        }
    }

    /// What a client heard last.
    pub(super) fn last(&self, client: ConnId) -> Option<Heard> {
        self.heard.iter().rev().find(|(_, who, _)| *who == client).map(|(.., what)| *what)
    }

    /// When a client heard this for the first time.
    pub(super) fn when(&self, client: ConnId, what: Heard) -> SimTime {
        let first = self.heard.iter().find(|(_, who, heard)| *who == client && *heard == what);
        first.unwrap_or_else(|| panic!("{client:?} never heard {what:?}")).0
    }

    /// When a client got its last good answer outside a transaction.
    pub(super) fn answered(&self, client: ConnId) -> Option<SimTime> {
        let good = Heard::Reply(None, TxStatus::Idle);
        self.heard.iter().rev().find(|(_, who, heard)| *who == client && *heard == good).map(|(when, ..)| *when)
    }

    fn dispatch(&mut self, event: Event) {
        let cx = &mut Cx { world: &mut self.world };
        match event {
            Event::Connect { conn } | Event::Query { conn } if cx.world.conns.get(conn).is_none_or(|c| !c.far_open) => {}
            Event::Connect { conn } if cx.conn(conn).far == Far::Proxy => self.proxy.connect(conn, cx),
            Event::Connect { conn } => self.database.connect(conn, cx),
            Event::Query { conn } if cx.conn(conn).far == Far::Proxy => self.proxy.query(conn, cx),
            Event::Query { conn } => self.database.query(conn, cx),
            Event::HangUp { conn } => {
                if std::mem::replace(&mut cx.conn(conn).far_open, false) {
                    match cx.conn(conn).far {
                        Far::Proxy => self.proxy.hang_up(conn, cx),
                        Far::Database => self.database.hang_up(conn, cx),
                    }
                }
                cx.world.conns.free(conn);
            }
            Event::Accept { conn } | Event::Reply { conn } | Event::Lost { conn } => {
                if cx.world.conns.get(conn).is_some_and(|c| c.near_open) {
                    self.back(conn, event);
                }
            }
            Event::ProxyRing { alarm } => self.proxy.ring(alarm, cx),
            Event::DatabaseRing { alarm } => self.database.ring(alarm as usize, cx),
            _ => unreachable!("nobody else is at home"),
        }
    }

    fn back(&mut self, conn: ConnId, event: Event) {
        let cx = &mut Cx { world: &mut self.world };
        let now = cx.now();
        let at = cx.conn(conn);
        let heard = match event {
            Event::Accept { .. } => Heard::Accepted,
            Event::Reply { .. } => Heard::Reply(at.error, at.status),
            _ => Heard::Lost(at.why.expect("who closes says why")),
        };
        let was_up = std::mem::replace(&mut at.up, true);
        if at.near == Near::Pool {
            self.heard.push((now, conn, heard));
            return match heard {
                Heard::Reply(None, _) if at.statement.extra_trips > 0 => cx.next_trip(conn),
                Heard::Lost(_) => cx.hang_up(conn),
                _ => {}
            };
        }
        match heard {
            Heard::Accepted => self.proxy.opened(conn, cx),
            Heard::Reply(..) => self.proxy.replied(conn, cx),
            Heard::Lost(why) if was_up => self.proxy.lost(conn, why, cx),
            Heard::Lost(why) => {
                self.proxy.failed(conn, why, cx);
                cx.world.conns.free(conn);
            }
        }
    }
}

impl Script {
    fn connect(&mut self, conn: ConnId, cx: &mut Cx) {
        self.logins.push(cx.now());
        if !self.silent {
            self.start(conn, true, self.login, cx);
        }
    }

    fn query(&mut self, conn: ConnId, cx: &mut Cx) {
        let asked = cx.conn(conn);
        let (serial, statement) = (asked.serial, asked.statement);
        self.statements.push((cx.now(), serial, statement));
        self.running += 1;
        self.start(conn, false, statement.demand, cx);
    }

    fn hang_up(&mut self, conn: ConnId, cx: &mut Cx) {
        self.closed.push((cx.now(), cx.conn(conn).serial));
        self.open.retain(|open| *open != conn);
    }

    fn start(&mut self, conn: ConnId, login: bool, takes: Span, cx: &mut Cx) {
        let alarm = self.jobs.len() as u64;
        self.jobs.push((conn, login));
        cx.after(takes, Rank::Completion, Event::DatabaseRing { alarm });
    }

    fn ring(&mut self, job: usize, cx: &mut Cx) {
        let (conn, login) = self.jobs[job];
        self.running -= u32::from(!login);
        if cx.world.conns.get(conn).is_none_or(|c| !c.far_open) {
            return;
        }
        if !login {
            let asked = cx.conn(conn);
            let ends = matches!(asked.statement.kind, StatementKind::Commit | StatementKind::Rollback);
            let inside = asked.statement.begins || asked.status == TxStatus::InTransaction;
            return cx.reply(conn, None, if inside && !ends { TxStatus::InTransaction } else { TxStatus::Idle });
        }
        match self.refuses {
            Some(why) => cx.shut(conn, why),
            None => {
                self.open.push(conn);
                cx.accept(conn);
            }
        }
    }
}
