//! Names for things: small typed ids, and a slab whose ids go stale when their thing has gone.

use std::fmt;
use std::marker::PhantomData;
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
pub struct Id<T> {
    place: u32,
    generation: u32,
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
        self.place == other.place && self.generation == other.generation
    }
}
impl<T> Eq for Id<T> {}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "#{}.{}", self.place, self.generation)
    }
}

impl<T> Id<T> {
    /// Its place in the slab, free to be reused after it has gone: for tables kept beside the slab.
    pub fn place(self) -> usize {
        self.place as usize
    }
}

/// Things that come and go. Places are reused newest first, so memory follows how many live at once.
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    living: usize,
}

struct Place<T> {
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
    pub fn claim(&mut self) -> Id<T> {
        self.living += 1;
        if let Some(place) = self.free.pop() {
            let found = &mut self.places[place as usize];
            found.lives = true;
            return Id { place, generation: found.generation, of: PhantomData };
        }
        let place = u32::try_from(self.places.len()).expect("fewer than four thousand million things live at once");
        self.places.push(Place { generation: 0, lives: true, thing: T::default() });
        Id { place, generation: 0, of: PhantomData }
    }
}

impl<T> Slab<T> {
    /// Gives the place back; every copy of `id` is stale from now on.
    pub fn free(&mut self, id: Id<T>) {
        let found = &mut self.places[id.place as usize];
        debug_assert!(found.lives && found.generation == id.generation, "a thing goes once");
        found.lives = false;
        found.generation = found.generation.wrapping_add(1);
        self.free.push(id.place);
        self.living -= 1;
    }

    /// The thing, unless it has gone.
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        self.places.get(id.place as usize).filter(|p| p.lives && p.generation == id.generation).map(|p| &p.thing)
    }

    /// The thing, to change it, unless it has gone.
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.places.get_mut(id.place as usize).filter(|p| p.lives && p.generation == id.generation).map(|p| &mut p.thing)
    }

    /// How many live now.
    pub fn living(&self) -> usize {
        self.living
    }

    /// All that live now, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, p)| p.lives)
            .map(|(place, p)| (Id { place: place as u32, generation: p.generation, of: PhantomData }, &p.thing))
    }
}

impl<T> Index<Id<T>> for Slab<T> {
    type Output = T;
    fn index(&self, id: Id<T>) -> &T {
        let found = &self.places[id.place as usize];
        debug_assert!(found.generation == id.generation, "the thing behind an id that is used without asking lives");
        &found.thing
    }
}

impl<T> IndexMut<Id<T>> for Slab<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        let found = &mut self.places[id.place as usize];
        debug_assert!(found.generation == id.generation, "the thing behind an id that is used without asking lives");
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
