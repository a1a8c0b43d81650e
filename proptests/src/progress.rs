//! How far a long run of a command is: a bar on a terminal, and a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The bar of a command that runs for long.
#[derive(Debug)]
pub struct Progress {
    begin: Instant,
    shown: Instant,
    is_terminal: bool,
}

const WIDTH: usize = 28;

#[allow(clippy::disallowed_methods, reason = "commands measure themselves; no machine sees this")]
fn now() -> Instant {
    Instant::now()
}

impl Progress {
    /// A command begins.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it begins now, which is no default")]
    pub fn new() -> Self {
        Self { begin: now(), shown: now(), is_terminal: std::io::stderr().is_terminal() }
    }

    /// How long it has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        now().duration_since(self.begin)
    }

    /// Shows that so much of the whole is done, between 0 and 1, if it is time to show anything.
    pub fn show(&mut self, done: f64, text: impl FnOnce() -> String) {
        let pause = Duration::from_millis(if self.is_terminal { 250 } else { 20_000 });
        if now().duration_since(self.shown) < pause {
            return;
        }
        self.show_now(done, &text());
    }

    /// The same, at any time.
    pub fn show_now(&mut self, done: f64, text: &str) {
        self.shown = now();
        let line = bar(done, self.elapsed(), text);
        let mut out = std::io::stderr().lock();
        // Nobody may look; that is no reason to stop.
        let _unseen = match self.is_terminal {
            true => write!(out, "\r{line}\x1b[K"),
            false => writeln!(out, "{line}"),
        };
    }

    /// Takes the bar away, before anything else is printed.
    pub fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

fn bar(done: f64, elapsed: Duration, text: &str) -> String {
    let done = done.clamp(0.0, 1.0);
    let full = (done * WIDTH as f64) as usize;
    let (hashes, dots) = ("#".repeat(full), ".".repeat(WIDTH - full));
    let left = match done {
        0.0 => String::new(),
        _ => format!(", {} left", spell(elapsed.mul_f64((1.0 - done) / done))),
    };
    format!("[{hashes}{dots}] {:3.0}% {}{left}  {text}", done * 100.0, spell(elapsed))
}

fn spell(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is_and_how_long_it_will_take() {
        let line = bar(0.25, Duration::from_secs(61), "words");
        assert_eq!(line, "[#######.....................]  25% 1:01, 3:03 left  words");
        assert!(bar(7.0, Duration::ZERO, "").starts_with(&format!("[{}] 100%", "#".repeat(WIDTH))));
        assert!(bar(0.0, Duration::ZERO, "").starts_with(&format!("[{}]", ".".repeat(WIDTH))));
    }
}
