//! The page of a validation, from the kept document of a real one: the browser tests open what is written here.

use poolcast::answers::report::html;
use poolcast::answers::report::html::points::Asked;
use poolcast::answers::report::html::validation;
use poolcast::answers::validate::Validation;
use poolcast::experiment::diagnose::Source;

const KEPT: &str = include_str!("../browser/transaction.validate.json");
const FILE: &str = include_str!("../../experiments/live/transaction.ron");

#[test]
fn a_kept_validation_has_a_page_that_says_what_the_document_says() {
    let document: Validation = serde_json::from_str(KEPT).expect("a document of this version");
    let name = "experiments/live/transaction.ron";
    let reproduce = format!("poolcast validate {name} --local --repetitions 3");
    let data = validation::of(&Asked { command: "validate", reproduce, source: &Source::new(name, FILE), file: name }, &document);
    let page = html::render(&data);
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/validation.html"), &page).expect("it can be written");
    assert!(page.len() < 170_000, "{} bytes", page.len());
    assert_eq!(
        data.verdict.sentence,
        "1 of 11 figures differs from the real runs by more than the margin: most connections, 31.0 live and 24.0 simulated (margin 1.6)."
    );
    assert_eq!(
        data.verdict.more,
        ["What is off: statements, 22.8 ms of a live request and 23.1 ms of a simulated one.", "9 agree, 1 is too noisy to say."]
    );
    let shown = data.validation.as_ref().expect("it is about a validation");
    let figures = &shown.points[0].figures;
    assert_eq!((shown.points.len(), figures.len()), (1, document.metrics.len()));
    // Where the interval lies is what the verdict says.
    for figure in figures {
        let [low, high] = figure.within.expect("three runs have an interval");
        let seen = match () {
            () if low >= -1.0 && high <= 1.0 => "agrees",
            () if low > 1.0 || high < -1.0 => "differs",
            () => "too noisy",
        };
        assert_eq!(seen, figure.verdict, "{}", figure.name);
    }
    assert!(shown.machine.iter().all(|health| health.is_fit) && shown.fit);
    assert!(page.contains("<td>0.13 ms</td><td>0.50 ms</td><td>agrees</td>"), "without scripts there is a table");
}
