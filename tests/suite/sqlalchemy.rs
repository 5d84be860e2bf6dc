//! SQLAlchemy's pools step for step as the real library was recorded to go (`tests/oracle/sqlalchemy`).

use std::fmt::Write;

mod coverage;
mod recording;
mod schedule;

use recording::{Recording, Row};

/// What the real library did, one schedule a line. `tests/oracle/sqlalchemy/compare.sh` names a file of fresh ones.
fn recordings() -> Vec<Recording> {
    match std::env::var("POOLCAST_SQLALCHEMY_TRACES") {
        Ok(path) => std::fs::read_to_string(path).expect("the file of traces can be read").lines().map(Recording::read).collect(),
        Err(_) => kept(),
    }
}

/// The recordings that lie beside the tests.
fn kept() -> Vec<Recording> {
    include_str!("sqlalchemy/traces.jsonl").lines().map(Recording::read).collect()
}

#[test]
fn every_step_and_every_counter_is_the_real_one() {
    let recordings = recordings();
    let events: usize = recordings.iter().map(|recording| recording.rows.len()).sum();
    let different: Vec<_> = recordings.iter().filter_map(|recording| Some((recording.schedule.seed, difference(recording)?))).collect();
    println!("{} of {} schedules agree, {events} events", recordings.len() - different.len(), recordings.len());
    let mut report = String::new();
    for (seed, why) in different.iter().take(8) {
        writeln!(report, "\nschedule {seed}:\n{why}").expect("a string takes all that is written to it");
    }
    let seeds: Vec<i64> = different.iter().map(|(seed, _)| *seed).collect();
    assert!(different.is_empty(), "{} of {} schedules differ: {seeds:?}\n{report}", seeds.len(), recordings.len());
}

#[test]
fn the_recordings_put_every_rule_to_the_test() {
    let table = coverage::count(&recordings());
    for rule in coverage::RULES {
        println!("{:7}  {rule}", table[rule]);
        assert!(table[rule] >= 3, "{rule}: {} times", table[rule]);
    }
}

#[test]
fn the_guide_says_how_often_each_rule_was_taken_in_the_recordings_kept() {
    let guide = include_str!("../../src/guide/exact.md");
    for (rule, count) in coverage::count(&kept()) {
        let row = format!("| {rule} | {count} |");
        assert!(guide.lines().any(|line| line.starts_with(&row)), "src/guide/exact.md has no row {row}");
    }
}

/// Where the simulated pool first leaves the real one.
fn difference(recording: &Recording) -> Option<String> {
    let (rows, counters) = recording.schedule.simulate();
    let found = [first_difference(recording, &rows), first_wrong_count(recording, &counters)];
    found.into_iter().flatten().min_by_key(|(at, _)| *at).map(|(_, why)| why)
}

/// The first row where the two part, with what came before it, and its instant.
fn first_difference(recording: &Recording, simulated: &[Row]) -> Option<(u64, String)> {
    let real = &recording.rows;
    let place = (0..real.len().max(simulated.len())).find(|place| real.get(*place) != simulated.get(*place))?;
    let at = [real.get(place), simulated.get(place)].into_iter().flatten().map(|row| row.at).min()?;
    let show = |row: Option<&Row>| row.map_or_else(|| "(nothing)".to_owned(), Row::to_string);
    let mut text = format!("  {}\n", recording.schedule.settings());
    for before in place.saturating_sub(14)..place {
        writeln!(text, "  {:5} {}", "", show(real.get(before))).expect("a string takes all that is written to it");
    }
    for after in place..place + 6 {
        let mark = if real.get(after) == simulated.get(after) { ' ' } else { '!' };
        let (real, ours) = (show(real.get(after)), show(simulated.get(after)));
        writeln!(text, "{mark} real  {real:<60} ours {ours}").expect("a string takes all that is written to it");
    }
    Some((at, text))
}

fn first_wrong_count(recording: &Recording, simulated: &[[i64; 4]]) -> Option<(u64, String)> {
    let real = &recording.counters;
    let place = (0..real.len().max(simulated.len())).find(|place| real.get(*place) != simulated.get(*place))?;
    let at = [real.get(place), simulated.get(place)].into_iter().flatten().map(|counts| counts[0] as u64).min()?;
    let around = |counts: &[[i64; 4]]| format!("{:?}", &counts[place.saturating_sub(2).min(counts.len())..(place + 2).min(counts.len())]);
    let text = format!(
        "  [ns, idle, checked out, overflow]: real {}, ours {}\n  {}",
        around(real),
        around(simulated),
        recording.schedule.settings()
    );
    Some((at, text))
}
