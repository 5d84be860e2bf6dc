//! How much longer things take while something slows them down.

use crate::kernel::time::{SimTime, Span};

/// Spells of slowness, some of which may overlap: their factors multiply.
#[derive(Clone, Default)]
pub struct Slowness {
    spells: Vec<(SimTime, f64)>,
}

impl Slowness {
    /// Until `end` everything takes `factor` times as long.
    pub fn add(&mut self, end: SimTime, factor: f64) {
        self.spells.push((end, factor));
    }

    /// How many times as long things take at `now`, which never goes back.
    pub fn factor(&mut self, now: SimTime) -> f64 {
        self.spells.retain(|(end, _)| *end > now);
        self.spells.iter().map(|(_, factor)| factor).product()
    }

    /// What takes `span` usually, at `now`.
    pub fn stretch(&mut self, span: Span, now: SimTime) -> Span {
        if self.spells.is_empty() { span } else { span.scaled(self.factor(now)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_multiplies_and_each_spell_ends_by_itself() {
        let at = |ms| SimTime::ZERO + Span::from_millis(ms);
        let mut slowness = Slowness::default();
        let second = Span::from_secs(1);
        assert_eq!(slowness.stretch(second, at(1)), second);
        slowness.add(at(10), 3.0);
        slowness.add(at(5), 2.0);
        assert_eq!(slowness.stretch(second, at(4)), Span::from_secs(6));
        assert_eq!(slowness.stretch(second, at(5)), Span::from_secs(3), "a spell is over at its end");
        assert_eq!(slowness.stretch(second, at(10)), second);
    }
}
