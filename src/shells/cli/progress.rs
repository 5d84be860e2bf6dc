//! A progress bar on a terminal, for what takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes less is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
const STEPS: u64 = 1000;

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

    /// All is done; gives the seconds it took.
    pub(super) fn end(self) -> f64 {
        self.bar.finish_and_clear();
        self.began.elapsed().as_secs_f64()
    }
}
