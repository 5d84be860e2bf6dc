//! The edge of a range beyond which something holds: bracket by doubling, bisect, and show both sides.

use crate::answers::evidence::Verdict;

/// Where the edge lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What was tried, in order of value.
    pub tried: Vec<(u64, Verdict)>,
    /// The smallest value that was shown to meet, the one below it being shown or left as not meeting.
    pub smallest: Option<u64>,
    /// Whether something larger than a value that meets was seen to miss.
    pub is_monotone: bool,
}

/// The most values that [`search`] tries in `low ..= high`.
pub fn most_tried(low: u64, high: u64) -> u64 {
    let doublings = u64::from(64 - (high - low).leading_zeros());
    2 * doublings + 2
}

/// Looks for the smallest value in `low ..= high` that meets. What is undecided does not meet: the answer may be a
/// little too large, but it holds. A value twice as large is tried too, since more is not always better.
pub fn search(low: u64, high: u64, try_one: &mut dyn FnMut(u64) -> Verdict) -> Search {
    look(low, high, true, try_one)
}

/// The same where more is known to be no worse: nothing beyond the edge is tried.
pub fn edge(low: u64, high: u64, try_one: &mut dyn FnMut(u64) -> Verdict) -> Search {
    look(low, high, false, try_one)
}

fn look(low: u64, high: u64, beyond: bool, try_one: &mut dyn FnMut(u64) -> Verdict) -> Search {
    let mut tried: Vec<(u64, Verdict)> = Vec::new();
    let mut meets = |value: u64, tried: &mut Vec<(u64, Verdict)>| {
        if let Some((_, known)) = tried.iter().find(|(other, _)| *other == value) {
            return *known == Verdict::Meets;
        }
        let found = try_one(value);
        tried.push((value, found));
        found == Verdict::Meets
    };
    let (mut below, mut step, mut value) = (None, 1, low);
    let above = loop {
        if meets(value, &mut tried) {
            break Some(value);
        }
        below = Some(value);
        if value == high {
            break None;
        }
        value = value.saturating_add(step).min(high);
        step *= 2;
    };
    let smallest = above.map(|above| {
        let (mut above, mut below) = (above, below);
        while let Some(not) = below.filter(|not| above - not > 1) {
            let middle = not + (above - not) / 2;
            if meets(middle, &mut tried) { above = middle } else { below = Some(middle) }
        }
        if beyond {
            meets((2 * above).min(high), &mut tried);
        }
        above
    });
    tried.sort_unstable_by_key(|(value, _)| *value);
    let is_monotone = smallest.is_none_or(|smallest| tried.iter().all(|(value, found)| *value < smallest || *found != Verdict::Misses));
    Search { tried, smallest, is_monotone }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(low: u64, high: u64, rule: impl Fn(u64) -> Verdict) -> (Search, u64) {
        let mut count = 0;
        let search = search(low, high, &mut |value| {
            count += 1;
            rule(value)
        });
        (search, count)
    }

    fn from(edge: u64) -> impl Fn(u64) -> Verdict {
        move |value| if value >= edge { Verdict::Meets } else { Verdict::Misses }
    }

    #[test]
    fn the_edge_is_found_wherever_it_lies_and_both_of_its_sides_are_tried() {
        for (low, high) in [(1, 1), (1, 2), (1, 40), (5, 37), (0, 1000)] {
            for edge in low..=high {
                let (search, count) = found(low, high, from(edge));
                assert_eq!((search.smallest, search.is_monotone), (Some(edge), true), "{low}..{high}");
                assert!(edge == low || search.tried.contains(&(edge - 1, Verdict::Misses)), "{search:?}");
                assert!(count <= most_tried(low, high), "{count} tries in {low}..{high} for {edge}");
            }
            assert_eq!(found(low, high, from(high + 1)).0.smallest, None);
        }
    }

    #[test]
    fn what_is_undecided_is_not_relied_upon() {
        let rule = |value| match value {
            0..=9 => Verdict::Misses,
            10..=11 => Verdict::Undecided,
            _ => Verdict::Meets,
        };
        assert_eq!(found(1, 100, rule).0.smallest, Some(12));
    }

    #[test]
    fn more_that_is_worse_is_noticed() {
        let rule = |value| if (10..18).contains(&value) { Verdict::Meets } else { Verdict::Misses };
        let (search, _) = found(1, 100, rule);
        assert_eq!((search.smallest, search.is_monotone), (Some(10), false), "{search:?}");
    }
}
