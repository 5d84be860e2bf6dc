//! One replication in Chrome's trace event format, for Perfetto (<https://ui.perfetto.dev>) and `chrome://tracing`.
//!
//! Process 1 holds the requests: an asynchronous span each, with one inside it for each thing it did. Every worker is a
//! process after it: thread 0 is its event loop, thread n the n-th connection of its pool, and the pool's counts are a
//! counter. Events stand in the order of their times, which are microseconds with three decimals.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::waterfall::worker_name;
use crate::answers::trace::Recorded;
use crate::kernel::time::SimTime;
use crate::measure::journey::{Doing, Journey};
use crate::measure::trace::Step;
use crate::protocol::event::{StreamId, WorkerId};
use crate::protocol::fact::PoolStep;
use crate::simulation::blueprint::Blueprint;

const REQUESTS: u32 = 1;
const FIRST_WORKER: u32 = 2;

/// Prints the document piece by piece; what `print` says of a piece that went wrong ends it.
pub fn write<E>(
    recorded: &Recorded,
    blueprint: &Blueprint,
    from: SimTime,
    until: SimTime,
    mut print: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let lines = Lines { recorded, blueprint };
    let slices = slices(recorded, from, until);
    print("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    let mut separator = "\n";
    for event in lines.tracks(&slices) {
        print(&format!("{separator}{event}"))?;
        separator = ",\n";
    }
    for (at, mark) in marks(recorded, &slices, from, until) {
        print(&format!("{separator}{}", lines.event(at, mark, &slices)))?;
        separator = ",\n";
    }
    print("\n]}\n")
}

/// One event, by what it is about: the place of a journey, of one of its segments, of a slice or of a change of levels.
#[derive(Clone, Copy)]
enum Mark {
    Arrives(usize),
    Begins(usize, usize),
    Ends(usize, usize),
    Leaves(usize),
    Works(usize, usize),
    Slice(usize),
    Level(usize),
}

/// What a connection was used for.
#[derive(Clone, Copy)]
struct Slice {
    worker: WorkerId,
    conn: u32,
    from: SimTime,
    to: SimTime,
    used: Use,
}

#[derive(Clone, Copy)]
enum Use {
    Itself(&'static str),
    Lent(StreamId, u64),
}

/// All events in the order of their times; those of one thing stay in theirs.
fn marks(recorded: &Recorded, slices: &[Slice], from: SimTime, until: SimTime) -> Vec<(SimTime, Mark)> {
    let mut marks = Vec::new();
    for (index, journey) in recorded.journeys.iter().enumerate() {
        marks.push((journey.arrived, Mark::Arrives(index)));
        for (place, segment) in journey.segments.iter().enumerate() {
            marks.push((segment.from, Mark::Begins(index, place)));
            if segment.doing == Doing::Work {
                marks.push((segment.from, Mark::Works(index, place)));
            }
            marks.push((segment.to, Mark::Ends(index, place)));
        }
        marks.push((journey.ended, Mark::Leaves(index)));
    }
    marks.extend(slices.iter().enumerate().map(|(index, slice)| (slice.from, Mark::Slice(index))));
    let mut before: BTreeMap<WorkerId, usize> = BTreeMap::new();
    for (index, level) in recorded.levels.iter().enumerate() {
        if level.at < from {
            before.insert(level.worker, index);
        } else if level.at < until {
            marks.push((level.at, Mark::Level(index)));
        }
    }
    marks.extend(before.into_values().map(|index| (from, Mark::Level(index))));
    marks.sort_by_key(|(at, _)| *at);
    marks
}

/// From one step to the next of each connection, cut to the time that is looked at.
fn slices(recorded: &Recorded, from: SimTime, until: SimTime) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut open: BTreeMap<(WorkerId, u32), (SimTime, Use)> = BTreeMap::new();
    let mut end = |worker, conn, begun: Option<(SimTime, Use)>, to: SimTime| {
        let Some((begun, used)) = begun else { return };
        let (start, to) = (begun.max(from), to.min(until));
        if start < to {
            slices.push(Slice { worker, conn, from: start, to, used });
        }
    };
    for Step { at, worker, event, request, conn } in recorded.steps.iter().copied() {
        let Some(conn) = conn else { continue };
        let next = match event {
            PoolStep::ConnectStart => Some(Use::Itself("connect")),
            PoolStep::Ping => Some(Use::Itself("ping")),
            PoolStep::Reset => Some(Use::Itself("reset")),
            PoolStep::Checkout => request.map(|(stream, number)| Use::Lent(stream, number)),
            _ => None,
        };
        end(worker, conn, open.remove(&(worker, conn)), at);
        if let Some(used) = next {
            open.insert((worker, conn), (at, used));
        }
    }
    for ((worker, conn), begun) in open {
        end(worker, conn, Some(begun), until);
    }
    slices
}

struct Lines<'a> {
    recorded: &'a Recorded,
    blueprint: &'a Blueprint,
}

impl Lines<'_> {
    /// The names of processes and threads.
    fn tracks(&self, slices: &[Slice]) -> Vec<Value> {
        let name = |kind: &str, pid: u32, tid: u32, name: &str| json!({"ph": "M", "name": kind, "pid": pid, "tid": tid, "ts": 0, "args": {"name": name}});
        let mut tracks = vec![name("process_name", REQUESTS, 0, "requests")];
        let workers = self.blueprint.workers().count() as u32;
        for worker in 0..workers {
            tracks.push(name("process_name", FIRST_WORKER + worker, 0, &worker_name(self.blueprint, worker as usize)));
            tracks.push(name("thread_name", FIRST_WORKER + worker, 0, "event loop"));
        }
        let mut conns: Vec<(WorkerId, u32)> = slices.iter().map(|slice| (slice.worker, slice.conn)).collect();
        conns.sort_unstable();
        conns.dedup();
        tracks
            .extend(conns.iter().map(|(worker, conn)| name("thread_name", FIRST_WORKER + worker.0, *conn, &format!("connection {conn}"))));
        tracks
    }

    fn event(&self, at: SimTime, mark: Mark, slices: &[Slice]) -> String {
        let journeys = &self.recorded.journeys;
        match mark {
            Mark::Arrives(journey) => self.span("b", at, &journeys[journey], &self.name(&journeys[journey]), &json!({})),
            Mark::Leaves(journey) => {
                let over = &journeys[journey];
                let end = match (over.is_over, over.failure) {
                    (false, _) => "not over yet",
                    (true, failure) => failure.map_or("completed", |why| why.name()),
                };
                self.span("e", at, over, &self.name(over), &json!({ "end": end }))
            }
            Mark::Begins(journey, segment) | Mark::Ends(journey, segment) => {
                let begins = matches!(mark, Mark::Begins(..));
                let its = journeys[journey].segments[segment];
                let args = json!({"worker": worker_name(self.blueprint, its.worker.index()), "conn": its.conn});
                self.span(
                    if begins { "b" } else { "e" },
                    at,
                    &journeys[journey],
                    its.doing.name(),
                    if begins { &args } else { &Value::Null },
                )
            }
            Mark::Works(journey, segment) => {
                let its = journeys[journey].segments[segment];
                complete(its.worker, 0, its.from, its.to, &self.name(&journeys[journey]))
            }
            Mark::Slice(slice) => {
                let Slice { worker, conn, from, to, used } = slices[slice];
                let name = match used {
                    Use::Itself(what) => what.to_owned(),
                    Use::Lent(stream, number) => self.of_stream(stream, number),
                };
                complete(worker, conn, from, to, &name)
            }
            Mark::Level(level) => {
                let level = self.recorded.levels[level];
                let args = json!({"in use": level.gauges.in_use, "idle": level.gauges.idle, "waiting": level.gauges.pending});
                let mut line = head("C", "pool", FIRST_WORKER + level.worker.0, 0, at);
                write!(line, ",\"args\":{args}}}").expect(WRITES);
                line
            }
        }
    }

    fn span(&self, ph: &str, at: SimTime, journey: &Journey, name: &str, args: &Value) -> String {
        let mut line = head(ph, name, REQUESTS, 0, at);
        write!(line, ",\"cat\":\"request\",\"id\":{}", Value::from(self.name(journey))).expect(WRITES);
        if !args.is_null() {
            write!(line, ",\"args\":{args}").expect(WRITES);
        }
        line + "}"
    }

    fn name(&self, journey: &Journey) -> String {
        self.of_stream(journey.stream, journey.number)
    }

    fn of_stream(&self, stream: StreamId, number: u64) -> String {
        format!("{} {number}", self.blueprint.workload[stream.index()].name)
    }
}

const WRITES: &str = "a string takes all that is written to it";

fn complete(worker: WorkerId, tid: u32, from: SimTime, to: SimTime, name: &str) -> String {
    let mut line = head("X", name, FIRST_WORKER + worker.0, tid, from);
    write!(line, ",\"dur\":{}}}", micros((to - from).nanos())).expect(WRITES);
    line
}

fn head(ph: &str, name: &str, pid: u32, tid: u32, at: SimTime) -> String {
    format!("{{\"ph\":\"{ph}\",\"name\":{},\"pid\":{pid},\"tid\":{tid},\"ts\":{}", Value::from(name), micros(at.nanos()))
}

fn micros(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}
