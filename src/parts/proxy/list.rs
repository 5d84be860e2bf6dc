//! Tables and lists as a pooler's process keeps them: small numbers for sockets, and lists that link through their table.

use std::ops::{Index, IndexMut};

/// Things under small numbers that are used again, each of them in one [`List`] at a time.
#[derive(Clone)]
pub(super) struct Table<T> {
    things: Vec<T>,
    links: Vec<Link>,
    free: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Link {
    before: Option<u32>,
    after: Option<u32>,
}

/// A list through the links of a table; every step of it takes constant time.
#[derive(Clone, Default)]
pub(super) struct List {
    first: Option<u32>,
    last: Option<u32>,
    length: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { things: Vec::new(), links: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Takes `thing` in and says its number.
    pub(super) fn add(&mut self, thing: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.things[number as usize] = thing;
            return number;
        }
        self.things.push(thing);
        self.links.push(Link { before: None, after: None });
        self.things.len() as u32 - 1
    }

    /// Lets the number be used again. What stands there stays until then, so it has to say itself that it has gone.
    pub(super) fn free(&mut self, number: u32) {
        self.free.push(number);
    }

    /// How many there are.
    pub(super) fn living(&self) -> usize {
        self.things.len() - self.free.len()
    }

    /// All numbers that were ever used.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        0..self.things.len() as u32
    }

    /// Who comes after `number` in its list.
    pub(super) fn after(&self, number: u32) -> Option<u32> {
        self.links[number as usize].after
    }
}

impl<T> Index<u32> for Table<T> {
    type Output = T;
    fn index(&self, number: u32) -> &T {
        &self.things[number as usize]
    }
}

impl<T> IndexMut<u32> for Table<T> {
    fn index_mut(&mut self, number: u32) -> &mut T {
        &mut self.things[number as usize]
    }
}

impl List {
    /// Puts `number` at the head.
    pub(super) fn prepend<T>(&mut self, table: &mut Table<T>, number: u32) {
        table.links[number as usize] = Link { before: None, after: self.first };
        match self.first.replace(number) {
            Some(second) => table.links[second as usize].before = Some(number),
            None => self.last = Some(number),
        }
        self.length += 1;
    }

    /// Puts `number` at the tail.
    pub(super) fn append<T>(&mut self, table: &mut Table<T>, number: u32) {
        table.links[number as usize] = Link { before: self.last, after: None };
        match self.last.replace(number) {
            Some(second) => table.links[second as usize].after = Some(number),
            None => self.first = Some(number),
        }
        self.length += 1;
    }

    /// Takes `number`, which is in this list, out of it.
    pub(super) fn remove<T>(&mut self, table: &mut Table<T>, number: u32) {
        let Link { before, after } = table.links[number as usize];
        match before {
            Some(before) => table.links[before as usize].after = after,
            None => self.first = after,
        }
        match after {
            Some(after) => table.links[after as usize].before = before,
            None => self.last = before,
        }
        self.length -= 1;
    }

    /// Who stands at the head.
    pub(super) fn first(&self) -> Option<u32> {
        self.first
    }

    /// Who stands at the tail.
    pub(super) fn last(&self) -> Option<u32> {
        self.last
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nobody.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(list: &List, table: &Table<char>) -> String {
        let mut at = list.first();
        let mut seen = String::new();
        while let Some(number) = at {
            seen.push(table[number]);
            at = table.after(number);
        }
        assert_eq!(seen.len(), list.len());
        seen
    }

    #[test]
    fn a_list_keeps_its_order_whoever_leaves() {
        let (mut table, mut list) = (Table::default(), List::default());
        let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(|name| table.add(name));
        for number in [b, c, d] {
            list.append(&mut table, number);
        }
        list.prepend(&mut table, a);
        assert_eq!(walk(&list, &table), "abcd");
        list.remove(&mut table, c);
        assert_eq!(walk(&list, &table), "abd");
        list.remove(&mut table, a);
        list.remove(&mut table, d);
        list.append(&mut table, a);
        assert_eq!(walk(&list, &table), "ba");
        list.remove(&mut table, a);
        list.remove(&mut table, b);
        assert!(list.is_empty() && list.first().is_none());
    }

    #[test]
    fn a_number_is_used_again_after_its_thing_has_gone() {
        let mut table = Table::default();
        let a = table.add('a');
        table.add('b');
        table.free(a);
        assert_eq!(table.living(), 1);
        assert_eq!(table.add('c'), a);
        assert_eq!((table[a], table.living()), ('c', 2));
    }
}
