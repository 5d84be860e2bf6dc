//! The one thread that opens connections (`PoolEntryCreator`, `fillPool`), as it was and as it is.

use super::{State, Version};
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;

impl Version {
    /// The adder's pause after a connect.
    pub(super) fn pause(self) -> Option<Span> {
        match self {
            Version::V2 => None,
            Version::V6 => Some(Span::from_millis(30)),
        }
    }

    /// Its pause after a failed one, the last having been `last`.
    pub(super) fn backoff(self, last: Span, timeout: Span) -> Span {
        match (self, last.is_zero()) {
            (Version::V2, true) => Span::from_millis(250),
            (Version::V2, false) => Span::from_nanos(last.nanos() / 2 * 3).min(timeout).min(Span::from_secs(10)),
            (Version::V6, true) => Span::from_millis(10),
            (Version::V6, false) => (last + last).min(Span::from_secs(5)),
        }
    }
}

impl State {
    /// So many wait: a task more for the adder, if it has not enough already.
    pub(super) fn ask_for_another(&mut self, waiting: u64, cx: &mut Cx) {
        let enough = match self.spec.version {
            Version::V2 => self.tasks > waiting,
            Version::V6 => self.tasks >= waiting,
        };
        if !enough {
            self.tasks += 1;
            self.add(cx);
        }
    }

    /// The adder takes its next task.
    pub(super) fn add(&mut self, cx: &mut Cx) {
        while self.is_built && !self.adding && self.tasks > 0 {
            self.tasks -= 1;
            self.backoff = Span::ZERO;
            self.adding = self.connect(cx);
        }
    }

    /// The adder's task: true if it connects.
    pub(super) fn connect(&mut self, cx: &mut Cx) -> bool {
        let (idle, waiting) = (self.places.idle.len() as u64, self.places.pending);
        let is_wanted = match self.spec.version {
            Version::V2 => waiting > 0,
            Version::V6 => waiting > idle,
        };
        let connects = (is_wanted || idle < u64::from(self.spec.minimum_idle())) && self.places.total < self.spec.maximum_pool_size;
        if connects {
            self.places.open(None, cx);
        }
        connects
    }

    /// `fillPool` looks at `minimumIdle` alone.
    pub(super) fn fill(&mut self, cx: &mut Cx) {
        let room = self.spec.maximum_pool_size - self.bag.len() as u32;
        let missing = self.spec.minimum_idle().saturating_sub(self.places.idle.len() as u32);
        let tasks = u64::from(room.min(missing));
        self.tasks = match self.spec.version {
            Version::V2 => self.tasks.max(tasks),
            Version::V6 => self.tasks + tasks,
        };
        self.add(cx);
    }
}
