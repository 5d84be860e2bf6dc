//! One replication of a system looked at closely, for the pictures of a report. Runs for their figures alone are not slowed by it.

use std::collections::BTreeMap;

use crate::answers::runner::{Course, GoesOn, PATIENCE, SLICES, simulate_while};
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
    /// How many requests failed meanwhile, if that is what made the moment the worst.
    pub failed: u64,
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
    film_while(blueprint, course, course.duration + PATIENCE, (replication, outcome), &|| true).expect("nobody stops it")
}

/// The same, as long as `goes_on` says so, with requests followed for no longer than `patience` after the counted span.
pub fn film_while(
    blueprint: &Blueprint,
    course: Course,
    patience: Span,
    (replication, outcome): (u64, &Outcome),
    goes_on: GoesOn,
) -> Option<Film> {
    let from = SimTime::ZERO + course.warmup;
    let until = from + course.duration;
    let worst = worst(outcome, blueprint, from, course.duration);
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let mut watching = (
        Journeys::new(Keep::Slowest(SLOWEST), from, until),
        (
            Courses::new(blueprint.apps.len(), from, until, SLICES as usize, self::patience(&blueprint.proxy)),
            Lanes::new(worst.from, worst.until),
        ),
    );
    simulate_while(&mut model, until + patience, &mut watching, goes_on)?;
    let (journeys, (courses, lanes)) = watching;
    let moment = lanes.finish().map(|(worker, waiting, lanes)| {
        let until = readable(&lanes, &worst);
        Moment { from: worst.from, until, worker, waiting, failed: worst.failed, lanes }
    });
    Some(Film { replication, from, until, courses, spent: journeys.spent().clone(), slowest: journeys.finish(), moment })
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

/// When it was worst.
#[derive(Debug, PartialEq)]
struct Worst {
    from: SimTime,
    until: SimTime,
    failed: u64,
}

/// An outage is shown for no more slices than these.
const LONGEST_OUTAGE: usize = 6;

/// The slice in which most requests waited at once or failed; where none ever did, the one in which most were under way.
///
/// Where they failed rather than waited, it is the whole outage: from a little before it began, which is when the first of
/// them failed, or a fault struck shortly before that, to a little after it.
fn worst(outcome: &Outcome, blueprint: &Blueprint, from: SimTime, duration: Span) -> Worst {
    let width = Span::from_nanos((duration.nanos() / u64::from(SLICES)).max(1));
    let at = |slice: usize| from + Span::from_nanos(width.nanos() * slice as u64);
    let windows = &outcome.windows;
    let key = |slice: usize| (windows[slice].waiting_most.max(windows[slice].failed), windows[slice].in_system);
    let worst = (0..windows.len()).reduce(|worst, next| if key(next) > key(worst) { next } else { worst }).unwrap_or(0);
    if windows.get(worst).is_none_or(|window| window.failed <= window.waiting_most) {
        return Worst { from: at(worst), until: at(worst + 1), failed: 0 };
    }
    let fails = |slice: &usize| windows[*slice].failed > 0;
    let first = (0..=worst).rev().take_while(fails).last().unwrap_or(worst);
    let last = (worst..windows.len()).take_while(fails).last().unwrap_or(worst);
    let near = from.nanos().max(at(first).nanos().saturating_sub(2 * width.nanos()));
    let struck = blueprint.faults.iter().map(|fault| SimTime::ZERO + fault.0);
    let began = struck.filter(|strikes| strikes.nanos() >= near && *strikes < at(worst + 1)).min().unwrap_or(at(first));
    let before = Span::from_nanos(width.nanos() / 2);
    let begin = SimTime::from_nanos(began.nanos().saturating_sub(before.nanos()).max(from.nanos()));
    let until = at(last + 2).min(begin + Span::from_nanos(width.nanos() * LONGEST_OUTAGE as u64));
    let shown = (first..=last).filter(|slice| at(*slice) < until);
    Worst { from: begin, until, failed: shown.map(|slice| windows[slice].failed).sum() }
}

/// More changes than these cannot be told apart on a page; of an outage some more are shown, so that its end is there too.
const MOST_CHANGES: usize = 500;
const MOST_CHANGES_OF_AN_OUTAGE: usize = 1500;

/// The end of what is shown: earlier, if there is more to see than fits.
fn readable(lanes: &BTreeMap<u32, Lane>, worst: &Worst) -> SimTime {
    let most = if worst.failed > 0 { MOST_CHANGES_OF_AN_OUTAGE } else { MOST_CHANGES };
    let mut changes: Vec<SimTime> = lanes.values().flatten().map(|(at, _)| *at).collect();
    changes.sort_unstable();
    changes.get(most).copied().unwrap_or(worst.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::windows::Window;
    use crate::parts::fault::{At, FaultSpec};

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

    /// Slices of a second each, counted from the second 10 on.
    fn worst_of(outcome: &Outcome, faults: Vec<At>) -> (f64, f64, u64) {
        let blueprint = Blueprint { faults, ..Blueprint::new(Vec::new(), Vec::new()) };
        let worst = worst(outcome, &blueprint, SimTime::ZERO + Span::from_secs(10), Span::from_secs(u64::from(SLICES)));
        (worst.from.seconds(), worst.until.seconds(), worst.failed)
    }

    #[test]
    fn the_worst_moment_is_where_most_wait() {
        assert_eq!(worst_of(&outcome(&[1, 5, 2]), Vec::new()), (11.0, 12.0, 0));
        assert_eq!(worst_of(&Outcome::default(), Vec::new()), (10.0, 11.0, 0));
    }

    #[test]
    fn where_requests_fail_it_is_the_outage_from_before_the_fault_to_its_end() {
        let failing = |failed: &[u64]| {
            let windows = failed.iter().map(|failed| Window { failed: *failed, waiting_most: 1, ..Window::default() }).collect();
            Outcome { windows, ..Outcome::default() }
        };
        let restart = |at| vec![At(Span::from_secs(at), FaultSpec::restart(Span::from_secs(3)))];
        let outcome = failing(&[0, 0, 20, 30, 40, 0, 3]);
        assert_eq!(worst_of(&outcome, Vec::new()), (11.5, 16.0, 90), "nothing struck: from the first failure on");
        assert_eq!(worst_of(&outcome, restart(11)), (10.5, 16.0, 90), "requests are patient: the fault came before");
        assert_eq!(worst_of(&outcome, restart(60)), (11.5, 16.0, 90), "another fault");
        assert_eq!(worst_of(&failing(&[9; 100]), Vec::new()), (10.0, 16.0, 54), "what never ends is not shown for ever");
    }
}
