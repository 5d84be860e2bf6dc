//! What is said of a validation, for every way in which it can end: never more than was shown.

use super::*;
use crate::answers::validate::Host;

/// A figure by its name in the document, with its two sides and its margin in seconds.
fn figure(metric: &str, live: f64, simulated: f64, margin: f64, verdict: Judged) -> Compared {
    let difference = simulated - live;
    Compared {
        scenario: String::new(),
        vary: Default::default(),
        metric: metric.to_owned(),
        live,
        live_spread: [live, live],
        simulated,
        difference,
        difference_ci90: Some([difference, difference]),
        margin,
        verdict,
    }
}

fn mean(verdict: Judged) -> Compared {
    figure("latency.mean", 0.063, 0.069, 0.01, verdict)
}

fn p99(verdict: Judged) -> Compared {
    figure("latency.p99", 0.216, 0.300, 0.04, verdict)
}

fn connects(verdict: Judged) -> Compared {
    figure("pools.connects", 28.0, 28.5, 2.0, verdict)
}

fn validation(verdict: Judged, fit: bool, metrics: Vec<Compared>) -> Validation {
    Validation {
        poolcast: "0".to_owned(),
        question: "Which?".to_owned(),
        seed: 1,
        repetitions: 3,
        verdict,
        metrics,
        ingredients: Vec::new(),
        host: Host { fit, ..Host::default() },
        calibrated: Vec::new(),
        notes: Vec::new(),
    }
}

fn spent(what: &str, off: bool) -> Ingredient {
    Ingredient {
        scenario: String::new(),
        vary: Default::default(),
        what: what.to_owned(),
        live: 0.021,
        simulated: 0.024,
        difference: 0.003,
        difference_ci90: Some([0.002, 0.004]),
        off,
    }
}

fn said(document: &Validation) -> (Tone, String, String) {
    let Verdict { tone, sentence, more } = of(document);
    (tone, sentence, more.join(" "))
}

#[test]
fn agreement_is_told_with_the_figure_that_is_farthest_off() {
    let document = validation(Judged::Agrees, true, vec![connects(Judged::Agrees), mean(Judged::Agrees)]);
    let (tone, sentence, more) = said(&document);
    assert_eq!(
        (tone, sentence.as_str()),
        (Tone::Good, "The simulation agrees with the real runs: all 2 figures are shown to lie within the margin.")
    );
    assert_eq!(more, "The farthest apart, for its margin: latency mean, 63.0 ms live and 69.0 ms simulated (margin 10.0 ms).");
    let one = validation(Judged::Agrees, true, vec![mean(Judged::Agrees)]);
    assert!(said(&one).1.ends_with("its figure is shown to lie within the margin."));
}

#[test]
fn a_difference_is_told_with_both_sides_and_what_is_off() {
    let mut document = validation(Judged::Differs, true, vec![mean(Judged::Agrees), p99(Judged::Differs), connects(Judged::TooNoisy)]);
    document.ingredients = vec![spent("queueing", false), spent("statements", true)];
    let (tone, sentence, more) = said(&document);
    assert_eq!(tone, Tone::Bad);
    assert_eq!(
        sentence,
        "1 of 3 figures differs from the real runs by more than the margin: latency p99, 216 ms live and 300 ms simulated (margin 40.0 ms)."
    );
    assert_eq!(more, "What is off: statements, 21.0 ms of a live request and 24.0 ms of a simulated one. 1 agrees, 1 is too noisy to say.");
}

#[test]
fn where_no_part_of_the_time_is_off_nothing_is_blamed() {
    let mut document = validation(Judged::Differs, true, vec![p99(Judged::Differs)]);
    document.ingredients = vec![spent("statements", false)];
    let (_, sentence, more) = said(&document);
    assert!(sentence.starts_with("1 of 1 figure differs from"), "{sentence}");
    assert_eq!(more, "No part of a request's time is shown to be different, so why they differ cannot be seen here.");
}

#[test]
fn of_many_differences_the_largest_are_named_and_the_rest_counted() {
    let figures = (1..=5).map(|step| figure("latency.p50", 0.1, 0.1 + 0.02 * f64::from(step), 0.01, Judged::Differs)).collect();
    let (_, sentence, _) = said(&validation(Judged::Differs, true, figures));
    assert!(sentence.starts_with("5 of 5 figures differ from the real runs by more than the margin: latency p50, 100 ms live and 200 ms"));
    assert!(sentence.ends_with("(margin 10.0 ms); and 2 more."), "{sentence}");
}

#[test]
fn where_there_are_several_points_each_figure_is_named_with_its_own() {
    let at = |size: u32, of: Compared| Compared { vary: [("apps.api.pool.pool_size".to_owned(), size.into())].into_iter().collect(), ..of };
    let mut document = validation(Judged::Differs, true, vec![at(5, p99(Judged::Differs)), at(9, p99(Judged::Agrees))]);
    document.ingredients = vec![Ingredient { vary: document.metrics[0].vary.clone(), ..spent("connect", true) }];
    let (_, sentence, more) = said(&document);
    assert!(sentence.contains("latency p99 at apps.api.pool.pool_size = 5, 216 ms live"), "{sentence}");
    assert!(more.starts_with("What is off at apps.api.pool.pool_size = 5: connect, 21.0 ms"), "{more}");
}

#[test]
fn noise_is_no_verdict_and_says_what_would_help() {
    let document = validation(Judged::TooNoisy, true, vec![mean(Judged::TooNoisy), p99(Judged::Agrees), connects(Judged::TooNoisy)]);
    let (tone, sentence, more) = said(&document);
    assert_eq!(
        (tone, sentence.as_str()),
        (Tone::Open, "No verdict: 2 of 3 figures spread too far between the runs to say whether they agree; the other one agrees.")
    );
    assert_eq!(more, "More repetitions or longer runs would narrow that.");
    let few = Compared { difference_ci90: None, ..mean(Judged::TooNoisy) };
    let (_, sentence, _) = said(&validation(Judged::TooNoisy, true, vec![few]));
    assert_eq!(sentence, "No verdict: 1 of 1 figure is in too few of the runs, or spreads too far, to say whether it agrees.");
    let (tone, sentence, _) = said(&validation(Judged::TooNoisy, true, Vec::new()));
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "No verdict: there is no figure that live and simulated runs both have."));
}

#[test]
fn a_busy_machine_is_why_there_is_no_verdict_and_one_in_spite_of_it_is_not_good_or_bad() {
    let (tone, sentence, more) = said(&validation(Judged::TooNoisy, false, vec![mean(Judged::TooNoisy), p99(Judged::Agrees)]));
    assert_eq!((tone, sentence.as_str()), (Tone::Open, "No verdict: the machine was busy with something else while the runs were made."));
    assert!(more.ends_with("On a quiet machine there may be a verdict. 1 agrees, 1 has no verdict."), "{more}");
    for verdict in [Judged::Agrees, Judged::Differs] {
        let (tone, _, more) = said(&validation(verdict, false, vec![mean(verdict)]));
        assert_eq!(tone, Tone::Open);
        assert!(more.ends_with("so this may be about the machine rather than the model."), "{more}");
    }
}
