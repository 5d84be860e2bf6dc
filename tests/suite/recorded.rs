//! Schedules that a real library was recorded to go through, and poolcast's own way through them, event by event.

use std::fmt::Write;

use serde::de::DeserializeOwned;

pub mod recording;
pub mod system;

pub use recording::{Recording, Row};

/// What both sides were given.
pub trait Schedule: DeserializeOwned {
    /// What the figures of the counters are, after the nanoseconds.
    const COUNTERS: &'static str;
    /// Whether what is tied may show only later: the order of two idle connections, say.
    const TIES_LAST: bool = false;
    fn seed(&self) -> i64;
    /// What the pool does in poolcast.
    fn play(&self) -> Played;
    /// Pool and costs, in a line.
    fn settings(&self) -> String;
}

/// What poolcast's pool did.
pub struct Played {
    pub rows: Vec<Row>,
    pub counters: Vec<[i64; 4]>,
    pub errors: Vec<String>,
}

/// What comes out of a comparison.
enum Verdict {
    /// Every step and every count is the same.
    Same,
    /// So it is until independent things happen in one instant, and those come in another order.
    SameUntilTie,
    /// Not.
    Different(String),
}

/// The recordings in the file that the environment variable `fresh` names, else `kept`.
pub fn recordings<S: DeserializeOwned>(fresh: &str, kept: &str) -> Vec<Recording<S>> {
    let text = match std::env::var(fresh) {
        Ok(path) => std::fs::read_to_string(path).expect("the file of traces can be read"),
        Err(_) => kept.to_owned(),
    };
    text.lines().map(Recording::read).collect()
}

/// Every step and every counter of every schedule is the recorded one.
pub fn assert_all_agree<S: Schedule>(recordings: &[Recording<S>]) {
    let (mut same, mut tied, mut events) = (0, 0, 0);
    let mut different = Vec::new();
    for recording in recordings {
        events += recording.rows.len();
        match compare(recording) {
            Verdict::Same => same += 1,
            Verdict::SameUntilTie => tied += 1,
            Verdict::Different(why) => different.push((recording.schedule.seed(), why)),
        }
    }
    println!(
        "{same} of {} schedules ({events} events) agree, {tied} more until independent things happen in one instant",
        recordings.len()
    );
    let mut report = String::new();
    for (seed, why) in different.iter().take(8) {
        writeln!(report, "\nschedule {seed}:\n{why}").expect("a string takes all that is written to it");
    }
    let seeds: Vec<i64> = different.iter().map(|(seed, _)| *seed).collect();
    assert!(different.is_empty(), "{} of {} schedules differ: {seeds:?}\n{report}", seeds.len(), recordings.len());
    assert!(same * 20 >= recordings.len() * 19, "ties leave too little to compare: {tied} of {}", recordings.len());
}

fn compare<S: Schedule>(recording: &Recording<S>) -> Verdict {
    let played = recording.schedule.play();
    let differences = [first_difference(recording, &played.rows), first_wrong_count(recording, &played.counters)];
    let Some((at, why)) = differences.into_iter().flatten().min_by_key(|(at, _)| *at) else {
        return match &recording.errors {
            Some(errors) if *errors != played.errors && recording.ties.is_empty() => {
                Verdict::Different(format!("  {}\n  errors: real {errors:?}, ours {:?}", recording.schedule.settings(), played.errors))
            }
            _ => Verdict::Same,
        };
    };
    let is_tied = |tie: &u64| *tie == at || S::TIES_LAST && *tie < at;
    if recording.ties.iter().any(is_tied) { Verdict::SameUntilTie } else { Verdict::Different(why) }
}

/// The first row where the two part, with what came before it, and its instant.
fn first_difference<S: Schedule>(recording: &Recording<S>, simulated: &[Row]) -> Option<(u64, String)> {
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

fn first_wrong_count<S: Schedule>(recording: &Recording<S>, simulated: &[[i64; 4]]) -> Option<(u64, String)> {
    let real = &recording.counters;
    let place = (0..real.len().max(simulated.len())).find(|place| real.get(*place) != simulated.get(*place))?;
    let at = [real.get(place), simulated.get(place)].into_iter().flatten().map(|counts| counts[0] as u64).min()?;
    let around = |counts: &[[i64; 4]]| format!("{:?}", &counts[place.saturating_sub(2).min(counts.len())..(place + 2).min(counts.len())]);
    let text = format!("  [ns, {}]: real {}, ours {}\n  {}", S::COUNTERS, around(real), around(simulated), recording.schedule.settings());
    Some((at, text))
}
