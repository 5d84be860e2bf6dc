//! The event list and the clock.
//!
//! **Who comes first in one instant** is one fixed rule: lower [`Rank`] first, within a rank the one scheduled first;
//! and what an event causes in its own instant ([`Agenda::at_once`]) happens, in the order in which it was caused,
//! before the next event of the list. Events at once never touch the list.
//!
//! **Where an event waits.** The nearest events are a short sorted array (`near`); the far ones lie unsorted
//! in a timing wheel (`wheel`), and come to the array slot by slot when it runs out. The array holds everything up to the
//! instant `horizon`, the wheel everything after it. Too full an array sends its later half to the wheel and draws the
//! horizon in. Only when more events than that wait for one single instant, the newcomers of that instant stand in a
//! heap, the crowd. So an event costs about the same with ten pending as with a million.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::kernel::agenda::near::Near;
use crate::kernel::agenda::wheel::{Entry, Wheel};
use crate::kernel::time::{SimTime, Span};

mod near;
#[cfg(test)]
mod tests;
mod wheel;

/// The order of events in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Whoever was woken, or goes on a turn later, in this very instant: when who runs has to wait, and before anything
    /// else comes.
    Wake,
    /// Something ends: a statement, a step, a message arrives. What it frees can be used by all that follows.
    Completion,
    /// A connection has been set up.
    Connection,
    /// Patience ends: a waiter whose deadline is now is still served by a completion of this instant.
    Timeout,
    /// Housekeeping.
    Timer,
    /// New work.
    Arrival,
}

/// Future events in order, and the time now.
#[derive(Clone)]
pub struct Agenda<E> {
    now: SimTime,
    scheduled: u64,
    /// What happens in this instant, in the order in which it was caused; forgotten when all of it has happened.
    at_once: Vec<E>,
    /// So much of it has happened.
    happened: usize,
    /// What happens up to `horizon`.
    near: Near<E>,
    /// What else happens up to `horizon`: latecomers to an instant that fills `near` alone.
    crowd: BinaryHeap<Reverse<InCrowd<E>>>,
    /// What happens after `horizon`.
    far: Wheel<E>,
    /// Never before `now`; the cursor of the wheel, with `now` equal to it in all digits above the wheel's lowest level in use.
    horizon: u64,
    /// Events have come near, out of many.
    drew: bool,
}

/// So many events wait in the array at most (those of one single instant excepted).
const NEAR: usize = 32;
/// So many events come from the wheel at a time.
const BATCH: usize = 16;
/// So many pending events are many: what they are about is more than a processor keeps at hand.
const MANY: usize = 4_000;

impl<E: Copy> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda {
            now: SimTime::ZERO,
            scheduled: 0,
            at_once: Vec::new(),
            happened: 0,
            near: Near::with_room(NEAR),
            crowd: BinaryHeap::new(),
            far: Wheel::default(),
            horizon: u64::MAX,
            drew: false,
        }
    }
}

impl<E: Copy> Agenda<E> {
    /// The time now.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// `event` happens in this instant, after all that has already been said to happen at once.
    #[inline]
    pub fn at_once(&mut self, event: E) {
        self.at_once.push(event);
    }

    /// `event` happens after `span`, among the events of `rank`; a span of zero still goes through the list.
    #[inline]
    pub fn after(&mut self, span: Span, rank: Rank, event: E) {
        self.at(self.now + span, rank, event);
    }

    /// `event` happens at `time`, which is not in the past.
    #[inline]
    pub fn at(&mut self, time: SimTime, rank: Rank, event: E) {
        assert!(time >= self.now, "nothing is scheduled in the past");
        self.scheduled += 1;
        let order = (rank as u64) << 60 | self.scheduled;
        let time = time.nanos();
        if self.near.len() >= NEAR || !self.near.takes_first(time, order, event) {
            self.insert(time, order, event);
        }
    }

    /// The next event not later than `end`, and the clock moves to it; without one the clock moves to `end`.
    #[inline]
    pub fn next(&mut self, end: SimTime) -> Option<E> {
        if let Some(&event) = self.at_once.get(self.happened) {
            self.happened += 1;
            return Some(event);
        }
        self.at_once.clear();
        self.happened = 0;
        if !self.crowd.is_empty() {
            self.call_from_crowd();
        }
        if self.near.len() == 0 {
            self.refill(end.nanos());
        }
        match self.near.first() {
            Some(&Entry { time, event, .. }) if time <= end.nanos() => {
                self.near.pop();
                self.now = SimTime::from_nanos(time);
                Some(event)
            }
            _ => {
                self.now = self.now.max(end);
                None
            }
        }
    }

    /// Whether events have come near since this was last asked, out of very many. They are the [`Agenda::coming`] ones.
    #[inline]
    pub fn drew_near(&mut self) -> bool {
        self.drew && std::mem::take(&mut self.drew)
    }

    /// The next events of the list, in order.
    pub fn coming(&self) -> impl Iterator<Item = E> {
        self.near.entries().iter().map(|entry| entry.event)
    }

    /// How many events are still to come.
    pub fn pending(&self) -> usize {
        self.at_once.len() - self.happened + self.near.len() + self.crowd.len() + self.far.len()
    }

    /// `event` gets its place, which is not before all others.
    #[inline(never)] // `at` stays short: most events come before all others
    fn insert(&mut self, time: u64, order: u64, event: E) {
        if time > self.horizon {
            self.far.put(self.horizon, time, order, event);
        } else if self.near.len() < NEAR {
            self.near.insert(time, order, event);
        } else {
            self.insert_into_full(time, order, event);
        }
    }

    /// Makes room by drawing the horizon in, to about the middle of the array.
    ///
    /// It has to end where a slot ends, on the level on which now and the farthest entry part: else a horizon drawn in
    /// once more could leave the digits that the wheel's levels rest on.
    #[cold]
    fn insert_into_full(&mut self, time: u64, order: u64, event: E) {
        let near = self.near.entries();
        let (now, middle, farthest) = (self.now.nanos(), near[near.len() / 2].time, near[near.len() - 1].time);
        let width = wheel::slot_width(now, farthest);
        let (farthest_slot, middle_slot) = (farthest / width, middle / width);
        self.horizon = if now == farthest { now } else { (middle_slot + 1).min(farthest_slot) * width - 1 };
        for later in self.near.split(self.horizon) {
            self.far.put(self.horizon, later.time, later.order, later.event);
        }
        if time > self.horizon {
            self.far.put(self.horizon, time, order, event);
        } else if self.near.len() < NEAR {
            self.near.insert(time, order, event);
        } else {
            self.crowd.push(Reverse(InCrowd(Entry { time, order, event })));
        }
    }

    /// Fills the empty array with the earliest events of the wheel, unless all are later than `end`.
    ///
    /// A slot is divided only when time has reached it or reaches it in this call: what is scheduled next is then never
    /// before the cursor's slot.
    #[inline(never)] // `next` stays short
    fn refill(&mut self, end: u64) {
        self.drew = self.far.len() > MANY;
        self.near.fill(|near| {
            loop {
                let Some(slot) = self.far.earliest(self.horizon) else {
                    self.horizon = u64::MAX;
                    break;
                };
                let enough = near.len() + self.far.count(slot) > BATCH;
                if slot.start > end || enough && !near.is_empty() {
                    self.horizon = slot.start - 1;
                    break;
                }
                self.horizon = slot.start;
                if enough && !slot.instant {
                    self.far.divide(slot);
                } else {
                    self.far.take(slot, near);
                }
            }
        });
    }

    /// Whoever comes first in the crowd joins the array, if it comes before the first there.
    #[cold]
    fn call_from_crowd(&mut self) {
        if let Some(Reverse(InCrowd(first))) = self.crowd.peek()
            && self.near.first().is_none_or(|near| first.key() < near.key())
        {
            self.near.insert(first.time, first.order, first.event);
            self.crowd.pop();
        }
    }
}

/// An entry that the heap can compare.
#[derive(Clone)]
struct InCrowd<E>(Entry<E>);

impl<E> PartialEq for InCrowd<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}
impl<E> Eq for InCrowd<E> {}
impl<E> PartialOrd for InCrowd<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for InCrowd<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key().cmp(&other.0.key())
    }
}
