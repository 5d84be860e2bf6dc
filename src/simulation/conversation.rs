//! Clients that say what they are told, when they are told, to the proxy and the database of a system: protocol without a pool.
//!
//! Made for questions such as "what happens to the third client if the first two keep their transactions open", and for
//! comparing a modelled proxy with the real one, message by message.

use std::collections::VecDeque;

use crate::kernel::invalid::Invalid;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::conn::{Conn, Near, Statement, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, WorkerId};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;

/// Something said to a client, or done by the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The client is let in.
    Accepted,
    /// Its statement is answered.
    Reply {
        /// What went wrong.
        error: Option<Error>,
        /// The transaction after it.
        status: TxStatus,
        /// Which of the proxy's connections has done its work, counted from 1 in the order in which they first did any.
        by: Option<u32>,
    },
    /// Its connection is closed.
    Lost(Error),
    /// The proxy dials its n-th connection to the database.
    Launched(u32),
    /// The proxy's n-th connection to the database is closed, by whichever end.
    Closed(u32),
}

/// One line of what was heard: by the client of this number, or of the proxy.
pub type Line = (SimTime, Option<usize>, Heard);

/// A system whose clients follow a script. Workload and applications of its blueprint have no part in it.
pub struct Conversation {
    model: Model,
    clients: Vec<Client>,
    heard: Vec<Line>,
    /// Statements asked so far.
    asked: u64,
    /// The proxy's connections in the order in which they first answered somebody.
    served: Vec<u32>,
}

#[derive(Default)]
struct Client {
    conn: Option<ConnId>,
    busy: bool,
    /// What the statement it has asked demands, to the nanosecond: so it is known again at the database.
    demand: Option<Span>,
    /// Which of the proxy's connections has got that statement.
    server: Option<u32>,
    still_to_ask: VecDeque<Statement>,
}

impl Conversation {
    /// Of the proxy, database, network and faults of `blueprint`, and nobody else.
    pub fn new(blueprint: &Blueprint, seed: &Seed) -> Result<Conversation, Invalid> {
        let silent = Blueprint { workload: Vec::new(), apps: Vec::new(), ..blueprint.clone() };
        let model = Model::new(&silent, seed)?;
        Ok(Conversation { model, clients: Vec::new(), heard: Vec::new(), asked: 0, served: Vec::new() })
    }

    /// Time passes until `end`.
    pub fn run(&mut self, end: SimTime) {
        while let Some(event) = self.model.world.next(end) {
            self.take(event);
        }
        self.model.world.facts.clear();
    }

    /// A new client connects now; its number is returned.
    pub fn connect(&mut self) -> usize {
        let number = self.clients.len();
        let conn = self.cx().dial_upstream(WorkerId(0), number as u32, 0);
        self.clients.push(Client { conn: Some(conn), busy: true, ..Client::default() });
        number
    }

    /// A client sends a statement, now or as soon as it has the answer to what it asked before.
    pub fn ask(&mut self, client: usize, statement: Statement) {
        let who = &mut self.clients[client];
        if who.busy {
            who.still_to_ask.push_back(statement);
        } else if let Some(conn) = who.conn {
            self.asked += 1;
            // A nanosecond more for each statement tells them apart.
            let demand = statement.demand + Span::from_nanos(self.asked);
            (who.busy, who.server) = (true, None);
            who.demand = Some(demand).filter(|_| !statement.demand.is_zero());
            self.cx().query(conn, Statement { demand, ..statement });
        }
    }

    /// A client closes its connection now, whatever it waits for.
    pub fn leave(&mut self, client: usize) {
        if let Some(conn) = self.clients[client].conn.take() {
            self.cx().hang_up(conn);
        }
    }

    /// All that was heard so far.
    pub fn heard(&self) -> &[Line] {
        &self.heard
    }

    /// The system.
    pub fn model(&self) -> &Model {
        &self.model
    }

    fn cx(&mut self) -> Cx<'_> {
        Cx { world: &mut self.model.world }
    }

    /// What concerns a client's end is noted here; all else goes its way.
    fn take(&mut self, event: Event) {
        match event {
            Event::Accept { conn } | Event::Reply { conn } | Event::Lost { conn } if self.near(conn) == Some(Near::Pool) => {
                return self.told(conn, event);
            }
            Event::Connect { conn } if self.near(conn) == Some(Near::Proxy) => self.note(None, Heard::Launched(self.serial(conn))),
            Event::Query { conn } if self.near(conn) == Some(Near::Proxy) => self.reached_database(conn),
            Event::Lost { conn } if self.near(conn) == Some(Near::Proxy) => self.note(None, Heard::Closed(self.serial(conn))),
            Event::HangUp { conn } => {
                let still_open = |open: &&Conn| open.near == Near::Proxy && open.far_open;
                if let Some(open) = self.model.world.conns.get(conn).filter(still_open) {
                    self.note(None, Heard::Closed(open.serial));
                }
            }
            _ => {}
        }
        self.model.dispatch(event);
    }

    /// Who holds the near end, if it is open.
    fn near(&self, conn: ConnId) -> Option<Near> {
        self.model.world.conns.get(conn).filter(|open| open.near_open).map(|open| open.near)
    }

    fn serial(&self, conn: ConnId) -> u32 {
        self.model.world.conns[conn].serial
    }

    fn note(&mut self, client: Option<usize>, heard: Heard) {
        self.heard.push((self.model.world.agenda.now(), client, heard));
    }

    /// The proxy has passed a statement on, or asks something of its own.
    fn reached_database(&mut self, conn: ConnId) {
        let asked = &self.model.world.conns[conn];
        let (demand, serial) = (asked.statement.demand, asked.serial);
        if let Some(client) = self.clients.iter_mut().find(|client| client.demand == Some(demand) && client.server.is_none()) {
            client.server = Some(serial);
        }
    }

    fn told(&mut self, conn: ConnId, event: Event) {
        let at = &self.model.world.conns[conn];
        let (client, error, status, why) = (at.near_tag as usize, at.error, at.status, at.why);
        match event {
            Event::Accept { .. } => self.note(Some(client), Heard::Accepted),
            Event::Reply { .. } => {
                let by = self.clients[client].server.filter(|_| error.is_none()).map(|serial| self.nth(serial));
                self.note(Some(client), Heard::Reply { error, status, by });
            }
            _ => {
                self.note(Some(client), Heard::Lost(why.expect("who closes a connection says why")));
                self.leave(client);
            }
        }
        self.clients[client].busy = false;
        self.clients[client].demand = None;
        if let Some(next) = self.clients[client].still_to_ask.pop_front() {
            self.ask(client, next);
        }
    }

    fn nth(&mut self, serial: u32) -> u32 {
        let known = self.served.iter().position(|known| *known == serial).unwrap_or_else(|| {
            self.served.push(serial);
            self.served.len() - 1
        });
        known as u32 + 1
    }
}
