//! A PostgreSQL server at work: who gets in, what becomes of a statement, timeouts, and what faults do to it.

use super::alarm::Alarm;
use super::service::Service;
use super::sessions::{Doing, Sessions, Spell};
use super::slowness::Slowness;
use super::{Postgres, table};
use crate::kernel::agenda::Rank;
use crate::kernel::latency::Often;
use crate::kernel::patience::Patience;
use crate::kernel::rng::{Seed, Stream};
use crate::kernel::time::{SimTime, Span};
use crate::parts::database::{Database, Outage};
use crate::protocol::conn::{Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::ConnId;
use crate::protocol::fact::Fact;
use crate::protocol::server::Server;

/// A PostgreSQL server at work.
#[derive(Clone)]
pub struct PostgresServer {
    // Parameters.
    slots: u32,
    statement_timeout: Span,
    idle_in_transaction_session_timeout: Span,
    connect: Often,
    // State.
    sessions: Sessions,
    service: Service,
    statement_deadlines: Patience<Spell>,
    idle_deadlines: Patience<Spell>,
    /// Until then nobody answers; until then, whoever comes is sent away.
    away: [SimTime; 2],
    slow_statements: Slowness,
    slow_connects: Slowness,
    locked_until: SimTime,
    behind_lock: Vec<(Spell, Span)>,
    connect_dice: Stream,
    kill_dice: Stream,
}

/// What a connection is tagged with that has no session.
const NO_SESSION: u32 = u32::MAX;

impl PostgresServer {
    /// A server that has just been started, of parameters that passed the check.
    pub fn new(spec: &Postgres, seed: &Seed) -> PostgresServer {
        PostgresServer {
            slots: spec.max_connections - spec.superuser_reserved_connections,
            statement_timeout: spec.statement_timeout,
            idle_in_transaction_session_timeout: spec.idle_in_transaction_session_timeout,
            connect: spec.connect.prepare().into(),
            sessions: Sessions::default(),
            service: Service::new(&spec.service),
            statement_deadlines: Patience::default(),
            idle_deadlines: Patience::default(),
            away: [SimTime::ZERO; 2],
            slow_statements: Slowness::default(),
            slow_connects: Slowness::default(),
            locked_until: SimTime::ZERO,
            behind_lock: Vec::new(),
            connect_dice: seed.stream("database/connect"),
            kill_dice: seed.stream("database/kill"),
        }
    }
}

impl Server for PostgresServer {
    fn connect(&mut self, conn: ConnId, cx: &mut Cx) {
        let [refuses_until, starts_until] = self.away;
        if cx.now() < refuses_until {
            return refuse(conn, Error::ConnectionRefused, cx);
        }
        if cx.now() < starts_until {
            return refuse(conn, Error::CannotConnectNow, cx);
        }
        let spell = self.sessions.set_up(conn);
        let now = cx.now();
        cx.world.database.logins.up(now);
        cx.conn(conn).far_tag = spell.place;
        let usual = self.connect.sample(&mut self.connect_dice);
        let lasts = self.slow_connects.stretch(usual, cx.now());
        if lasts.is_zero() {
            self.admit(spell.place, cx);
        } else {
            cx.after(lasts, Rank::Connection, Alarm::SetUp(spell).event());
        }
    }

    fn reseed(&mut self, seed: &Seed) {
        self.connect_dice.reseed(seed);
        self.kill_dice.reseed(seed);
    }

    #[inline(always)]
    fn query(&mut self, conn: ConnId, cx: &mut Cx) {
        let asked = cx.conn(conn);
        let (place, statement) = (asked.far_tag, asked.statement);
        if place == NO_SESSION {
            return; // it crossed with the message that the session has ended
        }
        let session = &mut self.sessions[place];
        debug_assert!(session.doing == Doing::Idle, "a session runs one statement at a time");
        let spell = session.turn(place);
        if session.transaction == TxStatus::Failed && !ends_transaction(&statement) {
            return self.answer(place, Some(Error::InFailedTransaction), cx);
        }
        if statement.begins && session.transaction == TxStatus::Idle {
            session.transaction = TxStatus::InTransaction;
        }
        let demand = statement.demand_now();
        if demand.is_zero() {
            return self.answer(place, None, cx);
        }
        if cx.now() < self.locked_until {
            session.doing = Doing::Locked;
            self.behind_lock.push((spell, demand));
        } else {
            session.doing = Doing::Active;
            self.service.start(spell, demand, cx);
        }
        self.limit_statement(spell, cx);
    }

    fn hang_up(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).far_tag;
        if place == NO_SESSION {
            return;
        }
        match self.sessions[place].doing {
            // PostgreSQL looks at its socket between statements: this one runs on, and its slot stays taken.
            Doing::Active | Doing::Locked => self.sessions[place].conn = None,
            Doing::Idle | Doing::SettingUp => _ = self.end(place, cx),
            Doing::Nothing => unreachable!("a connection is tagged with a session that exists"),
        }
    }

    #[inline(always)]
    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match Alarm::of(alarm) {
            Alarm::SetUp(spell) if self.sessions.is_now(spell) => self.admit(spell.place, cx),
            Alarm::Done(spell) if self.sessions.is_now(spell) => self.stop(spell, None, cx),
            Alarm::SetUp(_) | Alarm::Done(_) => {}
            Alarm::Shared(number) => self.shared(number, cx),
            Alarm::StatementTimeout => self.cancel_statements(cx),
            Alarm::IdleInTransaction => self.end_idle_transactions(cx),
            Alarm::Faster => self.pace(cx),
            Alarm::Unlocked => self.unlock(cx),
        }
    }

    fn about(&self, alarm: u64) -> Option<ConnId> {
        match Alarm::of(alarm) {
            Alarm::SetUp(spell) | Alarm::Done(spell) => self.sessions[spell.place].conn,
            _ => None,
        }
    }
}

impl Database for PostgresServer {
    fn go_down(&mut self, outage: Outage, cx: &mut Cx) {
        let up = cx.now() + outage.refuses;
        self.away = [self.away[0].max(up), self.away[1].max(up + outage.starts)];
        self.locked_until = SimTime::ZERO; // a lock is gone with its session
        self.behind_lock.clear();
        self.service.clear(cx);
        let all: Vec<u32> = self.sessions.iter().map(|(place, _)| place).collect();
        for place in all {
            if self.sessions[place].doing == Doing::SettingUp {
                cx.fact(Fact::DatabaseRefused { why: outage.farewell });
            }
            let (_, conn) = self.end(place, cx);
            shut(conn, outage.farewell, cx);
        }
    }

    fn slow_down(&mut self, factor: f64, lasting: Span, cx: &mut Cx) {
        self.slow_statements.add(cx.now() + lasting, factor);
        cx.after(lasting, Rank::Timer, Alarm::Faster.event());
        self.pace(cx);
    }

    fn slow_connects(&mut self, factor: f64, lasting: Span, cx: &mut Cx) {
        self.slow_connects.add(cx.now() + lasting, factor);
    }

    fn lock(&mut self, lasting: Span, cx: &mut Cx) {
        self.locked_until = self.locked_until.max(cx.now() + lasting);
        cx.at(self.locked_until, Rank::Timer, Alarm::Unlocked.event());
    }

    fn kill(&mut self, fraction: f64, cx: &mut Cx) {
        let holds_slot = |doing| doing != Doing::SettingUp;
        let mut places: Vec<u32> = self.sessions.iter().filter(|(_, s)| holds_slot(s.doing)).map(|(place, _)| place).collect();
        let victims = libm::rint(places.len() as f64 * fraction) as usize;
        for chosen in 0..victims.min(places.len()) {
            let left = places.len() - chosen;
            let jump = (u128::from(self.kill_dice.word()) * left as u128) >> 64;
            places.swap(chosen, chosen + jump as usize);
            self.terminate(places[chosen], Error::AdminShutdown, cx);
        }
    }

    fn status(&self, _: SimTime) -> String {
        table::by_state(&self.sessions)
    }
}

impl PostgresServer {
    /// The end of set-up, where PostgreSQL looks for a slot.
    fn admit(&mut self, place: u32, cx: &mut Cx) {
        let now = cx.now();
        cx.world.database.logins.down(now);
        if self.sessions.admitted() >= self.slots {
            let conn = self.sessions.end(place).1.expect("a session that is being set up has its client");
            return refuse(conn, Error::TooManyClients, cx);
        }
        self.sessions.admit(place);
        cx.world.database.connections.up(now);
        cx.fact(Fact::DatabaseConnect);
        cx.accept(self.sessions[place].conn.expect("a session that is being set up has its client"));
    }

    /// A statement's work is over, done or cut short because of `error`, perhaps before it began.
    #[inline(always)]
    fn stop(&mut self, spell: Spell, error: Option<Error>, cx: &mut Cx) {
        let stopped = &mut self.sessions[spell.place];
        stopped.turn(spell.place);
        if stopped.doing == Doing::Active {
            self.service.stop(spell.place, &self.sessions, cx);
        }
        self.answer(spell.place, error, cx);
    }

    /// Says how the statement went. A session whose client has gone notices now, and ends.
    #[inline(always)]
    fn answer(&mut self, place: u32, error: Option<Error>, cx: &mut Cx) {
        let session = &mut self.sessions[place];
        let Some(conn) = session.conn else {
            self.end(place, cx);
            return;
        };
        session.doing = Doing::Idle;
        let status = match session.transaction {
            TxStatus::Idle => TxStatus::Idle,
            // A COMMIT that is cancelled aborts the transaction and ends it (`AbortCurrentTransaction`, TBLOCK_END).
            _ if ends_transaction(&cx.conn(conn).statement) => TxStatus::Idle,
            _ if error.is_some() => TxStatus::Failed,
            as_before => as_before,
        };
        session.transaction = status;
        cx.reply(conn, error, status);
        if status != TxStatus::Idle && !self.idle_in_transaction_session_timeout.is_zero() {
            self.limit_idleness(place, cx);
        }
    }

    fn shared(&mut self, number: u32, cx: &mut Cx) {
        if !self.service.rang(number) {
            return;
        }
        while let Some(done) = self.service.done(&self.sessions, cx) {
            self.sessions.turn(done.place);
            self.answer(done.place, None, cx);
        }
        self.service.go_on(&self.sessions, cx);
    }

    fn pace(&mut self, cx: &mut Cx) {
        let factor = self.slow_statements.factor(cx.now());
        self.service.slow_down(factor, &self.sessions, cx);
    }

    /// All that waited for the lock runs, unless another lock came or it no longer waits.
    fn unlock(&mut self, cx: &mut Cx) {
        if cx.now() < self.locked_until {
            return;
        }
        for (spell, demand) in std::mem::take(&mut self.behind_lock) {
            if self.sessions.is_now(spell) {
                self.sessions[spell.place].doing = Doing::Active;
                self.service.start(spell, demand, cx);
            }
        }
    }

    #[inline(always)]
    fn limit_statement(&mut self, spell: Spell, cx: &mut Cx) {
        if !self.statement_timeout.is_zero() {
            let sessions = &self.sessions;
            self.statement_deadlines.tidy(|spell| sessions.is_now(spell));
            let alarm = self.statement_deadlines.add(cx.now() + self.statement_timeout, spell);
            set(alarm, Alarm::StatementTimeout, cx);
        }
    }

    fn limit_idleness(&mut self, place: u32, cx: &mut Cx) {
        let spell = self.sessions.turn(place);
        let sessions = &self.sessions;
        self.idle_deadlines.tidy(|spell| sessions.is_now(spell));
        let alarm = self.idle_deadlines.add(cx.now() + self.idle_in_transaction_session_timeout, spell);
        set(alarm, Alarm::IdleInTransaction, cx);
    }

    fn cancel_statements(&mut self, cx: &mut Cx) {
        while let Some(spell) = self.statement_deadlines.due(cx.now(), |spell| self.sessions.is_now(spell)) {
            self.stop(spell, Some(Error::StatementTimeout), cx);
        }
        set(self.statement_deadlines.rearm(), Alarm::StatementTimeout, cx);
    }

    fn end_idle_transactions(&mut self, cx: &mut Cx) {
        while let Some(spell) = self.idle_deadlines.due(cx.now(), |spell| self.sessions.is_now(spell)) {
            self.terminate(spell.place, Error::IdleInTransactionTimeout, cx);
        }
        set(self.idle_deadlines.rearm(), Alarm::IdleInTransaction, cx);
    }

    /// The server ends a session, and the statement it runs.
    fn terminate(&mut self, place: u32, why: Error, cx: &mut Cx) {
        let (was, conn) = self.end(place, cx);
        if was == Doing::Active {
            self.service.stop(place, &self.sessions, cx);
        }
        shut(conn, why, cx);
    }

    fn end(&mut self, place: u32, cx: &mut Cx) -> (Doing, Option<ConnId>) {
        let ended = self.sessions.end(place);
        let now = cx.now();
        match ended.0 {
            Doing::SettingUp => cx.world.database.logins.down(now),
            _ => cx.world.database.connections.down(now),
        }
        ended
    }
}

/// A BEGIN of its own, or the first messages of a ping, end nothing yet.
fn ends_transaction(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Commit | StatementKind::Rollback) && statement.extra_trips == 0
}

fn refuse(conn: ConnId, why: Error, cx: &mut Cx) {
    cx.fact(Fact::DatabaseRefused { why });
    shut(Some(conn), why, cx);
}

/// Closes the connection, unless its client has gone: from now on it names no session.
fn shut(conn: Option<ConnId>, why: Error, cx: &mut Cx) {
    if let Some(conn) = conn {
        cx.conn(conn).far_tag = NO_SESSION;
        cx.shut(conn, why);
    }
}

fn set(at: Option<SimTime>, alarm: Alarm, cx: &mut Cx) {
    if let Some(at) = at {
        cx.at(at, Rank::Timeout, alarm.event());
    }
}

#[cfg(test)]
mod dialogue;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
