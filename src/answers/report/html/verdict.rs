//! The one sentence to read first: what came out, in plain words, from the figures alone.
//!
//! It claims nothing that the figures do not carry: no scenario is called better than another (that is `compare`'s to
//! show), and what has no steady state has no figures here either.

use super::data::{Tone, Verdict};
use crate::answers::compare::Comparisons;
use crate::answers::document::{Answer, Met, Point};
use crate::answers::report::compare;
use crate::answers::report::sweep::name;
use crate::answers::report::table::measured;
use crate::answers::size::Size;
use crate::answers::why::advise;
use crate::answers::words::{percent, plural, seconds, seconds_within, span};

pub mod validation;

/// Of a run.
pub fn of_run(answers: &[Answer]) -> Verdict {
    let points: Vec<&Point> = answers.iter().map(|answer| &answer.point).collect();
    let mut verdict = match points.as_slice() {
        [] => return Verdict { tone: Tone::Open, sentence: "Nothing was run.".to_owned(), more: Vec::new() },
        [point] => of_one(point),
        points => of_many(points),
    };
    if let [answer] = answers {
        let advice = advise(answer);
        let why = if advice.binds == "–" { advice.why } else { format!("what binds: {}", advice.why) };
        verdict.more.push(format!("{}.", capital(&why)));
        verdict.more.extend(advice.next.map(|next| format!("To try: {}.", next.words)));
    }
    verdict
}

/// Of points of which nothing but the figures is at hand.
pub fn of_points(points: &[&Point]) -> Verdict {
    match points {
        [point] => of_one(point),
        points => of_many(points),
    }
}

/// Of a comparison: its claims, scenario by scenario.
pub fn of_comparison(document: &Comparisons) -> Verdict {
    let sentences = compare::sentences(document);
    let mut sentences = sentences.into_iter().map(|sentence| format!("{sentence}."));
    let sentence = sentences.next().unwrap_or_else(|| "There is nothing to compare.".to_owned());
    let beside = format!("Beside {}, pair by pair; all intervals together cover with 95 %.", document.baseline);
    Verdict { tone: Tone::Open, sentence, more: sentences.chain([beside]).collect() }
}

/// Of a search for a size.
pub fn of_size(document: &Size) -> Verdict {
    let values = |values: &serde_json::Map<String, serde_json::Value>| {
        values.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(" and ")
    };
    let (tone, sentence) = match &document.answer {
        Some(answer) => (Tone::Good, format!("{} is the smallest setting that is shown to meet every objective.", values(answer))),
        None => (Tone::Bad, "No setting in the range is shown to meet every objective.".to_owned()),
    };
    Verdict { tone, sentence, more: vec![format!("{}.", document.binding.trim_end_matches('.'))] }
}

fn of_one(point: &Point) -> Verdict {
    let missed: Vec<&Met> = point.objectives.iter().filter(|met| !met.met).collect();
    let (tone, mut sentence) = match (point.objectives.len(), missed.len()) {
        (0, _) => (Tone::Open, String::new()),
        (1, 0) => (Tone::Good, "The objective is met: ".to_owned() + &listed(&point.objectives)),
        (all, 0) => (Tone::Good, format!("All {all} objectives are met: ") + &listed(&point.objectives)),
        (1, _) => (Tone::Bad, "The objective is missed: ".to_owned() + &listed(&missed)),
        (all, number) if all == number => (Tone::Bad, format!("All {all} objectives are missed: ") + &listed(&missed)),
        (all, number) => (Tone::Bad, format!("{number} of {all} objectives {} missed: ", is_are(number)) + &listed(&missed)),
    };
    let state = state(point);
    let mut more = Vec::new();
    match (state, sentence.is_empty()) {
        (Some(state), _) => {
            // What there is no state to speak of comes before whether it is enough.
            more.extend((!sentence.is_empty()).then(|| format!("{sentence}.")));
            sentence = state;
        }
        (None, true) => {
            sentence = figures(point);
            more.push("The experiment sets no objectives, so nothing here is called good or bad.".to_owned());
        }
        (None, false) => more.push(format!("{}.", figures(point))),
    }
    let tone = if point.verdict == "unstable" || point.verdict == "metastable" { Tone::Bad } else { tone };
    let tone = if point.verdict == "too short" { Tone::Open } else { tone };
    Verdict { tone, sentence: format!("{}.", sentence.trim_end_matches('.')), more }
}

/// What is to be said before any figure.
fn state(point: &Point) -> Option<String> {
    let note = || point.notes.iter().find_map(|note| note.strip_prefix(&format!("{}: ", point.verdict)));
    match point.verdict.as_str() {
        "unstable" => Some(
            "The system is unstable: work comes faster than it is done, the queue grows for as long as the run lasts, and latencies have \
             no steady value"
                .to_owned(),
        ),
        "too short" => {
            Some(format!("The run is too short to speak of a steady state: {}", note().unwrap_or("a longer duration would settle it")))
        }
        "metastable" => Some(format!("How it goes depends on how it starts: {}", note().unwrap_or("there are two steady states"))),
        _ => None,
    }
}

/// "Half of all requests take up to 8.1 ms and 99 in 100 up to 61 s ± 2; 1.3 % fail".
fn figures(point: &Point) -> String {
    let latency = &point.latency;
    let p99 = match (latency.p99, latency.p99_ci95) {
        (Some(value), Some(interval)) => Some(seconds_within(value, interval)),
        (value, _) => value.map(seconds),
    };
    let over = if point.verdict == "finite" { format!("In these {}, h", span(point.duration)) } else { "H".to_owned() };
    let times = match (latency.p50, p99) {
        (Some(p50), Some(p99)) => format!("{over}alf of all requests take up to {}, 99 in 100 up to {p99}", seconds(p50)),
        (Some(p50), None) => format!("{over}alf of all requests take up to {}, and there are too few for a p99", seconds(p50)),
        (None, _) if point.requests.arrived == 0 => "No request arrived".to_owned(),
        (None, _) if point.requests.completed == 0 => "No request was completed".to_owned(),
        (None, _) => "There are too few requests to speak of percentiles".to_owned(),
    };
    let failed = match (point.requests.failed, point.requests.error_rate) {
        (_, None) => String::new(),
        (0, _) => "; none fails".to_owned(),
        (_, Some(rate)) => format!("; {} fail", percent(rate)),
    };
    times + &failed
}

fn of_many(points: &[&Point]) -> Verdict {
    let things = if points.iter().all(|point| point.vary.is_empty()) { "scenario" } else { "point" };
    let all = plural(points.len() as u64, things);
    let without: Vec<String> = ["unstable", "too short", "metastable"].iter().filter_map(|verdict| in_state(points, verdict)).collect();
    if points[0].objectives.is_empty() {
        let sentence = match points.iter().filter_map(|point| point.latency.p99).collect::<Vec<f64>>() {
            known if known.is_empty() => format!("None of the {all} has a p99 latency to speak of."),
            known => {
                let (low, high) = (known.iter().copied().fold(f64::INFINITY, f64::min), known.iter().copied().fold(0.0, f64::max));
                let of = if known.len() == points.len() { all } else { format!("{} of {all}", known.len()) };
                format!("The p99 latency of {of} lies between {} and {}.", seconds(low), seconds(high))
            }
        };
        let none = "The experiment sets no objectives, so nothing here is called good or bad.".to_owned();
        return Verdict { tone: Tone::Open, sentence, more: without.into_iter().chain([none]).collect() };
    }
    let (met, missed): (Vec<&Point>, Vec<&Point>) = points.iter().partition(|point| point.objectives.iter().all(|met| met.met));
    let sentence = match (met.len(), missed.len()) {
        (2, 0) => format!("Both {things}s meet every objective."),
        (_, 0) => format!("All {all} meet every objective."),
        (0, 2) => format!("Neither of the {all} meets every objective."),
        (0, _) => format!("None of the {all} meets every objective."),
        (number, _) if points.len() > MOST_TOLD => format!("{number} of {all} {} every objective.", meets(number)),
        (number, _) => format!("{number} of {all} {} every objective: {}.", meets(number), some(&met)),
    };
    let misses = if points.len() > MOST_TOLD { by_objective(&missed) } else { missed.iter().map(|point| of_missed(point)).collect() };
    let tone = if missed.is_empty() {
        Tone::Good
    } else if met.is_empty() {
        Tone::Bad
    } else {
        Tone::Open
    };
    Verdict { tone, sentence, more: misses.into_iter().chain(without).collect() }
}

/// Of more points than these it is told how many, not which: a table shows them.
const MOST_TOLD: usize = 6;

/// "session misses p99 latency below 500ms (61 s)."
fn of_missed(point: &Point) -> String {
    let these: Vec<&Met> = point.objectives.iter().filter(|met| !met.met).collect();
    format!("{} misses {}.", name(point), listed(&these))
}

/// "p99 latency below 500ms is missed by 12 points, errors below 0.1 % by 3."
fn by_objective(missed: &[&Point]) -> Vec<String> {
    let wanted = missed.first().map_or(&[][..], |point| &point.objectives);
    let counts = wanted.iter().enumerate().filter_map(|(at, met)| {
        let number = missed.iter().filter(|point| !point.objectives[at].met).count();
        (number > 0).then(|| format!("{} is missed by {}", met.objective, plural(number as u64, "point")))
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { Vec::new() } else { vec![format!("{}.", counts.join(", "))] }
}

fn in_state(points: &[&Point], verdict: &str) -> Option<String> {
    let these: Vec<&Point> = points.iter().copied().filter(|point| point.verdict == verdict).collect();
    let what = match verdict {
        "unstable" => "unstable: work comes faster than it is done, and there is no steady value",
        "too short" => "too short to speak of a steady state",
        _ => "metastable: how it goes depends on how it starts",
    };
    let who = if points.len() > MOST_TOLD { plural(these.len() as u64, "point") } else { some(&these) };
    (!these.is_empty()).then(|| format!("{who} {} {what}.", is_are(these.len())))
}

fn some(points: &[&Point]) -> String {
    points.iter().map(|point| name(point)).collect::<Vec<String>>().join("; ")
}

fn meets(number: usize) -> &'static str {
    if number == 1 { "meets" } else { "meet" }
}

/// "p99 latency below 500ms (61 s), errors below 0.1 % (1.3 %)".
fn listed<'a, M: std::borrow::Borrow<Met> + 'a>(objectives: impl IntoIterator<Item = &'a M>) -> String {
    let one = |met: &M| {
        let met = met.borrow();
        match met.measured {
            Some(_) => format!("{} ({})", met.objective, measured(met)),
            None => format!("{} (which cannot be said)", met.objective),
        }
    };
    objectives.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

fn is_are(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
