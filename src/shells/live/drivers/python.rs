//! A worker process in Python, with a real SQLAlchemy in it: `worker.py` says what goes over the line.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Order, Setup, Step, Told, Word, Worker, venv};
use crate::measure::recording::PoolEvent;
use crate::parts::pool::PoolSpec;
use crate::parts::pool::sqlalchemy::{Release, ResetOnReturn, SqlAlchemy};
use crate::protocol::driver::DriverSpec;
use crate::protocol::program::Does;
use crate::shells::cli::Failure;
use crate::shells::live::address::{Address, Tls};
use crate::shells::live::clock::{Clock, pause};
use crate::shells::live::statements::Statements;

const SCRIPT: &str = include_str!("worker.py");

/// The process.
pub struct Python {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
    versions: Vec<String>,
    set_up: u64,
}

impl Python {
    /// Starts it: importing its libraries takes a while, which workers may spend at the same time.
    pub fn start(setup: &Setup) -> Result<Python, Failure> {
        let program = venv::python(setup.python)?;
        let mut command = Command::new(&program);
        // A group of its own: what a terminal sends is for poolcast, whose end is the end of the line.
        command.args(["-u", "-c", SCRIPT]).process_group(0).env("PYTHONDONTWRITEBYTECODE", "1");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| Failure::Outside(format!("{} cannot be started: {error}", program.display())))?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut python = Python { child, orders, answers, versions: Vec::new(), set_up: 0 };
        python.write(&hello(setup)).map_err(|why| python.ended(&why))?;
        Ok(python)
    }

    fn write(&mut self, message: &Value) -> Result<(), String> {
        let line = format!("{message}\n");
        let orders = self.orders.as_mut().ok_or("it was stopped")?;
        orders.write_all(line.as_bytes()).map_err(|error| error.to_string())
    }

    fn answer(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        let read = self.answers.as_mut().map_or(Ok(0), |answers| answers.read_line(&mut line));
        match read {
            Ok(1..) => serde_json::from_str(&line).map_err(|error| Failure::Outside(format!("a worker said {line:?}: {error}"))),
            _ => Err(self.ended("it said nothing")),
        }
    }

    /// Why it is no more, in its own words if it had any.
    fn ended(&mut self, why: &str) -> Failure {
        let _ = self.child.kill();
        let mut words = String::new();
        let _ = self.child.stderr.take().map(|mut errors| errors.read_to_string(&mut words));
        Failure::Outside(format!("a worker in Python could not be started ({why}):\n{}", last(&words)))
    }

    /// What its clock shows when `clock` stands at zero: the best of a few questions tells it to some 20 µs.
    fn zero(&mut self, clock: Clock) -> Result<u64, Failure> {
        let mut best: Option<(Duration, u64)> = None;
        for _ in 0..30 {
            let asked = Instant::now();
            self.write(&json!({ "ping": 1 })).map_err(|why| self.ended(&why))?;
            let reading = self.answer()?["pong"].as_u64().unwrap_or_default();
            let trip = asked.elapsed();
            let zero = reading + clock.start_after(asked) - u64::try_from(trip.as_nanos() / 2).unwrap_or_default();
            if best.is_none_or(|(shortest, _)| trip < shortest) {
                best = Some((trip, zero));
            }
        }
        Ok(best.map_or(0, |(_, zero)| zero))
    }
}

impl Worker for Python {
    fn ready(&mut self) -> Result<(), Failure> {
        let ready = self.answer()?;
        let versions = ready["ready"].as_array().cloned().unwrap_or_default();
        self.versions = versions.iter().filter_map(|version| version.as_str().map(str::to_owned)).collect();
        self.set_up = ready["set_up"].as_u64().unwrap_or_default();
        Ok(())
    }

    fn start(&mut self, clock: Clock, number: u32, words: Sender<(u32, Word)>) -> Result<(), Failure> {
        let zero = self.zero(clock)?;
        self.write(&json!({ "zero": zero })).map_err(|why| self.ended(&why))?;
        if let (Some(answers), Some(errors)) = (self.answers.take(), self.child.stderr.take()) {
            thread::spawn(move || listen(answers, errors, number, &words));
        }
        Ok(())
    }

    fn tell(&mut self, order: Order) {
        let message = match order {
            Order::Begin(id, steps) => json!({ "id": id, "does": steps.iter().map(step).collect::<Vec<_>>() }),
            Order::Cancel(id) => json!({ "cancel": id }),
        };
        // If the line is broken, the process has ended, and whoever listens to it says so.
        let _ = self.write(&message);
    }

    fn process(&self) -> Option<u32> {
        Some(self.child.id())
    }

    fn versions(&self) -> Vec<String> {
        self.versions.clone()
    }

    fn set_up(&self) -> u64 {
        self.set_up
    }

    fn stop(&mut self) {
        let _ = self.write(&json!({ "stop": 1 }));
        self.orders = None;
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(5) {
                let _ = self.child.kill();
            }
            pause(Duration::from_millis(5));
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One line of what it says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Done(Told),
    Pool { at: u64, opened: bool, took: Option<u64> },
    Stopped { stopped: bool },
}

fn listen(answers: BufReader<ChildStdout>, mut errors: impl Read, number: u32, words: &Sender<(u32, Word)>) {
    for line in answers.lines().map_while(Result::ok) {
        let word = match serde_json::from_str(&line) {
            Ok(Line::Done(told)) => Word::Done(told),
            Ok(Line::Pool { at, opened, took }) => Word::Pool(PoolEvent { worker: number, at, opened, took }),
            Ok(Line::Stopped { stopped }) if stopped => return,
            _ => Word::Gone(format!("it said {line}")),
        };
        if words.send((number, word)).is_err() {
            return;
        }
    }
    let mut last_words = String::new();
    let _ = errors.read_to_string(&mut last_words);
    let _ = words.send((number, Word::Gone(last(&last_words))));
}

fn last(words: &str) -> String {
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn step(step: &Step) -> Value {
    match step.does {
        Does::Work(span) => json!(["work", span.nanos()]),
        Does::Block(span) => json!(["block", span.nanos()]),
        Does::Await(span) => json!(["await", span.nanos()]),
        Does::Checkout => json!(["checkout"]),
        Does::Checkin => json!(["checkin"]),
        Does::Begin => json!(["begin"]),
        Does::Commit => json!(["commit"]),
        Does::Query(_) => json!(["query", step.argument]),
        Does::Leak => json!(["leak"]),
    }
}

fn hello(setup: &Setup) -> Value {
    let pool = if let PoolSpec::SqlAlchemy(pool) = &setup.app.pool { Some(pool) } else { None };
    json!({
        "driver": if setup.app.driver == DriverSpec::Psycopg { "psycopg" } else { "asyncpg" },
        "address": place(setup.address),
        "database": place(setup.database),
        "tls": setup.address.tls == Tls::On,
        // Whoever measures computing must not wait for a core behind what is measured.
        "first": setup.statements != Statements::Sleep,
        "pool": pool.map(arguments),
        "async_with": pool.is_none_or(|pool| pool.release == Release::AsyncWith),
        "proxied": setup.proxied,
        "statement": setup.statements.text("cast(:demand as float)"),
        "concurrency": setup.app.concurrency,
        "statement_timeout": setup.statement_timeout.map(|span| span.nanos().div_ceil(1_000_000)),
    })
}

fn place(address: &Address) -> Value {
    let host = (!address.is_socket()).then_some(&address.host);
    let parts = json!({
        "username": address.user, "password": address.password().tell(), "database": address.database, "host": host, "port": address.port,
    });
    json!({ "parts": parts, "socket": address.is_socket().then_some(&address.host) })
}

/// The arguments of `create_engine`.
fn arguments(pool: &SqlAlchemy) -> Value {
    json!({
        "pool_size": pool.pool_size,
        "max_overflow": pool.max_overflow,
        "pool_timeout": pool.pool_timeout.map(|span| span.seconds()),
        "pool_recycle": pool.pool_recycle.map_or(-1.0, |span| span.seconds()),
        "pool_pre_ping": pool.pool_pre_ping,
        "pool_use_lifo": pool.pool_use_lifo,
        "pool_reset_on_return": pool.pool_reset_on_return.map(|reset| match reset {
            ResetOnReturn::Rollback => "rollback",
            ResetOnReturn::Commit => "commit",
        }),
    })
}
