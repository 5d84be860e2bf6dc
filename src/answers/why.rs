//! The one constraint that binds at a point, in plain words with its numbers, and what to try next.
//!
//! Rules are asked in order, causes before symptoms; the first that applies is the answer. A rule looks at figures and
//! settings only, so what it says can be checked against the document.

use crate::answers::document::{Answer, Times};

mod apps;
mod database;
mod faults;
mod proxy;

/// What binds and what to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The layer in one or two words, for a table's cell.
    pub binds: &'static str,
    /// A sentence or two.
    pub why: String,
    /// What to try; nothing if nothing needs to change.
    pub next: Option<Next>,
}

/// What to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// In words.
    pub words: String,
    /// As paths and values for `--set`; empty if it takes more than setting values.
    pub set: Vec<(String, String)>,
}

type Rule = fn(&Answer) -> Option<Advice>;

const RULES: &[Rule] = &[
    apps::leaks,
    faults::is_never_back,
    apps::event_loop,
    apps::blocked_loop,
    faults::ends_sessions,
    faults::holds_up,
    faults::doubles,
    database::slots,
    proxy::clients,
    proxy::processor,
    database::cores,
    proxy::session_mode,
    database::bursts,
    apps::holds_while_waiting,
    proxy::servers,
    apps::holds_one_and_asks_for_another,
    apps::pool,
    apps::opens_too_often,
    apps::herds,
    apps::recycles,
    database::timeouts,
    apps::leaks_so_far,
];

/// What binds at this point.
pub fn advise(answer: &Answer) -> Advice {
    RULES.iter().find_map(|rule| rule(answer)).unwrap_or_else(|| nothing(answer))
}

fn nothing(answer: &Answer) -> Advice {
    let point = &answer.point;
    let why = match (point.requests.failed + point.requests.unfinished, point.verdict.as_str()) {
        (0, "unstable") => "the queue grows for as long as the run lasts, and no limit of this system explains it".to_owned(),
        (0, _) => "nothing binds: no layer makes requests wait for long".to_owned(),
        _ => "no limit of this system explains the failures: see the errors".to_owned(),
    };
    Advice { binds: "–", why, next: None }
}

impl Advice {
    fn new(binds: &'static str, why: impl Into<String>) -> Advice {
        Advice { binds, why: why.into(), next: None }
    }

    /// Suggests something that takes more than setting values.
    fn then(self, words: impl Into<String>) -> Advice {
        self.set(words, [])
    }

    /// Suggests values for these paths.
    fn set<const N: usize>(self, words: impl Into<String>, set: [(String, String); N]) -> Advice {
        Advice { next: Some(Next { words: words.into(), set: set.into() }), ..self }
    }
}

impl Next {
    /// The command that tries it.
    pub fn command(&self, file: &str, scenario: &str) -> Option<String> {
        if self.set.is_empty() {
            return None;
        }
        let mut command = format!("poolcast run {}", quoted(file));
        if !scenario.is_empty() {
            command += &format!(" --scenario {}", quoted(scenario));
        }
        for (path, value) in &self.set {
            command += &format!(" --set {}", quoted(&format!("{path}={value}")));
        }
        Some(command)
    }
}

/// A word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Failures of this name.
fn errors(answer: &Answer, name: &str) -> u64 {
    answer.point.requests.errors.get(name).copied().unwrap_or(0)
}

/// Requests that arrived per second, in one replication.
fn arrivals(answer: &Answer, stream: &str) -> f64 {
    let arrived = answer.point.streams.get(stream).map_or(0, |figures| figures.requests.arrived);
    arrived as f64 / counted(answer)
}

/// Counted seconds, all replications together.
fn counted(answer: &Answer) -> f64 {
    (answer.point.duration * answer.point.replications as f64).max(f64::MIN_POSITIVE)
}

/// Whether a wait is long: above a quarter of the latency's p99, and above a millisecond.
fn is_long(wait: &Times, latency: &Times) -> bool {
    match (wait.p99, latency.p99) {
        (Some(wait), Some(latency)) => wait > 0.001 && wait > 0.25 * latency,
        (Some(wait), None) => wait > 0.001,
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests;
