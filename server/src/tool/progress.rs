//! How far it has come, for who watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::thread;
use std::time::Duration;

/// What takes no longer needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a bar without an end moves.
const TICK: Duration = Duration::from_millis(100);

/// Rows between two looks at the clock.
const STRIDE: u64 = 512;

/// A bar on standard error, if that is a terminal and it takes long.
pub(super) struct Progress {
    bar: ProgressBar,
    patience: Duration,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        Self::with(what, PATIENCE)
    }

    fn with(what: &'static str, patience: Duration) -> Self {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
        let bar = ProgressBar::hidden().with_message(what);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, patience }
    }

    /// Something of which nobody knows how much there is.
    pub(super) fn unknown(what: &'static str) -> Self {
        let progress = Self::with(what, PATIENCE);
        let style = ProgressStyle::with_template("{msg} {spinner} {elapsed}");
        progress.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let bar = progress.bar.downgrade();
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            // It may be done by now.
            if let Some(bar) = bar.upgrade().filter(|bar| !bar.is_finished()) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        progress
    }

    pub(super) fn update(&self, done: u64, total: u64) {
        if !done.is_multiple_of(STRIDE) {
            return;
        }
        if self.bar.length().is_none() && self.bar.elapsed() >= self.patience {
            self.bar.set_length(total);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_gets_a_bar() {
        let long = Progress::with("reading", Duration::ZERO);
        long.update(STRIDE, 5000);
        assert_eq!((long.bar.length(), long.bar.position()), (Some(5000), STRIDE));
        let short = Progress::with("reading", Duration::MAX);
        short.update(STRIDE, 5000);
        assert_eq!(short.bar.length(), None);
    }
}
