//! When a stream's requests come and what each of them wants, drawn at the place of its number, whoever asks: the clients
//! of a model, or those of a live run.

use std::sync::Arc;

use super::{Balance, Retry, StreamSpec};
use crate::kernel::latency::Latency;
use crate::kernel::rng::{Seed, Stream, mix};
use crate::kernel::time::Span;
use crate::parts::workload::{Arrivals, Batch};
use crate::protocol::error::Error;
use crate::protocol::program::Program;
use crate::protocol::request::Request;

/// A stream's arrivals, and the dice of its requests.
#[derive(Clone)]
pub struct Wants {
    arrivals: Box<dyn Arrivals>,
    dice: Stream,
    words: u64,
    pauses: Option<Pauses>,
}

#[derive(Clone)]
struct Pauses {
    most: u32,
    backoff: Arc<dyn Latency>,
    jitter: f64,
}

impl Wants {
    /// Of a checked stream whose steps make a program of so many words.
    pub fn new(spec: &StreamSpec, program_words: u64, seed: &Seed) -> Wants {
        let pauses = spec.retry.as_ref().map(|retry| Pauses {
            most: retry.attempts - 1,
            backoff: retry.backoff.prepare().into(),
            jitter: retry.jitter,
        });
        let pause_words = pauses.as_ref().map_or(0, |pauses| u64::from(pauses.most) * (u64::from(pauses.backoff.words()) + 1));
        Wants {
            arrivals: spec.arrivals.kind().build(&spec.name, seed),
            dice: seed.stream(&format!("client/{}/requests", spec.name)),
            words: 1 + program_words + pause_words,
            pauses,
        }
    }

    /// The next arrivals; nothing from a closed stream.
    pub fn next_batch(&mut self) -> Option<Batch> {
        self.arrivals.next()
    }

    /// How many users a closed stream has.
    pub fn users(&self) -> u32 {
        self.arrivals.users()
    }

    /// How long the user of a closed stream thinks before request `number`.
    pub fn think(&mut self, number: u64) -> Span {
        self.arrivals.think(number)
    }

    /// Throws all dice of request `number`: what its program wants, then its pauses between attempts. What comes back is
    /// the balancer's word.
    #[inline]
    pub fn draw(&mut self, program: &Program, number: u64, drawn: &mut Vec<u64>) -> u64 {
        self.dice.seek(number * self.words);
        let balance = self.dice.word();
        program.draw(&mut self.dice, drawn);
        if let Some(recorded) = self.arrivals.demands(number) {
            for (draw, demand) in program.queries().zip(recorded) {
                drawn[draw as usize] = demand.nanos();
            }
        }
        if let Some(pauses) = &self.pauses {
            for _ in 0..pauses.most {
                let pause = pauses.backoff.sample(&mut self.dice);
                let more = self.dice.uniform() * pauses.jitter;
                drawn.push((pause + pause.scaled(more)).nanos());
            }
        }
        balance
    }

    /// From here on with the dice of `seed`.
    pub fn reseed(&mut self, seed: &Seed) {
        self.arrivals.reseed(seed);
        self.dice.reseed(seed);
    }

    /// Draws again what `request` has not met.
    pub fn draw_rest(&mut self, program: &Program, request: &mut Request) {
        let met = request.drawn[..program.draws_before(request.step)].to_vec();
        self.draw(program, request.number, &mut request.drawn);
        request.drawn[..met.len()].copy_from_slice(&met);
    }
}

/// Who decides about another attempt: a stream's rule, and its requests so far.
#[derive(Clone)]
pub struct Retrying {
    // Parameters.
    attempts: u32,
    budget: Option<f64>,
    on: Option<Vec<Error>>,
    // State.
    firsts: u64,
    retries: u64,
}

impl Retrying {
    /// By this rule.
    pub fn new(retry: &Retry) -> Retrying {
        Retrying { attempts: retry.attempts, budget: retry.budget, on: retry.on.clone(), firsts: 0, retries: 0 }
    }

    /// A request is tried for the first time.
    pub fn first(&mut self) {
        self.firsts += 1;
    }

    /// Attempt number `attempt`, counted from 1, failed: the pause before the next, if there is to be one. `drawn` is what
    /// the request drew at its birth.
    pub fn pause(&mut self, attempt: u32, why: Error, drawn: &[u64]) -> Option<Span> {
        let wanted = self.on.as_ref().map_or(why != Error::DeadlineExceeded, |on| on.contains(&why));
        let allowed = self.budget.is_none_or(|budget| (self.retries + 1) as f64 <= budget * self.firsts as f64);
        if attempt >= self.attempts || !wanted || !allowed {
            return None;
        }
        self.retries += 1;
        let pauses = self.attempts as usize - 1;
        Some(Span::from_nanos(drawn[drawn.len() - pauses + attempt as usize - 1]))
    }
}

/// Spreads the requests of one app over its workers.
#[derive(Clone)]
pub struct Balancer {
    // Parameters.
    balance: Balance,
    first: u32,
    // State.
    /// Those that get requests, as places in the app.
    living: Vec<u32>,
    next: usize,
}

impl Balancer {
    /// Over `workers` workers, the first of which has this number.
    pub fn new(balance: Balance, first: u32, workers: u32) -> Balancer {
        Balancer { balance, first, living: (0..workers).collect(), next: 0 }
    }

    /// The number of the worker of a request with this word; `load` is the number of requests at each.
    #[inline]
    pub fn choose(&mut self, word: u64, load: &[u32]) -> u32 {
        let place = match self.balance {
            Balance::RoundRobin => {
                let place = self.living[self.next];
                self.next = if self.next + 1 == self.living.len() { 0 } else { self.next + 1 };
                place
            }
            Balance::Random => self.living[((u128::from(mix(word)) * self.living.len() as u128) >> 64) as usize],
            Balance::LeastBusy => {
                let busy = |place: &&u32| load[(self.first + **place) as usize];
                *self.living.iter().min_by_key(busy).expect("an app has a worker")
            }
        };
        self.first + place
    }

    /// From now on the worker in this place gets requests too.
    pub fn join(&mut self, place: u32) {
        self.living.push(place);
    }

    /// From now on it gets none. Whose turn it is does not change, unless it was its.
    pub fn leave(&mut self, place: u32) {
        let gone = self.living.iter().position(|living| *living == place).expect("who retires has got requests");
        self.living.remove(gone);
        self.next -= usize::from(gone < self.next);
        self.next %= self.living.len();
    }
}
