//! What pools do, step by step: the observers behind `poolcast trace`.

use std::collections::BTreeMap;

use crate::kernel::time::SimTime;
use crate::parts::pool::Gauges;
use crate::protocol::cx::World;
use crate::protocol::event::{Event, StreamId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep};
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

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

impl Step {
    fn of(now: SimTime, fact: &Fact, world: &World) -> Option<Step> {
        let Fact::Pool { worker, step, request, conn } = *fact else { return None };
        let request = request.and_then(|request| world.requests.get(request)).map(|request| (request.stream, request.number));
        Some(Step { at: now, worker, event: step, request, conn: (conn > 0).then_some(conn) })
    }
}

/// Every step of every pool, in the order in which they happened.
#[derive(Default)]
pub struct Trace {
    /// The steps so far.
    pub steps: Vec<Step>,
}

impl Observer for Trace {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        self.steps.extend(Step::of(now, fact, world));
    }
}

/// Hands every step on at once and keeps none; the run may stop when `told` says false.
pub struct Telling<F> {
    told: F,
    goes_on: bool,
}

impl<F: FnMut(&Step) -> bool> Telling<F> {
    /// To this listener.
    pub fn to(told: F) -> Telling<F> {
        Telling { told, goes_on: true }
    }
}

impl<F: FnMut(&Step) -> bool> Observer for Telling<F> {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Some(step) = Step::of(now, fact, world) {
            self.goes_on = self.goes_on && (self.told)(&step);
        }
    }

    fn is_satisfied(&self) -> bool {
        !self.goes_on
    }
}

/// A pool's counts from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// From when.
    pub at: SimTime,
    /// Whose pool.
    pub worker: WorkerId,
    /// The counts.
    pub gauges: Gauges,
}

/// The counts of all pools, after each instant in which they changed.
#[derive(Default)]
pub struct Levels {
    /// The changes so far.
    pub changes: Vec<Level>,
    /// The place of each pool's last change.
    last: BTreeMap<WorkerId, usize>,
    touched: Vec<WorkerId>,
}

impl Observer for Levels {
    fn fact(&mut self, _: SimTime, fact: &Fact, _: &World) {
        if let Fact::Pool { worker, .. } = *fact
            && !self.touched.contains(&worker)
        {
            self.touched.push(worker);
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        for worker in self.touched.drain(..) {
            let level = Level { at: now, worker, gauges: model.pools()[worker.index()].gauges() };
            match self.last.get(&worker).map(|last| &mut self.changes[*last]) {
                Some(last) if last.gauges == level.gauges => {}
                Some(last) if last.at == now => *last = level,
                _ => {
                    self.last.insert(worker, self.changes.len());
                    self.changes.push(level);
                }
            }
        }
    }
}
