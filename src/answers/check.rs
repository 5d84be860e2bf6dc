//! What can be said of a system without a run: worst-case connections against every limit, and what is known to bite.
//!
//! A rule looks at a complete system and says what it finds, with the paths of the values that it found it in; where
//! those stand in a file is somebody else's knowledge ([`Place`]). A new rule is a file in `check/` and two lines here:
//! `mod x;` and its row in [`RULES`].

use serde::Serialize;

use crate::experiment::{Objective, Place};
use crate::simulation::blueprint::Blueprint;

// What rules ask of a system.
mod fleet;
mod holds;
pub(in crate::answers) mod pools;

// A question of its own.
mod endless;

// The rules.
mod await_in_transaction;
mod bouncer_limits;
mod cold_start;
mod connections_objective;
mod cores;
mod deadline;
mod event_loop;
mod idle_limit;
mod idle_transaction;
mod leak;
mod lifetime;
mod max_client_conn;
mod nested_sessions;
mod overflow;
mod pool_load;
mod pre_ping;
mod proxy_core;
mod proxy_load;
mod query_timeout;
mod query_wait;
mod rds_proxy;
mod recycling_wave;
mod reserve_pool;
mod retries;
mod session_mode;
mod session_state;
mod slots;
mod statement_mode;
mod statement_timeout;
mod unlimited_pool;
mod wait_for_ever;

#[cfg(test)]
mod tests;

pub use endless::all_endless;
pub use fleet::{Worst, worst};
pub use holds::in_use;
pub use session_state::notes as session_state_notes;

/// All rules, in the order in which findings of one severity are told: limits, load, modes, timeouts, housekeeping.
pub const RULES: &[Rule] = &[
    slots::POOLS_OVER_SLOTS,
    slots::PROXY_OVER_SLOTS,
    slots::DEPLOY_OVER_SLOTS,
    max_client_conn::RULE,
    max_client_conn::DEPLOY,
    unlimited_pool::RULE,
    connections_objective::RULE,
    session_mode::RULE,
    nested_sessions::RULE,
    session_state::RULE,
    statement_mode::RULE,
    leak::RULE,
    cores::OVERLOADED,
    pool_load::RULE,
    proxy_load::RULE,
    proxy_core::RULE,
    event_loop::RULE,
    event_loop::BLOCKED,
    rds_proxy::PINNED,
    query_wait::RULE,
    deadline::RULE,
    wait_for_ever::RULE,
    statement_timeout::LONGER_THAN_POOL_TIMEOUT,
    statement_timeout::NONE,
    query_timeout::RULE,
    idle_transaction::RULE,
    idle_limit::PROXY,
    idle_limit::NETWORK,
    lifetime::NOT_KEPT,
    lifetime::RECYCLED_FOR_NOTHING,
    lifetime::ONE_USE,
    pre_ping::RULE,
    overflow::RULE,
    await_in_transaction::TRANSACTION,
    await_in_transaction::SESSION,
    reserve_pool::RULE,
    bouncer_limits::RULE,
    retries::RULE,
    recycling_wave::RULE,
    cold_start::RULE,
    cores::CROWDED,
];

/// Something that is known to bite.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, as a finding bears it.
    pub name: &'static str,
    /// What it looks for, in one line.
    pub about: &'static str,
    apply: fn(&System) -> Vec<Finding>,
}

/// A system to be checked.
pub struct System<'a> {
    /// The scenario and what is varied, as a person would call the point; empty if there is only one.
    pub name: String,
    /// All of it.
    pub blueprint: &'a Blueprint,
    /// What must hold.
    pub objectives: &'a [Objective],
    /// Workers of each app that are there twice while a new version is rolled out, if somebody said how many.
    pub surge: Option<u64>,
    /// Where the value of a path stands.
    pub place: &'a dyn Fn(&str) -> Option<Place>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will fail, or fails in a state that it will come to.
    Error,
    /// It fails under conditions that are not rare.
    Warning,
    /// It costs something, or does nothing.
    Note,
}

/// Something found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The values that it was found in, the first of them the main one.
    pub labels: Vec<Label>,
    /// Why it bites.
    pub why: Vec<String>,
    /// What would be right.
    pub help: Vec<String>,
    /// The systems that it was found in; empty if there is only one.
    pub systems: Vec<String>,
}

/// A value that a finding is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Its path in the system.
    pub path: String,
    /// What is to be said there.
    pub text: String,
    /// Where that is.
    pub place: Option<Place>,
}

/// Applies all rules to all systems. What is found in several systems in the same words is said once.
pub fn check(systems: &[System]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for system in systems {
        for rule in RULES {
            for finding in (rule.apply)(system) {
                let finding = placed(finding, rule.name, system);
                match findings.iter_mut().find(|known| known.says_the_same(&finding)) {
                    Some(known) => known.join(finding),
                    None => findings.push(finding),
                }
            }
        }
    }
    let rank = |name: &str| RULES.iter().position(|rule| rule.name == name);
    findings.sort_by_key(|finding| (finding.severity, rank(finding.rule)));
    findings
}

/// The finding with the places of its labels. What has no place is told among the reasons.
fn placed(mut finding: Finding, rule: &'static str, system: &System) -> Finding {
    finding.rule = rule;
    finding.systems.extend((!system.name.is_empty()).then(|| system.name.clone()));
    for label in &mut finding.labels {
        label.place = (system.place)(&label.path);
        if !label.is_given() && !label.text.is_empty() {
            let field = label.path.rsplit('.').next().unwrap_or_default();
            label.text = format!("{field} is unset: {}", label.text);
        }
    }
    // A label without words only underlines: what it underlines must be there.
    finding.labels.retain(|label| label.is_given() || !label.text.is_empty());
    let (mut labels, lost): (Vec<Label>, Vec<Label>) = finding.labels.into_iter().partition(|label| label.place.is_some());
    finding.why.splice(0..0, lost.iter().map(|label| label.text.clone()));
    if labels.is_empty() {
        labels.extend(lost.into_iter().take(1));
    }
    finding.labels = labels;
    finding
}

impl Label {
    /// Whether the value itself stands in a file.
    fn is_given(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.given)
    }
}

impl Finding {
    fn new(severity: Severity, message: impl Into<String>) -> Finding {
        let message = message.into();
        Finding { rule: "", severity, message, labels: Vec::new(), why: Vec::new(), help: Vec::new(), systems: Vec::new() }
    }

    fn error(message: impl Into<String>) -> Finding {
        Finding::new(Severity::Error, message)
    }

    fn warning(message: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, message)
    }

    fn note(message: impl Into<String>) -> Finding {
        Finding::new(Severity::Note, message)
    }

    /// Points at the value of this path; the first one pointed at is the main one.
    fn at(mut self, path: impl Into<String>, text: impl Into<String>) -> Finding {
        self.labels.push(Label { path: path.into(), text: text.into(), place: None });
        self
    }

    /// Points at several values.
    fn all(self, labels: impl IntoIterator<Item = (String, String)>) -> Finding {
        labels.into_iter().fold(self, |finding, (path, text)| finding.at(path, text))
    }

    fn why(mut self, why: impl Into<String>) -> Finding {
        self.why.push(why.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Finding {
        self.help.push(help.into());
        self
    }

    /// Whether only the system differs, and places beside the main one.
    fn says_the_same(&self, other: &Finding) -> bool {
        (self.rule, self.severity, &self.message, self.labels.first(), &self.why, &self.help)
            == (other.rule, other.severity, &other.message, other.labels.first(), &other.why, &other.help)
    }

    fn join(&mut self, other: Finding) {
        self.systems.extend(other.systems);
        for label in other.labels {
            if !self.labels.contains(&label) {
                self.labels.push(label);
            }
        }
    }
}

/// The path of a field of an app.
fn of_app(app: &str, field: &str) -> String {
    format!("apps.{app}.{field}")
}

/// The path of a field of a stream.
fn of_stream(stream: &str, field: &str) -> String {
    format!("workload.{stream}.{field}")
}
