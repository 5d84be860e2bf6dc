//! The nearest events, sorted: an array that is read from its front, and that makes room towards its nearer end.

use crate::kernel::agenda::wheel::{Entry, key};

/// So many places of events that are gone may lie before the first one.
const GAP: usize = 96;

/// Entries in order.
#[derive(Clone)]
pub struct Near<E> {
    /// Ascending from `first` on.
    entries: Vec<Entry<E>>,
    first: usize,
}

impl<E: Copy> Near<E> {
    /// Nothing, with room for `room` events.
    pub fn with_room(room: usize) -> Near<E> {
        Near { entries: Vec::with_capacity(room + GAP), first: 0 }
    }

    /// How many events it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len() - self.first
    }

    /// All entries, the next one first.
    #[inline]
    pub fn entries(&self) -> &[Entry<E>] {
        &self.entries[self.first..]
    }

    /// The next entry.
    #[inline]
    pub fn first(&self) -> Option<&Entry<E>> {
        self.entries.get(self.first)
    }

    /// Forgets the first entry.
    #[inline]
    pub fn pop(&mut self) {
        self.first += 1;
        if self.first == self.entries.len() {
            self.entries.clear();
            self.first = 0;
        }
    }

    /// Puts an entry before all others, if that is its place, and if there are others and there is room before them.
    ///
    /// As in [`Near::insert`] it goes there straight from registers.
    #[inline(always)]
    pub fn takes_first(&mut self, time: u64, order: u64, event: E) -> bool {
        let takes = self.first > 0 && self.first().is_some_and(|first| key(time, order) < first.key());
        if takes {
            self.first -= 1;
            self.entries[self.first] = Entry { time, order, event };
        }
        takes
    }

    /// Puts an entry in its place, from whichever end is nearer: a new event is often one of the next or the last of all.
    ///
    /// In parts and always inlined, so that the entry goes from registers straight to its place: copied from the stack,
    /// where it was written in parts, it would stall the processor.
    #[inline(always)]
    pub fn insert(&mut self, time: u64, order: u64, event: E) {
        let key = key(time, order);
        let place = if self.first > 0 && key < self.entries[self.first + self.len() / 2].key() {
            self.first -= 1;
            self.shift_earlier(key)
        } else {
            if self.first >= GAP {
                self.close_gap();
            }
            self.entries.push(Entry { time, order, event });
            self.shift_later(key)
        };
        self.entries[place] = Entry { time, order, event };
    }

    /// Fills the empty array with what `add` appends, in whatever order.
    pub fn fill(&mut self, add: impl FnOnce(&mut Vec<Entry<E>>)) {
        add(&mut self.entries);
        self.entries.sort_unstable_by_key(Entry::key);
    }

    /// Gives away all entries after `time`.
    pub fn split(&mut self, time: u64) -> impl Iterator<Item = Entry<E>> {
        self.close_gap();
        let kept = self.entries.partition_point(|entry| entry.time <= time);
        self.entries.drain(kept..)
    }

    /// Moves entries before `key` one place forward, over the first one, and says which place is free now.
    #[inline(always)]
    fn shift_earlier(&mut self, key: u128) -> usize {
        let entries = &mut self.entries[self.first..];
        let mut free = 0;
        for place in 1..entries.len() {
            if entries[place].key() > key {
                break;
            }
            entries[free] = entries[place];
            free = place;
        }
        self.first + free
    }

    /// Moves entries after `key` one place back, over the last one, and says which place is free now.
    #[inline(always)]
    fn shift_later(&mut self, key: u128) -> usize {
        let mut place = self.entries.len() - 1;
        while place > self.first && self.entries[place - 1].key() > key {
            self.entries[place] = self.entries[place - 1];
            place -= 1;
        }
        place
    }

    #[cold]
    fn close_gap(&mut self) {
        self.entries.drain(..self.first);
        self.first = 0;
    }
}
