//! Stands in for parking_lot: its locks, for threads that live in virtual time (`threads.rs`).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub mod threads;

pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Only one thread runs at a time, and none stops while it holds a lock: it is always free.
pub struct RawMutex(AtomicBool);

// SAFETY: `lock` returns only after `try_lock` has changed the flag from free to taken, and only `unlock` frees it.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)] // lock_api asks for it
    const INIT: RawMutex = RawMutex(AtomicBool::new(false));
    type GuardMarker = lock_api::GuardNoSend;

    fn lock(&self) {
        threads::join();
        assert!(self.try_lock(), "a thread has stopped with a lock in its hands");
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Whether a wait ended by itself.
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// As parking_lot's: those who wait are woken in the order in which they came.
#[derive(Default)]
pub struct Condvar(std::sync::Mutex<VecDeque<threads::Id>>);

impl Condvar {
    pub const fn new() -> Condvar {
        Condvar(std::sync::Mutex::new(VecDeque::new()))
    }

    fn line(&self) -> std::sync::MutexGuard<'_, VecDeque<threads::Id>> {
        self.0.lock().expect("nobody panics with the line")
    }

    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.line().push_back(threads::me());
        MutexGuard::unlocked(guard, || threads::stop(None));
    }

    pub fn wait_until<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, deadline: Instant) -> WaitTimeoutResult {
        let left = deadline.saturating_duration_since(Instant::now());
        self.line().push_back(threads::me());
        MutexGuard::unlocked(guard, || threads::stop(Some(threads::now() + left.as_nanos() as u64)));
        let mut line = self.line();
        let waits = line.iter().position(|id| *id == threads::me());
        WaitTimeoutResult(waits.map(|place| line.remove(place)).is_some())
    }

    pub fn notify_one(&self) -> bool {
        let woken = self.line().pop_front();
        woken.inspect(|id| threads::go(*id)).is_some()
    }

    pub fn notify_all(&self) -> usize {
        let woken: Vec<threads::Id> = self.line().drain(..).collect();
        woken.iter().for_each(|id| threads::go(*id));
        woken.len()
    }
}
