//! The clock that the libraries read: `std::time::Instant` shows the virtual time of whoever keeps it.
//!
//! bb8, sqlx and r2d2 take ages and deadlines from `std::time::Instant`, which tokio's paused clock does not reach. So
//! this program brings its own `clock_gettime`, which the linker prefers to the C library's.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::threads;
use tokio::time::Instant;

/// What the clock shows at the start, in seconds: before that lies enough for any age.
const EPOCH: u64 = 1_000_000;

static TICKS: AtomicBool = AtomicBool::new(false);
static TICKED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// When the runtime of this thread began.
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Nanoseconds since the start.
pub fn now() -> u64 {
    // tokio reads this clock when it has none of its own yet: then START is not set.
    START.take().map_or_else(threads::now, |start| {
        let now = (Instant::now() - start).as_nanos() as u64;
        START.set(Some(start));
        now
    })
}

/// The runtime of this thread keeps the time, from now on.
pub fn begin() {
    START.set(None);
    START.set(Some(Instant::now()));
}

/// The instant of a time of this runtime.
pub fn instant(ns: u64) -> Instant {
    let start = START.get().expect("the runtime has begun");
    start + std::time::Duration::from_nanos(ns)
}

/// No runtime keeps the time, but threads may.
pub fn reset() {
    START.set(None);
    TICKED.store(0, Ordering::Relaxed);
}

/// Whether two looks at the clock are a nanosecond apart at least, as at a real one.
pub fn tick(ticks: bool) {
    TICKS.store(ticks, Ordering::Relaxed);
}

/// The C library's function, for all clocks.
///
/// # Safety
/// `time` points to a `timespec` that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(_: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    let tick = if TICKS.load(Ordering::Relaxed) { TICKED.fetch_add(1, Ordering::Relaxed) } else { 0 };
    let now = EPOCH * 1_000_000_000 + now() + tick;
    // SAFETY: the caller's promise.
    unsafe { *time = libc::timespec { tv_sec: (now / 1_000_000_000) as libc::time_t, tv_nsec: (now % 1_000_000_000) as libc::c_long } };
    0
}
