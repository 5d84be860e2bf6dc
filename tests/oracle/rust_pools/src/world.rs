//! The server, its connections, and the trace of what is done to them: what all pools have in common here.
//!
//! Every message takes half a round trip. A server that restarts ends its sessions and refuses others while it is down;
//! a driver knows half a round trip later. So what becomes of a call is known when it begins.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::schedule::Schedule;

tokio::task_local! {
    /// The request that this task is.
    pub static TASK: usize;
}

thread_local! {
    /// The request that this thread is.
    pub static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The request in whose task or thread this runs.
fn who() -> Option<usize> {
    TASK.try_with(|number| *number).ok().or(THREAD.get())
}

pub struct World {
    pub schedule: Schedule,
    opened: AtomicU32,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    words: Vec<String>,
    last: u64,
    errors: Vec<String>,
    /// When timers are to ring.
    promised: Vec<u64>,
}

/// A schedule and what the real pool did.
#[derive(Serialize)]
pub struct Recording {
    schedule: Schedule,
    trace: String,
    counters: String,
    ties: String,
    errors: Vec<String>,
}

/// When a call ends, and how.
pub type Outcome<T> = (u64, Result<T, Broken>);

/// The driver's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    Refused,
    Lost,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Broken::Refused => "refused",
            Broken::Lost => "lost",
        })
    }
}

impl std::error::Error for Broken {}

impl World {
    pub fn new(schedule: Schedule) -> Arc<World> {
        Arc::new(World { schedule, opened: AtomicU32::new(0), log: Mutex::default() })
    }

    fn half(&self) -> u64 {
        self.schedule.round_trip / 2
    }

    /// A connect begins: its number, and when and how it ends: with the time at which its session will end.
    pub fn dial(&self) -> (u32, Outcome<u64>) {
        let serial = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        self.note('s', who(), Some(serial));
        let arrives = clock::now() + self.half();
        let restarts = &self.schedule.faults;
        let is_down = restarts.iter().any(|restart| restart.at <= arrives && arrives < restart.at + restart.down);
        let admitted = arrives + self.schedule.connect;
        let ends = restarts.iter().map(|restart| restart.at).find(|at| *at > arrives).unwrap_or(u64::MAX);
        for restart in restarts {
            self.meet(arrives, restart.at);
            self.meet(arrives, restart.at + restart.down);
            self.meet(admitted, restart.at);
        }
        let outcome = if is_down {
            (arrives + self.half(), Err(Broken::Refused))
        } else if ends <= admitted {
            (ends + self.half(), Err(Broken::Lost))
        } else {
            (admitted + self.half(), Ok(ends))
        };
        (serial, outcome)
    }

    /// A connect has ended.
    pub fn dialled(self: &Arc<World>, serial: u32, outcome: Result<u64, Broken>) -> Result<Conn, Broken> {
        self.note(if outcome.is_ok() { 'd' } else { 'f' }, who(), Some(serial));
        outcome.map(|ends| Conn { world: self.clone(), serial, ends, busy: false, lost: false })
    }

    /// Something happens: a letter, a request's number, a connection's.
    pub fn note(&self, letter: char, request: Option<usize>, conn: Option<u32>) {
        let now = clock::now();
        if now >= self.schedule.end {
            return;
        }
        let mut log = self.log.lock().expect("nobody panics with it");
        let gap = if now == log.last { String::new() } else { (now - log.last).to_string() };
        log.last = now;
        let request = request.map_or(String::new(), |number| number.to_string());
        let conn = conn.map_or(String::new(), |serial| format!("/{serial}"));
        log.words.push(format!("{gap}{letter}{request}{conn}"));
    }

    pub fn failed(&self, request: usize, why: &str) {
        self.log.lock().expect("nobody panics with it").errors.push(format!("{request} {why}"));
    }

    /// A timer is set.
    pub fn promise(&self, at: u64) {
        self.log.lock().expect("nobody panics with it").promised.push(at);
    }

    /// Something rings again and again.
    pub fn promise_every(&self, period: Duration) {
        let period = period.as_nanos() as u64;
        (1..=self.schedule.end / period).for_each(|round| self.promise(round * period));
    }

    /// Two things meet at the server; the client hears half a round trip later which was first.
    fn meet(&self, one: u64, other: u64) {
        if one == other {
            self.promise(one);
            self.promise(one);
        }
    }

    pub fn recording(&self) -> Recording {
        let mut log = self.log.lock().expect("nobody panics with it");
        log.promised.sort_unstable();
        let mut ties: Vec<u64> = log.promised.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        ties.dedup();
        Recording {
            schedule: self.schedule.clone(),
            trace: log.words.join(" "),
            counters: String::new(),
            ties: ties.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
            errors: log.errors.clone(),
        }
    }
}

/// A driver's connection. Who drops it closes it.
pub struct Conn {
    pub world: Arc<World>,
    pub serial: u32,
    /// When the server ends it.
    ends: u64,
    /// A statement is under way, or was left in the middle.
    pub busy: bool,
    /// A statement found it ended.
    pub lost: bool,
}

impl Conn {
    /// Whether the driver has heard that the server has ended it.
    pub fn is_gone(&self) -> bool {
        let told = self.ends.saturating_add(self.world.half());
        self.world.meet(clock::now(), told);
        self.lost || clock::now() >= told
    }

    /// Whether it can carry another statement.
    pub fn is_fit(&self) -> bool {
        !self.busy && !self.lost
    }

    /// A statement that demands `demand` begins: when and how it ends.
    pub fn ask(&mut self, demand: u64) -> Outcome<()> {
        if self.is_gone() || self.busy {
            return (clock::now(), Err(Broken::Lost));
        }
        self.busy = true;
        let half = self.world.half();
        let finished = clock::now() + half + demand;
        self.world.meet(finished, self.ends);
        if finished < self.ends { (finished + half, Ok(())) } else { (self.ends + half, Err(Broken::Lost)) }
    }

    /// A check of the pool's begins.
    pub fn check(&mut self) -> Outcome<()> {
        self.world.note('p', who(), Some(self.serial));
        self.ask(0)
    }

    /// The statement has ended.
    pub fn answered(&mut self, outcome: Result<(), Broken>) -> Result<(), Broken> {
        self.busy = false;
        self.lost |= outcome.is_err();
        outcome
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "connection {}", self.serial)
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.world.note('c', None, Some(self.serial));
    }
}
