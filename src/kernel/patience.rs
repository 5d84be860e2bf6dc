//! Deadlines of one length: first in, first due, so a queue of them needs at most one alarm.

use std::collections::VecDeque;

use crate::kernel::time::SimTime;

/// A queue of deadlines that are added in the order in which they fall due. Deadlines that no longer matter cost
/// nothing but a look when they reach the head, and none of them is ever in the event list.
#[derive(Clone)]
pub struct Patience<T> {
    queue: VecDeque<(SimTime, T)>,
    armed: bool,
}

impl<T> Default for Patience<T> {
    fn default() -> Patience<T> {
        Patience { queue: VecDeque::new(), armed: false }
    }
}

impl<T: Copy> Patience<T> {
    /// Adds a deadline; when this returns a time, the caller sets one alarm for it.
    pub fn add(&mut self, due: SimTime, what: T) -> Option<SimTime> {
        debug_assert!(self.queue.back().is_none_or(|(last, _)| *last <= due), "deadlines of one length come in order");
        self.queue.push_back((due, what));
        (!std::mem::replace(&mut self.armed, true)).then_some(due)
    }

    /// The alarm rang: takes the next deadline that is due at `now` and still matters. The caller goes on until there
    /// is none and then asks [`Patience::rearm`].
    pub fn due(&mut self, now: SimTime, mut matters: impl FnMut(T) -> bool) -> Option<T> {
        while let Some(&(due, what)) = self.queue.front() {
            let alive = matters(what);
            if alive && due > now {
                return None;
            }
            self.queue.pop_front();
            if alive {
                return Some(what);
            }
        }
        None
    }

    /// After the last due deadline: the time for the next alarm, if anything is left.
    pub fn rearm(&mut self) -> Option<SimTime> {
        let next = self.queue.front().map(|(due, _)| *due);
        self.armed = next.is_some();
        next
    }

    /// Drops deadlines at the head that no longer matter, so that the queue stays as long as what waits.
    pub fn tidy(&mut self, mut matters: impl FnMut(T) -> bool) {
        while self.queue.front().is_some_and(|(_, what)| !matters(*what)) {
            self.queue.pop_front();
        }
    }
}
