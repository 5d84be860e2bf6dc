//! What a page shows, as one document of plain data: the page's script draws it, and draws it again when another comes.
//!
//! Times are seconds, shares lie in 0 to 1, and what cannot be said is `null`. Numbers have five digits. The text of the
//! document is the text in the page: whoever reads a report with a program finds it in `<script id="data">`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::answers::compare::Comparisons;
use crate::answers::document::Met;
use crate::answers::report::html::validation::ValidationData;
use crate::answers::size::Size;

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Data {
    /// Which command it answers: `run`, `compare`, `size`, `sweep` …
    pub command: &'static str,
    /// The version that wrote it.
    pub poolcast: &'static str,
    /// What the experiment asks.
    pub question: String,
    /// How long, how often, with which seed, in words.
    pub about: String,
    /// The digest as the terminal shows it; empty where there is none.
    pub digest: String,
    /// The command line that gives the same again.
    pub reproduce: String,
    /// What came out.
    pub verdict: Verdict,
    /// One for each scenario and combination of `vary`, in the order of the file.
    pub points: Vec<PointData>,
    /// The scenarios beside a baseline, pair by pair.
    pub comparisons: Option<Comparisons>,
    /// All that was tried to find a size.
    pub size: Option<Size>,
    /// The points as a table of one figure.
    pub grid: Option<Grid>,
    /// Live runs and the same simulated, side by side.
    pub validation: Option<ValidationData>,
    /// Whether it is a look at a part of the experiment: what cannot be said yet is not missed.
    pub is_part: bool,
    /// The experiment's file.
    pub experiment: File,
}

/// What came out, in plain words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// How it is meant.
    pub tone: Tone,
    /// The one sentence to read.
    pub sentence: String,
    /// What it rests on, and what to try.
    pub more: Vec<String>,
}

/// How a verdict is meant; the words say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither is known.
    Open,
}

/// A file as it was read.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// One system.
#[derive(Clone, Debug, Serialize)]
pub struct PointData {
    /// Scenario and values of `vary`: no two points have the same.
    pub name: String,
    /// `stable`, `unstable`, `too short`, `metastable` or `finite`.
    pub verdict: String,
    /// Figures by their paths in the result document.
    pub figures: BTreeMap<&'static str, Option<f64>>,
    /// The 95 % intervals of those that have one.
    pub within: BTreeMap<&'static str, [f64; 2]>,
    /// What must hold, and whether it does.
    pub objectives: Vec<Met>,
    /// Latency by percentile: p, value, and the ends of its interval.
    pub percentiles: Vec<(f64, f64, Option<f64>, Option<f64>)>,
    /// Name, number, share of all that ended, and the text that stands in the log.
    pub errors: Vec<(String, u64, f64, String)>,
    /// What became of it after each fault.
    pub recovery: Vec<String>,
    /// Connections that are opened together again and again.
    pub waves: Vec<WaveData>,
    /// Requests that hold connections and wait for others, as a sentence, where they can.
    pub deadlocks: Option<String>,
    /// The layers of the system in the order in which a request meets them, as text: name, limit, in use, busy, wait p50,
    /// wait p99, errors.
    pub layers: Vec<[String; 7]>,
    /// What binds.
    pub why: String,
    /// What to try.
    pub next: Option<String>,
    /// The command that tries it.
    pub command: Option<String>,
    /// What the figures rest on.
    pub basis: String,
    /// What is to be said besides.
    pub notes: Vec<String>,
    /// One replication looked at closely, where there are not too many points for that.
    pub film: Option<FilmData>,
}

/// Connects to one place that come in waves.
#[derive(Clone, Debug, Serialize)]
pub struct WaveData {
    /// `database` or `proxy`.
    pub place: String,
    /// How high, how often, and why.
    pub sentence: String,
    /// The counted span.
    pub from: f64,
    #[allow(missing_docs)]
    pub until: f64,
    /// Connects in the fullest second of each of some equal parts of it.
    pub curve: Vec<f64>,
}

/// One replication of a point, looked at closely. Seconds count from the start of the run, the warm-up included.
#[derive(Clone, Debug, Serialize)]
pub struct FilmData {
    /// Which replication, from 0: the one with the longest queue of all.
    pub replication: u64,
    /// The counted span.
    pub from: f64,
    #[allow(missing_docs)]
    pub until: f64,
    /// Connections in use, layer by layer.
    pub in_use: Vec<Course>,
    /// When something goes wrong, and what, as the file calls it.
    pub faults: Vec<(f64, String)>,
    /// Requests that wait for a connection, in the pools or at the proxy.
    pub queue: Course,
    /// The p99 of waits, by where they waited.
    pub waits: Vec<WaitCourse>,
    /// Where the time went.
    pub spent: Spent,
    /// Single connections at the worst moment.
    pub moment: Option<Moment>,
    /// The requests that took longest.
    pub slowest: Vec<Way>,
}

/// A number of things over the counted span, in equal slices.
#[derive(Clone, Debug, Serialize)]
pub struct Course {
    /// What, in words.
    pub name: String,
    /// How many there may be.
    pub limit: Option<u64>,
    /// Its average over each slice.
    pub mean: Vec<f64>,
    /// The most that it was in each slice.
    pub most: Vec<u64>,
}

/// Waits that ended in each of some equal windows of the counted span.
#[derive(Clone, Debug, Serialize)]
pub struct WaitCourse {
    /// Where they waited.
    pub name: String,
    /// The longest that anybody may wait there.
    pub limit: Option<f64>,
    /// The p99 of each window; the longest where there were fewer than a hundred.
    pub p99: Vec<Option<f64>>,
}

/// Mean seconds of a request, by what it was doing or waiting for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Spent {
    /// What.
    pub names: Vec<&'static str>,
    /// Of all requests.
    pub all: Vec<f64>,
    /// Of those that took longest.
    pub slowest: Vec<f64>,
    /// How many requests that are.
    pub requests: u64,
    /// How many of them took longest.
    pub slow: u64,
    /// They all took at least this long.
    pub slow_from: f64,
}

/// Single connections of one pool for a short time.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Whose pool.
    pub pool: String,
    /// The time shown.
    pub from: f64,
    #[allow(missing_docs)]
    pub until: f64,
    /// How many of its requests waited at its beginning.
    pub waiting: u64,
    /// How many requests of all pools failed meanwhile, where more failed than waited.
    pub failed: u64,
    /// How many connections it has; not all of them are shown where there are many.
    pub connections: u64,
    /// What a connection can be doing.
    pub states: Vec<&'static str>,
    /// For each connection its number, and from when (seconds after `from`) it did what (a place in `states`, −1 once it
    /// is closed).
    pub lanes: Vec<(u32, Vec<(f64, i32)>)>,
}

/// A request's way.
#[derive(Clone, Debug, Serialize)]
pub struct Way {
    /// Its stream and number.
    pub name: String,
    /// When it arrived.
    pub arrived: f64,
    /// How long its client waited.
    pub took: f64,
    /// How it ended.
    pub end: String,
    /// What it did, one after the other, and for how many seconds.
    pub steps: Vec<(&'static str, f64)>,
}

/// The points as a table of one figure.
#[derive(Clone, Debug, Serialize)]
pub struct Grid {
    /// The figure's path in the result document.
    pub figure: String,
    /// What varies, and its values in order; the last goes across, the one before it down.
    pub axes: Vec<(String, Vec<String>)>,
    /// For each point its places on the axes, and the figure.
    pub cells: Vec<Cell>,
    /// Which of the cells is recommended, and by which rule.
    pub recommended: Option<(usize, String)>,
}

/// One point in a table.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Its place on each axis.
    pub at: Vec<usize>,
    /// The figure, if it can be said.
    pub value: Option<f64>,
    /// As text.
    pub text: String,
    /// Whether every objective is met; nothing where there are none.
    pub met: Option<bool>,
    /// As in the point.
    pub verdict: String,
}

impl Data {
    /// As JSON that can stand in a page: nothing in it ends a script or begins a tag.
    pub fn json(&self) -> String {
        let value = short(serde_json::to_value(self).expect("it is plain data"));
        value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    }
}

/// The same with five digits in every number that is not whole.
fn short(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => rounded(number.as_f64().unwrap_or(0.0)),
        Value::Array(items) => Value::Array(items.into_iter().map(short).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, short(value))).collect::<Map<_, _>>()),
        other => other,
    }
}

fn rounded(value: f64) -> Value {
    let text = format!("{value:.4e}");
    let value: f64 = text.parse().expect("it was a number");
    if value == libm::trunc(value) && value.abs() < 1e15 {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_five_digits_and_whole_ones_no_point() {
        let cases = [(0.123_456_78, "0.12346"), (120.0, "120"), (271.153_4, "271.15"), (0.000_081_234_56, "0.000081235"), (-2.5, "-2.5")];
        for (value, text) in cases {
            assert_eq!(rounded(value).to_string(), text);
        }
        assert_eq!(short(serde_json::json!({"seed": 12_345_678, "list": [1.000_000_1]})).to_string(), r#"{"seed":12345678,"list":[1]}"#);
    }
}
