//! How likely it is that requests which hold a connection and ask for another bring a pool or a proxy to a standstill.

use crate::answers::demand;
use crate::answers::document::Deadlocks;
use crate::answers::runner::Course;
use crate::answers::words::{clock, count, percent, plural, seconds};
use crate::kernel::time::SimTime;
use crate::measure::deadlocks::{Deadlock, Place};
use crate::measure::intervals::Confidence;
use crate::measure::outcome::Outcome;
use crate::measure::proportion::events;
use crate::simulation::blueprint::Blueprint;

/// Who holds and who waits is told of so many.
const MOST_NAMED: usize = 4;
/// From this probability on it is told when, and not whether.
const CERTAIN: f64 = 0.99;

/// What was seen of deadlocks; nothing where no request opens a session inside another.
pub fn of(blueprint: &Blueprint, outcomes: &[Outcome], course: Course) -> Option<Deadlocks> {
    let nests = blueprint.workload.iter().any(|stream| demand::of(&stream.steps).depth > 1);
    let whole = course.warmup + course.duration;
    if !nests || outcomes.is_empty() || whole.is_zero() {
        return None;
    }
    let firsts: Vec<Option<&Deadlock>> = outcomes.iter().map(|outcome| outcome.deadlocks.first()).collect();
    let until = |first: &Option<&Deadlock>| first.map_or(whole, |first| first.at.since(SimTime::ZERO)).seconds() / 3600.0;
    let hours = firsts.iter().map(until).sum::<f64>();
    let runs = firsts.iter().flatten().count() as u64;
    // What comes first in each run after an exponential time is a Poisson number in all the time until then.
    let expected = events(runs, Confidence::USUAL);
    let within_an_hour = |number: f64| 1.0 - libm::exp(-number / hours);
    Some(Deadlocks {
        seen: outcomes.iter().map(|outcome| outcome.deadlocks.len() as u64).sum(),
        runs,
        hours,
        per_hour: within_an_hour(expected.value),
        per_hour_ci95: [within_an_hour(expected.low), within_an_hour(expected.high)],
        first: firsts.iter().flatten().next().map(|first| in_words(blueprint, first)),
    })
}

/// The same as a sentence, for so many replications.
pub fn sentence(found: &Deadlocks, replications: u64) -> String {
    let [low, high] = found.per_hour_ci95.map(percent);
    let time = seconds(found.hours * 3600.0);
    let Some(first) = &found.first else {
        return format!("none of nested sessions in {time} of this load: the probability of one within an hour is at most {high}");
    };
    let likely = match found.per_hour_ci95[0] {
        low if low >= CERTAIN => format!("one is met after {} on average", seconds(found.hours * 3600.0 / found.runs as f64)),
        _ => format!("the probability of one within an hour is {low} to {high}"),
    };
    format!("{} in {} of {}: {likely}; the first {first}", count(found.seen), count(found.runs), plural(replications, "run"))
}

fn in_words(blueprint: &Blueprint, first: &Deadlock) -> String {
    let name = |(stream, number): &(crate::protocol::event::StreamId, u64)| format!("{} {number}", blueprint.workload[stream.index()].name);
    let mut names: Vec<String> = first.holders.iter().take(MOST_NAMED).map(name).collect();
    if first.holders.len() > MOST_NAMED {
        names.push(format!("{} more", count((first.holders.len() - MOST_NAMED) as u64)));
    }
    let (place, whose) = match first.place {
        Place::Pool(worker) => {
            let (app, number) = blueprint.workers().nth(worker.index()).expect("a worker belongs to an app");
            (format!("in {} worker {number}", app.name), "of its pool")
        }
        Place::Proxy => ("at the proxy".to_owned(), "to the database"),
    };
    format!(
        "at {} {place}: all {} {whose} are held by {}, and each of them waits for another",
        clock(first.at.since(SimTime::ZERO).seconds()),
        plural(u64::from(first.held), "connection"),
        names.join(", ")
    )
}
