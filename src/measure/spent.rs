//! What requests spent their time on: all of them together, and those that took longest.

use std::collections::BTreeMap;

use crate::measure::journey::{Doing, Journey};

/// Sums over journeys, kept apart by how long they took (32 classes an octave), so that the slowest can be told from the
/// rest when all have been seen.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    classes: BTreeMap<u32, Class>,
}

/// Some journeys together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// How many.
    pub count: u64,
    /// The shortest of them, in nanoseconds.
    pub least: u64,
    /// Nanoseconds of each [`Doing`], in the order of [`Doing::ALL`].
    pub sums: [u64; Doing::ALL.len()],
}

impl Default for Class {
    fn default() -> Class {
        Class { count: 0, least: u64::MAX, sums: [0; Doing::ALL.len()] }
    }
}

impl Class {
    fn add(&mut self, other: &Class) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.sums.iter_mut().zip(other.sums).for_each(|(mine, theirs)| *mine += theirs);
    }
}

impl Spent {
    /// A journey that has ended.
    pub fn record(&mut self, journey: &Journey) {
        let took = journey.took().nanos();
        let class = self.classes.entry(class_of(took)).or_default();
        class.count += 1;
        class.least = class.least.min(took);
        for segment in &journey.segments {
            class.sums[segment.doing as usize] += (segment.to - segment.from).nanos();
        }
    }

    /// All journeys.
    pub fn all(&self) -> Class {
        self.classes.values().fold(Class::default(), |mut all, class| {
            all.add(class);
            all
        })
    }

    /// Those that took longest: at least this share of all, and as few more as whole classes allow.
    pub fn slowest(&self, share: f64) -> Class {
        let wanted = share * self.all().count as f64;
        let mut slowest = Class::default();
        for class in self.classes.values().rev() {
            if slowest.count as f64 >= wanted {
                break;
            }
            slowest.add(class);
        }
        slowest
    }
}

/// The octave and the 32nd of it in which a length of time falls.
fn class_of(ns: u64) -> u32 {
    let octave = ns.max(32).ilog2();
    octave << 5 | (ns >> (octave - 5)) as u32 & 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::{SimTime, Span};
    use crate::measure::journey::Segment;
    use crate::protocol::event::{StreamId, WorkerId};

    fn journey(wait: u64, query: u64) -> Journey {
        let at = |ns| SimTime::ZERO + Span::from_nanos(ns);
        let piece = |doing, from, to| Segment { doing, from: at(from), to: at(to), worker: WorkerId(0), conn: None };
        let segments = vec![piece(Doing::PoolWait, 0, wait), piece(Doing::Query, wait, wait + query)];
        let (arrived, ended) = (at(0), at(wait + query));
        Journey { stream: StreamId(0), number: 0, arrived, ended, is_over: true, failure: None, attempts: 1, segments }
    }

    #[test]
    fn the_slowest_are_told_from_the_rest_and_nothing_is_lost() {
        let mut spent = Spent::default();
        (0..99).for_each(|_| spent.record(&journey(0, 5_000_000)));
        spent.record(&journey(2_000_000_000, 5_000_000));
        let (all, slowest) = (spent.all(), spent.slowest(0.01));
        assert_eq!((all.count, all.sums[Doing::Query as usize]), (100, 500_000_000));
        assert_eq!((slowest.count, slowest.least, slowest.sums[Doing::PoolWait as usize]), (1, 2_005_000_000, 2_000_000_000));
        assert_eq!(spent.slowest(1.0), all);
        assert_eq!(Spent::default().slowest(0.01), Class::default());
    }

    #[test]
    fn classes_rise_with_time_and_are_narrow() {
        let classes: Vec<u32> = [1, 40, 1000, 1031, 1_000_000, 1_050_000, 60_000_000_000].iter().map(|ns| class_of(*ns)).collect();
        assert!(classes.is_sorted(), "{classes:?}");
        assert_eq!(class_of(1_000_000), class_of(1_010_000));
        assert_ne!(class_of(1_000_000), class_of(1_050_000));
    }

    #[test]
    fn what_a_request_does_stands_at_its_own_place() {
        for (place, doing) in Doing::ALL.iter().enumerate() {
            assert_eq!(*doing as usize, place);
        }
    }
}
