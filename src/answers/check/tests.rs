//! A small system that no rule objects to, and what a rule says when something of it is changed.

use super::{Finding, RULES, Severity, System, check};
use crate::experiment::Experiment;
use crate::experiment::path::get;

/// One worker with five connections, ten requests a second: at ease.
const BASE: &str = r#"System(
    workload: [Stream(name: "api", arrivals: Poisson(rate: 10), steps: [Session([Query(Constant("5ms"))])])],
    apps: [App(name: "api", pool: SqlAlchemy(pool_size: 5, max_overflow: 0))],
    database: Postgres(service: Sharing(cores: 8)),
)"#;

/// What the rule says of the small system with `system` laid over it, as plain text; `OBJECTIVES …` may follow.
pub(super) fn found(rule: &str, system: &str) -> Option<String> {
    assert!(RULES.iter().any(|known| known.name == rule), "there is no rule {rule}");
    all(system).into_iter().find(|finding| finding.rule == rule).map(|finding| said(&finding))
}

/// Holds that the rule has nothing to say of the small system with `system` laid over it.
#[track_caller]
pub(super) fn is_quiet(rule: &str, system: &str) {
    assert_eq!(found(rule, system), None);
}

fn all(system: &str) -> Vec<Finding> {
    with_system(system, |system| {
        let findings = check(std::slice::from_ref(system));
        let whole = serde_json::to_value(system.blueprint).expect("a system is plain data");
        for label in findings.iter().flat_map(|finding| &finding.labels) {
            assert!(get(&whole, &label.path).is_some(), "there is no {}", label.path);
        }
        findings
    })
}

/// What `look` sees in the small system with `system` laid over it.
pub(super) fn with_system<T>(system: &str, look: impl FnOnce(&System) -> T) -> T {
    let (system, objectives) = system.split_once("OBJECTIVES").unwrap_or((system, ""));
    let text = format!(
        r#"Experiment(question: "?", from: ["base"], system: System({system}), objectives: [{objectives}], duration: "1min", seed: 1)"#
    );
    let experiment = Experiment::parse(&text, "test.ron", &|_| Some(BASE.to_owned())).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    let point = &plan.points[0];
    let place = |path: &str| experiment.place(point, &[], path);
    let objectives = &plan.objectives;
    look(&System { name: String::new(), blueprint: &point.blueprint, objectives, surge: None, place: &place })
}

fn said(finding: &Finding) -> String {
    let labels = finding.labels.iter().map(|label| label.text.clone());
    let severity = format!("{:?}: {}", finding.severity, finding.message).to_lowercase().replacen(
        &finding.message.to_lowercase(),
        &finding.message,
        1,
    );
    std::iter::once(severity).chain(labels).chain(finding.why.clone()).chain(finding.help.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_is_said_of_a_system_at_ease() {
    let findings = all("");
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn rules_have_names_of_their_own_and_say_what_they_look_for_in_one_line() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.name);
        assert!(rule.about.chars().count() <= 76 && !rule.about.ends_with('.'), "{}", rule.about);
    }
}

#[test]
fn every_finding_says_where_it_is_why_it_bites_and_what_to_do() {
    let bad = r#"apps: [App(name: "api", workers: 40, pool: SqlAlchemy(pool_size: 20, pool_pre_ping: true, pool_recycle: "2h"))],
        proxy: PgBouncer(max_db_connections: 50, reserve_pool_size: 3, reserve_pool_timeout: "0s", server_lifetime: "0s", query_timeout: "1s")"#;
    let findings = all(bad);
    assert!(findings.len() >= 7, "{findings:#?}");
    for finding in &findings {
        assert!(!finding.why.is_empty() && !finding.help.is_empty() && finding.labels[0].place.is_some(), "{finding:#?}");
    }
    assert!(findings.is_sorted_by_key(|finding| finding.severity) && findings[0].severity == Severity::Error);
}
