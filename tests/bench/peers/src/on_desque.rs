//! desque 0.4: boxed events on a binary heap. It cannot cancel, so a timeout that nobody needs stays on the heap until it is due.

use std::time::Duration;

use desque::serial::{Event, Simulation};
use desque::{Result, SimState};

use crate::queue::{Asked, Model, State};

impl SimState<u64> for State {}

type Run = Simulation<State, u64>;

#[derive(Debug)]
struct Arrive {
    worker: usize,
}

#[derive(Debug)]
struct Done {
    worker: usize,
}

#[derive(Debug)]
struct TimeOut {
    worker: usize,
    ticket: u64,
}

pub fn run(model: Model, requests: u64) -> Duration {
    let mut run = Run::new(State::new(model, requests), 0);
    for worker in 0..model.workers {
        next_arrival(worker, &mut run).expect("the first arrivals are not in the past");
    }
    run.run().expect("nothing is scheduled in the past");
    Duration::from_nanos(run.state().waited)
}

fn next_arrival(worker: usize, run: &mut Run) -> Result {
    match run.state_mut().gap() {
        Some(gap) => run.schedule_with_delay(Arrive { worker }, gap),
        None => Ok(()),
    }
}

impl Event<State, u64> for Arrive {
    fn execute(&mut self, run: &mut Run) -> Result {
        let (worker, now) = (self.worker, *run.current_time());
        match run.state_mut().ask(worker, now) {
            Asked::Holds(hold) => run.schedule_with_delay(Done { worker }, hold)?,
            Asked::Waits(ticket) => {
                if let Some(timeout) = run.state().model.timeout {
                    run.schedule_with_delay(TimeOut { worker, ticket }, timeout)?;
                }
            }
        }
        next_arrival(worker, run)
    }
}

impl Event<State, u64> for Done {
    fn execute(&mut self, run: &mut Run) -> Result {
        let (worker, now) = (self.worker, *run.current_time());
        match run.state_mut().give_back(worker, now) {
            Some(hold) => run.schedule_with_delay(Done { worker }, hold),
            None => Ok(()),
        }
    }
}

impl Event<State, u64> for TimeOut {
    fn execute(&mut self, run: &mut Run) -> Result {
        run.state_mut().gives_up(self.worker, self.ticket);
        Ok(())
    }
}
