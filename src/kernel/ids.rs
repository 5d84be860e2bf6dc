//! Names for things: small typed ids, and a slab whose ids go stale when their thing has gone.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ops::{Index, IndexMut};

/// Declares ids of things that live for the whole run: a plain index with a type of its own.
#[macro_export]
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// Where its thing stands in a table.
            pub const fn index(self) -> usize { self.0 as usize }
        }
    )* };
}

/// The id of something in a [`Slab`]: it outlives its thing safely, since a reused place has another generation.
///
/// One word, so that it is written and read in one piece: places above, generations below. Generations are odd, so that no id
/// is zero.
pub struct Id<T> {
    bits: NonZeroU64,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Id<T> {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Id<T>) -> bool {
        self.bits == other.bits
    }
}
impl<T> Eq for Id<T> {}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "#{}.{}", self.place(), self.generation())
    }
}

impl<T> Id<T> {
    /// Its place in the slab, free to be reused after it has gone: for tables kept beside the slab.
    #[inline]
    pub fn place(self) -> usize {
        (self.bits.get() >> 32) as usize
    }

    /// The id as a number.
    #[inline]
    pub fn to_bits(self) -> u64 {
        self.bits.get()
    }

    /// The id that [`Id::to_bits`] gave as this number.
    #[inline]
    pub fn from_bits(bits: u64) -> Id<T> {
        Id { bits: NonZeroU64::new(bits | 1).expect("an odd number is not zero"), of: PhantomData }
    }

    #[inline]
    fn new(place: u32, generation: u32) -> Id<T> {
        Id::from_bits(u64::from(place) << 32 | u64::from(generation))
    }

    #[inline]
    fn generation(self) -> u32 {
        self.bits.get() as u32
    }
}

/// Things that come and go. Places are reused newest first, so memory follows how many live at once.
#[derive(Clone)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    living: usize,
}

#[derive(Clone)]
struct Place<T> {
    /// 1, 3, 5 …
    generation: u32,
    lives: bool,
    thing: T,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { places: Vec::new(), free: Vec::new(), living: 0 }
    }
}

impl<T: Default> Slab<T> {
    /// A place for a new thing. What stood there last is handed over as it was left, so that its buffers can be used again.
    #[inline]
    pub fn claim(&mut self) -> Id<T> {
        self.living += 1;
        if let Some(place) = self.free.pop() {
            let found = &mut self.places[place as usize];
            found.lives = true;
            return Id::new(place, found.generation);
        }
        let place = u32::try_from(self.places.len()).expect("fewer than four thousand million things live at once");
        self.places.push(Place { generation: 1, lives: true, thing: T::default() });
        Id::new(place, 1)
    }
}

impl<T> Slab<T> {
    /// Gives the place back; every copy of `id` is stale from now on.
    #[inline]
    pub fn free(&mut self, id: Id<T>) {
        let found = &mut self.places[id.place()];
        debug_assert!(found.lives && found.generation == id.generation(), "a thing goes once");
        found.lives = false;
        found.generation = found.generation.wrapping_add(2);
        self.free.push(id.place() as u32);
        self.living -= 1;
    }

    /// The thing, unless it has gone. (What goes takes its generation along, so that no id has a free place's.)
    #[inline]
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        match self.places.get(id.place()) {
            Some(place) if place.generation == id.generation() => Some(&place.thing),
            _ => None,
        }
    }

    /// The thing, to change it, unless it has gone.
    #[inline]
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        match self.places.get_mut(id.place()) {
            Some(place) if place.generation == id.generation() => Some(&mut place.thing),
            _ => None,
        }
    }

    /// How many live now.
    pub fn living(&self) -> usize {
        self.living
    }

    /// All that live now, to change them, in the order of their places.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter(|p| p.lives).map(|p| &mut p.thing)
    }

    /// All that live now, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.places.iter().enumerate().filter(|(_, p)| p.lives).map(|(place, p)| (Id::new(place as u32, p.generation), &p.thing))
    }
}

impl<T> Index<Id<T>> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, id: Id<T>) -> &T {
        let found = &self.places[id.place()];
        debug_assert!(found.generation == id.generation(), "the thing behind an id that is used without asking lives");
        &found.thing
    }
}

impl<T> IndexMut<Id<T>> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        let found = &mut self.places[id.place()];
        debug_assert!(found.generation == id.generation(), "the thing behind an id that is used without asking lives");
        &mut found.thing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_something_gone_finds_nothing_even_when_its_place_is_reused() {
        let mut slab: Slab<u8> = Slab::default();
        let old = slab.claim();
        slab[old] = 7;
        slab.free(old);
        let new = slab.claim();
        assert_eq!(new.place(), old.place());
        assert!(slab.get(old).is_none());
        assert_eq!(slab.get(new), Some(&7), "buffers of the last one are handed over");
        assert_eq!(slab.living(), 1);
    }
}
