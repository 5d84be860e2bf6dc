//! What of a system a person wants to move: sizes of pools, load, times of statements, the proxy's mode, cores.

use serde::Serialize;
use serde_json::Value;

use crate::experiment::path;
use crate::kernel::time::Span;
use crate::simulation::blueprint::Blueprint;

/// One value that can be moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knob {
    /// Where in the system.
    pub path: String,
    /// What it is, as people say it.
    pub label: String,
    /// What it has now, as a file writes it.
    pub text: String,
    /// How it moves.
    pub moves: Moves,
}

/// How a value moves.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Moves {
    /// Whole numbers.
    Whole {
        /// Now.
        value: u64,
        #[allow(missing_docs)]
        low: u64,
        #[allow(missing_docs)]
        high: u64,
    },
    /// Numbers above zero, in equal ratios.
    Ratio {
        /// Now.
        value: f64,
        #[allow(missing_docs)]
        low: f64,
        #[allow(missing_docs)]
        high: f64,
    },
    /// Times in seconds, in equal ratios.
    Time {
        /// Now.
        value: f64,
        #[allow(missing_docs)]
        low: f64,
        #[allow(missing_docs)]
        high: f64,
    },
    /// One of these words.
    Choice {
        #[allow(missing_docs)]
        choices: Vec<&'static str>,
    },
}

/// How many connections a pool keeps or opens, in the words of the libraries, largest concern first.
const SIZES: [&str; 9] = [
    "pool_size",
    "max_overflow",
    "max_size",
    "maximum_pool_size",
    "max_connections",
    "max_conns",
    "max_open_conns",
    "max_pool_size",
    "max",
];

/// The knobs of a system, in the order in which a request meets them.
pub fn knobs(blueprint: &Blueprint) -> Vec<Knob> {
    let system = serde_json::to_value(blueprint).expect("every system can be written");
    let mut knobs = Vec::new();
    for stream in &blueprint.workload {
        let at = format!("workload.{}", stream.name);
        let of_stream = |label: &str| if blueprint.workload.len() > 1 { format!("{}: {label}", stream.name) } else { label.to_owned() };
        for (field, label) in
            [("rate", "requests a second"), ("quiet", "a second, quiet"), ("burst", "a second, in bursts"), ("mean", "requests a second")]
        {
            knobs.extend(ratio(&system, &format!("{at}.arrivals.{field}"), &of_stream(label)));
        }
        knobs.extend(whole(&system, &format!("{at}.arrivals.users"), &of_stream("users"), 1));
        let steps = path::get(&system, &format!("{at}.steps"));
        let queries = steps.map_or(Vec::new(), |steps| queries(steps, &format!("{at}.steps")));
        let several = queries.len() > 1;
        for (number, (path, value)) in queries.into_iter().enumerate() {
            let which = if several { format!("query {}", number + 1) } else { "query".to_owned() };
            let what = path.rsplit('.').next().filter(|field| *field != "Constant");
            let label = what.map_or(which.clone(), |what| format!("{which}, {what}"));
            knobs.extend(time(path, &value, &of_stream(&label)));
        }
    }
    for app in &blueprint.apps {
        let at = format!("apps.{}", app.name);
        let of_app = |label: &str| if blueprint.apps.len() > 1 { format!("{}: {label}", app.name) } else { label.to_owned() };
        knobs.extend(whole(&system, &format!("{at}.workers"), &of_app("workers"), 1));
        for field in SIZES {
            let least = u64::from(field != "max_overflow");
            knobs.extend(whole(&system, &format!("{at}.pool.{field}"), &of_app(field), least));
        }
    }
    if path::get(&system, "proxy.pool_mode").is_some() {
        let text = path::get(&system, "proxy.pool_mode").and_then(Value::as_str).unwrap_or_default().to_owned();
        let moves = Moves::Choice { choices: vec!["Session", "Transaction", "Statement"] };
        knobs.push(Knob { path: "proxy.pool_mode".to_owned(), label: "pool_mode".to_owned(), text, moves });
        knobs.extend(whole(&system, "proxy.default_pool_size", "default_pool_size", 1));
    }
    knobs.extend(whole(&system, "database.service.cores", "cores", 1));
    knobs.extend(whole(&system, "database.max_connections", "database: max_connections", 4));
    knobs
}

fn whole(system: &Value, path: &str, label: &str, low: u64) -> Option<Knob> {
    // What is unlimited (`max_overflow: -1`, nothing) is not moved.
    let value = path::get(system, path)?.as_u64()?;
    let high = (4 * value).max(20);
    let moves = Moves::Whole { value, low: low.min(value), high };
    Some(Knob { path: path.to_owned(), label: label.to_owned(), text: value.to_string(), moves })
}

fn ratio(system: &Value, path: &str, label: &str) -> Option<Knob> {
    let value = path::get(system, path)?.as_f64().filter(|value| *value > 0.0)?;
    let moves = Moves::Ratio { value, low: value / 10.0, high: value * 10.0 };
    Some(Knob { path: path.to_owned(), label: label.to_owned(), text: value.to_string(), moves })
}

fn time(path: String, value: &str, label: &str) -> Option<Knob> {
    let seconds = Span::parse(value).ok()?.seconds();
    let moves = Moves::Time { value: seconds, low: seconds / 20.0, high: seconds * 20.0 };
    (seconds > 0.0).then(|| Knob { path, label: label.to_owned(), text: format!("\"{value}\""), moves })
}

/// The demands of the statements in `steps`: a distribution's mean or median, or the constant.
fn queries(steps: &Value, at: &str) -> Vec<(String, String)> {
    let Some(steps) = steps.as_array() else { return Vec::new() };
    let step = |(index, step): (usize, &Value)| {
        let at = format!("{at}.{index}");
        let Some((kind, inner)) = step.as_object().and_then(|step| step.iter().next()) else { return Vec::new() };
        match kind.as_str() {
            "Session" | "Transaction" => queries(inner, &at),
            "Query" => ["mean", "median", "Constant"]
                .into_iter()
                .find_map(|field| Some((format!("{at}.{field}"), path::get(inner, field)?.as_str()?.to_owned())))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    };
    steps.iter().enumerate().flat_map(step).collect()
}
