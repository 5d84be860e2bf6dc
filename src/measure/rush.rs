//! How suddenly connections come: how many were opened in each second.

use crate::kernel::time::{SimTime, Span};

/// The most parts into which a span is cut; a longer one has parts of more than a second.
const MOST_PARTS: u64 = 7200;

/// Connections opened, part by part of a span of time.
#[derive(Clone, Debug, Default)]
pub struct Rush {
    from: SimTime,
    width: Span,
    parts: Vec<u32>,
}

impl Rush {
    /// None yet in `from..until`: in each second of it, or in as many whole seconds as keep the parts few.
    pub fn new(from: SimTime, until: SimTime) -> Rush {
        let seconds = (until - from).nanos().div_ceil(1_000_000_000).max(1);
        let width = seconds.div_ceil(MOST_PARTS);
        Rush { from, width: Span::from_secs(width), parts: vec![0; seconds.div_ceil(width) as usize] }
    }

    /// One was opened, or was to be opened and could not.
    pub fn add(&mut self, now: SimTime) {
        let part = (now - self.from).nanos() / self.width.nanos().max(1);
        if let Some(count) = self.parts.get_mut(part as usize) {
            *count += 1;
        }
    }

    /// How many per second, part by part.
    pub fn per_second(&self) -> impl Iterator<Item = f64> {
        self.parts.iter().map(|count| f64::from(*count) / self.width.seconds())
    }

    /// Seconds of a part.
    pub fn width(&self) -> f64 {
        self.width.seconds()
    }

    /// The most per second in the parts that begin in these seconds of the span, the one under way at `from` included.
    pub fn peak(&self, from: f64, until: f64) -> f64 {
        self.between(from, until).iter().max().map_or(0.0, |most| f64::from(*most) / self.width.seconds())
    }

    /// The mean per second in the same parts.
    pub fn mean(&self, from: f64, until: f64) -> f64 {
        let parts = self.between(from, until);
        if parts.is_empty() {
            return 0.0;
        }
        parts.iter().map(|count| f64::from(*count)).sum::<f64>() / (parts.len() as f64 * self.width.seconds())
    }

    fn between(&self, from: f64, until: f64) -> &[u32] {
        let width = self.width.seconds();
        let last = (libm::ceil(until.max(0.0) / width) as usize).min(self.parts.len());
        let first = ((from.max(0.0) / width) as usize).min(last);
        &self.parts[first..last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rush(seconds: &[f64], until: u64) -> Rush {
        let at = |seconds: f64| SimTime::ZERO + Span::from_seconds(seconds);
        let mut rush = Rush::new(at(10.0), at(until as f64));
        seconds.iter().for_each(|second| rush.add(at(*second)));
        rush
    }

    #[test]
    fn the_peak_is_that_of_the_fullest_second() {
        let rush = rush(&[10.0, 10.1, 15.2, 15.3, 15.99, 16.0, 19.9], 20);
        assert_eq!(rush.per_second().collect::<Vec<_>>(), [2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!((rush.peak(0.0, 10.0), rush.peak(0.0, 5.0), rush.peak(6.5, 8.0)), (3.0, 2.0, 1.0));
        assert_eq!((rush.mean(0.0, 10.0), rush.mean(0.0, 5.0), rush.mean(12.0, 12.0)), (0.7, 0.4, 0.0));
    }

    #[test]
    fn of_a_long_span_whole_seconds_are_taken_together() {
        let rush = rush(&[10.0, 11.0, 5000.0], 10 + 4 * 7200);
        assert_eq!((rush.width(), rush.peak(0.0, 1e9)), (4.0, 0.5));
    }
}
