//! Clients with workers that are made up: one that answers at once, one that fails, one that never says a word.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::*;
use crate::kernel::latency::LatencySpec;
use crate::parts::client::{Retry, StreamSpec};
use crate::parts::pool::sqlalchemy::SqlAlchemy;
use crate::parts::workload::{Closed, Regular};
use crate::protocol::program::StepSpec;
use crate::shells::cli::Failure;
use crate::shells::live::drivers::Trouble;
use crate::simulation::blueprint::AppSpec;

#[derive(Clone, Copy)]
enum Manner {
    Answers,
    Fails,
    Silent,
}

type Line = (Clock, u32, Sender<(u32, Word)>);

struct MadeUp {
    manner: Manner,
    line: Option<Line>,
}

impl Worker for MadeUp {
    fn ready(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn start(&mut self, clock: Clock, number: u32, words: Sender<(u32, Word)>) -> Result<(), Failure> {
        self.line = Some((clock, number, words));
        Ok(())
    }

    fn tell(&mut self, order: Order) {
        let (Some((clock, number, words)), Order::Begin(id, _)) = (&self.line, order) else { return };
        let text = "QueuePool limit of size 5 overflow 0 reached".to_owned();
        let trouble = Trouble { class: "TimeoutError".to_owned(), state: None, text };
        let error = match self.manner {
            Manner::Silent => return,
            Manner::Answers => None,
            Manner::Fails => Some(trouble),
        };
        let (began, ended) = (clock.now(), clock.now());
        let told = Told { id, began, ended, checkouts: Vec::new(), statements: Vec::new(), error };
        words.send((*number, Word::Done(told))).expect("the clients listen");
    }

    fn process(&self) -> Option<u32> {
        None
    }

    fn versions(&self) -> Vec<String> {
        Vec::new()
    }

    fn stop(&mut self) {
        self.line = None;
    }
}

const MS: u64 = 1_000_000;

fn run(stream: StreamSpec, manner: Manner) -> Vec<Attempt> {
    let app = AppSpec { workers: 2, ..AppSpec::new("web", SqlAlchemy::default()) };
    let blueprint = Blueprint::new(vec![stream], vec![app]);
    let clock = Clock::starting_in(Duration::from_millis(5));
    let (words, heard) = channel();
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    for number in 0..2 {
        let mut worker = MadeUp { manner, line: None };
        worker.start(clock, number, words.clone()).expect("it starts");
        workers.push(Box::new(worker));
    }
    let (counted, patience) = ((0, 100 * MS), 50 * MS);
    let task = Task { blueprint: &blueprint, seed: Seed::new(1, 0), statements: Statements::Sleep, counted, patience, most: 1000 };
    Clients::new(task, clock, workers, heard).run().expect("it runs").attempts
}

fn stream(rate: f64) -> StreamSpec {
    let steps = vec![StepSpec::Session(vec![StepSpec::Query(LatencySpec::always(Span::from_millis(1)))])];
    StreamSpec::new("api", "web", Regular { rate }, steps)
}

#[test]
fn requests_are_sent_at_their_times_to_one_worker_after_the_other() {
    let attempts = run(stream(100.0), Manner::Answers);
    let counted: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.arrived < 100 * MS).collect();
    assert!((9..=10).contains(&counted.len()), "{}", counted.len());
    for pair in counted.windows(2) {
        assert_eq!(pair[1].arrived - pair[0].arrived, 10 * MS);
        assert_ne!(pair[1].worker, pair[0].worker);
    }
    assert!(counted.iter().all(|attempt| attempt.sent >= attempt.due && attempt.heard.is_some()));
}

#[test]
fn what_fails_is_tried_again_after_a_pause_and_no_more_often_than_allowed() {
    let backoff = LatencySpec::always(Span::from_millis(5));
    let retry = Some(Retry { attempts: 3, backoff, jitter: 0.0, budget: None, on: None });
    let attempts = run(StreamSpec { retry, ..stream(50.0) }, Manner::Fails);
    let of_first: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.number == 0).collect();
    assert_eq!(of_first.iter().map(|attempt| (attempt.attempt, attempt.retried)).collect::<Vec<_>>(), [(1, true), (2, true), (3, false)]);
    for pair in of_first.windows(2) {
        assert_eq!(pair[1].due, pair[0].heard.expect("it failed") + 5 * MS);
    }
    let sent = attempts.iter().filter(|attempt| attempt.sent > 0);
    assert!(sent.clone().count() >= 12);
    assert!(sent.clone().all(|attempt| attempt.failure.as_ref().is_some_and(|failure| failure.name == Some(Error::PoolTimeout))));
}

#[test]
fn a_silent_worker_keeps_nobody_for_ever() {
    let attempts = run(StreamSpec { deadline: Some(Span::from_millis(20)), ..stream(50.0) }, Manner::Silent);
    let first = attempts.iter().find(|attempt| attempt.number == 0).expect("it is written down");
    assert_eq!(first.heard, Some(first.arrived + 20 * MS));
    assert!(first.failure.as_ref().is_some_and(|failure| failure.name == Some(Error::DeadlineExceeded)), "{first:?}");
    let patient = run(stream(50.0), Manner::Silent);
    assert!(patient.len() >= 4 && patient.iter().all(|attempt| attempt.heard.is_none()), "unfinished, and told so");
}

#[test]
fn closed_users_think_and_ask_again() {
    let closed = Closed { users: 2, think: LatencySpec::always(Span::from_millis(10)) };
    let attempts = run(StreamSpec { arrivals: closed.into(), ..stream(1.0) }, Manner::Answers);
    let mut numbers: Vec<u64> = attempts.iter().map(|attempt| attempt.number).collect();
    numbers.sort_unstable();
    assert!(numbers.len() >= 6, "{numbers:?}");
    assert!(numbers.iter().enumerate().all(|(place, number)| place as u64 == *number), "each user's next request: {numbers:?}");
}
