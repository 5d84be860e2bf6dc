//! What limits a size, in words: what binds at its edge, the sums against every limit, what is to be said besides.

use super::{Case, Task, in_words};
use crate::answers::check::{self, System};
use crate::answers::evidence::Verdict;
use crate::answers::why::advise;
use crate::simulation::blueprint::Blueprint;

/// What binds just below the answer, or at the largest size if none is enough.
pub(super) fn binding(cases: &[Case], chosen: &[(String, u64)], feasible: bool) -> String {
    let at = cases.iter().position(|case| case.values == chosen).expect("it was tried");
    if !feasible {
        return hindrance(cases, at);
    }
    match cases[..at].iter().rev().find(|case| case.proof.verdict != Verdict::Meets) {
        Some(below) => {
            let advice = advise(&below.proof.answer);
            let why = if advice.next.is_some() { format!(": {}", advice.why) } else { String::new() };
            format!("{} is not shown to meet {}{why}", in_words(&below.values), below.lacks())
        }
        None => "nothing: the least of the range is enough".to_owned(),
    }
}

/// Why no size is enough; `at` is the largest.
fn hindrance(cases: &[Case], at: usize) -> String {
    if let Some(first) = cases.iter().position(|case| case.proof.is_too_large) {
        let below =
            cases[..first].last().map_or(String::new(), |case| format!("; {} does not meet {}", in_words(&case.values), case.lacks()));
        return format!("{} and more do not meet {}{below}", in_words(&cases[first].values), cases[first].lacks());
    }
    if let Some(open) = cases.iter().find(|case| case.proof.verdict == Verdict::Undecided) {
        let runs = open.proof.replications;
        let remedy = "more of them (--at-most) or a longer duration would decide";
        return format!(
            "{} is neither shown to meet {} nor to miss it in {runs} replications: {remedy}",
            in_words(&open.values),
            open.lacks()
        );
    }
    advise(&cases[at].proof.answer).why
}

impl Case {
    /// The objectives that it was not shown to meet.
    fn lacks(&self) -> String {
        let open = self.proof.shown.iter().filter(|shown| shown.verdict != Verdict::Meets);
        open.map(|shown| shown.objective.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The worst case against every limit, as sums.
pub(super) fn limits(blueprint: &Blueprint) -> Vec<String> {
    let worst = worst(blueprint);
    let number = |most: Option<u64>| most.map_or("no limit".to_owned(), |most| most.to_string());
    let mut lines = vec![format!("pools: {} = {} connections", worst.pools.0, number(worst.pools.1))];
    lines.extend(
        worst.deploy.filter(|deploy| Some(*deploy) != worst.pools.1).map(|deploy| format!("pools while workers are replaced: {deploy}")),
    );
    lines.extend(worst.proxy.map(|proxy| format!("proxy: {proxy} server connections")));
    let database = &blueprint.database;
    let fits = worst.database[0].is_some_and(|most| most <= worst.slots);
    lines.push(format!(
        "PostgreSQL: {} of {} slots ({} − {} reserved){}",
        number(worst.database[0]),
        worst.slots,
        database.max_connections,
        database.superuser_reserved_connections,
        if fits { "" } else { ": more than it lets in" }
    ));
    lines
}

pub(super) fn worst(blueprint: &Blueprint) -> check::Worst {
    check::worst(&System { name: String::new(), blueprint, objectives: &[], surge: None, place: &|_| None })
}

/// What is to be said besides.
pub(super) fn notes(task: &Task, cases: &[Case], is_monotone: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !is_monotone {
        let range = "a larger setting misses what a smaller one meets";
        notes.push(format!("more is not always better here: {range}; the range is shown, what lies beside the edge judged by itself"));
    }
    if cases.iter().any(|case| case.proof.verdict == Verdict::Undecided) {
        let margin = 100.0 * task.indifference;
        let open = format!("within {margin:.0} % of a limit, or after the most replications (--at-most) still not decided");
        notes.push(format!("open: {open}; the answer does not rely on it"));
    }
    if cases.iter().any(|case| case.proof.answer.point.verdict == "too short") {
        let remedy = "a longer duration would settle it (--set duration=…)";
        notes.push(format!("too short: runs that still show how they began are not taken as proof; {remedy}"));
    }
    if cases.iter().any(|case| case.proof.answer.point.verdict == "metastable") {
        let remedy = "fewer attempts, a longer backoff or a retry budget would settle it";
        notes.push(format!("metastable: what stays in an overload once it is there is not taken as proof; {remedy}"));
    }
    notes
}
