//! The clients of a live run: they send the requests that a model's clients would send, at the same times, to real workers.
//!
//! One thread, one list of what is due, and words from the workers in between. A late start is recorded, never hidden.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::clock::Clock;
use super::drivers::{Order, Stated, Step, Told, Word, Worker, errors};
use super::statements::{Asked, Statements};
use crate::experiment::Problem;
use crate::kernel::rng::{Seed, mix};
use crate::kernel::time::{SimTime, Span};
use crate::measure::recording::outcome::NAMELESS;
use crate::measure::recording::{Attempt, Failure as Failed, PoolEvent, Statement, StatementKind};
use crate::parts::client::{Balancer, Retrying, Wants};
use crate::protocol::error::Error;
use crate::protocol::program::{Does, Program};
use crate::shells::cli::Failure;
use crate::simulation::blueprint::Blueprint;

#[cfg(test)]
mod tests;

/// What is to be sent, and when sending ends.
pub struct Task<'a> {
    /// The system.
    pub blueprint: &'a Blueprint,
    /// The chance of this replication.
    pub seed: Seed,
    /// What a query is.
    pub statements: Statements,
    /// The counted span in nanoseconds.
    pub counted: (u64, u64),
    /// Requests still under way so long after the end are given up.
    pub patience: u64,
    /// No more requests than these.
    pub most: u64,
}

/// All clients of a run.
pub struct Clients<'a> {
    task: Task<'a>,
    clock: Clock,
    workers: Vec<Box<dyn Worker>>,
    words: Receiver<(u32, Word)>,
    streams: Vec<Stream>,
    balancers: Vec<Balancer>,
    load: Vec<u32>,
    due: BinaryHeap<Reverse<(u64, u64, Due)>>,
    under_way: BTreeMap<u64, Request>,
    /// Counted requests that have not ended.
    open: u64,
    born: u64,
    scheduled: u64,
    heard: Heard,
}

/// What the clients and workers of a run have written down.
#[derive(Default)]
pub struct Heard {
    /// In the order in which they ended.
    pub attempts: Vec<Attempt>,
    /// In the order in which they were told.
    pub pools: Vec<PoolEvent>,
}

struct Stream {
    wants: Wants,
    program: Program,
    app: usize,
    deadline: Option<Span>,
    retry: Option<Retrying>,
    coming: u32,
    born: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Arrive { stream: usize },
    Thought { stream: usize, number: u64 },
    Retry { id: u64 },
    Deadline { id: u64 },
}

struct Request {
    attempt: Attempt,
    drawn: Vec<u64>,
    asked: Vec<Asked>,
    demands: Vec<Span>,
    balance: u64,
    given_up: bool,
}

impl<'a> Clients<'a> {
    /// The clients of a task with these workers, in the order of the apps.
    pub fn new(task: Task<'a>, clock: Clock, workers: Vec<Box<dyn Worker>>, words: Receiver<(u32, Word)>) -> Clients<'a> {
        let (mut balancers, mut first) = (Vec::new(), 0);
        for app in &task.blueprint.apps {
            balancers.push(Balancer::new(app.balance, first, app.workers));
            first += app.workers;
        }
        let streams = task.blueprint.workload.iter().map(|spec| {
            let program = Program::compile(&spec.steps).expect("a checked stream's steps make a program");
            let app =
                task.blueprint.apps.iter().position(|app| app.name == spec.app).expect("a checked stream goes to an app that is there");
            Stream {
                wants: Wants::new(spec, program.words(), &task.seed),
                program,
                app,
                deadline: spec.deadline,
                retry: spec.retry.as_ref().map(Retrying::new),
                coming: 0,
                born: 0,
            }
        });
        let (streams, load) = (streams.collect(), vec![0; workers.len()]);
        let (due, under_way) = (BinaryHeap::new(), BTreeMap::new());
        Clients {
            task,
            clock,
            workers,
            words,
            streams,
            balancers,
            load,
            due,
            under_way,
            open: 0,
            born: 0,
            scheduled: 0,
            heard: Heard::default(),
        }
    }

    /// Sends until every counted request has ended, and stops the workers.
    pub fn run(mut self) -> Result<Heard, Failure> {
        for stream in 0..self.streams.len() {
            self.schedule_arrival(stream);
            for user in 0..self.streams[stream].wants.users() {
                self.think(stream, u64::from(user), 0);
            }
        }
        let last = self.task.counted.1 + self.task.patience;
        while !self.is_over(self.clock.now()) {
            // Also between words: many of them must not keep a request from its time.
            self.fire()?;
            let next = self.due.peek().map_or(last, |Reverse((at, ..))| *at).min(last);
            match self.words.recv_timeout(self.clock.until(next)) {
                Ok((worker, word)) => self.hear(worker, word)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish()
    }

    fn is_over(&self, now: u64) -> bool {
        let (_, end) = self.task.counted;
        now >= end + self.task.patience || now >= end && self.open == 0
    }

    fn fire(&mut self) -> Result<(), Failure> {
        while let Some(Reverse((at, _, due))) = self.due.peek().copied()
            && at <= self.clock.now()
        {
            self.due.pop();
            match due {
                Due::Arrive { stream } => {
                    for _ in 0..self.streams[stream].coming {
                        let number = self.streams[stream].born;
                        self.bear(stream, number, at)?;
                    }
                    self.schedule_arrival(stream);
                }
                Due::Thought { stream, number } => self.bear(stream, number, at)?,
                Due::Retry { id } => self.send(id, at),
                Due::Deadline { id } => self.give_up(id, at),
            }
        }
        Ok(())
    }

    fn schedule(&mut self, at: u64, due: Due) {
        self.scheduled += 1;
        self.due.push(Reverse((at, self.scheduled, due)));
    }

    fn schedule_arrival(&mut self, stream: usize) {
        if let Some(batch) = self.streams[stream].wants.next_batch() {
            self.streams[stream].coming = batch.size;
            self.schedule((batch.at - SimTime::ZERO).nanos(), Due::Arrive { stream });
        }
    }

    /// A user of a closed stream thinks, from `now` on, before request `number`.
    fn think(&mut self, stream: usize, number: u64, now: u64) {
        let think = self.streams[stream].wants.think(number);
        self.schedule(now + think.nanos().max(1), Due::Thought { stream, number });
    }

    fn bear(&mut self, index: usize, number: u64, at: u64) -> Result<(), Failure> {
        let (id, stream) = (self.born, &mut self.streams[index]);
        if id >= self.task.most {
            let problem = Problem::nowhere(format!("a live run sends {} requests at most, and they are sent", self.task.most));
            return Err(Failure::Input(problem.help("a shorter --set duration=…, or --most-requests")));
        }
        self.born += 1;
        stream.born += 1;
        if let Some(retry) = &mut stream.retry {
            retry.first();
        }
        let mut drawn = Vec::new();
        let balance = stream.wants.draw(&stream.program, number, &mut drawn);
        let attempt = Attempt { stream: index as u32, number, attempt: 1, arrived: at, ..Attempt::default() };
        let request = Request { attempt, drawn, asked: Vec::new(), demands: Vec::new(), balance, given_up: false };
        let deadline = stream.deadline;
        self.under_way.insert(id, request);
        if let Some(deadline) = deadline {
            self.schedule(at + deadline.nanos(), Due::Deadline { id });
        }
        self.open += u64::from(self.counts(at));
        self.send(id, at);
        Ok(())
    }

    fn counts(&self, arrived: u64) -> bool {
        (self.task.counted.0..self.task.counted.1).contains(&arrived)
    }

    fn send(&mut self, id: u64, due: u64) {
        let Some(request) = self.under_way.get_mut(&id).filter(|request| !request.given_up) else { return };
        let stream = &self.streams[request.attempt.stream as usize];
        let word = request.balance.wrapping_add(u64::from(request.attempt.attempt - 1));
        let worker = self.balancers[stream.app].choose(word, &self.load);
        let (mut asked, mut demands) = (Vec::new(), Vec::new());
        let steps = stream.program.walk(&request.drawn).into_iter().map(|does| {
            let mut argument = 0.0;
            if let Does::Query(demand) = does {
                let ask = self.task.statements.ask(demand, mix(request.attempt.number) ^ asked.len() as u64);
                argument = ask.argument;
                asked.push(ask);
                demands.push(demand);
            }
            Step { does, argument }
        });
        let order = Order::Begin(id, steps.collect());
        (request.asked, request.demands) = (asked, demands);
        let attempt = &mut request.attempt;
        (attempt.worker, attempt.due) = (worker, due);
        attempt.sent = self.clock.now();
        self.load[worker as usize] += 1;
        self.workers[worker as usize].tell(order);
    }

    /// A client's deadline has passed: it hangs up.
    fn give_up(&mut self, id: u64, at: u64) {
        let Some(request) = self.under_way.get_mut(&id) else { return };
        request.given_up = true;
        let attempt = &mut request.attempt;
        let after = Span::from_nanos(at - attempt.arrived);
        attempt.failure = Some(Failed { name: Some(Error::DeadlineExceeded), text: format!("the client gave up after {after}") });
        attempt.heard = Some(at);
        let (worker, stream, number, arrived) = (attempt.worker, attempt.stream as usize, attempt.number, attempt.arrived);
        if attempt.sent > 0 {
            self.workers[worker as usize].tell(Order::Cancel(id));
        } else if let Some(request) = self.under_way.remove(&id) {
            self.heard.attempts.push(request.attempt);
        }
        self.ended(stream, number, arrived, at);
    }

    fn hear(&mut self, worker: u32, word: Word) -> Result<(), Failure> {
        match word {
            Word::Done(told) => self.done(told),
            Word::Pool(event) => self.heard.pools.push(event),
            Word::Gone(why) => return Err(Failure::Outside(format!("worker {worker} has ended in the middle of the run: {why}"))),
        }
        Ok(())
    }

    fn done(&mut self, told: Told) {
        let Some(mut request) = self.under_way.remove(&told.id) else { return };
        self.load[request.attempt.worker as usize] -= 1;
        let (id, ended, given_up) = (told.id, told.ended, request.given_up);
        let trouble = fill(&mut request, told);
        // An answer that was on its way at the deadline came in time.
        if given_up && request.attempt.heard.is_some_and(|deadline| deadline < ended) {
            return self.heard.attempts.push(request.attempt);
        }
        request.attempt.heard = Some(ended);
        request.attempt.failure = trouble;
        if given_up {
            return self.heard.attempts.push(request.attempt);
        }
        let (stream, number, arrived) = (request.attempt.stream as usize, request.attempt.number, request.attempt.arrived);
        if let Some(failure) = &request.attempt.failure
            && let Some(retry) = &mut self.streams[stream].retry
            && let Some(pause) = retry.pause(request.attempt.attempt, failure.name.unwrap_or(NAMELESS), &request.drawn)
        {
            request.attempt.retried = true;
            self.heard.attempts.push(request.attempt.clone());
            let due = ended + pause.nanos();
            let Attempt { stream, number, attempt, worker, arrived, .. } = request.attempt;
            request.attempt = Attempt { stream, number, attempt: attempt + 1, worker, arrived, due, ..Attempt::default() };
            self.under_way.insert(id, request);
            return self.schedule(due, Due::Retry { id });
        }
        self.heard.attempts.push(request.attempt);
        self.ended(stream, number, arrived, ended);
    }

    /// A request is over for its client.
    fn ended(&mut self, stream: usize, number: u64, arrived: u64, at: u64) {
        self.open -= u64::from(self.counts(arrived));
        let users = u64::from(self.streams[stream].wants.users());
        if users > 0 {
            self.think(stream, number + users, at);
        }
    }

    /// Requests that are still under way are cancelled, and written down as far as they have come.
    fn finish(mut self) -> Result<Heard, Failure> {
        for (id, request) in &self.under_way {
            if request.attempt.sent > 0 {
                self.workers[request.attempt.worker as usize].tell(Order::Cancel(*id));
            }
        }
        let last = self.clock.now() + 1_000_000_000;
        while self.under_way.values().any(|request| request.attempt.sent > 0) {
            match self.words.recv_timeout(self.clock.until(last)) {
                Ok((_, Word::Pool(event))) => self.heard.pools.push(event),
                Ok((_, Word::Done(told))) => self.cut_short(told),
                _ => break,
            }
        }
        for worker in &mut self.workers {
            worker.stop();
        }
        let rest = std::mem::take(&mut self.under_way);
        self.heard.attempts.extend(rest.into_values().map(|request| request.attempt));
        Ok(self.heard)
    }

    /// It ended after the run, because the run did: its client has heard nothing.
    fn cut_short(&mut self, told: Told) {
        if let Some(mut request) = self.under_way.remove(&told.id) {
            fill(&mut request, told);
            self.heard.attempts.push(request.attempt);
        }
    }
}

/// Writes down what a worker told; what went wrong, if something did.
fn fill(request: &mut Request, told: Told) -> Option<Failed> {
    let (mut asked, mut demands) = (request.asked.iter(), request.demands.iter());
    let statement = |Stated { checkout, kind, sent, replied }: Stated| {
        let (mut demand, mut served) = (0, 0);
        if kind == StatementKind::Query {
            demand = demands.next().map_or(0, |demand| demand.nanos());
            served = asked.next().map_or(0, |asked| asked.served.nanos());
        }
        Statement { checkout, kind, demand, served, sent, replied }
    };
    let attempt = &mut request.attempt;
    attempt.statements = told.statements.into_iter().map(statement).collect();
    (attempt.began, attempt.ended, attempt.checkouts) = (Some(told.began), Some(told.ended), told.checkouts);
    told.error.map(|trouble| Failed { name: errors::name(&trouble), text: format!("{}: {}", trouble.class, trouble.text.trim()) })
}
