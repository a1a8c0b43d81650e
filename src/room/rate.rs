//! How much a session may send in a time: buckets that leak, on the driver's time.

use crate::error::ConfigError;
use crate::time::Instant;
use core::time::Duration;

/// So much a second in the long run, and so much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How much a second, in the long run.
    pub per_second: u64,
    /// How much at once, after a quiet spell.
    pub burst: u64,
}

/// What each session may send. One that sends more is removed with
/// [`CloseReason::RateLimited`](crate::CloseReason::RateLimited). `None` is without bound.
///
/// Who comes again has sent what it has sent: a session of the same identity, or of the same name
/// where the host gives no identity, begins with what the removed one had.
///
/// By default far more than stock clients send: those push 30 times a second, a paste is thousands
/// of records in one push, and a drag of all shapes of a full page thousands in each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rates {
    /// Messages; each piece of a long one counts.
    pub messages: Option<Rate>,
    /// Bytes of messages. A burst below [`Limits::message_bytes`](crate::Limits::message_bytes)
    /// caps messages, too.
    pub bytes: Option<Rate>,
    /// Ops on records, in pushes. A presence counts as one.
    pub ops: Option<Rate>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            messages: Some(Rate { per_second: 300, burst: 3000 }),
            bytes: Some(Rate { per_second: 16 << 20, burst: 128 << 20 }),
            ops: Some(Rate { per_second: 500_000, burst: 2_000_000 }),
        }
    }
}

impl Rates {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self { messages, bytes, ops } = self;
        for (name, rate) in
            [("rates.messages", messages), ("rates.bytes", bytes), ("rates.ops", ops)]
        {
            if rate.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0) {
                return Err(ConfigError::ZeroLimit(name));
            }
        }
        Ok(())
    }
}

/// What a session has sent, less what has leaked out since, in millionths.
///
/// Time counts in microseconds, so what leaks out in one is a whole number of millionths, and
/// every machine comes to the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    messages: u64,
    bytes: u64,
    ops: u64,
    at: Instant,
}

impl Buckets {
    /// Whether a message of so many bytes may come now.
    pub(super) fn take_message(&mut self, now: Instant, rates: &Rates, bytes: usize) -> bool {
        self.leak(now, rates);
        fill(&mut self.messages, rates.messages, 1) && fill(&mut self.bytes, rates.bytes, bytes)
    }

    /// Whether a message that has come may ask for so many ops.
    pub(super) fn take_ops(&mut self, rates: &Rates, ops: usize) -> bool {
        fill(&mut self.ops, rates.ops, ops)
    }

    /// Makes each be as full as the fuller of both.
    pub(super) fn join(&mut self, mut other: Self, now: Instant, rates: &Rates) {
        self.leak(now, rates);
        other.leak(now, rates);
        self.messages = self.messages.max(other.messages);
        self.bytes = self.bytes.max(other.bytes);
        self.ops = self.ops.max(other.ops);
    }

    /// When all that is in them now has leaked out.
    pub(super) fn empty_at(&mut self, now: Instant, rates: &Rates) -> Instant {
        self.leak(now, rates);
        let micros = |(level, rate): (u64, Option<Rate>)| {
            rate.map_or(0, |rate| level.div_ceil(rate.per_second.max(1)))
        };
        let levels =
            [(self.messages, rates.messages), (self.bytes, rates.bytes), (self.ops, rates.ops)];
        let longest = levels.into_iter().map(micros).max().unwrap_or(0);
        now.saturating_add(Duration::from_micros(longest))
    }

    fn leak(&mut self, now: Instant, rates: &Rates) {
        let micros = now.as_micros().saturating_sub(self.at.as_micros());
        self.at = now;
        let Self { messages, bytes, ops, at: _ } = self;
        for (level, rate) in [(messages, rates.messages), (bytes, rates.bytes), (ops, rates.ops)] {
            let leaked = rate.map_or(0, |rate| rate.per_second.saturating_mul(micros));
            *level = level.saturating_sub(leaked);
        }
    }
}

/// Fills a bucket, which holds no more than the burst: who has sent too much may go on after a
/// time that has a bound.
fn fill(level: &mut u64, rate: Option<Rate>, amount: usize) -> bool {
    const MILLION: u64 = 1_000_000;
    let Some(rate) = rate else { return true };
    let (filled, most) = (
        level.saturating_add((amount as u64).saturating_mul(MILLION)),
        rate.burst.saturating_mul(MILLION),
    );
    *level = filled.min(most);
    filled <= most
}
