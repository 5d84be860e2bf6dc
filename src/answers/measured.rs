//! The answer that recordings of real runs give, in the words and figures of a simulated one.

use crate::answers::document::Answer;
use crate::answers::objectives;
use crate::answers::runner::{SLICES, course};
use crate::answers::summary::{self, Asked};
use crate::experiment::{Plan, Point};
use crate::measure::outcome::Outcome;
use crate::measure::recording::Recording;
use crate::measure::recording::outcome;

/// What recordings of one of a plan's points say. What nobody could see from outside is `null`: how busy the cores of the
/// database were, how long clients waited at the proxy, and which waits were of no length at all.
pub fn answer(plan: &Plan, point: &Point, recordings: &[Recording]) -> Answer {
    let outcomes: Vec<Outcome> = recordings.iter().map(|recording| outcome::of(recording, SLICES)).collect();
    let asked = Asked {
        scenario: point.scenario.clone().unwrap_or_default(),
        vary: point.vary.iter().cloned().collect(),
        blueprint: &point.blueprint,
        course: course(plan, point),
        measured: true,
    };
    let mut answer = summary::answer(asked, &outcomes, Vec::new());
    answer.point.pool_wait.waited = None;
    for (_, stream) in &mut answer.point.streams.0 {
        stream.pool_wait.waited = None;
    }
    answer.point.database.utilisation = None;
    answer.busy_when_waiting = None;
    answer.point.digest = digest(recordings);
    answer.point.objectives = objectives::judge(&plan.objectives, &answer.point, &outcomes);
    answer.point.notes.splice(0..0, notes(recordings));
    answer
}

fn digest(recordings: &[Recording]) -> String {
    let mut hasher = blake3::Hasher::new();
    for recording in recordings {
        hasher.update(&serde_json::to_vec(recording).expect("a recording is plain data"));
    }
    hasher.finalize().to_hex().to_string()
}

fn notes(recordings: &[Recording]) -> Vec<String> {
    let mut notes = vec!["measured on real servers: counts of database and proxy are from a look every 0.1 s".to_owned()];
    let warnings = recordings.iter().flat_map(|recording| &recording.warnings);
    for warning in warnings {
        if !notes.contains(warning) {
            notes.push(warning.clone());
        }
    }
    let attempts = recordings.iter().flat_map(|recording| &recording.attempts);
    let nameless: Vec<&str> = attempts
        .filter_map(|attempt| attempt.failure.as_ref())
        .filter(|failure| failure.name.is_none())
        .map(|failure| &*failure.text)
        .collect();
    if let Some(first) = nameless.first() {
        let text: String = first.chars().take(160).collect();
        notes.push(format!(
            "{} requests failed with an error that has no name here, counted as {}: {text}",
            nameless.len(),
            outcome::NAMELESS
        ));
    }
    notes
}
