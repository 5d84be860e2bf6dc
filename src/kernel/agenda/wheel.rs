//! Far events, in a timing wheel of wheels: unsorted slots, each level's slots 64 times as wide as those of the level below.
//!
//! An event's level is the highest base-64 digit in which its time differs from the **cursor**, its slot is that digit
//! of its time. So all that a level holds is earlier than all that a higher level holds, the earliest slot of a level is
//! the lowest bit of its occupancy word, and an event moves down at most once a level.
//!
//! The cursor belongs to the caller, who passes it in with every call. He may move it forward, to any instant before the
//! earliest slot or to the start of the slot he has just taken; and back, as long as it keeps all its digits above the lowest
//! level in use: then no event's level changes.

/// How wide the slots are on the level on which two instants part.
pub fn slot_width(one: u64, other: u64) -> u64 {
    1 << (level(one, other) * BITS)
}

/// The highest digit in which two instants differ.
fn level(one: u64, other: u64) -> usize {
    ((one ^ other) | 1).ilog2() as usize / BITS
}

/// One event on the list, and its place: by time, then by `order` (its rank, then its number in order of scheduling).
#[derive(Clone, Copy)]
pub struct Entry<E> {
    pub time: u64,
    pub order: u64,
    pub event: E,
}

impl<E> Entry<E> {
    /// Its place among others.
    #[inline]
    pub fn key(&self) -> u128 {
        key(self.time, self.order)
    }
}

/// Both parts of the order as one number: compared without a branch.
#[inline]
pub fn key(time: u64, order: u64) -> u128 {
    u128::from(time) << 64 | u128::from(order)
}

/// The earliest slot in use.
#[derive(Clone, Copy)]
pub struct Slot {
    /// The first instant that belongs to it.
    pub start: u64,
    /// Whether it is one instant wide, so that it cannot be divided.
    pub instant: bool,
    index: usize,
}

/// Bits of one digit.
const BITS: usize = 6;
/// Slots of one level.
const SLOTS: usize = 1 << BITS;
/// Digits of a time.
const LEVELS: usize = 64usize.div_ceil(BITS);
/// An emptied slot keeps room for so many entries; a larger buffer is given back, so that memory follows what is pending.
const KEPT: usize = 64;

/// Unsorted far events by when they happen.
#[derive(Clone)]
pub struct Wheel<E> {
    slots: Vec<Vec<Entry<E>>>,
    /// A bit for each slot in use.
    occupied: [u64; LEVELS],
    /// A bit for each level in use.
    levels: u32,
    len: usize,
}

impl<E: Copy> Default for Wheel<E> {
    fn default() -> Wheel<E> {
        Wheel { slots: (0..LEVELS * SLOTS).map(|_| Vec::new()).collect(), occupied: [0; LEVELS], levels: 0, len: 0 }
    }
}

impl<E: Copy> Wheel<E> {
    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Takes in an event that is not before `cursor`.
    #[inline]
    pub fn put(&mut self, cursor: u64, time: u64, order: u64, event: E) {
        let level = level(time, cursor);
        let digit = (time >> (level * BITS)) as usize % SLOTS;
        self.slots[level * SLOTS + digit].push(Entry { time, order, event });
        self.occupied[level] |= 1 << digit;
        self.levels |= 1 << level;
        self.len += 1;
    }

    /// Where the earliest events are.
    #[inline]
    pub fn earliest(&self, cursor: u64) -> Option<Slot> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let shift = level * BITS;
        let above = cursor & !((SLOTS as u64 - 1) << shift) & (u64::MAX << shift);
        Some(Slot { start: above | (digit as u64) << shift, instant: level == 0, index: level * SLOTS + digit })
    }

    /// How many events are in `slot`.
    pub fn count(&self, slot: Slot) -> usize {
        self.slots[slot.index].len()
    }

    /// Moves all events of `slot` to the end of `to`.
    #[inline]
    pub fn take(&mut self, slot: Slot, to: &mut Vec<Entry<E>>) {
        self.vacate(slot);
        let entries = &mut self.slots[slot.index];
        self.len -= entries.len();
        for &entry in entries.iter() {
            to.push(entry);
        }
        entries.clear();
        if entries.capacity() > KEPT {
            *entries = Vec::new();
        }
    }

    /// Spreads the events of `slot` over the levels below; the cursor is now the start of the slot.
    pub fn divide(&mut self, slot: Slot) {
        self.vacate(slot);
        let mut entries = std::mem::take(&mut self.slots[slot.index]);
        self.len -= entries.len();
        for entry in entries.drain(..) {
            self.put(slot.start, entry.time, entry.order, entry.event);
        }
        if entries.capacity() <= KEPT {
            self.slots[slot.index] = entries;
        }
    }

    fn vacate(&mut self, slot: Slot) {
        let (level, digit) = (slot.index / SLOTS, slot.index % SLOTS);
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_a_crowd_are_given_back() {
        let mut wheel = Wheel::default();
        let mut taken = Vec::new();
        for event in 0..100_000_u64 {
            wheel.put(0, 1_000_000_000 + event % 50_000, event, event);
        }
        let mut cursor = 0;
        while let Some(slot) = wheel.earliest(cursor) {
            cursor = slot.start;
            if slot.instant { wheel.take(slot, &mut taken) } else { wheel.divide(slot) }
        }
        assert_eq!((wheel.len(), taken.len()), (0, 100_000));
        assert!(taken.is_sorted_by_key(|entry| entry.time), "instants come in order");
        assert!(wheel.slots.iter().all(|slot| slot.capacity() <= KEPT));
    }
}
