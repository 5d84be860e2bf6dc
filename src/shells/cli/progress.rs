//! A progress bar on a terminal, for what takes longer than a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes less is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
const STEPS: u64 = 1000;
/// How often a bar moves on by the clock alone.
const EVERY: Duration = Duration::from_millis(200);

/// How long something has taken, and a bar for it.
pub(super) struct Progress {
    began: Instant,
    bar: ProgressBar,
}

impl Progress {
    /// Begins now. Nothing is shown unless `visible`, nor in the first second.
    pub(super) fn begin(visible: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {eta} left").expect("the template is right");
        bar.set_style(style);
        if visible {
            let late = bar.clone();
            // The thread ends with the program if that comes first.
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE);
                if !late.is_finished() {
                    late.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                }
            });
        }
        Progress { began: Instant::now(), bar }
    }

    /// So much is done, 0 to 1.
    pub(super) fn done(&self, fraction: f64) {
        self.bar.set_position((fraction * STEPS as f64) as u64);
    }

    /// Does run `number` of `runs`, which goes on in real time for about so many seconds.
    pub(super) fn live<T>(&self, number: u64, runs: u64, seconds: f64, run: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let watch = || {
            let begun = Instant::now();
            while !over.load(Ordering::Relaxed) {
                let within = (begun.elapsed().as_secs_f64() / seconds).min(0.99);
                self.done((number as f64 + within) / runs as f64);
                std::thread::park_timeout(EVERY);
            }
        };
        std::thread::scope(|scope| {
            let watching = scope.spawn(watch);
            let done = run();
            over.store(true, Ordering::Relaxed);
            watching.thread().unpark();
            done
        })
    }

    /// Says something above the bar.
    pub(super) fn say(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Seconds since it began.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// All is done; gives the seconds it took.
    pub(super) fn end(self) -> f64 {
        self.bar.finish_and_clear();
        self.seconds()
    }
}
