//! SQLAlchemy's pools step for step as the real library was recorded to go (`tests/oracle/sqlalchemy`).

mod coverage;
mod schedule;

use schedule::Schedule;

use crate::recorded::{Recording, assert_all_agree, recordings};

const KEPT: &str = include_str!("sqlalchemy/traces.jsonl");

/// What the real library did, one schedule a line. `tests/oracle/sqlalchemy/compare.sh` names a file of fresh ones.
fn traces() -> Vec<Recording<Schedule>> {
    recordings("POOLCAST_SQLALCHEMY_TRACES", KEPT)
}

#[test]
fn every_step_and_every_counter_is_the_real_one() {
    assert_all_agree(&traces());
}

#[test]
fn the_recordings_put_every_rule_to_the_test() {
    let table = coverage::count(&traces());
    for rule in coverage::RULES {
        println!("{:7}  {rule}", table[rule]);
        assert!(table[rule] >= 3, "{rule}: {} times", table[rule]);
    }
}

#[test]
fn the_guide_says_how_often_each_rule_was_taken_in_the_recordings_kept() {
    let guide = include_str!("../../src/guide/exact.md");
    for (rule, count) in coverage::count(&KEPT.lines().map(Recording::read).collect::<Vec<_>>()) {
        let row = format!("| {rule} | {count} |");
        assert!(guide.lines().any(|line| line.starts_with(&row)), "src/guide/exact.md has no row {row}");
    }
}
