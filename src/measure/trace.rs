//! What pools do, step by step: the observer behind `poolcast trace --events`.

use std::fmt::Write;

use crate::kernel::time::SimTime;
use crate::protocol::cx::World;
use crate::protocol::event::{StreamId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep};
use crate::simulation::blueprint::AppSpec;
use crate::simulation::observer::Observer;

/// Every step of every pool, in the order in which they happened.
#[derive(Default)]
pub struct Trace {
    /// The steps so far.
    pub steps: Vec<Step>,
}

/// One step of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: SimTime,
    /// Whose pool.
    pub worker: WorkerId,
    /// What.
    pub event: PoolStep,
    /// For which request: its stream, and its number there.
    pub request: Option<(StreamId, u64)>,
    /// With which connection: its number in this pool, from 1.
    pub conn: Option<u32>,
}

impl Observer for Trace {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Fact::Pool { worker, step, request, conn } = *fact {
            let request = request.and_then(|request| world.requests.get(request)).map(|request| (request.stream, request.number));
            self.steps.push(Step { at: now, worker, event: step, request, conn: (conn > 0).then_some(conn) });
        }
    }
}

impl Trace {
    /// One JSON object a line: `t` in seconds since the start with nine decimals, `event`, `app`, `worker` (from 1 in
    /// each app), `request` (its number in its stream, from 0), `conn` (its number in its pool, from 1); `null` for what
    /// a step does not concern.
    pub fn json_lines(&self, apps: &[AppSpec]) -> String {
        let workers: Vec<(String, u32)> = apps
            .iter()
            .map(|app| (serde_json::Value::from(app.name.as_str()).to_string(), app.workers))
            .flat_map(|(name, workers)| (1..=workers).map(move |worker| (name.clone(), worker)))
            .collect();
        let mut lines = String::new();
        for step in &self.steps {
            let (app, worker) = &workers[step.worker.index()];
            let (seconds, nanos) = (step.at.nanos() / 1_000_000_000, step.at.nanos() % 1_000_000_000);
            let (event, request, conn) = (step.event.name(), number(step.request.map(|(_, number)| number)), number(step.conn));
            writeln!(
                lines,
                r#"{{"t": {seconds}.{nanos:09}, "event": "{event}", "app": {app}, "worker": {worker}, "request": {request}, "conn": {conn}}}"#
            )
            .expect("a string takes all that is written to it");
        }
        lines
    }
}

fn number(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}
