//! Recorded paths, each computed by hand or by an independent event loop: the simulator comes to the same, tick for tick.

use serde::Deserialize;

use super::play::{Asked, Path, System};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Traces {
    #[serde(rename = "units")]
    _units: String,
    #[serde(rename = "ties")]
    _ties: String,
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trace {
    name: String,
    connections: u32,
    patience: Option<u64>,
    most_waiting: Option<u32>,
    /// Arrival, hold, start, end.
    requests: Vec<(u64, u64, Option<u64>, u64)>,
}

impl Trace {
    fn all() -> Vec<Trace> {
        let traces: Traces = serde_json::from_str(include_str!("../../theory/traces.json")).expect("the traces are as they are read");
        traces.traces
    }

    fn asked(&self) -> Vec<Asked> {
        self.requests.iter().map(|&(at, service, ..)| Asked { at, app: 0, service }).collect()
    }

    fn path(&self) -> Path {
        Path {
            starts: self.requests.iter().map(|request| request.2).collect(),
            ends: self.requests.iter().map(|request| request.3).collect(),
        }
    }

    fn system(&self) -> System {
        System { patience: self.patience, most_waiting: self.most_waiting, ..System::of(self.connections) }
    }
}

#[test]
fn every_recorded_path_is_walked_to_the_tick() {
    let traces = Trace::all();
    assert_eq!(traces.len(), 23);
    // Before psycopg's pool those who gave up count as waiting until a connection comes by: patience with a limit is another queue.
    let has_both = |trace: &Trace| trace.patience.is_some() && trace.most_waiting.is_some();
    let (both, played): (Vec<Trace>, Vec<Trace>) = traces.into_iter().partition(has_both);
    assert_eq!(both.len(), 3);
    for trace in played {
        let (found, known) = (trace.system().play(&trace.asked()), trace.path());
        let differs = (0..known.ends.len()).find(|&i| (found.starts[i], found.ends[i]) != (known.starts[i], known.ends[i]));
        if let Some(i) = differs {
            panic!("{}: request {i} {:?} starts {:?}, ends {}", trace.name, trace.requests[i], found.starts[i], found.ends[i]);
        }
    }
}

/// A pool with room in its queue for all who ever wait there has the same path with and without the limit.
#[test]
fn a_queue_whose_limit_is_not_reached_has_none() {
    for trace in Trace::all().iter().filter(|trace| trace.most_waiting.is_none() && trace.patience != Some(0)) {
        let limited = System { most_waiting: Some(1000), ..trace.system() };
        assert_eq!(limited.play(&trace.asked()), trace.path(), "{}", trace.name);
    }
}
