//! The wall clock of a run: nanoseconds since its start.

use std::thread;
use std::time::{Duration, Instant};

/// The clock of one run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that stands at zero in so long from now.
    pub fn starting_in(lead: Duration) -> Clock {
        Clock { start: Instant::now() + lead }
    }

    /// Nanoseconds since the start, 0 before it.
    pub fn now(&self) -> u64 {
        u64::try_from(Instant::now().saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// How long it is still until `at`.
    pub fn until(&self, at: u64) -> Duration {
        (self.start + Duration::from_nanos(at)).saturating_duration_since(Instant::now())
    }

    /// Nanoseconds from `earlier` to this clock's start: what an instant told relative to `earlier` is less by.
    pub fn start_after(&self, earlier: Instant) -> u64 {
        u64::try_from(self.start.saturating_duration_since(earlier).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Waits. A thread that is woken for nothing goes on waiting.
pub fn pause(span: Duration) {
    let end = Instant::now() + span;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}
