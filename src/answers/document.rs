//! The answer to `run`: the JSON document that people's scripts rely on, and beside it what only the reports show.
//!
//! Times are seconds, rates per second. Counts are sums over all replications; means and quantiles are over all counted
//! requests, with 95 % intervals over replications. A figure that cannot be supported is `null`, and a note says why.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::simulation::blueprint::Blueprint;

mod recovery;
mod waves;

pub use recovery::{Back, Recovery};
pub use waves::{Deadlocks, Wave};

/// The whole document, its fields in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The version that wrote it.
    pub poolcast: String,
    /// What the experiment asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// One for each scenario and combination of `vary`, in the order of the file.
    pub points: Vec<Point>,
}

/// What happened at one point of the experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // documented by the result's contract, except where said
pub struct Point {
    pub scenario: String,
    pub vary: serde_json::Map<String, serde_json::Value>,
    pub replications: u64,
    pub warmup: f64,
    pub duration: f64,
    pub events: u64,
    /// Hexadecimal; the same on every machine.
    pub digest: String,
    /// `stable`, `unstable`, `too short`, `metastable` or `finite`.
    pub verdict: String,
    pub requests: Requests,
    /// Of completed requests, from arrival to the reply.
    pub latency: Times,
    /// Over every checkout that got a connection, the time for opening one included.
    pub pool_wait: Waits,
    /// Over every time a client was linked to a server connection; nothing without a proxy.
    pub proxy_wait: Waits,
    pub pools: Named<PoolUse>,
    /// All zero without a proxy.
    pub proxy: ProxyUse,
    pub database: DatabaseUse,
    pub streams: Named<StreamFigures>,
    pub objectives: Vec<Met>,
    /// What queueing theory says of the same system; empty where it has no answer.
    #[serde(default)]
    pub theory: Vec<Theory>,
    pub notes: Vec<String>,
    /// What the figures rest on.
    pub basis: Basis,
    /// The course of a fixed horizon (`finite`), window by window; empty where the question is about a steady state.
    pub windows: Vec<WindowFigures>,
    /// What became of the system after each fault (faults that overlap are taken together); empty without faults.
    #[serde(default)]
    pub recovery: Vec<Recovery>,
    /// Connects that come in waves without a fault.
    #[serde(default)]
    pub waves: Vec<Wave>,
    /// Standstills of pools from which requests take more than one connection at once; nothing where none does.
    #[serde(default)]
    pub deadlocks: Option<Deadlocks>,
}

/// What the figures of a point rest on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Requests that a replication counted, on average.
    pub requests_per_replication: f64,
    /// Half the 95 % interval of the mean latency over its value.
    pub mean_within: Option<f64>,
    /// Half the 95 % interval of the p99 over its value.
    pub p99_within: Option<f64>,
    /// Half the 95 % interval of the error rate over its value.
    pub error_rate_within: Option<f64>,
    /// The queue most in use, of those whose limit is known: the pools or event loops of an app, the database's cores.
    pub busiest: Option<String>,
    /// How much of it was in use, 0 to 1.
    pub utilisation: Option<f64>,
    /// Seconds for which the queue of the longest memory remembers its state (an estimate after M/M/c); a steady state
    /// takes fifty times that.
    pub relaxation: Option<f64>,
}

/// A part of the counted span: means over replications with 95 % intervals. Seconds count from the start of the run, the
/// warm-up included, as those of faults and schedules do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowFigures {
    /// Its first second.
    pub from: f64,
    /// Its end.
    pub until: f64,
    /// Requests that arrived in it, in all replications.
    pub arrived: u64,
    /// Requests that ended well in it.
    pub completed: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Mean latency of those that ended well.
    pub latency: Option<f64>,
    #[allow(missing_docs)]
    pub latency_ci95: Option<[f64; 2]>,
    /// Mean number that waited for a connection, in the pools or at the proxy.
    pub waiting: Option<f64>,
    #[allow(missing_docs)]
    pub waiting_ci95: Option<[f64; 2]>,
    /// Failed requests as a share of those that ended.
    pub error_rate: Option<f64>,
    #[allow(missing_docs)]
    pub error_rate_ci95: Option<[f64; 2]>,
}

/// What became of the requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Requests {
    pub arrived: u64,
    pub completed: u64,
    pub failed: u64,
    pub unfinished: u64,
    /// Completed requests per second.
    pub throughput: f64,
    pub error_rate: Option<f64>,
    pub error_rate_ci95: Option<[f64; 2]>,
    /// By the name that stands in the log.
    pub errors: BTreeMap<String, u64>,
}

/// A distribution of times, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Times {
    pub count: u64,
    pub mean: Option<f64>,
    pub mean_ci95: Option<[f64; 2]>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub p99_ci95: Option<[f64; 2]>,
    pub p999: Option<f64>,
    pub max: Option<f64>,
}

/// A distribution of waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// How long.
    #[serde(flatten)]
    pub times: Times,
    /// The fraction with a wait above zero.
    pub waited: Option<f64>,
}

/// The pools of all workers of one app together; means are over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PoolUse {
    pub connects: u64,
    pub closes: u64,
    pub in_use_mean: f64,
    pub in_use_max: u64,
    pub open_max: u64,
    pub pending_mean: f64,
    pub pending_max: u64,
    pub timeouts: u64,
}

/// The proxy; means are over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ProxyUse {
    pub client_connections_max: u64,
    pub server_connections_max: u64,
    pub connects: u64,
    pub waiting_mean: f64,
    pub waiting_max: u64,
    pub errors: BTreeMap<String, u64>,
}

/// The database; means are over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DatabaseUse {
    pub connections_mean: f64,
    pub connections_max: u64,
    pub connects: u64,
    pub refused: u64,
    pub active_mean: f64,
    /// Of the cores, 0 to 1; nothing where there are none to be busy (`service: Delay`).
    pub utilisation: Option<f64>,
}

/// One stream's part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StreamFigures {
    pub requests: Requests,
    pub latency: Times,
    pub pool_wait: Waits,
}

/// An objective and whether it was met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Met {
    /// As a person says it: "p99 latency below 500ms".
    pub objective: String,
    /// In the objective's own unit, seconds or a fraction or a count.
    pub measured: Option<f64>,
    /// False too if nothing can be measured.
    pub met: bool,
}

/// What queueing theory says of a system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// In Kendall's notation: "M/M/10+D".
    pub model: String,
    /// Whether every condition holds; if not, the difference is what the system adds.
    pub exact: bool,
    /// The conditions that hold.
    pub conditions: Vec<String>,
    /// Those that hold only nearly.
    pub nearly: Vec<String>,
    /// Its figures.
    pub figures: Vec<Compared>,
}

/// A figure that is known, beside the simulated one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Compared {
    /// Its place in the point: "pool_wait.mean".
    pub metric: String,
    pub value: f64,
    pub simulated: f64,
    pub simulated_ci95: Option<[f64; 2]>,
    /// Simulated less known.
    pub difference: f64,
    /// Of twenty figures that are right, one lies outside by chance.
    pub inside_interval: Option<bool>,
}

/// Things by name, in an order of their own: a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

/// One point's figures together with what the reports show besides.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The figures.
    pub point: Point,
    /// The system they are about.
    pub blueprint: Blueprint,
    /// Mean number of requests that waited (for pools and proxy together) in equal slices of the counted span, averaged
    /// over replications.
    pub queue: Vec<f64>,
    /// Most that waited at once, and at which second of the counted span.
    pub queue_peak: (f64, f64),
    /// How busy the database's cores were while requests waited, 0 to 1: near 1, the cores are what they waited for.
    pub busy_when_waiting: Option<f64>,
    /// Each app's mean number of connections in use in the same slices, averaged over replications.
    pub in_use: Named<Vec<f64>>,
    /// Mean number of the proxy's server connections that were linked to a client, if it is known.
    pub linked_mean: Option<f64>,
    /// What the parts themselves would have printed, at these seconds of the first replication.
    pub statuses: Vec<(f64, String)>,
    /// What stands in the log, by the error's name.
    pub error_texts: BTreeMap<String, String>,
}

impl Document {
    /// Whether every objective of every point was met.
    pub fn is_met(&self) -> bool {
        self.points.iter().flat_map(|point| &point.objectives).all(|objective| objective.met)
    }
}

impl<T> Named<T> {
    /// What bears this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter().find(|(its, _)| *its == name).map(|(_, thing)| thing)
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, thing)| (name.as_str(), thing))
    }
}

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(Vec::new())
    }
}

impl<T> FromIterator<(String, T)> for Named<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(things: I) -> Named<T> {
        Named(things.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, thing) in &self.0 {
            map.serialize_entry(name, thing)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Named<T>, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut things = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    things.push(entry);
                }
                Ok(Named(things))
            }
        }
        from.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(value: &serde_json::Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    fn filled() -> Document {
        let mut point = Point { scenario: "direct".into(), ..Point::default() };
        point.pools = Named(vec![("web".into(), PoolUse::default()), ("api".into(), PoolUse::default())]);
        point.streams = Named(vec![("bookings".into(), StreamFigures::default())]);
        point.windows = vec![WindowFigures::default()];
        point.recovery = vec![Recovery::default()];
        point.objectives = vec![Met { objective: "errors below 1 %".into(), measured: None, met: false }];
        Document { poolcast: "0.1.0".into(), question: "Which?".into(), seed: 1, points: vec![point] }
    }

    #[test]
    fn the_document_has_the_keys_that_scripts_rely_on_in_their_order() {
        let value = serde_json::to_value(filled()).expect("it is plain data");
        assert_eq!(keys(&value), ["poolcast", "question", "seed", "points"]);
        let point = &value["points"][0];
        #[rustfmt::skip]
        assert_eq!(keys(point), [
            "scenario", "vary", "replications", "warmup", "duration", "events", "digest", "verdict", "requests", "latency", "pool_wait",
            "proxy_wait", "pools", "proxy", "database", "streams", "objectives", "theory", "notes",
            "basis", "windows", "recovery", "waves", "deadlocks",
        ]);
        #[rustfmt::skip]
        assert_eq!(keys(&point["basis"]), [
            "requests_per_replication", "mean_within", "p99_within", "error_rate_within", "busiest", "utilisation", "relaxation",
        ]);
        #[rustfmt::skip]
        assert_eq!(keys(&point["windows"][0]), [
            "from", "until", "arrived", "completed", "failed", "latency", "latency_ci95", "waiting", "waiting_ci95", "error_rate",
            "error_rate_ci95",
        ]);
        #[rustfmt::skip]
        assert_eq!(keys(&point["recovery"][0]), [
            "fault", "at", "over", "verdict", "after", "after_ci95", "back_in", "latency", "error_rate", "connections", "lost",
            "lost_ci95", "connects_per_second", "connects_per_second_peak", "logins_peak", "waiting_peak", "proxy_waiting_peak",
            "connections_peak", "client_connections_peak",
        ]);
        assert_eq!(keys(&point["recovery"][0]["latency"]), ["before", "worst", "after", "after_ci95"]);
        #[rustfmt::skip]
        assert_eq!(keys(&point["requests"]),
            ["arrived", "completed", "failed", "unfinished", "throughput", "error_rate", "error_rate_ci95", "errors"]);
        let times = ["count", "mean", "mean_ci95", "p50", "p90", "p95", "p99", "p99_ci95", "p999", "max"];
        assert_eq!(keys(&point["latency"]), times);
        assert_eq!(keys(&point["pool_wait"]), [&times[..], &["waited"]].concat());
        assert_eq!(keys(&point["pools"]), ["web", "api"], "in the order of the file, not of the alphabet");
        #[rustfmt::skip]
        assert_eq!(keys(&point["pools"]["api"]),
            ["connects", "closes", "in_use_mean", "in_use_max", "open_max", "pending_mean", "pending_max", "timeouts"]);
        #[rustfmt::skip]
        assert_eq!(keys(&point["proxy"]),
            ["client_connections_max", "server_connections_max", "connects", "waiting_mean", "waiting_max", "errors"]);
        assert_eq!(keys(&point["database"]), ["connections_mean", "connections_max", "connects", "refused", "active_mean", "utilisation"]);
        assert_eq!(keys(&point["streams"]["bookings"]), ["requests", "latency", "pool_wait"]);
        assert_eq!(keys(&point["objectives"][0]), ["objective", "measured", "met"]);
    }

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let document = filled();
        let text = serde_json::to_string(&document).expect("it is plain data");
        assert_eq!(serde_json::from_str::<Document>(&text).expect("it was written by us"), document);
        assert!(!document.is_met(), "what cannot be measured is not met");
    }
}
