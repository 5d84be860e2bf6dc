//! Threads in virtual time: real ones, of which one runs until it stops, then the next; when all have stopped, time leaps.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};

pub type Id = u64;

struct Stage {
    now: u64,
    /// Who runs.
    running: Option<Id>,
    /// Who can go on, in order.
    ready: VecDeque<Id>,
    /// Who goes on at a time, in the order of saying so.
    asleep: BTreeMap<(u64, u64), Id>,
    threads: u64,
    counted: u64,
}

static STAGE: Mutex<Stage> =
    Mutex::new(Stage { now: 0, running: None, ready: VecDeque::new(), asleep: BTreeMap::new(), threads: 0, counted: 0 });
/// Somebody else runs now, or a thread has come or gone.
static CHANGED: Condvar = Condvar::new();

thread_local! {
    static ME: Place = const { Place(Cell::new(None)) };
}

/// A thread's number; it leaves when it ends.
struct Place(Cell<Option<Id>>);

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.get().is_some() {
            let mut stage = stage();
            stage.threads -= 1;
            stage.next();
        }
    }
}

fn stage() -> MutexGuard<'static, Stage> {
    STAGE.lock().expect("nobody panics on the stage")
}

impl Stage {
    fn next(&mut self) {
        self.running = self.ready.pop_front();
        if self.running.is_none()
            && let Some(((at, _), id)) = self.asleep.pop_first()
        {
            self.now = self.now.max(at);
            self.running = Some(id);
        }
        CHANGED.notify_all();
    }

    fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }
}

fn wait_for_turn(mut stage: MutexGuard<'_, Stage>, id: Id) {
    while stage.running != Some(id) {
        stage = CHANGED.wait(stage).expect("nobody panics on the stage");
    }
}

/// Nanoseconds since the start.
pub fn now() -> u64 {
    stage().now
}

pub fn me() -> Id {
    ME.with(|me| me.0.get()).expect("it has joined")
}

/// This thread lives in virtual time from now on, if it did not yet: as the first, or when its turn comes.
pub fn join() {
    if ME.with(|me| me.0.get()).is_some() {
        return;
    }
    let mut stage = stage();
    let id = stage.count();
    ME.with(|me| me.0.set(Some(id)));
    stage.threads += 1;
    if stage.threads == 1 {
        stage.now = 0;
        stage.running = Some(id);
        return;
    }
    stage.ready.push_back(id);
    CHANGED.notify_all();
    wait_for_turn(stage, id);
}

/// Waits, in real time, until so many threads have joined. The one that runs goes on running.
pub fn gather(threads: u64) {
    let mut stage = stage();
    while stage.threads < threads {
        stage = CHANGED.wait(stage).expect("nobody panics on the stage");
    }
}

/// This thread stops until it is told to go on, or until a time.
pub fn stop(until: Option<u64>) {
    let id = me();
    let mut stage = stage();
    if let Some(at) = until {
        let order = stage.count();
        stage.asleep.insert((at, order), id);
    }
    stage.next();
    assert!(stage.running.is_some(), "all threads wait for each other");
    wait_for_turn(stage, id);
}

/// A thread that has stopped goes on when its turn comes.
pub fn go(id: Id) {
    let mut stage = stage();
    stage.asleep.retain(|_, sleeper| *sleeper != id);
    stage.ready.push_back(id);
}

/// Runs `work` in a thread of its own, from this instant on.
pub fn spawn(work: impl FnOnce() + Send + 'static) {
    let threads = stage().threads;
    std::thread::spawn(move || {
        join();
        work();
    });
    gather(threads + 1);
}

/// Lets the others come to their ends. Only this thread is left then, and it leaves.
pub fn leave() {
    for _ in 0..1_000 {
        if stage().threads == 1 {
            ME.with(|me| me.0.set(None));
            let mut stage = stage();
            stage.threads = 0;
            stage.running = None;
            return;
        }
        stop(Some(now() + 1_000_000_000));
    }
    panic!("{} threads do not end", stage().threads);
}
