//! The checkouts of a `NullPool`, step by step. The letters are those of the `QueuePool`, in `sqlalchemy.rs`.

use crate::kernel::agenda::Rank;
use crate::kernel::time::{SimTime, Span};
use crate::parts::pool::first_connect::FirstConnect;
use crate::parts::pool::{Gauges, Pool};
use crate::protocol::conn::{Condition, Near, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// All checkouts of one worker.
#[derive(Clone)]
pub struct Checkouts {
    worker: WorkerId,
    /// `Request::pool_tag` and `Conn::near_tag` are places here.
    places: Vec<Checkout>,
    free: Vec<u32>,
    first: FirstConnect,
    /// Older connections are replaced when they are next looked at, which here is only just after they were opened.
    invalidated: Option<SimTime>,
    serial: u32,
    in_use: u64,
}

#[derive(Clone)]
struct Checkout {
    request: RequestId,
    conn: Option<ConnId>,
    /// Taken just before the driver's connect is called.
    start: SimTime,
    /// It is not the first connection of this checkout.
    replaced: bool,
    phase: Phase,
    /// Counts its phases, so that an old alarm is known.
    turn: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody's.
    Free,
    Connecting,
    /// The dialect's first-connect initialisation runs on it, or it waits for that.
    Initialising,
    /// The stale connection is being closed before another is opened.
    Replacing,
    /// The asking task was cancelled while its connection waited for the initialisation: it is being closed.
    GivingUp,
    Lent,
    /// The driver gets ready for a reset.
    BeforeReset,
    Resetting,
    /// It is being closed, the last step of a return.
    Closing,
}

/// The place of a request that has been answered.
const NOWHERE: u32 = u32::MAX;

/// The alarm that lets the next one go on that has waited for the initialisation.
const INITIALISED: u64 = u64::MAX;

impl Checkouts {
    /// Nothing is checked out.
    pub fn new(worker: WorkerId) -> Checkouts {
        let first = FirstConnect::default();
        Checkouts { worker, places: Vec::new(), free: Vec::new(), first, invalidated: None, serial: 0, in_use: 0 }
    }

    fn step(&self, place: u32, step: PoolStep, cx: &mut Cx) {
        let of = &self.places[place as usize];
        cx.step(self.worker, step, Some(of.request), of.conn);
    }

    fn enter(&mut self, place: u32, phase: Phase) -> u64 {
        let entered = &mut self.places[place as usize];
        entered.phase = phase;
        entered.turn = entered.turn.wrapping_add(1);
        u64::from(entered.turn) << 32 | u64::from(place)
    }

    fn pause(&mut self, place: u32, phase: Phase, span: Span, cx: &mut Cx) {
        let alarm = self.enter(place, phase);
        if span.is_zero() {
            self.phase_over(place, cx);
        } else {
            cx.after(span, Rank::Completion, Event::PoolRing { worker: self.worker, alarm });
        }
    }

    fn phase_over(&mut self, place: u32, cx: &mut Cx) {
        match self.places[place as usize].phase {
            Phase::Replacing => self.connect(place, cx),
            Phase::GivingUp => self.refuse(place, None, cx),
            Phase::BeforeReset => self.reset(place, cx),
            Phase::Closing => self.let_go(place, cx),
            phase => unreachable!("no time of the driver's own passes in a checkout that is {phase:?}"),
        }
    }

    /// R2.
    fn connect(&mut self, place: u32, cx: &mut Cx) {
        self.serial += 1;
        self.enter(place, Phase::Connecting);
        let conn = cx.dial_upstream(self.worker, place, self.serial);
        let connecting = &mut self.places[place as usize];
        connecting.start = cx.now();
        connecting.conn = Some(conn);
        self.step(place, PoolStep::ConnectStart, cx);
    }

    /// R1: one that was invalidated while it was being opened is opened again. There is no recycling.
    fn ready(&mut self, place: u32, cx: &mut Cx) {
        let opened = &mut self.places[place as usize];
        if !std::mem::replace(&mut opened.replaced, true) && self.invalidated.is_some_and(|stamp| stamp > opened.start) {
            let closing = self.close(place, cx);
            return self.pause(place, Phase::Replacing, closing, cx);
        }
        self.enter(place, Phase::Lent);
        let (request, conn) = (self.places[place as usize].request, self.places[place as usize].conn);
        cx.request(request).pool_tag = NOWHERE;
        self.step(place, PoolStep::Checkout, cx);
        cx.grant(request, conn.expect("what is lent is connected"));
    }

    /// The checkout ends without a connection: whatever is there is closed. One that waits for the initialisation is in
    /// order, and closing it takes time.
    fn give_up(&mut self, place: u32, why: Option<Error>, cx: &mut Cx) {
        let ran_first = self.first.runs_on(place);
        let waited_for_first = self.places[place as usize].phase == Phase::Initialising && !ran_first;
        self.first.forget(place);
        if self.places[place as usize].conn.is_some() {
            let closing = self.close(place, cx);
            if waited_for_first {
                return self.pause(place, Phase::GivingUp, closing, cx);
            }
        }
        self.refuse(place, why, cx);
        if ran_first {
            self.first.abandoned();
            if let Some(next) = self.first.next() {
                let conn = self.places[next as usize].conn.expect("who waits for the initialisation has a connection");
                self.first.start(next, conn, cx);
            }
        }
    }

    fn refuse(&mut self, place: u32, why: Option<Error>, cx: &mut Cx) {
        let request = self.places[place as usize].request;
        if self.places[place as usize].replaced {
            self.step(place, PoolStep::Checkin, cx);
        }
        self.leave(place, cx);
        cx.request(request).pool_tag = NOWHERE;
        if why.is_some() {
            cx.step(self.worker, PoolStep::Error, Some(request), None);
        }
        cx.refuse(request, why.unwrap_or(Error::DeadlineExceeded));
    }

    /// Hangs up and says how long the driver waits for that: not on a connection that is known to be gone.
    fn close(&mut self, place: u32, cx: &mut Cx) -> Span {
        if self.places[place as usize].conn.is_some_and(|conn| cx.conn(conn).up) {
            let now = cx.now();
            cx.meter(self.worker).open.down(now);
            self.step(place, PoolStep::Close, cx);
        }
        let conn = self.places[place as usize].conn.take().expect("a checkout that is closed has a connection");
        let alive = !cx.conn(conn).gone;
        cx.hang_up(conn);
        if alive { cx.driver(self.worker).time(Operation::Close) } else { Span::ZERO }
    }

    fn leave(&mut self, place: u32, cx: &mut Cx) {
        let now = cx.now();
        cx.meter(self.worker).in_use.down(now);
        self.in_use -= 1;
        self.enter(place, Phase::Free);
        self.free.push(place);
    }

    fn before_reset(&mut self, place: u32, cx: &mut Cx) {
        let own = cx.driver(self.worker).time(Operation::Reset);
        self.pause(place, Phase::BeforeReset, own, cx);
    }

    /// K0, where a transaction is open.
    fn reset(&mut self, place: u32, cx: &mut Cx) {
        let conn = self.places[place as usize].conn.expect("what is reset is connected");
        if cx.conn(conn).status == TxStatus::Idle {
            return self.check_in(place, cx);
        }
        self.enter(place, Phase::Resetting);
        cx.query(conn, Statement { kind: StatementKind::Rollback, ..Statement::default() });
    }

    fn reset_failed(&mut self, place: u32, why: Error, cx: &mut Cx) {
        cx.request(self.places[place as usize].request).failure.get_or_insert(why);
        self.invalidate(place, cx);
    }

    /// K2, K4.
    fn check_in(&mut self, place: u32, cx: &mut Cx) {
        self.step(place, PoolStep::Checkin, cx);
        let closing = self.close(place, cx);
        self.pause(place, Phase::Closing, closing, cx);
    }

    fn invalidate(&mut self, place: u32, cx: &mut Cx) {
        self.step(place, PoolStep::Invalidate, cx);
        self.close(place, cx);
        self.step(place, PoolStep::Checkin, cx);
        self.let_go(place, cx);
    }

    fn let_go(&mut self, place: u32, cx: &mut Cx) {
        let request = self.places[place as usize].request;
        self.leave(place, cx);
        cx.at_once(Event::Released { request });
    }

    fn invalidate_older(&mut self, place: u32, cx: &Cx) {
        let start = self.places[place as usize].start;
        if self.invalidated.is_none_or(|stamp| stamp < start) {
            self.invalidated = Some(cx.now());
        }
    }

    fn initialise_failed(&mut self, place: u32, why: Error, cx: &mut Cx) {
        if self.first.fails_as_a_statement(self.places[place as usize].conn, cx) {
            self.invalidate_older(place, cx);
        }
        self.give_up(place, Some(why), cx);
    }
}

impl Pool for Checkouts {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Request, Some(request), None);
        let new = |turn| Checkout { request, conn: None, start: SimTime::ZERO, replaced: false, phase: Phase::Connecting, turn };
        let place = if let Some(place) = self.free.pop() {
            let turn = self.places[place as usize].turn;
            self.places[place as usize] = new(turn);
            place
        } else {
            self.places.push(new(0));
            self.places.len() as u32 - 1
        };
        self.in_use += 1;
        let now = cx.now();
        cx.meter(self.worker).in_use.up(now);
        cx.request(request).pool_tag = place;
        self.connect(place, cx);
    }

    /// Cancelled: while its connection is opened. A return is finished first (`async with`).
    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        let place = cx.request(request).pool_tag;
        if place != NOWHERE && self.places[place as usize].phase != Phase::GivingUp {
            self.give_up(place, None, cx);
        }
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        cx.conn(conn).near = Near::Pool;
        debug_assert_eq!(self.places[place as usize].request, request, "who gives a connection back has it");
        let (condition, status) = (cx.conn(conn).condition, cx.conn(conn).status);
        match condition {
            Condition::Good if status != TxStatus::Idle => self.before_reset(place, cx),
            Condition::Good => {
                self.step(place, PoolStep::Reset, cx);
                self.before_reset(place, cx);
            }
            Condition::Broken => {
                self.invalidate_older(place, cx);
                self.invalidate(place, cx);
            }
            Condition::Abandoned => self.invalidate(place, cx),
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        let now = cx.now();
        cx.meter(self.worker).open.up(now);
        self.step(place, PoolStep::ConnectDone, cx);
        self.enter(place, Phase::Initialising);
        if self.first.may_go_on(place, conn, cx) {
            self.ready(place, cx);
        }
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        self.step(place, PoolStep::ConnectFail, cx);
        self.places[place as usize].conn = None;
        self.give_up(place, Some(why), cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        let error = cx.conn(conn).error;
        match (self.places[place as usize].phase, error) {
            (Phase::Resetting, None) => {
                self.step(place, PoolStep::Reset, cx);
                self.check_in(place, cx);
            }
            (Phase::Resetting, Some(why)) => self.reset_failed(place, why, cx),
            (_, Some(why)) => self.initialise_failed(place, why, cx),
            (_, None) => {
                if self.first.replied(conn, cx) {
                    self.ready(place, cx);
                    cx.at_once(Event::PoolRing { worker: self.worker, alarm: INITIALISED });
                }
            }
        }
    }

    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        match self.places[place as usize].phase {
            Phase::Resetting => {
                self.invalidate_older(place, cx);
                self.reset_failed(place, why, cx);
            }
            Phase::Initialising if self.first.runs_on(place) => self.initialise_failed(place, why, cx),
            // Nobody reads the socket of a connection that waits.
            _ => {}
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        if alarm == INITIALISED {
            if let Some(next) = self.first.next() {
                self.ready(next, cx);
                cx.at_once(Event::PoolRing { worker: self.worker, alarm });
            }
            return;
        }
        let (place, turn) = (alarm as u32, (alarm >> 32) as u32);
        if self.places[place as usize].turn == turn {
            self.phase_over(place, cx);
        }
    }

    fn autobegin(&self) -> bool {
        true
    }

    fn gauges(&self) -> Gauges {
        Gauges { in_use: self.in_use, ..Gauges::default() }
    }

    fn status(&self) -> String {
        "NullPool".to_owned()
    }
}
