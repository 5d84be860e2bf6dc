//! Taking a connection and giving it back (`HikariPool.getConnection`, `ConcurrentBag`), step by step.

use super::State;
use crate::parts::pool::places::{Asking, Phase};
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::RequestId;

/// What a thread remembers at most.
const MOST_RECENT: usize = 50;

impl State {
    /// Borrow 1 to 3: what its thread gave back last, else the first idle one of the shared list; else it asks for another
    /// and waits.
    pub(super) fn borrow(&mut self, request: RequestId, cx: &mut Cx) {
        if let Some(place) = self.own_recent(request) {
            self.places.take(place, Some(request), cx);
            return self.validate(place, request, cx);
        }
        match self.first_idle() {
            Some(place) => {
                let waiting = self.places.pending;
                self.places.take(place, Some(request), cx);
                if waiting > 0 {
                    self.ask_for_another(waiting, cx);
                }
                self.validate(place, request, cx);
            }
            None => {
                self.places.wait(request, cx);
                self.ask_for_another(self.places.pending, cx);
            }
        }
    }

    pub(super) fn first_idle(&self) -> Option<u32> {
        self.bag.iter().copied().find(|place| self.places[*place].phase == Phase::Idle)
    }

    pub(super) fn own_recent(&mut self, request: RequestId) -> Option<u32> {
        let (owner, recent) = self.recent.get_mut(request.place())?;
        if *owner != Some(request) {
            return None;
        }
        while let Some(place) = recent.pop() {
            if self.places[place].phase == Phase::Idle {
                return Some(place);
            }
        }
        None
    }

    pub(super) fn remember(&mut self, place: u32, request: RequestId) {
        self.recent.resize(self.recent.len().max(request.place() + 1), (None, Vec::new()));
        let (owner, recent) = &mut self.recent[request.place()];
        if *owner != Some(request) {
            recent.clear();
        }
        *owner = Some(request);
        if recent.len() < MOST_RECENT {
            recent.push(place);
        }
    }

    /// Borrow 4: a marked one is closed, one that was idle for long is asked; after that all begins again.
    pub(super) fn validate(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        let idle = cx.now() - self.places[place].idle_since;
        // From here on it is the last access: this instant, before any validation, or the beginning of the last statement.
        self.places[place].idle_since = cx.now();
        if self.is_evicted(place, cx) {
            self.evict_and_borrow_again(place, request, cx);
        } else if idle > self.spec.alive_bypass_window {
            self.places.ask(place, StatementKind::Ping, cx);
        } else {
            self.places.lend(place, request, cx);
        }
    }

    pub(super) fn validated(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        match self.places[place].user {
            // The keepalive of an idle one.
            None if fine => {
                self.keep_alive(place, cx);
                self.requite(place, None, cx);
            }
            Some(request) if fine => self.places.lend(place, request, cx),
            Some(request) => self.evict_and_borrow_again(place, request, cx),
            None => self.evict(place, cx),
        }
    }

    /// Starts over with the remaining time, or 5: none remains.
    pub(super) fn again(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asks_again(request, cx);
        if cx.now() >= cx.request(request).asked + self.spec.connection_timeout {
            self.places.refuse(request, Error::PoolTimeout, cx);
        } else {
            self.borrow(request, cx);
        }
    }

    /// It can be taken at once, also by a newcomer or by whoever gives it back; the oldest waiter is told.
    pub(super) fn requite(&mut self, place: u32, from: Option<RequestId>, cx: &mut Cx) {
        let accessed = self.places[place].idle_since;
        let asked = self.places[place].conn.map_or(accessed, |conn| cx.conn(conn).asked);
        self.places.put(place, cx);
        self.places[place].idle_since = if from.is_some() { accessed.max(asked) } else { accessed };
        if !self.places.wake_behind(cx)
            && let Some(request) = from
        {
            self.remember(place, request);
        }
    }

    pub(super) fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        let asking = self.places.asking(request, cx);
        match asking {
            Asking::Answered => return,
            // The timeout does not cut a validation short.
            Asking::At(_) if why == Error::PoolTimeout => return,
            Asking::At(place) => {
                self.places.refuse(request, why, cx);
                self.evict(place, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
        if asking == Asking::Woken && !self.places.idle.is_empty() {
            self.places.wake_behind(cx);
        }
    }
}
