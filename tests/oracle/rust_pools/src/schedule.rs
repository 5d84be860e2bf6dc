//! What poolcast and a real pool are both given. All times are nanoseconds.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dice::{Dice, MS, S};

#[derive(Clone, Serialize)]
pub struct Schedule {
    pub seed: u64,
    /// As a file of poolcast's writes it.
    pub pool: Value,
    pub round_trip: u64,
    pub connect: u64,
    slots: u32,
    statement_timeout: u64,
    pub driver: Driver,
    pub faults: Vec<Restart>,
    pub requests: Vec<Request>,
    pub end: u64,
}

/// The driver's own times.
#[derive(Clone, Default, Serialize)]
pub struct Driver {
    checkout: u64,
    statement: u64,
    ping: u64,
    reset: u64,
    pub close: u64,
}

/// The server restarts at a time and is down for another.
#[derive(Clone, Serialize)]
#[serde(into = "(&'static str, u64, u64)")]
pub struct Restart {
    pub at: u64,
    pub down: u64,
}

impl From<Restart> for (&'static str, u64, u64) {
    fn from(restart: Restart) -> (&'static str, u64, u64) {
        ("restart", restart.at, restart.down)
    }
}

#[derive(Clone, Serialize)]
pub struct Request {
    pub at: u64,
    pub deadline: Option<u64>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Serialize)]
#[serde(into = "Value")]
pub enum Step {
    Session(Vec<Step>),
    Query(u64),
    Await(u64),
}

impl From<Step> for Value {
    fn from(step: Step) -> Value {
        match step {
            Step::Session(steps) => json!(["session", steps]),
            Step::Query(span) => json!(["query", span]),
            Step::Await(span) => json!(["await", span]),
        }
    }
}

/// A time as poolcast's files write it.
pub fn text(span: u64) -> String {
    format!("{span}ns")
}

/// How the schedules of a library are drawn.
#[derive(Clone, Copy)]
pub struct Kind {
    pub library: &'static str,
    /// Its settings, where a connect takes so long.
    pub pool: fn(&mut Dice, u64) -> Value,
    /// Times are multiples of it. tokio's timers know whole milliseconds only.
    pub grain: u64,
    /// Requests come from then on.
    pub from: u64,
    /// Whether a request can be cut short.
    pub cancels: bool,
}

impl Kind {
    /// The schedule of a seed.
    pub fn draw(self, seed: u64) -> Schedule {
        let dice = &mut Dice::new(self.library, seed, self.grain);
        let connect = dice.span(5 * MS, 10 * S);
        let length = dice.span(20 * S, 300 * S);
        let patient = !self.cancels || dice.chance(0.4);
        let requests = (0..4 + dice.below(20)).map(|_| request(dice, self.from, length, patient)).collect();
        Schedule {
            seed,
            pool: (self.pool)(dice, connect),
            round_trip: 2 * dice.span(MS, 30 * MS),
            connect,
            slots: 1000,
            statement_timeout: 0,
            driver: Driver { close: if dice.chance(0.5) { dice.span(MS, 2 * S) } else { 0 }, ..Driver::default() },
            faults: faults(dice, self.from, length),
            requests,
            end: self.from + length + 300 * S,
        }
    }
}

fn request(dice: &mut Dice, from: u64, length: u64, patient: bool) -> Request {
    let deadline = (!patient && dice.chance(0.6)).then(|| dice.span(10 * MS, 100 * S));
    let mut steps = Vec::new();
    for number in 0..dice.one_of(&[1, 1, 1, 2, 3]) {
        if number > 0 && dice.chance(0.5) {
            steps.push(Step::Await(dice.span(MS, 20 * S)));
        }
        steps.push(Step::Session((0..dice.one_of(&[1, 1, 2])).map(|_| held(dice)).collect()));
    }
    Request { at: from + dice.time(length), deadline, steps }
}

fn held(dice: &mut Dice) -> Step {
    let span = dice.span(5 * MS, 60 * S);
    if dice.chance(0.7) { Step::Query(span) } else { Step::Await(span) }
}

fn faults(dice: &mut Dice, from: u64, length: u64) -> Vec<Restart> {
    let many = if dice.chance(0.5) { dice.one_of(&[1, 1, 2]) } else { 0 };
    let mut restarts: Vec<Restart> = (0..many)
        .map(|_| Restart { at: from + dice.time(length), down: if dice.chance(0.5) { 0 } else { dice.span(MS, 60 * S) } })
        .collect();
    restarts.sort_by_key(|restart| restart.at);
    restarts
}
