//! SQLAlchemy's first connection: what the dialect asks once per engine, and who waits meanwhile (2.1 `engine/create.py`).

use std::collections::VecDeque;

use crate::protocol::conn::{Statement, StatementKind};
use crate::protocol::cx::Cx;
use crate::protocol::event::ConnId;

/// `dialect.initialize()` runs on the caller's time inside the first `connect` event, then one rollback. Until it has
/// succeeded, other callers finish their driver connect and then wait on a mutex. If it fails, the next one runs it again.
#[derive(Clone, Default)]
pub struct FirstConnect {
    state: State,
    waiting: VecDeque<u32>,
}

#[derive(Clone, Default, PartialEq)]
enum State {
    #[default]
    NotYet,
    Running(u32),
    Done,
}

impl FirstConnect {
    /// A connection has been opened for `slot`: may it be used now? If not, [`FirstConnect::replied`] or
    /// [`FirstConnect::next`] will name the slot.
    pub fn may_go_on(&mut self, slot: u32, conn: ConnId, cx: &mut Cx) -> bool {
        match self.state {
            State::Done => return true,
            State::Running(_) => self.waiting.push_back(slot),
            State::NotYet => self.start(slot, conn, cx),
        }
        false
    }

    /// Starts it on this connection, if it has neither been done nor is running.
    pub fn start(&mut self, slot: u32, conn: ConnId, cx: &mut Cx) {
        self.state = State::Running(slot);
        let worker = cx.conn(conn).worker;
        let extra_trips = cx.driver(worker).initialise_trips;
        cx.query(conn, Statement { kind: StatementKind::Initialise, begins: true, extra_trips, ..Statement::default() });
    }

    /// Whether a reply for `slot` belongs here.
    pub fn runs_on(&self, slot: u32) -> bool {
        self.state == State::Running(slot)
    }

    /// A reply has come for the slot it runs on: true when all has been asked.
    pub fn replied(&mut self, conn: ConnId, cx: &mut Cx) -> bool {
        if cx.conn(conn).statement.kind == StatementKind::Initialise {
            cx.query(conn, Statement { kind: StatementKind::Rollback, ..Statement::default() });
            return false;
        }
        self.state = State::Done;
        true
    }

    /// Whether an error now counts as one of a statement, which makes all older connections suspect. The third of the
    /// four questions (the isolation level) and the rollback go past `Connection`, which alone looks for that.
    pub fn fails_as_a_statement(&self, conn: Option<ConnId>, cx: &mut Cx) -> bool {
        conn.is_some_and(|conn| {
            let asked = cx.conn(conn).statement;
            asked.kind == StatementKind::Initialise && asked.extra_trips != 1
        })
    }

    /// It failed, or its caller went away: somebody else has to run it.
    pub fn abandoned(&mut self) {
        self.state = State::NotYet;
    }

    /// `slot` no longer waits for it.
    pub fn forget(&mut self, slot: u32) {
        self.waiting.retain(|other| *other != slot);
    }

    /// The next slot that waits for it.
    pub fn next(&mut self) -> Option<u32> {
        self.waiting.pop_front()
    }
}
