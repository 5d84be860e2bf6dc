//! A conversation of clients with a PostgreSQL server, for tests that read as one.

use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::parts::database::{Database, Outage, Postgres, PostgresServer};
use crate::protocol::conn::{Statement, StatementKind, TxStatus};
use crate::protocol::cx::{Cx, World};
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event};
use crate::protocol::server::Server;

/// Clients by name, the server, and what it has said to them. Wires take no time unless a test says so.
pub struct Dialogue {
    /// The world they meet in.
    pub world: World,
    database: PostgresServer,
    clients: Vec<(&'static str, ConnId)>,
    said: Vec<String>,
}

impl Dialogue {
    /// Nobody has said anything yet to this server.
    pub fn with(spec: Postgres) -> Dialogue {
        spec.check().expect("the test's server is in order");
        let database = spec.build(&Seed::new(1, 0));
        Dialogue { world: World::for_tests(), database, clients: Vec::new(), said: Vec::new() }
    }

    /// So many milliseconds after the start, when all has happened that happens until then.
    pub fn at(&mut self, ms: u64) -> &mut Dialogue {
        self.listen(SimTime::ZERO + Span::from_millis(ms));
        self
    }

    /// Somebody new wants a connection.
    pub fn dial(&mut self, name: &'static str) -> &mut Dialogue {
        let conn = Cx { world: &mut self.world }.dial_upstream(crate::protocol::event::WorkerId(0), 0, 1);
        self.clients.push((name, conn));
        self
    }

    /// Somebody sends a statement.
    pub fn ask(&mut self, name: &str, statement: Statement) -> &mut Dialogue {
        let conn = self.client(name);
        Cx { world: &mut self.world }.query(conn, statement);
        self
    }

    /// Somebody goes without a word.
    pub fn hang_up(&mut self, name: &str) -> &mut Dialogue {
        let conn = self.client(name);
        self.clients.retain(|(_, of)| *of != conn);
        Cx { world: &mut self.world }.hang_up(conn);
        self
    }

    /// An operator restarts the server.
    pub fn restart(&mut self, down_ms: u64) -> &mut Dialogue {
        let outage = Outage { farewell: Error::AdminShutdown, refuses: Span::from_millis(down_ms), starts: Span::ZERO };
        self.fault(|database, cx| database.go_down(outage, cx))
    }

    /// A fault.
    pub fn fault(&mut self, fault: impl FnOnce(&mut dyn Database, &mut Cx)) -> &mut Dialogue {
        fault(&mut self.database, &mut Cx { world: &mut self.world });
        self
    }

    /// An operator ends sessions.
    pub fn kill(&mut self, fraction: f64) -> &mut Dialogue {
        self.database.kill(fraction, &mut Cx { world: &mut self.world });
        self
    }

    /// What the server has said since this was last asked, once nothing more can happen: "5ms ann: done".
    pub fn all_said(&mut self) -> Vec<String> {
        self.listen(SimTime::NEVER);
        std::mem::take(&mut self.said)
    }

    /// What the server has said since this was last asked, until now.
    pub fn said(&mut self) -> Vec<String> {
        self.listen(self.world.agenda.now());
        std::mem::take(&mut self.said)
    }

    /// Sessions now: active, idle, idle in transaction, aborted.
    pub fn states(&mut self) -> [u32; 4] {
        let counts: Vec<u32> = self.table().lines().filter_map(|line| line.rsplit('|').next()?.trim().parse().ok()).collect();
        counts.try_into().expect("four states are counted")
    }

    /// Sessions by state now, as the server prints it.
    pub fn table(&mut self) -> String {
        self.listen(self.world.agenda.now());
        self.database.status(self.world.agenda.now())
    }

    /// Connections, active statements, busy cores, by the meters.
    pub fn meters(&mut self) -> [u64; 3] {
        self.listen(self.world.agenda.now());
        let meter = &self.world.database;
        [meter.connections.value(), meter.active.value(), meter.busy.value()]
    }

    fn client(&self, name: &str) -> ConnId {
        self.clients.iter().find(|(of, _)| *of == name).expect("the client has dialled and not gone").1
    }

    fn listen(&mut self, until: SimTime) {
        while let Some(event) = self.world.next(until) {
            let cx = &mut Cx { world: &mut self.world };
            match event {
                Event::Connect { conn } if cx.conn(conn).far_open => self.database.connect(conn, cx),
                Event::Query { conn } if cx.conn(conn).far_open => self.database.query(conn, cx),
                Event::Connect { .. } | Event::Query { .. } => {}
                Event::HangUp { conn } => {
                    self.database.hang_up(conn, cx);
                    cx.world.conns.free(conn);
                }
                Event::Accept { conn } | Event::Reply { conn } | Event::Lost { conn } => self.hear(conn, event),
                Event::DatabaseRing { alarm } => self.database.ring(alarm, cx),
                other => panic!("nobody here knows what to do with {other:?}"),
            }
        }
    }

    fn hear(&mut self, conn: ConnId, event: Event) {
        let Some(&(name, _)) = self.clients.iter().find(|(_, of)| *of == conn) else { return };
        let now = self.world.agenda.now() - SimTime::ZERO;
        let open = &mut self.world.conns[conn];
        let words = match (event, open.error, open.status) {
            (Event::Accept { .. }, ..) => "welcome".to_owned(),
            (Event::Lost { .. }, ..) => open.why.expect("who closes a connection says why").text().to_owned(),
            (_, None, TxStatus::Idle) => "done".to_owned(),
            (_, None, TxStatus::InTransaction) => "done, go on".to_owned(),
            (_, None, TxStatus::Failed) => "done, roll back".to_owned(),
            (_, Some(why), TxStatus::Failed) => format!("{}, roll back", why.text()),
            (_, Some(why), _) => why.text().to_owned(),
        };
        self.said.push(format!("{now} {name}: {words}"));
        open.up = true;
        if matches!(event, Event::Lost { .. }) {
            self.hang_up(name);
        }
    }
}

/// A statement that demands so many milliseconds.
pub fn query(ms: u64) -> Statement {
    Statement { demand: Span::from_millis(ms), ..Statement::default() }
}

/// The same, at the beginning of a transaction.
pub fn begin(ms: u64) -> Statement {
    Statement { begins: true, ..query(ms) }
}

/// A COMMIT that demands so many milliseconds.
pub fn commit(ms: u64) -> Statement {
    Statement { kind: StatementKind::Commit, ..query(ms) }
}

/// A ROLLBACK, which takes no time.
pub fn rollback() -> Statement {
    Statement { kind: StatementKind::Rollback, ..query(0) }
}
