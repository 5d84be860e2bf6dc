//! Cores that statements wait for, first come, first served.

use std::collections::VecDeque;

use super::sessions::Spell;
use crate::kernel::time::Span;

/// Cores that each run one statement to its end.
#[derive(Clone)]
pub struct Queue {
    // Parameter.
    cores: u32,
    // State.
    busy: u32,
    /// By place of the session: whether it has a core.
    has_core: Vec<bool>,
    waiting: VecDeque<(Spell, Span)>,
}

impl Queue {
    /// `cores` idle cores.
    pub fn new(cores: u32) -> Queue {
        Queue { cores, busy: 0, has_core: Vec::new(), waiting: VecDeque::new() }
    }

    /// Work comes in: the caller starts it if this says so, else it waits.
    pub fn enter(&mut self, spell: Spell, demand: Span) -> bool {
        if self.has_core.len() <= spell.place as usize {
            self.has_core.resize(spell.place as usize + 1, false);
        }
        let starts = self.busy < self.cores;
        if starts {
            self.busy += 1;
            self.has_core[spell.place as usize] = true;
        } else {
            self.waiting.push_back((spell, demand));
        }
        starts
    }

    /// The work of the session in `place` is over, done or not; the caller starts what is returned, which is the first
    /// that waits and still matters.
    pub fn leave(&mut self, place: u32, mut matters: impl FnMut(Spell) -> bool) -> Option<(Spell, Span)> {
        if !std::mem::replace(&mut self.has_core[place as usize], false) {
            return None;
        }
        while let Some((spell, demand)) = self.waiting.pop_front() {
            if matters(spell) {
                self.has_core[spell.place as usize] = true;
                return Some((spell, demand));
            }
        }
        self.busy -= 1;
        None
    }

    /// All work is gone.
    pub fn clear(&mut self) {
        self.busy = 0;
        self.has_core.fill(false);
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(place: u32) -> Spell {
        Spell { place, turn: 0 }
    }

    #[test]
    fn whoever_waits_longest_gets_the_core_that_comes_free_unless_it_no_longer_cares() {
        let demand = Span::from_millis(1);
        let mut queue = Queue::new(2);
        let start: Vec<bool> = (0..5).map(|place| queue.enter(spell(place), demand)).collect();
        assert_eq!(start, [true, true, false, false, false]);
        assert_eq!(queue.leave(2, |_| true), None, "it waited and had no core to give");
        let next = queue.leave(1, |waits| waits != spell(2));
        assert_eq!(next, Some((spell(3), demand)));
        assert_eq!(queue.leave(0, |_| true), Some((spell(4), demand)));
        assert_eq!(queue.leave(3, |_| true), None, "nobody waits: the core is idle");
        assert!(queue.enter(spell(0), demand), "and taken by the next to come");
    }
}
