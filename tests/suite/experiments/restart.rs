//! A restart of the database: who notices, for how long, and what pre-ping is good for.

use poolcast::answers::runner::{Course, RunOptions, run_all};
use poolcast::experiment::Plan;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::measure::outcome::Outcome;
use poolcast::measure::windows::Window;
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::protocol::error::Error;

use super::plan;

/// One attempt each, so that failures are seen by the client as they happen.
const ONCE: &[(&str, &str)] = &[("warmup", "10s"), ("duration", "80s"), ("workload.api.retry.attempts", "1")];
/// When the database goes down, in counted seconds, and for how long.
const DOWN: (f64, f64) = (50.0, 3.0);
const REPLICATIONS: u64 = 6;

/// Outcomes with pre-ping and without.
fn outcomes(plan: &Plan) -> [Vec<Outcome>; 2] {
    let course = Course { seed: plan.seed, warmup: plan.warmup, duration: plan.duration };
    let blueprints: Vec<_> = plan.points.iter().map(|point| &point.blueprint).collect();
    run_all(&blueprints, course, REPLICATIONS, 2, &|_| {}).try_into().expect("pre-ping and no pre-ping")
}

fn failed(outcomes: &[Outcome], why: Error) -> u64 {
    outcomes.iter().map(|outcome| outcome.streams[0].errors[why as usize]).sum()
}

fn all_failed(outcomes: &[Outcome]) -> u64 {
    Error::ALL.iter().map(|why| failed(outcomes, *why)).sum()
}

/// Windows with the counted seconds between which they lie.
fn windows<'a>(plan: &Plan, outcome: &'a Outcome) -> impl Iterator<Item = (f64, f64, &'a Window)> {
    let width = plan.duration.seconds() / outcome.windows.len() as f64;
    outcome.windows.iter().enumerate().map(move |(at, window)| (at as f64 * width, (at + 1) as f64 * width, window))
}

#[test]
fn everybody_notices_for_as_long_as_the_database_is_down_and_nobody_afterwards() {
    let plan = plan("restart", ONCE, REPLICATIONS as u32);
    let (from, until) = (DOWN.0, DOWN.0 + DOWN.1);
    for outcome in outcomes(&plan).iter().flatten() {
        for (start, end, window) in windows(&plan, outcome) {
            if end <= from || start > until {
                assert_eq!(window.failed, 0, "nobody fails at {start} s, outside the outage");
            } else if start > from && end < until {
                assert_eq!(window.completed, 0, "nobody is served at {start} s, within the outage");
                assert!(window.failed > 0, "they fail at once at {start} s instead of waiting");
            }
        }
    }
}

#[test]
fn service_is_back_within_a_second_of_the_database() {
    let plan = plan("restart", ONCE, REPLICATIONS as u32);
    for outcome in outcomes(&plan).iter().flatten() {
        let back = windows(&plan, outcome).filter(|(start, ..)| *start > DOWN.0 + DOWN.1 + 1.0);
        for (start, _, window) in back {
            let mean = window.latency_sum as f64 / window.completed.max(1) as f64;
            assert!(window.completed > 0 && mean < 60e6, "at {start} s {} are served in {} ms on average", window.completed, mean / 1e6);
        }
    }
}

#[test]
fn what_is_said_of_the_recovery_is_what_was_written_down_by_hand() {
    let plan = plan("restart", ONCE, REPLICATIONS as u32);
    for point in &plan.points {
        let alone = Plan { points: vec![point.clone()], ..plan.clone() };
        let answer = poolcast::answers::runner::run(&alone, &RunOptions { jobs: 2, status_every: None }, &|_| {}).remove(0);
        let [recovery] = answer.point.recovery.as_slice() else { panic!("one fault, one recovery") };
        assert_eq!((recovery.verdict.as_str(), recovery.at, recovery.over), ("recovers", 60.0, 63.0));
        let after = recovery.after.expect("all are back");
        assert!((DOWN.1..DOWN.1 + 1.5).contains(&after), "three seconds down, and as before after {after}");
        // Nobody failed before, so all that fail are lost; those in the last window may be on either side.
        let lost = recovery.lost.expect("the time before is known") * REPLICATIONS as f64;
        assert!((lost / answer.point.requests.failed as f64 - 1.0).abs() < 0.01, "{lost} of {}", answer.point.requests.failed);
        assert!(recovery.connects_per_second_peak > 20.0, "200 a second ask: {}", recovery.connects_per_second_peak);
    }
}

#[test]
fn through_an_outage_pre_ping_saves_only_the_first_to_meet_each_pool() {
    let plan = plan("restart", ONCE, REPLICATIONS as u32);
    let [with, without] = outcomes(&plan);
    let (saved, killed) = (failed(&without, Error::AdminShutdown), failed(&with, Error::AdminShutdown));
    assert!(killed < saved, "with pre-ping only statements under way meet the end of their session: {killed} against {saved}");
    // SQLAlchemy throws the whole pool away at the first dead connection: one surprise for each worker.
    assert!(saved - killed <= 4 * REPLICATIONS, "at most one for each of four workers and restart: {}", saved - killed);
    // Those saved meet the outage instead: their new connection is refused. The two runs part there, so that
    // one more or less meets it.
    let (with, without) = (all_failed(&with), all_failed(&without));
    assert!(with.abs_diff(without) <= 4 * REPLICATIONS, "{with} fail with pre-ping, {without} without");
    assert!(with > 500 * REPLICATIONS, "three seconds of 200 a second cannot be pinged away: {with}");
}

#[test]
fn where_sessions_end_without_an_outage_pre_ping_leaves_only_statements_under_way() {
    let mut plan = plan("restart", ONCE, REPLICATIONS as u32);
    for point in &mut plan.points {
        point.blueprint.faults = vec![At(Span::from_secs(60), FaultSpec::KillConnections { fraction: 1.0 })];
    }
    let [with, without] = outcomes(&plan);
    let under_way = failed(&with, Error::AdminShutdown) + failed(&with, Error::ConnectionLost);
    assert_eq!(all_failed(&with), under_way);
    assert!(all_failed(&with) < all_failed(&without), "{} with pre-ping, {} without", all_failed(&with), all_failed(&without));
    assert!(plan.warmup + plan.duration > SimTime::from_nanos(60_000_000_000) - SimTime::ZERO, "the fault lies within the run");
}
