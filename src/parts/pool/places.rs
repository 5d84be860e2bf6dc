//! What pools have in common beneath their steps: places for connections, the line of waiters, deadlines, meters, facts.
//!
//! Two things hold for every kind that stands on this. A connection that was left in the middle of a statement is
//! closed, since one connection carries one statement at a time. And giving a connection back cannot be cancelled, if the
//! kind does not say otherwise.

use std::collections::VecDeque;

pub(super) use self::alarms::Rang;
use self::line::ANSWERED;
pub(super) use self::line::Asking;
use self::line::Ticket;
use crate::kernel::patience::Patience;
use crate::kernel::time::{SimTime, Span};
use crate::parts::pool::Gauges;
use crate::protocol::conn::{Condition, Near, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::event::{ConnId, Event, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

mod alarms;
mod line;

/// Where a connection lives, is opened or is closed.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its connection, if it has one.
    pub conn: Option<ConnId>,
    /// Whom it serves: who waits for it, holds it or is giving it back.
    pub user: Option<RequestId>,
    /// What is being done to it.
    pub phase: Phase,
    /// When its connect began, or what else the kind counts its age from.
    pub born: SimTime,
    /// When its connection is too old.
    pub expires: SimTime,
    /// When it last became idle.
    pub idle_since: SimTime,
    /// How often its connection was lent.
    pub uses: u32,
    /// Counts its phases, so that an old alarm is known.
    pub turn: u32,
}

/// What is being done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is no place any more.
    Gone,
    /// It can be taken. A place without a connection can be, too, in pools whose places outlive their connections.
    Idle,
    /// In the pool's hands, between two things.
    Taken,
    Connecting,
    /// The driver gets ready for a statement of the pool's own …
    Preparing(StatementKind),
    /// … which is under way.
    Asking(StatementKind),
    Lent,
    /// The driver closes the connection.
    Closing,
    /// A connect has failed and is tried again a little later.
    Pausing,
}

/// The places of one pool, and who waits for them.
#[derive(Clone)]
pub(super) struct Places {
    pub worker: WorkerId,
    all: Vec<Place>,
    free: Vec<u32>,
    /// Places that can be taken, in the order in which they came back.
    pub idle: VecDeque<u32>,
    /// Places in all.
    pub total: u32,
    line: VecDeque<Ticket>,
    /// Parameter of the kind, see [`Places::keeping_gone`].
    keeps_gone: bool,
    /// Requests in the line, those included that were told to look.
    pub pending: u64,
    deadlines: Patience<Ticket>,
    resting: Vec<(u32, Ticket)>,
    rests: u32,
    serial: u32,
}

impl Places {
    pub fn new(worker: WorkerId) -> Places {
        Places {
            worker,
            all: Vec::new(),
            free: Vec::new(),
            idle: VecDeque::new(),
            total: 0,
            line: VecDeque::new(),
            keeps_gone: false,
            pending: 0,
            deadlines: Patience::default(),
            resting: Vec::new(),
            rests: 0,
            serial: 0,
        }
    }

    /// Those who gave up stay in the line until their turn comes, and count.
    pub fn keeping_gone(self) -> Places {
        Places { keeps_gone: true, ..self }
    }

    pub fn gauges(&self, limit: Option<u64>) -> Gauges {
        let idle = self.idle.len() as u64;
        Gauges { in_use: u64::from(self.total) - idle, idle, pending: self.pending, limit }
    }

    /// A new place, for `user` or for nobody yet, whose connection is being opened.
    pub fn open(&mut self, user: Option<RequestId>, cx: &mut Cx) -> u32 {
        let place = self.add(cx);
        self.connect(place, user, cx);
        place
    }

    /// A new place without a connection, which is used from now on.
    pub fn add(&mut self, cx: &mut Cx) -> u32 {
        let now = cx.now();
        let new = |turn| Place {
            conn: None,
            user: None,
            phase: Phase::Taken,
            born: now,
            expires: SimTime::NEVER,
            idle_since: now,
            uses: 0,
            turn,
        };
        self.total += 1;
        cx.meter(self.worker).in_use.up(now);
        if let Some(place) = self.free.pop() {
            let turn = self.all[place as usize].turn;
            self.all[place as usize] = new(turn);
            place
        } else {
            self.all.push(new(0));
            self.all.len() as u32 - 1
        }
    }

    /// Opens a connection in a place that has none.
    pub fn connect(&mut self, place: u32, user: Option<RequestId>, cx: &mut Cx) {
        self.serial += 1;
        self.serves(place, user, cx);
        self.enter(place, Phase::Connecting, cx);
        let conn = cx.dial_upstream(self.worker, place, self.serial);
        let connecting = &mut self.all[place as usize];
        (connecting.conn, connecting.born, connecting.uses) = (Some(conn), cx.now(), 0);
        cx.step(self.worker, PoolStep::ConnectStart, user, Some(conn));
    }

    /// Whom the place serves from now on.
    pub fn serves(&mut self, place: u32, user: Option<RequestId>, cx: &mut Cx) {
        self.all[place as usize].user = user;
        if let Some(request) = user {
            cx.request(request).pool_tag = place;
        }
    }

    /// A connection is open, or could not be opened: its place.
    pub fn connected(&mut self, conn: ConnId, cx: &mut Cx) -> u32 {
        let place = cx.conn(conn).near_tag;
        let now = cx.now();
        cx.meter(self.worker).open.up(now);
        cx.step(self.worker, PoolStep::ConnectDone, self.all[place as usize].user, Some(conn));
        place
    }

    /// A connection could not be opened; it is gone. Its place, which has none now.
    pub fn not_connected(&mut self, conn: ConnId, cx: &mut Cx) -> u32 {
        let place = cx.conn(conn).near_tag;
        cx.step(self.worker, PoolStep::ConnectFail, self.all[place as usize].user, Some(conn));
        self.all[place as usize].conn = None;
        place
    }

    /// Takes the place out of the idle list: it is used from now on, by `user` if there is one.
    pub fn take(&mut self, place: u32, user: Option<RequestId>, cx: &mut Cx) {
        self.idle.retain(|idle| *idle != place);
        self.serves(place, user, cx);
        self.enter(place, Phase::Taken, cx);
    }

    /// The place that came back first, taken out of the idle list.
    pub fn take_oldest(&mut self, user: Option<RequestId>, cx: &mut Cx) -> Option<u32> {
        let place = self.idle.pop_front()?;
        self.serves(place, user, cx);
        self.enter(place, Phase::Taken, cx);
        Some(place)
    }

    /// The place that came back last, taken out of the idle list.
    pub fn take_newest(&mut self, user: Option<RequestId>, cx: &mut Cx) -> Option<u32> {
        let place = self.idle.pop_back()?;
        self.serves(place, user, cx);
        self.enter(place, Phase::Taken, cx);
        Some(place)
    }

    /// The place can be taken from now on.
    pub fn put(&mut self, place: u32, cx: &mut Cx) {
        self.enter(place, Phase::Idle, cx);
        let put = &mut self.all[place as usize];
        put.user = None;
        put.idle_since = cx.now();
        self.idle.push_back(place);
    }

    /// The place's connection is the request's.
    pub fn lend(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        self.enter(place, Phase::Lent, cx);
        let lent = &mut self.all[place as usize];
        lent.user = Some(request);
        lent.uses += 1;
        let conn = lent.conn.expect("a place that is lent has a connection");
        cx.request(request).pool_tag = ANSWERED;
        cx.step(self.worker, PoolStep::Checkout, Some(request), Some(conn));
        cx.grant(request, conn);
    }

    /// The request gives its connection back: its place.
    pub fn take_back(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) -> u32 {
        let place = cx.conn(conn).near_tag;
        cx.conn(conn).near = Near::Pool;
        cx.request(request).pool_tag = ANSWERED;
        debug_assert_eq!(self.all[place as usize].user, Some(request), "who gives a connection back has it");
        place
    }

    /// Whoever gave the connection back goes on.
    pub fn let_go(&mut self, place: u32, cx: &mut Cx) {
        if let Some(request) = self.all[place as usize].user.take() {
            self.goes_on(request, self.all[place as usize].conn, cx);
        }
    }

    /// The request that gave `conn` back goes on.
    pub fn goes_on(&self, request: RequestId, conn: Option<ConnId>, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Checkin, Some(request), conn);
        cx.at_once(Event::Released { request });
    }

    /// Asks something on the place's connection, after the driver's own time for it; the answer is `replied` or `lost`.
    pub fn ask(&mut self, place: u32, kind: StatementKind, cx: &mut Cx) {
        let operation = if kind == StatementKind::Ping { Operation::Ping } else { Operation::Reset };
        let own = cx.driver(self.worker).time(operation);
        self.enter(place, Phase::Preparing(kind), cx);
        if own.is_zero() { self.send(place, kind, cx) } else { self.ring_after(place, own, cx) }
    }

    pub(super) fn send(&mut self, place: u32, kind: StatementKind, cx: &mut Cx) {
        self.enter(place, Phase::Asking(kind), cx);
        let Place { user, conn, .. } = self.all[place as usize];
        let is_ping = kind == StatementKind::Ping;
        cx.step(self.worker, if is_ping { PoolStep::Ping } else { PoolStep::Reset }, user, conn);
        let extra_trips = if is_ping { cx.driver(self.worker).ping_trips } else { 0 };
        let conn = conn.expect("who is asked something is connected");
        cx.query(conn, Statement { kind, extra_trips, ..Statement::default() });
    }

    /// What was asked is answered: the place, and whether it went well.
    pub fn answer(&self, conn: ConnId, cx: &mut Cx) -> (u32, bool) {
        let answered = cx.conn(conn);
        (answered.near_tag, answered.error.is_none())
    }

    /// A connection is lost: its place, if something was asked on it, which nobody answers.
    pub fn unanswered(&self, conn: ConnId, cx: &mut Cx) -> Option<u32> {
        let place = cx.conn(conn).near_tag;
        matches!(self.all[place as usize].phase, Phase::Asking(_)).then_some(place)
    }

    /// The place that the request is giving back, if something is still done to it first.
    pub fn given_back_by(&self, request: RequestId) -> Option<u32> {
        let is_done_to = |phase| matches!(phase, Phase::Preparing(_) | Phase::Asking(_) | Phase::Closing);
        let found = self.all.iter().position(|place| place.user == Some(request) && is_done_to(place.phase))?;
        Some(found as u32)
    }

    /// Closes the place's connection; true if that took no time, else [`Rang::Closed`] follows.
    pub fn close(&mut self, place: u32, cx: &mut Cx) -> bool {
        self.hang_up(place, cx);
        let closing = cx.driver(self.worker).time(Operation::Close);
        self.enter(place, Phase::Closing, cx);
        if !closing.is_zero() {
            self.ring_after(place, closing, cx);
        }
        closing.is_zero()
    }

    /// The place's connection is of no further use: closed without a word, which takes no time.
    pub fn hang_up(&mut self, place: u32, cx: &mut Cx) {
        let Some(conn) = self.all[place as usize].conn.take() else { return };
        if cx.conn(conn).up {
            let now = cx.now();
            cx.meter(self.worker).open.down(now);
            cx.step(self.worker, PoolStep::Close, self.all[place as usize].user, Some(conn));
        }
        cx.hang_up(conn);
    }

    /// The place's connection has gone while somebody holds it, who keeps the ruin.
    pub fn bury(&mut self, place: u32, cx: &mut Cx) {
        let buried = &mut self.all[place as usize];
        let (conn, user) = (buried.conn.take(), buried.user.take());
        cx.step(self.worker, PoolStep::Close, user, conn);
    }

    /// Whether what a request gives back is a ruin, and no longer the place's; then the request goes on, and that is all.
    pub fn was_buried(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) -> bool {
        let place = cx.conn(conn).near_tag;
        let is_ruin = self.all[place as usize].conn != Some(conn);
        if is_ruin {
            let now = cx.now();
            cx.meter(self.worker).open.down(now);
            cx.conn(conn).near = Near::Pool;
            self.goes_on(request, None, cx);
            cx.hang_up(conn);
        }
        is_ruin
    }

    /// The place is no more.
    pub fn remove(&mut self, place: u32, cx: &mut Cx) {
        self.enter(place, Phase::Gone, cx);
        debug_assert!(self.all[place as usize].conn.is_none(), "a place that goes has no connection");
        self.all[place as usize].user = None;
        self.total -= 1;
        self.free.push(place);
    }

    /// Another connect of this place comes after `pause`.
    pub fn pause(&mut self, place: u32, pause: Span, cx: &mut Cx) {
        self.enter(place, Phase::Pausing, cx);
        self.ring_after(place, pause, cx);
    }

    /// Whether the connection can be used again: it was not left in mid-statement and no error said that it is gone.
    pub fn is_sound(&self, place: u32, cx: &Cx) -> bool {
        self.conn(place, cx).condition == Condition::Good
    }

    /// Whether a statement was left in the middle.
    pub fn is_abandoned(&self, place: u32, cx: &Cx) -> bool {
        self.conn(place, cx).condition == Condition::Abandoned
    }

    /// Whether the driver has heard that the other end is closed.
    pub fn is_gone(&self, place: u32, cx: &Cx) -> bool {
        self.conn(place, cx).gone
    }

    /// Whether a transaction is open.
    pub fn is_in_transaction(&self, place: u32, cx: &Cx) -> bool {
        self.conn(place, cx).status != TxStatus::Idle
    }

    fn conn<'a>(&self, place: u32, cx: &'a Cx) -> &'a crate::protocol::conn::Conn {
        &cx.world.conns[self.all[place as usize].conn.expect("its connection is there")]
    }

    fn enter(&mut self, place: u32, phase: Phase, cx: &mut Cx) {
        let entered = &mut self.all[place as usize];
        let was = std::mem::replace(&mut entered.phase, phase);
        entered.turn += 1;
        let now = cx.now();
        let in_use = &mut cx.meter(self.worker).in_use;
        match (was == Phase::Idle, matches!(phase, Phase::Idle | Phase::Gone)) {
            (true, false) => in_use.up(now),
            (false, true) => in_use.down(now),
            _ => {}
        }
    }
}

impl std::ops::Index<u32> for Places {
    type Output = Place;
    fn index(&self, place: u32) -> &Place {
        &self.all[place as usize]
    }
}

impl std::ops::IndexMut<u32> for Places {
    fn index_mut(&mut self, place: u32) -> &mut Place {
        &mut self.all[place as usize]
    }
}
