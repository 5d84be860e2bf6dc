//! A stream's steps, flattened into a program that a worker runs; and the dice that each request throws at its birth.

use serde::{Deserialize, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::{LatencySpec, Often};
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// What a request does, as an experiment file writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepSpec {
    /// Occupies the worker's event loop.
    Work(LatencySpec),
    /// Waits for something else and holds what it holds.
    Await(LatencySpec),
    /// Blocks the whole event loop.
    Block(LatencySpec),
    /// Checks a connection out, does the steps, checks it in.
    Session(Vec<StepSpec>),
    /// BEGIN … COMMIT inside a session.
    Transaction(Vec<StepSpec>),
    /// One statement; its service demand on an idle server.
    Query(LatencySpec),
    /// From here on, with this probability, the session is never closed.
    #[serde(rename = "Leak")]
    Leak {
        /// The probability.
        probability: f64,
    },
    /// The steps so many times.
    Repeat(u32, Vec<StepSpec>),
    /// One of the branches, with probability in proportion to its weight.
    Choose(Vec<(f64, Vec<StepSpec>)>),
    /// Marks that the session uses state that lives in the server's session, such as `set_config`. Takes no time.
    SessionState(String),
}

/// One instruction. `draw` is the place of what the request drew for it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // the fields are explained above
pub enum Op {
    /// Occupies the event loop: [`StepSpec::Work`], or, without using the processor, [`StepSpec::Block`]. A model makes no
    /// difference between them.
    Occupy { draw: u32, idle: bool },
    /// Waits.
    Await { draw: u32 },
    /// Asks the pool for a connection.
    Checkout,
    /// Gives the innermost connection back.
    Checkin,
    /// The next statement begins a transaction.
    Begin,
    /// Ends the transaction, if a statement has begun it.
    Commit,
    /// One statement.
    Query { draw: u32 },
    /// Forgets the innermost connection if the draw is not zero.
    Leak { draw: u32 },
    /// Goes on at this many instructions further, as drawn: the table of targets follows in `targets`.
    Choose { draw: u32, targets: u32 },
    /// Goes on there.
    Jump { to: u32 },
    /// Done.
    End,
}

impl Op {
    /// What it needs of what the request drew. Later instructions need later draws.
    fn draw(&self) -> Option<u32> {
        match *self {
            Op::Occupy { draw, .. } | Op::Await { draw } | Op::Query { draw } | Op::Leak { draw } | Op::Choose { draw, .. } => Some(draw),
            Op::Checkout | Op::Checkin | Op::Begin | Op::Commit | Op::Jump { .. } | Op::End => None,
        }
    }
}

/// One thing that a request does, all choices made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // as in [`StepSpec`] and [`Op`]
pub enum Does {
    Work(Span),
    Block(Span),
    Await(Span),
    Checkout,
    Checkin,
    Begin,
    Commit,
    Query(Span),
    Leak,
}

enum Draw {
    Time(Often),
    Chance(f64),
    Branch(Vec<f64>),
}

/// The flattened steps, and what is drawn for one request: always the same number of words, used or not, so that
/// request `n` finds its dice at `n` times [`Program::words`].
pub struct Program {
    /// The instructions.
    pub ops: Vec<Op>,
    targets: Vec<u32>,
    draws: Vec<Draw>,
    words: u64,
}

const MOST_OPS: usize = 100_000;

impl Program {
    /// Flattens `steps`; repetition is unrolled.
    pub fn compile(steps: &[StepSpec]) -> Result<Program, Invalid> {
        let mut program = Program { ops: Vec::new(), targets: Vec::new(), draws: Vec::new(), words: 0 };
        program.steps(steps, Place { sessions: 0, transaction: false })?;
        program.ops.push(Op::End);
        Ok(program)
    }

    /// How many words of dice one request takes.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// Throws all dice of one request.
    pub fn draw(&self, dice: &mut Stream, drawn: &mut Vec<u64>) {
        drawn.clear();
        drawn.extend(self.draws.iter().map(|draw| match draw {
            Draw::Time(latency) => latency.sample(dice).nanos(),
            Draw::Chance(probability) => u64::from(dice.uniform() < *probability),
            Draw::Branch(upto) => {
                let u = dice.uniform();
                upto.iter().position(|edge| u < *edge).unwrap_or(upto.len() - 1) as u64
            }
        }));
    }

    /// How many draws belong to instructions before `step`: what a request at that step has not met is all that it drew after
    /// these.
    pub fn draws_before(&self, step: u32) -> usize {
        let later = self.ops[step as usize..].iter().find_map(|op| op.draw());
        later.map_or(self.draws.len(), |draw| draw as usize)
    }

    /// Where branch `branch` of the choice with table `targets` goes on.
    pub fn target(&self, targets: u32, branch: u64) -> u32 {
        self.targets[targets as usize + branch as usize]
    }

    /// The draws that are service demands of statements, in order: a replayed file may give them instead.
    pub fn queries(&self) -> impl Iterator<Item = u32> {
        self.ops.iter().filter_map(|op| if let Op::Query { draw } = op { Some(*draw) } else { None })
    }

    /// What a request that drew `drawn` does, one thing after the other, if nothing goes wrong.
    pub fn walk(&self, drawn: &[u64]) -> Vec<Does> {
        let span = |draw: u32| Span::from_nanos(drawn[draw as usize]);
        let (mut way, mut at) = (Vec::new(), 0);
        loop {
            let next = match self.ops[at as usize] {
                Op::Occupy { draw, idle: false } => Does::Work(span(draw)),
                Op::Occupy { draw, idle: true } => Does::Block(span(draw)),
                Op::Await { draw } => Does::Await(span(draw)),
                Op::Checkout => Does::Checkout,
                Op::Checkin => Does::Checkin,
                Op::Begin => Does::Begin,
                Op::Commit => Does::Commit,
                Op::Query { draw } => Does::Query(span(draw)),
                Op::Leak { draw } if drawn[draw as usize] != 0 => Does::Leak,
                Op::Leak { .. } => {
                    at += 1;
                    continue;
                }
                Op::Choose { draw, targets } => {
                    at = self.target(targets, drawn[draw as usize]);
                    continue;
                }
                Op::Jump { to } => {
                    at = to;
                    continue;
                }
                Op::End => return way,
            };
            way.push(next);
            at += 1;
        }
    }

    fn steps(&mut self, steps: &[StepSpec], place: Place) -> Result<(), Invalid> {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, place).map_err(|e| e.within(&index.to_string()))?;
            if self.ops.len() > MOST_OPS {
                return Err(Invalid::here(format!("more than {MOST_OPS} steps; fewer repetitions, or one longer step, would do")));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &StepSpec, place: Place) -> Result<(), Invalid> {
        match step {
            StepSpec::Work(latency) | StepSpec::Block(latency) => {
                let draw = self.time(latency)?;
                self.ops.push(Op::Occupy { draw, idle: matches!(step, StepSpec::Block(_)) });
            }
            StepSpec::Await(latency) => {
                let draw = self.time(latency)?;
                self.ops.push(Op::Await { draw });
            }
            StepSpec::Session(inner) => {
                self.ops.push(Op::Checkout);
                self.steps(inner, Place { sessions: place.sessions + 1, transaction: false })?;
                self.ops.push(Op::Checkin);
            }
            StepSpec::Transaction(inner) => {
                place.needs_session("Transaction")?;
                if place.transaction {
                    return Err(Invalid::here(
                        "a Transaction stands inside a Transaction; PostgreSQL has no nested ones: put its steps into the outer one",
                    ));
                }
                self.ops.push(Op::Begin);
                self.steps(inner, Place { transaction: true, ..place })?;
                self.ops.push(Op::Commit);
            }
            StepSpec::Query(latency) => {
                place.needs_session("Query")?;
                let draw = self.time(latency)?;
                self.ops.push(Op::Query { draw });
            }
            StepSpec::Leak { probability } => {
                place.needs_session("Leak")?;
                let draw = self.chance(*probability)?;
                self.ops.push(Op::Leak { draw });
            }
            StepSpec::Repeat(times, inner) => {
                for _ in 0..*times {
                    self.steps(inner, place)?;
                }
            }
            StepSpec::Choose(branches) => self.choose(branches, place)?,
            StepSpec::SessionState(_) => place.needs_session("SessionState")?,
        }
        Ok(())
    }

    fn choose(&mut self, branches: &[(f64, Vec<StepSpec>)], place: Place) -> Result<(), Invalid> {
        let total: f64 = branches.iter().map(|(weight, _)| weight).sum();
        if branches.is_empty() || branches.iter().any(|(weight, _)| !weight.is_finite() || *weight < 0.0) || total <= 0.0 {
            return Err(Invalid::here(
                "Choose needs branches with weights of 0 or more, at least one above 0: Choose([(0.9, […]), (0.1, […])])",
            ));
        }
        let mut sum = 0.0;
        let upto = branches
            .iter()
            .map(|(weight, _)| {
                sum += weight;
                sum / total
            })
            .collect();
        let draw = self.add(Draw::Branch(upto), 1);
        let targets = self.targets.len() as u32;
        self.targets.resize(self.targets.len() + branches.len(), 0);
        self.ops.push(Op::Choose { draw, targets });
        let mut ends = Vec::new();
        for (branch, (_, inner)) in branches.iter().enumerate() {
            self.targets[targets as usize + branch] = self.ops.len() as u32;
            self.steps(inner, place).map_err(|e| e.within(&branch.to_string()))?;
            ends.push(self.ops.len());
            self.ops.push(Op::Jump { to: 0 });
        }
        let to = self.ops.len() as u32;
        for end in ends {
            self.ops[end] = Op::Jump { to };
        }
        Ok(())
    }

    fn time(&mut self, latency: &LatencySpec) -> Result<u32, Invalid> {
        latency.check()?;
        let latency = latency.prepare();
        let words = latency.words();
        Ok(self.add(Draw::Time(latency.into()), words))
    }

    fn chance(&mut self, probability: f64) -> Result<u32, Invalid> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(Invalid::field("probability", "a probability lies between 0 and 1"));
        }
        Ok(self.add(Draw::Chance(probability), 1))
    }

    fn add(&mut self, draw: Draw, words: u32) -> u32 {
        self.words += u64::from(words);
        self.draws.push(draw);
        self.draws.len() as u32 - 1
    }
}

#[derive(Clone, Copy)]
struct Place {
    sessions: u32,
    transaction: bool,
}

impl Place {
    fn needs_session(self, what: &str) -> Result<(), Invalid> {
        if self.sessions == 0 {
            return Err(Invalid::here(format!("{what} needs a connection: put it inside a Session([…])")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::Seed;

    fn query(ms: u64) -> StepSpec {
        StepSpec::Query(LatencySpec::always(Span::from_millis(ms)))
    }

    #[test]
    fn a_statement_outside_a_session_is_refused_with_the_remedy() {
        let refused = Program::compile(&[query(1)]).err().expect("it is refused");
        assert_eq!(refused.path, "0");
        assert!(refused.why.contains("Session"), "{refused}");
    }

    #[test]
    fn every_branch_is_drawn_for_so_that_dice_stay_in_step() {
        let steps = [StepSpec::Session(vec![StepSpec::Choose(vec![(3.0, vec![query(1), query(2)]), (1.0, vec![])]), query(3)])];
        let program = Program::compile(&steps).expect("it is valid");
        let mut dice = Seed::new(1, 0).stream("test");
        let (mut drawn, mut first) = (Vec::new(), 0);
        for number in 0..4000 {
            dice.seek(number * program.words());
            program.draw(&mut dice, &mut drawn);
            assert_eq!(&drawn[1..], [1_000_000, 2_000_000, 3_000_000]);
            first += u64::from(drawn[0] == 0);
        }
        assert!((2870..3130).contains(&first), "three in four take the first branch, found {first} of 4000");
    }
}
