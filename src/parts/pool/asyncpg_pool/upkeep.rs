//! What asyncpg's pool does by itself: its start, inactivity timers, and maintenance of `min_size`.

use super::{INACTIVE, MAINTAIN, State};
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;

pub(super) const FIRST_RETRY: Span = Span::from_secs(1);
const LAST_RETRY: Span = Span::from_secs(60);

impl State {
    pub(super) fn watch(&mut self, place: u32, cx: &mut Cx) {
        let lifetime = self.spec.max_inactive_connection_lifetime;
        self.timers[place as usize] += 1;
        if !lifetime.is_zero() && self.inactive.add(cx.now() + lifetime, (place, self.timers[place as usize])).is_some() {
            self.places.set(INACTIVE, 0, lifetime, cx);
        }
    }

    /// The timers of idle connections; `min_size` of them stay, and are not looked at again before their next use.
    pub(super) fn end_inactive(&mut self, cx: &mut Cx) {
        loop {
            let timers = &self.timers;
            let Some((place, _)) = self.inactive.due(cx.now(), |(place, timer)| timers[place as usize] == timer) else { break };
            if self.live > self.spec.min_size {
                self.hang_up(place, cx);
            }
        }
        if let Some(next) = self.inactive.rearm() {
            self.places.set(INACTIVE, 0, next.since(cx.now()), cx);
        }
    }

    pub(super) fn begin_maintenance(&mut self) -> bool {
        let begins = self.live < self.spec.min_size && !self.maintaining && self.started;
        if begins {
            self.maintaining = true;
            self.retry = FIRST_RETRY;
        }
        begins
    }

    /// The maintenance task runs when all that was woken has run, and what else is lost in this instant is lost.
    pub(super) fn maintain_soon(&mut self, cx: &mut Cx) {
        if self.begin_maintenance() {
            self.places.set(MAINTAIN, 0, Span::ZERO, cx);
        }
    }

    /// It refills to `min_size`, one after the other.
    pub(super) fn maintain(&mut self, cx: &mut Cx) {
        let dead = self.places.idle.iter().rev().copied().find(|place| self.places[*place].conn.is_none());
        match dead {
            Some(place) if self.live < self.spec.min_size => {
                self.places.take(place, None, cx);
                self.places.connect(place, None, cx);
            }
            _ => self.maintaining = false,
        }
    }

    /// It has connected a holder and goes on.
    pub(super) fn maintained(&mut self, place: u32, cx: &mut Cx) {
        self.put(place, cx);
        self.retry = FIRST_RETRY;
        self.maintain(cx);
    }

    /// It could not connect a holder, and rests.
    pub(super) fn maintain_later(&mut self, place: u32, cx: &mut Cx) {
        self.put(place, cx);
        self.places.set(MAINTAIN, 0, self.retry, cx);
        self.retry = (self.retry + self.retry).min(LAST_RETRY);
    }

    /// The pool starts: its holders, of which the one on top is connected.
    pub(super) fn begin(&mut self, cx: &mut Cx) {
        let all: Vec<u32> = (0..self.spec.max_size).map(|_| self.places.add(cx)).collect();
        let size = self.spec.init_size.unwrap_or(self.spec.min_size) as usize;
        let mut holders = all.into_iter().rev().take(size);
        let Some(first) = holders.next() else { return self.open(cx) };
        self.starting = holders.collect();
        self.connecting = 1;
        self.places.connect(first, None, cx);
    }

    /// One of the first connects is over. After the very first come all others, after the last of them the pool is open.
    pub(super) fn start_next(&mut self, cx: &mut Cx) {
        self.connecting -= 1;
        for place in std::mem::take(&mut self.starting) {
            self.connecting += 1;
            self.places.connect(place, None, cx);
        }
        if self.connecting == 0 {
            self.open(cx);
        }
    }

    fn open(&mut self, cx: &mut Cx) {
        self.started = true;
        for place in 0..self.spec.max_size {
            self.put(place, cx);
        }
        self.maintain_soon(cx);
    }
}
