//! Courses that are written down, and what is said of them.

use super::*;
use crate::parts::client::StreamSpec;
use crate::parts::pool::PoolSpec;
use crate::parts::workload::Poisson;
use crate::simulation::blueprint::AppSpec;

/// A second of 100 requests, so many of which fail; the others take so many milliseconds.
fn second(failed: u64, ms: u64) -> Window {
    let completed = 100 - failed;
    let latency_sum = u128::from(completed * ms * 1_000_000);
    Window { arrived: 100, completed, failed, latency_sum, in_system: ms as f64 / 10.0, connections: 20.0, ..Window::default() }
}

/// Four minutes after ten seconds of warm-up, in seconds; in those before the fault latency is 10 or 11 ms.
fn usual() -> Vec<Window> {
    (0..240).map(|at| second(0, 10 + at % 2)).collect()
}

fn blueprint(faults: &[(u64, FaultSpec)]) -> Blueprint {
    let stream = StreamSpec::new("api", "api", Poisson { rate: 100.0 }, Vec::new());
    let faults = faults.iter().map(|(at, fault)| At(Span::from_secs(*at), fault.clone())).collect();
    Blueprint { faults, ..Blueprint::new(vec![stream], vec![AppSpec::new("api", PoolSpec::NullPool)]) }
}

fn all(faults: &[(u64, FaultSpec)], courses: &[Vec<Window>]) -> Vec<Recovery> {
    let outcomes: Vec<Outcome> = courses.iter().map(|windows| Outcome { windows: windows.clone(), ..Outcome::default() }).collect();
    of(&blueprint(faults), &outcomes, Course { seed: 1, warmup: Span::from_secs(10), duration: Span::from_secs(240) })
}

/// After a restart of three seconds, 60 counted seconds after the start.
fn after_a_restart(courses: &[Vec<Window>]) -> Recovery {
    all(&[(70, FaultSpec::restart(Span::from_secs(3)))], courses).remove(0)
}

fn put(course: &mut [Window], from: usize, seconds: impl IntoIterator<Item = Window>) {
    seconds.into_iter().enumerate().for_each(|(at, window)| course[from + at] = window);
}

#[test]
fn back_is_who_is_inside_the_old_interval_again_and_lost_is_what_failed_until_then() {
    let [mut one, mut other] = [usual(), usual()];
    put(&mut one, 60, [second(100, 0), second(100, 0), second(100, 0), second(0, 80)]);
    put(&mut other, 60, [second(100, 0), second(100, 0), second(50, 10), second(0, 80), second(0, 80), second(0, 12)]);
    let found = after_a_restart(&[one, other]);
    // 12 ms lies within three deviations of the 10 and 11 ms before.
    assert_eq!((found.verdict.as_str(), found.after, found.back_in), ("recovers", Some(4.5), 2));
    assert_eq!((found.at, found.over, found.lost), (70.0, 73.0, Some(275.0)));
    assert_eq!((found.error_rate.after, found.error_rate.before), (Some(3.0), Some([0.0, 0.0])));
    assert_eq!((found.error_rate.worst, found.latency.after, found.connections.after), (Some(1.0), Some(4.5), Some(0.0)));
}

#[test]
fn nobody_notices_a_fault_that_changes_nothing() {
    let found = after_a_restart(&[usual(), usual()]);
    assert_eq!((found.verdict.as_str(), found.after, found.lost), ("unhurt", Some(0.0), Some(0.0)));
}

#[test]
fn a_breath_between_two_bad_times_is_no_recovery() {
    let mut course = usual();
    put(&mut course, 60, (0..30).map(|at| second(if at % 5 == 3 { 0 } else { 60 }, 10)));
    assert_eq!(after_a_restart(&[course.clone(), course]).after, Some(30.0));
}

#[test]
fn load_that_is_what_it_was_and_a_system_that_is_not_is_metastable() {
    let bad = |from: usize| {
        let mut course = usual();
        put(&mut course, from, (from..240).map(|at| second(70, 900 + at as u64 % 3)));
        course
    };
    let found = after_a_restart(&[bad(60), bad(60), usual()]);
    assert_eq!((found.verdict.as_str(), found.after, found.back_in), ("metastable", None, 1));
    assert_eq!(after_a_restart(&[bad(60), bad(60)]).latency.after, None);
}

#[test]
fn what_still_comes_down_at_the_end_is_still_recovering() {
    let slow = |more: u64| {
        let mut course = usual();
        put(&mut course, 60, (0..180).map(|at| second(0, 2_000 + more - 8 * at)));
        course
    };
    assert_eq!(after_a_restart(&[slow(0), slow(10), slow(20)]).verdict, "still recovering");
}

#[test]
fn more_load_than_before_is_no_fault_of_the_fault() {
    let mut course = usual();
    put(&mut course, 60, (0..180).map(|_| Window { arrived: 130, ..second(30, 500) }));
    assert_eq!(after_a_restart(&[course.clone(), course]).verdict, "load has grown");
}

#[test]
fn faults_that_overlap_are_taken_together_and_the_next_one_may_come_too_soon() {
    let slow = FaultSpec::SlowConnects { factor: 10.0, lasting: Span::from_secs(30) };
    let kill = FaultSpec::KillConnections { fraction: 1.0 };
    let mut course = usual();
    put(&mut course, 60, (0..60).map(|_| second(100, 0)));
    let found = all(&[(70, slow), (71, kill.clone()), (125, kill)], &[course.clone(), course]);
    let said: Vec<(f64, f64, &str)> = found.iter().map(|f| (f.at, f.over, f.verdict.as_str())).collect();
    assert_eq!(said, [(70.0, 100.0, "overtaken by the next fault"), (125.0, 125.0, "recovers")]);
    assert!(found[0].fault.contains("; 100 % of the database's sessions are ended"), "{}", found[0].fault);
    assert_eq!(found[1].after, Some(5.0), "from its own beginning");
}

#[test]
fn of_a_fault_at_the_start_nothing_is_known() {
    let found = all(&[(12, FaultSpec::restart(Span::from_secs(3)))], &[usual(), usual()]).remove(0);
    assert_eq!((found.verdict.as_str(), found.after, found.lost), ("undecided", None, None));
}
