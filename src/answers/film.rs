//! One replication of a system looked at closely, for the pictures of a report. Runs for their figures alone are not slowed by it.

use std::collections::BTreeMap;

use crate::answers::runner::{Course, PATIENCE, SLICES};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::courses::Courses;
use crate::measure::journey::Journey;
use crate::measure::journeys::{Journeys, Keep};
use crate::measure::lanes::{Lane, Lanes};
use crate::measure::outcome::Outcome;
use crate::measure::spent::Spent;
use crate::parts::proxy::ProxySpec;
use crate::protocol::event::WorkerId;
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// Requests whose way is shown.
const SLOWEST: usize = 5;

/// What was seen in one replication.
pub struct Film {
    /// Which.
    pub replication: u64,
    /// The counted span.
    pub from: SimTime,
    #[allow(missing_docs)]
    pub until: SimTime,
    /// Counts and waits as time went by.
    pub courses: Courses,
    /// What the requests spent their time on.
    pub spent: Spent,
    /// The requests that took longest, the longest first.
    pub slowest: Vec<Journey>,
    /// Single connections at the worst moment.
    pub moment: Option<Moment>,
}

/// The connections of one pool for a short time.
pub struct Moment {
    /// When.
    pub from: SimTime,
    #[allow(missing_docs)]
    pub until: SimTime,
    /// Whose pool.
    pub worker: WorkerId,
    /// How many waited in it at the beginning.
    pub waiting: u64,
    /// What each connection did, by its number.
    pub lanes: BTreeMap<u32, Lane>,
}

/// The replication with the longest queue at any of these points, or else the first one: in all of them the same requests
/// come.
pub fn worst_replication<'a>(points: impl IntoIterator<Item = &'a [Outcome]>) -> u64 {
    let longest = |outcome: &Outcome| outcome.windows.iter().map(|window| window.waiting_most).max().unwrap_or(0);
    let all = points.into_iter().flat_map(|outcomes| (0..).zip(outcomes.iter().map(longest)));
    all.fold((0, 0), |worst: (u64, u64), next| if next.1 > worst.1 { next } else { worst }).0
}

/// Runs this replication once more and films it. `outcome` says when its worst moment was.
pub fn film(blueprint: &Blueprint, course: Course, replication: u64, outcome: &Outcome) -> Film {
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let (begin, end) = worst_slice(outcome, from, course.duration);
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let mut watching = (
        Journeys::new(Keep::Slowest(SLOWEST), from, until),
        (Courses::new(blueprint.apps.len(), from, until, SLICES as usize, patience(&blueprint.proxy)), Lanes::new(begin, end)),
    );
    simulate(&mut model, until + course.duration + PATIENCE, &mut watching);
    let (journeys, (courses, lanes)) = watching;
    let moment = lanes.finish().map(|(worker, waiting, lanes)| {
        let until = readable(&lanes, end);
        Moment { from: begin, until, worker, waiting, lanes }
    });
    Film { replication, from, until, courses, spent: journeys.spent().clone(), slowest: journeys.finish(), moment }
}

/// How long the proxy lets a client wait.
pub fn patience(proxy: &ProxySpec) -> Option<Span> {
    match proxy {
        ProxySpec::PgBouncer(bouncer) => Some(bouncer.query_wait_timeout),
        ProxySpec::RdsProxy(proxy) => Some(proxy.connection_borrow_timeout),
        ProxySpec::Direct => None,
    }
    .filter(|patience| !patience.is_zero())
}

/// The slice in which most waited at once; where nobody ever waited, the one in which most requests were under way.
fn worst_slice(outcome: &Outcome, from: SimTime, duration: Span) -> (SimTime, SimTime) {
    let width = Span::from_nanos((duration.nanos() / u64::from(SLICES)).max(1));
    let key = |index: usize| (outcome.windows[index].waiting_most, outcome.windows[index].in_system);
    let worst = (0..outcome.windows.len()).reduce(|worst, next| if key(next) > key(worst) { next } else { worst }).unwrap_or(0);
    let begin = from + Span::from_nanos(width.nanos() * worst as u64);
    (begin, begin + width)
}

/// More changes than these cannot be told apart on a page.
const MOST_CHANGES: usize = 500;

/// The end of what is shown: earlier, if there is more to see than fits.
fn readable(lanes: &BTreeMap<u32, Lane>, end: SimTime) -> SimTime {
    let mut changes: Vec<SimTime> = lanes.values().flatten().map(|(at, _)| *at).collect();
    changes.sort_unstable();
    changes.get(MOST_CHANGES).copied().unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::windows::Window;

    fn outcome(waiting: &[u64]) -> Outcome {
        let windows = waiting.iter().map(|most| Window { waiting_most: *most, ..Window::default() }).collect();
        Outcome { windows, ..Outcome::default() }
    }

    #[test]
    fn the_worst_replication_is_the_one_with_the_longest_queue_anywhere() {
        let (one, other) = ([outcome(&[0, 3]), outcome(&[9, 1])], [outcome(&[0]), outcome(&[0]), outcome(&[40])]);
        assert_eq!(worst_replication([&one[..], &other[..]]), 2);
        assert_eq!(worst_replication([&one[..]]), 1);
        assert_eq!(worst_replication([&other[..2]]), 0, "nobody waits: the first");
    }

    #[test]
    fn the_worst_slice_is_where_most_wait() {
        let width = Span::from_secs(1);
        let (begin, end) = worst_slice(&outcome(&[1, 5, 2]), SimTime::ZERO + width, Span::from_secs(u64::from(SLICES)));
        assert_eq!((begin, end), (SimTime::ZERO + Span::from_secs(2), SimTime::ZERO + Span::from_secs(3)));
    }
}
