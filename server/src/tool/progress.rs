//! How far it has come, for who watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// What takes no longer needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

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
