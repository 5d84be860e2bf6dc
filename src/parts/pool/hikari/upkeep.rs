//! What becomes of connections over time: ages, keepalives, the housekeeper.

use super::{HOUSEKEEPER, KEEPALIVE, LIFETIME, State};
use crate::kernel::time::{SimTime, Span};
use crate::parts::pool::places::Phase;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::event::RequestId;

const HOUSEKEEPING: Span = Span::from_secs(30);

impl State {
    /// Closed by a thread of its own: it no longer counts, and the pool is filled again.
    pub(super) fn evict(&mut self, place: u32, cx: &mut Cx) {
        self.discard(place, cx);
        self.fill(cx);
    }

    /// So is one that a borrower finds old or dead; he has gone on to the next before that thread looks how many are idle.
    pub(super) fn evict_and_borrow_again(&mut self, place: u32, request: RequestId, cx: &mut Cx) {
        self.discard(place, cx);
        self.again(request, cx);
        self.fill(cx);
    }

    fn discard(&mut self, place: u32, cx: &mut Cx) {
        self.places.idle.retain(|idle| *idle != place);
        self.bag.retain(|other| *other != place);
        self.places[place].user = None;
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
    }

    pub(super) fn is_evicted(&self, place: u32, cx: &Cx) -> bool {
        self.places[place].expires <= cx.now()
    }

    /// The timers of a new connection.
    pub(super) fn set_timers(&mut self, place: u32, cx: &mut Cx) {
        if !self.spec.max_lifetime.is_zero() {
            let lifetime = self.spec.max_lifetime.scaled(1.0 - 0.025 * self.dice.uniform());
            self.places[place].expires = cx.now() + lifetime;
            self.places.set(LIFETIME, place, lifetime, cx);
        }
        self.keep_alive(place, cx);
    }

    /// An idle one is closed; one in use is marked by its age, and closed when it comes back.
    pub(super) fn end_of_life(&mut self, place: u32, cx: &mut Cx) {
        if self.places[place].expires == cx.now() && self.places[place].phase == Phase::Idle {
            self.evict(place, cx);
        }
    }

    pub(super) fn keep_alive(&mut self, place: u32, cx: &mut Cx) {
        if !self.spec.keepalive_time.is_zero() {
            let span = self.spec.keepalive_time.scaled(1.0 - 0.1 * self.dice.uniform());
            self.keepalives.resize(self.keepalives.len().max(place as usize + 1), SimTime::NEVER);
            self.keepalives[place as usize] = cx.now() + span;
            self.places.set(KEEPALIVE, place, span, cx);
        }
    }

    pub(super) fn keepalive_due(&mut self, place: u32, cx: &mut Cx) {
        if self.keepalives[place as usize] != cx.now() {
            return;
        }
        match self.places[place].phase {
            Phase::Idle => {
                self.places.take(place, None, cx);
                self.places.ask(place, StatementKind::Ping, cx);
            }
            Phase::Gone => {}
            _ => self.keep_alive(place, cx),
        }
    }

    /// The longest idle are closed down to `minimumIdle`, then the pool is filled.
    pub(super) fn keep_house(&mut self, cx: &mut Cx) {
        self.places.set(HOUSEKEEPER, 0, HOUSEKEEPING, cx);
        let (now, idle_timeout) = (cx.now(), self.spec.idle_timeout);
        if !idle_timeout.is_zero() && self.spec.minimum_idle() < self.spec.maximum_pool_size {
            let surplus = self.places.idle.len().saturating_sub(self.spec.minimum_idle() as usize);
            let old = |place: &u32| now - self.places[*place].idle_since > idle_timeout;
            let closed: Vec<u32> = self.places.idle.iter().copied().filter(old).take(surplus).collect();
            for place in closed {
                self.evict(place, cx);
            }
        }
        self.fill(cx);
    }
}
