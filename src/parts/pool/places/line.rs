//! The requests of a pool: those that wait in line, their deadlines, and how far each has come.

use super::Places;
use super::alarms::{DEADLINE, REST, Rang};
use crate::kernel::agenda::Rank;
use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::{Cx, World};
use crate::protocol::error::Error;
use crate::protocol::event::{Event, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;
use crate::protocol::request::{Request, Stage};

/// `Request::pool_tag` of a request in the line; what is below [`ANSWERED`] is a place.
const WAITING: u32 = u32::MAX;
const WOKEN: u32 = u32::MAX - 1;
const RESTING: u32 = u32::MAX - 2;
pub(super) const ANSWERED: u32 = u32::MAX - 3;

/// How far a request that asked has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parts::pool) enum Asking {
    Answered,
    InLine,
    /// It was told to look and has not looked yet.
    Woken,
    /// It pauses before it tries again.
    Resting,
    /// It waits for what is done to a place.
    At(u32),
}

/// A place in the line: the request, and when it asked (a request can wait more than once in its life).
pub(super) type Ticket = (RequestId, SimTime);

impl Places {
    /// A request asks; its patience, if it has any, begins.
    pub fn asked(&mut self, request: RequestId, timeout: Option<Span>, cx: &mut Cx) {
        cx.step(self.worker, PoolStep::Request, Some(request), None);
        cx.request(request).pool_tag = ANSWERED;
        let ticket = (request, cx.request(request).asked);
        let Some(timeout) = timeout else { return };
        let worker = self.worker;
        self.deadlines.tidy(|ticket| asks(cx.world, worker, ticket));
        if let Some(due) = self.deadlines.add(cx.now() + timeout, ticket) {
            self.set_deadline(due, cx);
        }
    }

    /// To the tail of the line, for the first time or again.
    pub fn wait(&mut self, request: RequestId, cx: &mut Cx) {
        let asking = cx.request(request);
        let ticket = (request, asking.asked);
        if std::mem::replace(&mut asking.pool_tag, WAITING) != WOKEN {
            self.pending += 1;
            cx.one_more_waits(self.worker);
        }
        self.line.push_back(ticket);
        cx.step(self.worker, PoolStep::Wait, Some(request), None);
    }

    /// The oldest waiter, who is in the line no more.
    pub fn next_in_line(&mut self, cx: &mut Cx) -> Option<RequestId> {
        let next = self.pop(cx)?;
        self.leave_line(next, cx);
        Some(next)
    }

    /// One of the waiters, chosen by `pick` out of so many; it is in the line no more.
    pub fn any_in_line(&mut self, cx: &mut Cx, pick: impl FnOnce(usize) -> usize) -> Option<RequestId> {
        let worker = self.worker;
        self.line.retain(|ticket| waits(cx.world, worker, *ticket));
        let chosen = (!self.line.is_empty()).then(|| pick(self.line.len()))?;
        let (request, _) = self.line.remove(chosen).expect("one of the line was picked");
        self.leave_line(request, cx);
        Some(request)
    }

    /// How many stand in the line, with those who gave up and were not cleared away.
    pub fn line_length(&self) -> usize {
        self.line.len()
    }

    /// Whether somebody sleeps in the line.
    pub fn has_line(&mut self, cx: &Cx) -> bool {
        let worker = self.worker;
        while !self.keeps_gone && self.line.front().is_some_and(|ticket| !waits(cx.world, worker, *ticket)) {
            self.line.pop_front();
        }
        !self.line.is_empty()
    }

    /// Somebody who asked has found something: it waits no more, if it did.
    pub fn stops_waiting(&mut self, request: RequestId, cx: &mut Cx) {
        if matches!(self.asking(request, cx), Asking::InLine | Asking::Woken) {
            self.leave_line(request, cx);
        }
    }

    /// Tells the oldest waiter to look for itself; until it does, others can be faster.
    pub fn wake(&mut self, cx: &mut Cx) -> bool {
        let Some(request) = self.pop(cx) else { return false };
        cx.request(request).pool_tag = WOKEN;
        cx.step(self.worker, PoolStep::Wake, Some(request), None);
        cx.at_once(Event::Woken { request });
        true
    }

    /// As [`Places::wake`], but whoever runs now runs on until it waits for something: it can be faster, too.
    pub fn wake_behind(&mut self, cx: &mut Cx) -> bool {
        let Some(request) = self.pop(cx) else { return false };
        cx.request(request).pool_tag = WOKEN;
        cx.step(self.worker, PoolStep::Wake, Some(request), None);
        cx.after(Span::ZERO, Rank::Completion, Event::Woken { request });
        true
    }

    /// How far the request has come.
    pub fn asking(&self, request: RequestId, cx: &mut Cx) -> Asking {
        match cx.request(request).pool_tag {
            ANSWERED => Asking::Answered,
            WAITING => Asking::InLine,
            WOKEN => Asking::Woken,
            RESTING => Asking::Resting,
            place => Asking::At(place),
        }
    }

    /// The request gets no connection; a place that was to serve it serves nobody.
    pub fn refuse(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        match self.asking(request, cx) {
            Asking::InLine | Asking::Woken => self.leave_line(request, cx),
            Asking::At(place) => self.all[place as usize].user = None,
            Asking::Answered | Asking::Resting => {}
        }
        cx.request(request).pool_tag = ANSWERED;
        match why {
            Error::DeadlineExceeded => {}
            Error::PoolTimeout | Error::ConnectTimeout => cx.step(self.worker, PoolStep::Timeout, Some(request), None),
            _ => cx.step(self.worker, PoolStep::Error, Some(request), None),
        }
        cx.refuse(request, why);
    }

    /// The next request whose patience is over. After the last one the alarm is set again.
    pub fn overdue(&mut self, cx: &mut Cx) -> Option<RequestId> {
        let (now, worker) = (cx.now(), self.worker);
        let due = self.deadlines.due(now, |ticket| asks(cx.world, worker, ticket));
        if due.is_none()
            && let Some(next) = self.deadlines.rearm()
        {
            self.set_deadline(next, cx);
        }
        due.map(|(request, _)| request)
    }

    /// The request no longer waits for what is done to a place.
    pub fn asks_again(&mut self, request: RequestId, cx: &mut Cx) {
        cx.request(request).pool_tag = RESTING;
    }

    /// The request tries again after `pause`: [`Rang::Rested`].
    pub fn rest(&mut self, request: RequestId, pause: Span, cx: &mut Cx) {
        let resting = cx.request(request);
        resting.pool_tag = RESTING;
        self.rests += 1;
        self.resting.push((self.rests, (request, resting.asked)));
        let alarm = u64::from(self.rests) << 32 | u64::from(REST);
        cx.after(pause, Rank::Timer, Event::PoolRing { worker: self.worker, alarm });
    }

    pub(super) fn rested(&mut self, number: u32, cx: &Cx) -> Rang {
        let index = self.resting.iter().position(|(rest, _)| *rest == number).expect("who rests is written down until the alarm");
        let (_, ticket) = self.resting.remove(index);
        let rests = of(cx.world, self.worker, ticket).is_some_and(|request| request.pool_tag == RESTING);
        if rests { Rang::Rested(ticket.0) } else { Rang::Nothing }
    }

    fn pop(&mut self, cx: &Cx) -> Option<RequestId> {
        let worker = self.worker;
        while let Some(ticket) = self.line.pop_front() {
            if waits(cx.world, worker, ticket) {
                return Some(ticket.0);
            }
        }
        None
    }

    fn leave_line(&mut self, request: RequestId, cx: &mut Cx) {
        cx.request(request).pool_tag = ANSWERED;
        self.pending -= 1;
        cx.one_fewer_waits(self.worker);
        self.has_line(cx);
    }

    fn set_deadline(&self, due: SimTime, cx: &mut Cx) {
        cx.at(due, Rank::Timeout, Event::PoolRing { worker: self.worker, alarm: u64::from(DEADLINE) });
    }
}

/// Whether the holder of this ticket sleeps in the line of `worker`.
fn waits(world: &World, worker: WorkerId, ticket: Ticket) -> bool {
    of(world, worker, ticket).is_some_and(|request| request.pool_tag == WAITING)
}

/// Whether the holder of this ticket has not been answered.
fn asks(world: &World, worker: WorkerId, ticket: Ticket) -> bool {
    of(world, worker, ticket).is_some_and(|request| request.pool_tag != ANSWERED)
}

fn of(world: &World, worker: WorkerId, (request, asked): Ticket) -> Option<&Request> {
    let asking = world.requests.get(request)?;
    (asking.stage == Stage::Acquiring && asking.asked == asked && asking.worker == worker).then_some(asking)
}
