//! How psycopg_pool tries again: an attempt, and how long it waits before the next.

use crate::kernel::rng::Stream;
use crate::kernel::time::{SimTime, Span};

/// `AttemptWithBackoff`: pauses of about a second, doubled each time, until `timeout` has passed since the first failure.
#[derive(Clone, Copy, Default)]
pub(super) struct Attempt {
    pub(super) began: SimTime,
    timeout: Span,
    pub(super) delay: Span,
    gives_up: Option<SimTime>,
}

impl Attempt {
    /// Tries for so long after its first failure.
    pub(super) fn lasting(timeout: Span) -> Attempt {
        Attempt { timeout, ..Attempt::default() }
    }

    pub(super) fn update_delay(&mut self, now: SimTime, dice: &mut Stream) {
        let end = *self.gives_up.get_or_insert(now + self.timeout);
        let first = self.delay.is_zero();
        self.delay = if first { Span::from_secs(1).scaled(0.9 + 0.2 * dice.uniform()) } else { self.delay + self.delay };
        self.delay = self.delay.min(end.since(now));
    }

    pub(super) fn is_over(&self, now: SimTime) -> bool {
        self.gives_up.is_some_and(|end| now >= end)
    }
}
