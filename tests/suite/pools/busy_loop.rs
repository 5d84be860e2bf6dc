//! SQLAlchemy's pool where the event loop is busy, so that a wake-up and a deadline stand in line behind each other.

use poolcast::kernel::latency::LatencySpec;
use poolcast::protocol::program::StepSpec;

use super::scene::{Scene, millis};

fn work(ms: u64) -> Vec<StepSpec> {
    vec![StepSpec::Work(LatencySpec::always(millis(ms)))]
}

/// `a` gives the only connection back in the turn after 90 ms, but until 110 ms somebody else occupies the loop: what came
/// meanwhile stands behind. `w` has waited since 50 ms.
fn scene(timeout: &str) -> Scene {
    let pool = format!(r#"SqlAlchemy(pool_size: 1, max_overflow: 0, pool_timeout: "{timeout}", pool_reset_on_return: None)"#);
    let holds = StepSpec::Session(vec![StepSpec::Await(LatencySpec::always(millis(74)))]);
    Scene::of(&pool).does("a", &[0], vec![holds]).does("x", &[80], work(10)).does("y", &[85], work(20))
}

#[test]
fn a_waiter_that_is_woken_when_its_deadline_has_just_passed_takes_the_connection() {
    let scene = scene("50ms").asks("w", &[50], 1);
    assert_eq!(scene.only(&["checkout", "timeout"], 200), ["10ms a checkout 1", "110ms w checkout 1"]);
}

#[test]
fn if_a_newcomer_was_faster_it_is_too_late() {
    let scene = scene("50ms").asks("w", &[50], 1).asks("n", &[86], 1);
    assert_eq!(scene.only(&["checkout", "timeout"], 200), ["10ms a checkout 1", "110ms n checkout 1", "110ms w timeout 0"]);
}

#[test]
fn who_is_cancelled_after_being_woken_wakes_the_next() {
    let scene = scene("30s").asks("w", &[50], 1).gives_up_after(36).asks("next", &[55], 1);
    assert_eq!(scene.only(&["checkout", "timeout"], 200), ["10ms a checkout 1", "110ms next checkout 1"]);
}
