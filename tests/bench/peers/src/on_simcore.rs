//! simcore 0.1 (of DSLab): boxed events between components, time in floats. A timeout that nobody needs is cancelled.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use simcore::{Event, EventHandler, Simulation, SimulationContext, cast};

use crate::queue::{Asked, Model, State};

#[derive(Clone, Serialize)]
struct Arrive {
    worker: usize,
}

#[derive(Clone, Serialize)]
struct Done {
    worker: usize,
}

#[derive(Clone, Serialize)]
struct TimeOut {
    worker: usize,
    ticket: u64,
}

struct System {
    state: State,
    /// By worker: the timeouts of its waiters.
    timeouts: Vec<VecDeque<u64>>,
    context: SimulationContext,
}

pub fn run(model: Model, requests: u64) -> Duration {
    let mut simulation = Simulation::new(1);
    let context = simulation.create_context("system");
    let timeouts = vec![VecDeque::new(); model.workers];
    let system = Rc::new(RefCell::new(System { state: State::new(model, requests), timeouts, context }));
    simulation.add_handler("system", system.clone());
    for worker in 0..model.workers {
        system.borrow_mut().next_arrival(worker);
    }
    simulation.step_until_no_events();
    let waited = system.borrow().state.waited;
    Duration::from_nanos(waited)
}

impl System {
    fn now(&self) -> u64 {
        (self.context.time() * 1e9) as u64
    }

    fn next_arrival(&mut self, worker: usize) {
        if let Some(gap) = self.state.gap() {
            self.context.emit_self(Arrive { worker }, seconds(gap));
        }
    }

    fn arrive(&mut self, worker: usize) {
        match self.state.ask(worker, self.now()) {
            Asked::Holds(hold) => _ = self.context.emit_self(Done { worker }, seconds(hold)),
            Asked::Waits(ticket) => {
                if let Some(timeout) = self.state.model.timeout {
                    let timeout = self.context.emit_self(TimeOut { worker, ticket }, seconds(timeout));
                    self.timeouts[worker].push_back(timeout);
                }
            }
        }
        self.next_arrival(worker);
    }

    fn done(&mut self, worker: usize) {
        if let Some(hold) = self.state.give_back(worker, self.now()) {
            if let Some(timeout) = self.timeouts[worker].pop_front() {
                self.context.cancel_event(timeout);
            }
            self.context.emit_self(Done { worker }, seconds(hold));
        }
    }

    fn time_out(&mut self, worker: usize, ticket: u64) {
        self.timeouts[worker].pop_front();
        self.state.gives_up(worker, ticket);
    }
}

impl EventHandler for System {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Arrive { worker } => {
                self.arrive(worker)
            }
            Done { worker } => {
                self.done(worker)
            }
            TimeOut { worker, ticket } => {
                self.time_out(worker, ticket)
            }
        })
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
