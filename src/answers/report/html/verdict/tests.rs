//! What is said first, for every kind of outcome: never more than the figures carry.

use super::*;
use crate::answers::document::Times;

fn point(verdict: &str, objectives: &[(&str, Option<f64>, bool)]) -> Point {
    let mut point = Point { verdict: verdict.to_owned(), duration: 300.0, replications: 10, ..Point::default() };
    point.latency = Times { count: 1000, p50: Some(0.0081), p99: Some(61.0), p99_ci95: Some([59.0, 63.0]), ..Times::default() };
    (point.requests.arrived, point.requests.completed, point.requests.failed) = (1013, 1000, 13);
    point.requests.error_rate = Some(0.013);
    let met =
        |(objective, measured, met): &(&str, Option<f64>, bool)| Met { objective: (*objective).to_owned(), measured: *measured, met: *met };
    point.objectives = objectives.iter().map(met).collect();
    point
}

fn named(name: &str, point: Point) -> Point {
    Point { scenario: name.to_owned(), ..point }
}

const FAST: (&str, Option<f64>, bool) = ("p99 latency below 500ms", Some(0.412), true);
const SLOW: (&str, Option<f64>, bool) = ("p99 latency below 500ms", Some(61.0), false);
const CLEAN: (&str, Option<f64>, bool) = ("errors below 0.1 %", Some(0.0), true);
const FAILING: (&str, Option<f64>, bool) = ("errors below 0.1 %", Some(0.013), false);
const UNKNOWN: (&str, Option<f64>, bool) = ("p99 latency below 500ms", None, false);

fn said(points: &[&Point]) -> (Tone, String, String) {
    let Verdict { tone, sentence, more } = of_points(points);
    (tone, sentence, more.join(" "))
}

#[test]
fn one_system_meets_or_misses_its_objectives() {
    let (tone, sentence, more) = said(&[&point("stable", &[FAST, CLEAN])]);
    assert_eq!(
        (tone, sentence.as_str()),
        (Tone::Good, "All 2 objectives are met: p99 latency below 500ms (412 ms), errors below 0.1 % (0 %).")
    );
    assert_eq!(more, "Half of all requests take up to 8.1 ms, 99 in 100 up to 61 s ± 2; 1.3 % fail.");
    let (tone, sentence, _) = said(&[&point("stable", &[SLOW, CLEAN])]);
    assert_eq!((tone, sentence.as_str()), (Tone::Bad, "1 of 2 objectives is missed: p99 latency below 500ms (61 s)."));
    let (tone, sentence, _) = said(&[&point("stable", &[SLOW, FAILING])]);
    assert_eq!(
        (tone, sentence.as_str()),
        (Tone::Bad, "All 2 objectives are missed: p99 latency below 500ms (61 s), errors below 0.1 % (1.3 %).")
    );
    assert_eq!(said(&[&point("stable", &[FAST])]).1, "The objective is met: p99 latency below 500ms (412 ms).");
    assert_eq!(said(&[&point("stable", &[UNKNOWN])]).1, "The objective is missed: p99 latency below 500ms (which cannot be said).");
}

#[test]
fn without_objectives_nothing_is_called_good_or_bad() {
    let (tone, sentence, more) = said(&[&point("stable", &[])]);
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "Half of all requests take up to 8.1 ms, 99 in 100 up to 61 s ± 2; 1.3 % fail."));
    assert!(more.contains("sets no objectives"), "{more}");
    let (slower, faster) = (
        named("a", point("stable", &[])),
        named("b", Point { latency: Times { p99: Some(0.2), ..Times::default() }, ..point("stable", &[]) }),
    );
    let (tone, sentence, _) = said(&[&slower, &faster]);
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "The p99 latency of 2 scenarios lies between 200 ms and 61 s."));
}

#[test]
fn what_has_no_steady_state_has_no_figures_in_its_verdict() {
    let silent = |verdict: &str, note: &str, objectives| Point {
        latency: Times::default(),
        notes: vec!["something else".to_owned(), format!("{verdict}: {note}")],
        ..point(verdict, objectives)
    };
    let (tone, sentence, more) = said(&[&silent("unstable", "grows", &[UNKNOWN, CLEAN])]);
    assert_eq!(tone, Tone::Bad);
    assert!(sentence.starts_with("The system is unstable: work comes faster than it is done"), "{sentence}");
    assert_eq!(more, "1 of 2 objectives is missed: p99 latency below 500ms (which cannot be said).");
    let (tone, sentence, more) = said(&[&silent("too short", "duration \"900s\" or more", &[])]);
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "The run is too short to speak of a steady state: duration \"900s\" or more."));
    assert_eq!(more, "");
    let (tone, sentence, _) =
        said(&[&Point { notes: vec!["metastable: started empty, 3–5".to_owned()], ..point("metastable", &[FAST]) }]);
    assert_eq!((tone, sentence.as_str()), (Tone::Bad, "How it goes depends on how it starts: started empty, 3–5."));
}

#[test]
fn a_fixed_span_is_named_and_few_requests_are_told() {
    let (_, sentence, _) = said(&[&point("finite", &[])]);
    assert_eq!(sentence, "In these 5 min, half of all requests take up to 8.1 ms, 99 in 100 up to 61 s ± 2; 1.3 % fail.");
    let few = Point { latency: Times { p50: Some(0.0081), ..Times::default() }, ..point("finite", &[]) };
    assert!(said(&[&few]).1.contains("there are too few for a p99"));
    let mut none = Point { latency: Times::default(), ..point("finite", &[]) };
    (none.requests.completed, none.requests.error_rate) = (0, Some(1.0));
    assert_eq!(said(&[&none]).1, "No request was completed; 100 % fail.");
    (none.requests.arrived, none.requests.failed, none.requests.error_rate) = (0, 0, None);
    assert_eq!(said(&[&none]).1, "No request arrived.");
}

#[test]
fn of_many_it_is_said_which_meet_their_objectives_and_what_the_others_miss() {
    let (good, bad) = (named("direct", point("stable", &[FAST, CLEAN])), named("session", point("stable", &[SLOW, CLEAN])));
    let lost = named("lost", Point { latency: Times::default(), ..point("unstable", &[UNKNOWN, CLEAN]) });
    let (tone, sentence, more) = said(&[&good, &bad, &lost]);
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "1 of 3 scenarios meets every objective: direct."));
    assert_eq!(
        more,
        "session misses p99 latency below 500ms (61 s). lost misses p99 latency below 500ms (which cannot be said). \
         lost is unstable: work comes faster than it is done, and there is no steady value."
    );
    assert_eq!(said(&[&good, &named("other", good.clone())]).1, "Both scenarios meet every objective.");
    let (tone, sentence, _) = said(&[&bad, &named("other", bad.clone())]);
    assert_eq!((tone, sentence.as_str()), (Tone::Bad, "Neither of the 2 scenarios meets every objective."));
    let points: Vec<Point> = (0..9)
        .map(|size| Point { vary: [("pool_size".to_owned(), size.into())].into_iter().collect(), ..point("stable", &[SLOW]) })
        .collect();
    let (_, sentence, more) = said(&points.iter().collect::<Vec<_>>());
    assert_eq!(sentence, "None of the 9 points meets every objective.");
    assert_eq!(more, "p99 latency below 500ms is missed by 9 points.");
}

#[test]
fn a_size_is_the_smallest_that_is_shown_to_do_or_there_is_none() {
    let mut document = Size {
        poolcast: "0".into(),
        question: "Which?".into(),
        seed: 1,
        feasible: true,
        answer: Some([("apps.api.pool.pool_size".to_owned(), 12.into())].into_iter().collect()),
        binding: "errors below 0.1 % is missed with 11".into(),
        tried: Vec::new(),
        cliff: None,
        limits: Vec::new(),
        configuration: Default::default(),
        notes: Vec::new(),
    };
    let Verdict { tone, sentence, more } = of_size(&document);
    assert_eq!(
        (tone, sentence.as_str()),
        (Tone::Good, "apps.api.pool.pool_size = 12 is the smallest setting that is shown to meet every objective.")
    );
    assert_eq!(more, ["errors below 0.1 % is missed with 11."]);
    (document.feasible, document.answer) = (false, None);
    assert_eq!(of_size(&document).sentence, "No setting in the range is shown to meet every objective.");
}
