//! The event list and the clock.
//!
//! **Who comes first in one instant** is one fixed rule: lower [`Rank`] first, within a rank the one scheduled first;
//! and what an event causes in its own instant ([`Agenda::at_once`]) happens, in the order in which it was caused,
//! before the next event of the list. Events at once never touch the list.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::kernel::time::{SimTime, Span};

/// The order of events in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Something ends: a statement, a step, a message arrives. What it frees can be used by all that follows.
    Completion = 0,
    /// A connection has been set up.
    Connection = 1,
    /// Patience ends: a waiter whose deadline is now is still served by a completion of this instant.
    Timeout = 2,
    /// Housekeeping.
    Timer = 3,
    /// New work.
    Arrival = 4,
}

/// Future events in order, and the time now.
pub struct Agenda<E> {
    now: SimTime,
    scheduled: u64,
    list: BinaryHeap<Reverse<Entry<E>>>,
    at_once: VecDeque<E>,
}

struct Entry<E> {
    time: u64,
    order: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.order) == (other.time, other.order)
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl<E: Copy> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda { now: SimTime::ZERO, scheduled: 0, list: BinaryHeap::new(), at_once: VecDeque::new() }
    }
}

impl<E: Copy> Agenda<E> {
    /// The time now.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// `event` happens in this instant, after all that has already been said to happen at once.
    pub fn at_once(&mut self, event: E) {
        self.at_once.push_back(event);
    }

    /// `event` happens after `span`, among the events of `rank`; a span of zero still goes through the list.
    pub fn after(&mut self, span: Span, rank: Rank, event: E) {
        self.at(self.now + span, rank, event);
    }

    /// `event` happens at `time`, which is not in the past.
    pub fn at(&mut self, time: SimTime, rank: Rank, event: E) {
        debug_assert!(time >= self.now, "nothing is scheduled in the past");
        self.scheduled += 1;
        let order = (rank as u64) << 60 | self.scheduled;
        self.list.push(Reverse(Entry { time: time.nanos(), order, event }));
    }

    /// The next event not later than `end`, and the clock moves to it; without one the clock moves to `end`.
    pub fn next(&mut self, end: SimTime) -> Option<E> {
        if let Some(event) = self.at_once.pop_front() {
            return Some(event);
        }
        match self.list.peek() {
            Some(Reverse(entry)) if entry.time <= end.nanos() => {
                let Reverse(entry) = self.list.pop().expect("it was just looked at");
                self.now = SimTime::from_nanos(entry.time);
                Some(entry.event)
            }
            _ => {
                self.now = self.now.max(end);
                None
            }
        }
    }

    /// How many events are still to come.
    pub fn pending(&self) -> usize {
        self.list.len() + self.at_once.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_is_ordered_by_rank_then_by_scheduling_and_consequences_come_first() {
        let mut agenda = Agenda::default();
        let second = Span::from_secs(1);
        agenda.after(second, Rank::Arrival, "arrival");
        agenda.after(second, Rank::Timeout, "timeout");
        agenda.after(second, Rank::Completion, "first completion");
        agenda.after(second, Rank::Completion, "second completion");
        let end = SimTime::NEVER;
        assert_eq!(agenda.next(end), Some("first completion"));
        agenda.at_once("its consequence");
        agenda.after(Span::ZERO, Rank::Connection, "scheduled for now");
        let rest: Vec<_> = std::iter::from_fn(|| agenda.next(end)).collect();
        assert_eq!(rest, ["its consequence", "second completion", "scheduled for now", "timeout", "arrival"]);
    }

    #[test]
    fn the_clock_stops_at_the_end_and_later_events_stay() {
        let mut agenda = Agenda::default();
        agenda.after(Span::from_secs(5), Rank::Timer, ());
        assert_eq!(agenda.next(SimTime::from_nanos(7)), None);
        assert_eq!((agenda.now(), agenda.pending()), (SimTime::from_nanos(7), 1));
    }
}
