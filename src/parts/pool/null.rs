//! SQLAlchemy's `NullPool` (2.1): a connection for each checkout.

use super::first_connect::FirstConnect;
use super::{Gauges, Pool, PoolKind};
use crate::kernel::agenda::Rank;
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::protocol::conn::{Condition, Near, Statement, StatementKind, TxStatus};
use crate::protocol::cx::Cx;
use crate::protocol::driver::Operation;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, Event, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// No pool: connects at checkout, closes at checkin, never waits, has no limit. Ping and recycle have no effect.
pub struct NullPool;

impl Example for NullPool {
    const EXAMPLE: &'static str = "NullPool";
}

impl PoolKind for NullPool {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn build(&self, worker: WorkerId) -> Box<dyn Pool> {
        Box::new(Checkouts { worker, places: Vec::new(), free: Vec::new(), first: FirstConnect::default(), serial: 0, in_use: 0 })
    }
    fn most_connections(&self) -> Option<u64> {
        None
    }
    fn size(&self) -> String {
        "no pool".to_owned()
    }
    fn timeout_text(&self) -> String {
        Error::PoolTimeout.text().to_owned()
    }
}

/// All checkouts of one worker.
struct Checkouts {
    worker: WorkerId,
    /// `Request::pool_tag` and `Conn::near_tag` are places here.
    places: Vec<Checkout>,
    free: Vec<u32>,
    first: FirstConnect,
    serial: u32,
    in_use: u64,
}

struct Checkout {
    request: RequestId,
    conn: Option<ConnId>,
    lent: bool,
}

/// The place of a request that has been answered.
const NOWHERE: u32 = u32::MAX;

impl Checkouts {
    fn lend(&mut self, place: u32, cx: &mut Cx) {
        let checkout = &mut self.places[place as usize];
        checkout.lent = true;
        let (request, conn) = (checkout.request, checkout.conn.expect("what is lent is connected"));
        cx.request(request).pool_tag = NOWHERE;
        cx.step(self.worker, PoolStep::Checkout, Some(request), Some(conn));
        cx.grant(request, conn);
    }

    fn refuse(&mut self, place: u32, why: Error, cx: &mut Cx) {
        let request = self.places[place as usize].request;
        let ran_first = self.first.runs_on(place);
        self.first.forget(place);
        self.close(place, cx);
        self.leave(place, cx);
        cx.request(request).pool_tag = NOWHERE;
        cx.refuse(request, why);
        if ran_first {
            self.first.abandoned();
            if let Some(next) = self.first.next() {
                let conn = self.places[next as usize].conn.expect("who waits for the initialisation has a connection");
                self.first.start(next, conn, cx);
            }
        }
    }

    fn close(&mut self, place: u32, cx: &mut Cx) {
        let Some(conn) = self.places[place as usize].conn.take() else { return };
        if cx.conn(conn).up {
            let now = cx.now();
            cx.meter(self.worker).open.down(now);
            cx.step(self.worker, PoolStep::Close, Some(self.places[place as usize].request), Some(conn));
        }
        cx.hang_up(conn);
    }

    fn leave(&mut self, place: u32, cx: &mut Cx) {
        let now = cx.now();
        cx.meter(self.worker).in_use.down(now);
        self.in_use -= 1;
        self.free.push(place);
    }

    /// Closes, waits for as long as the driver does, and lets the request go on.
    fn finish(&mut self, place: u32, cx: &mut Cx) {
        let conn = self.places[place as usize].conn;
        cx.step(self.worker, PoolStep::Checkin, Some(self.places[place as usize].request), conn);
        self.close(place, cx);
        let closing = cx.driver(self.worker).time(Operation::Close);
        if closing.is_zero() {
            self.ring(u64::from(place), cx);
        } else {
            cx.after(closing, Rank::Completion, Event::PoolRing { worker: self.worker, alarm: u64::from(place) });
        }
    }
}

impl Pool for Checkouts {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Request, Some(request), None);
        let checkout = Checkout { request, conn: None, lent: false };
        let place = if let Some(place) = self.free.pop() {
            self.places[place as usize] = checkout;
            place
        } else {
            self.places.push(checkout);
            self.places.len() as u32 - 1
        };
        self.serial += 1;
        self.in_use += 1;
        let now = cx.now();
        cx.meter(self.worker).in_use.up(now);
        cx.request(request).pool_tag = place;
        let conn = cx.dial_upstream(self.worker, place, self.serial);
        self.places[place as usize].conn = Some(conn);
        cx.step(self.worker, PoolStep::ConnectStart, Some(request), Some(conn));
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        let place = cx.request(request).pool_tag;
        if place != NOWHERE && !self.places[place as usize].lent {
            self.refuse(place, Error::DeadlineExceeded, cx);
        }
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        cx.conn(conn).near = Near::Pool;
        debug_assert_eq!(self.places[place as usize].request, request, "who gives a connection back has it");
        if cx.conn(conn).condition == Condition::Good && cx.conn(conn).status != TxStatus::Idle {
            cx.step(self.worker, PoolStep::Reset, Some(request), Some(conn));
            cx.query(conn, Statement { kind: StatementKind::Rollback, ..Statement::default() });
        } else {
            self.finish(place, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        let now = cx.now();
        cx.meter(self.worker).open.up(now);
        cx.step(self.worker, PoolStep::ConnectDone, Some(self.places[place as usize].request), Some(conn));
        if self.first.may_go_on(place, conn, cx) {
            self.lend(place, cx);
        }
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        cx.step(self.worker, PoolStep::ConnectFail, Some(self.places[place as usize].request), Some(conn));
        self.places[place as usize].conn = None;
        self.refuse(place, why, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if self.places[place as usize].lent {
            self.finish(place, cx);
        } else if let Some(why) = cx.conn(conn).error {
            self.refuse(place, why, cx);
        } else if self.first.replied(conn, cx) {
            self.lend(place, cx);
            while let Some(next) = self.first.next() {
                self.lend(next, cx);
            }
        }
    }

    fn lost(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = cx.conn(conn).near_tag;
        if self.places[place as usize].lent {
            self.finish(place, cx);
        } else if self.first.runs_on(place) {
            self.refuse(place, why, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        let place = alarm as u32;
        let request = self.places[place as usize].request;
        self.leave(place, cx);
        cx.at_once(Event::Released { request });
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
