//! The first sentence about a validation: whether the simulation agrees with the real runs, and if not, in what.

use crate::answers::report::html::data::{Tone, Verdict};
use crate::answers::report::validate::{amount, place, words};
use crate::answers::validate::{Compared, Ingredient, Validation};
use crate::answers::words::{plural, seconds};
use crate::measure::equivalence::Verdict as Judged;

/// More figures than these are counted, not named.
const MOST_NAMED: usize = 3;

/// Of the whole.
pub fn of(document: &Validation) -> Verdict {
    let (tone, sentence, more) = match document.verdict {
        Judged::Agrees => agrees(document),
        Judged::Differs => differs(document),
        Judged::TooNoisy => too_noisy(document),
    };
    // A verdict that was asked for in spite of the machine is none to rest on.
    let busy = !document.host.fit && document.verdict != Judged::TooNoisy;
    let tone = if busy { Tone::Open } else { tone };
    let busy = busy.then(|| "The machine was busy with something else, so this may be about the machine rather than the model.".to_owned());
    Verdict { tone, sentence, more: more.into_iter().chain(busy).collect() }
}

type Said = (Tone, String, Vec<String>);

fn agrees(document: &Validation) -> Said {
    let all = document.metrics.len();
    let figures = if all == 1 { "its figure is".to_owned() } else { format!("all {all} figures are") };
    let sentence = format!("The simulation agrees with the real runs: {figures} shown to lie within the margin.");
    let farthest =
        farthest(document, Judged::Agrees).first().map(|one| format!("The farthest apart, for its margin: {}.", both(document, one)));
    (Tone::Good, sentence, farthest.into_iter().collect())
}

fn differs(document: &Validation) -> Said {
    let (all, differing) = (document.metrics.len(), farthest(document, Judged::Differs));
    let named: Vec<String> = differing.iter().take(MOST_NAMED).map(|one| both(document, one)).collect();
    let rest = differing.len() - named.len();
    let rest = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    let is_are = if differing.len() == 1 { "differs" } else { "differ" };
    let sentence = format!(
        "{} of {} {is_are} from the real runs by more than the margin: {}{rest}.",
        differing.len(),
        plural(all as u64, "figure"),
        named.join("; ")
    );
    let off: Vec<&Ingredient> = document.ingredients.iter().filter(|one| one.off).collect();
    let mut more: Vec<String> = off.iter().map(|one| of_ingredient(document, one)).collect();
    if off.is_empty() {
        more.push("No part of a request's time is shown to be different, so why they differ cannot be seen here.".to_owned());
    }
    more.extend(others(document, ["is too noisy to say", "are too noisy to say"]));
    (Tone::Bad, sentence, more)
}

fn too_noisy(document: &Validation) -> Said {
    let (all, noisy) = (document.metrics.len(), farthest(document, Judged::TooNoisy));
    let open = |sentence: String, more: Vec<String>| (Tone::Open, sentence, more);
    if document.metrics.is_empty() {
        return open("No verdict: there is no figure that live and simulated runs both have.".to_owned(), Vec::new());
    }
    if !document.host.fit {
        let sentence = "No verdict: the machine was busy with something else while the runs were made.".to_owned();
        let more = ["The figures are shown all the same. On a quiet machine there may be a verdict.".to_owned()];
        return open(sentence, more.into_iter().chain(others(document, ["has no verdict", "have no verdict"])).collect());
    }
    let why = match (noisy.iter().all(|one| one.difference_ci90.is_some()), noisy.len()) {
        (true, 1) => "spreads too far between the runs to say whether it agrees",
        (true, _) => "spread too far between the runs to say whether they agree",
        (false, 1) => "is in too few of the runs, or spreads too far, to say whether it agrees",
        (false, _) => "are in too few of the runs, or spread too far, to say whether they agree",
    };
    let agreeing = all - noisy.len();
    let rest = match agreeing {
        0 => String::new(),
        1 => "; the other one agrees".to_owned(),
        number => format!("; the other {number} agree"),
    };
    let sentence = format!("No verdict: {} of {} {why}{rest}.", noisy.len(), plural(all as u64, "figure"));
    open(sentence, vec!["More repetitions or longer runs would narrow that.".to_owned()])
}

/// "5 agree, 3 are too noisy to say."
fn others(document: &Validation, noisy: [&str; 2]) -> Option<String> {
    let told = |verdict: Judged, [one, many]: [&str; 2]| {
        let number = document.metrics.iter().filter(|one| one.verdict == verdict).count();
        (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { many }))
    };
    let told: Vec<String> = [told(Judged::Agrees, ["agrees", "agree"]), told(Judged::TooNoisy, noisy)].into_iter().flatten().collect();
    (!told.is_empty()).then(|| format!("{}.", told.join(", ")))
}

/// Figures of this verdict, those farthest apart for their margin first.
fn farthest(document: &Validation, verdict: Judged) -> Vec<&Compared> {
    let mut figures: Vec<&Compared> = document.metrics.iter().filter(|one| one.verdict == verdict).collect();
    let margins = |one: &Compared| one.difference.abs() / one.margin.max(f64::MIN_POSITIVE);
    figures.sort_by(|a, b| margins(b).total_cmp(&margins(a)));
    figures
}

/// "latency p99 at pool_size = 8, 201 ms live and 117 ms simulated (margin 40.2 ms)".
fn both(document: &Validation, one: &Compared) -> String {
    let written = |value: f64| amount(&one.metric, value);
    let (live, simulated, margin) = (written(one.live), written(one.simulated), written(one.margin));
    format!("{}{}, {live} live and {simulated} simulated (margin {margin})", words(&one.metric), at(document, &place(one)))
}

fn of_ingredient(document: &Validation, one: &Ingredient) -> String {
    let here = document.metrics.iter().find(|figure| (&figure.scenario, &figure.vary) == (&one.scenario, &one.vary));
    let place = here.map_or(String::new(), |figure| at(document, &place(figure)));
    format!("What is off{place}: {}, {} of a live request and {} of a simulated one.", one.what, seconds(one.live), seconds(one.simulated))
}

/// Where there are several points, which of them is meant.
fn at(document: &Validation, place_of: &str) -> String {
    let is_one = document.metrics.windows(2).all(|pair| place(&pair[0]) == place(&pair[1]));
    if is_one { String::new() } else { format!(" at {place_of}") }
}

#[cfg(test)]
mod tests;
