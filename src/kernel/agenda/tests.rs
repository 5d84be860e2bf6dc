//! The agenda's own rules, and the agenda against a plain binary heap: same events, same instants, same order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::kernel::rng::Seed;

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
    agenda.after(Span::ZERO, Rank::Wake, "whom it woke");
    agenda.after(Span::ZERO, Rank::Connection, "scheduled for now");
    let rest: Vec<_> = std::iter::from_fn(|| agenda.next(end)).collect();
    assert_eq!(rest, ["its consequence", "whom it woke", "second completion", "scheduled for now", "timeout", "arrival"]);
}

#[test]
fn the_clock_stops_at_the_end_and_later_events_stay() {
    let mut agenda = Agenda::default();
    agenda.after(Span::from_secs(5), Rank::Timer, ());
    assert_eq!(agenda.next(SimTime::from_nanos(7)), None);
    assert_eq!((agenda.now(), agenda.pending()), (SimTime::from_nanos(7), 1));
}

#[test]
#[should_panic(expected = "nothing is scheduled in the past")]
fn nothing_can_be_scheduled_in_the_past() {
    let mut agenda = Agenda::default();
    assert_eq!(agenda.next(SimTime::from_nanos(7)), None);
    agenda.at(SimTime::from_nanos(6), Rank::Timer, ());
}

#[test]
fn an_array_that_has_to_give_everything_away_takes_events_again() {
    let mut both = Both::default();
    both.after(1, Rank::Timer);
    for i in 0..100 {
        both.after(30_000_000_000 + i, Rank::Timeout);
        both.next(5);
    }
    both.after(3, Rank::Completion);
    both.drain();
}

#[test]
fn a_crowd_in_one_instant_keeps_the_order_while_more_join_it() {
    let mut both = Both::default();
    for _ in 0..5_000 {
        both.after(1_000_000, Rank::Arrival);
        both.after(1_000_000, Rank::Timeout);
    }
    for round in 0..5_000_u64 {
        both.next(u64::MAX);
        both.after(0, RANKS[round as usize % RANKS.len()]);
        both.after(round % 3, Rank::Completion);
    }
    both.drain();
}

#[test]
fn a_million_events_of_a_hold_model_come_in_the_order_of_a_heap() {
    let mut dice = Seed::new(11, 0).stream("test/agenda/hold");
    for (pending, operations) in [(1, 50_000), (10, 150_000), (60, 300_000), (300, 300_000), (20_000, 200_000)] {
        let mut both = Both::default();
        for _ in 0..pending {
            both.after(dice.word() % 10_000_000, Rank::Arrival);
        }
        for _ in 0..operations {
            both.next(u64::MAX);
            let word = dice.word();
            let span = match word % 16 {
                0 => 0,
                1 => 30_000_000_000,
                2..8 => 100_000,
                8..10 => (word >> 32) % 50 * 1_000,
                _ => Span::from_seconds(-libm::log(dice.uniform()) * 0.01).nanos(),
            };
            both.after(span, RANKS[(word >> 8) as usize % RANKS.len()]);
        }
        both.drain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_comes_in_the_order_of_a_heap(says in proptest::collection::vec(say(), 1..250)) {
        let mut both = Both::default();
        for say in says {
            match say {
                Say::After { span, rank, times, apart } => {
                    for i in 0..times {
                        both.after(span.saturating_add(i * apart), rank);
                    }
                }
                Say::AtOnce => both.at_once(),
                Say::Next { within, times } => {
                    for _ in 0..times {
                        both.next(both.agenda.now().nanos().saturating_add(within));
                    }
                }
            }
        }
        both.drain();
    }
}

const RANKS: [Rank; 6] = [Rank::Wake, Rank::Completion, Rank::Connection, Rank::Timeout, Rank::Timer, Rank::Arrival];

#[derive(Clone, Debug)]
enum Say {
    After { span: u64, rank: Rank, times: u64, apart: u64 },
    AtOnce,
    Next { within: u64, times: u64 },
}

fn say() -> impl Strategy<Value = Say> {
    let times = || prop_oneof![6 => Just(1_u64), 3 => 1..12_u64, 1 => 12..150_u64];
    let rank = || proptest::sample::select(RANKS.to_vec());
    prop_oneof![
        8 => (span(), rank(), times(), span()).prop_map(|(span, rank, times, apart)| Say::After { span, rank, times, apart: apart % (1 << 50) }),
        1 => Just(Say::AtOnce),
        8 => (span(), times()).prop_map(|(within, times)| Say::Next { within, times }),
    ]
}

/// Spans from nothing to the longest there is, in nanoseconds; many of them alike.
fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        3 => 1..5_u64,
        3 => (0..20_u64).prop_map(|steps| steps * 1_000),
        3 => Just(100_000),
        3 => 0..20_000_000_u64,
        2 => Just(30_000_000_000),
        1 => (1..10_u64).prop_map(|hours| hours * 3_600_000_000_000),
        1 => (0..62_u32).prop_map(|bits| 1 << bits),
        1 => 0..(1_u64 << 58),
    ]
}

/// An agenda and a heap that are told the same.
#[derive(Default)]
struct Both {
    agenda: Agenda<u64>,
    heap: BinaryHeap<Reverse<(u64, Rank, u64)>>,
    at_once: VecDeque<u64>,
    said: u64,
}

impl Both {
    fn after(&mut self, span: u64, rank: Rank) {
        self.said += 1;
        let span = Span::from_nanos(span);
        self.heap.push(Reverse(((self.agenda.now() + span).nanos(), rank, self.said)));
        self.agenda.after(span, rank, self.said);
    }

    fn at_once(&mut self) {
        self.said += 1;
        self.at_once.push_back(self.said);
        self.agenda.at_once(self.said);
    }

    fn next(&mut self, end: u64) {
        let mut now = self.agenda.now().nanos();
        let right = self.at_once.pop_front().or_else(|| match self.heap.peek() {
            Some(&Reverse((time, _, event))) if time <= end => {
                self.heap.pop();
                now = time;
                Some(event)
            }
            _ => {
                now = now.max(end);
                None
            }
        });
        assert_eq!(self.agenda.next(SimTime::from_nanos(end)), right);
        assert_eq!(self.agenda.now().nanos(), now);
        assert_eq!(self.agenda.pending(), self.heap.len() + self.at_once.len());
    }

    fn drain(&mut self) {
        while self.agenda.pending() > 0 {
            self.next(u64::MAX);
        }
        self.next(u64::MAX);
    }
}
