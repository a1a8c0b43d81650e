//! What a room has done so far, as numbers for a host's metrics.

use super::{RoomAction, RoomEvent};
use alloc::collections::BTreeMap;

/// How often what has happened since the room was opened. Every number only grows.
///
/// What is sent, closed and persisted counts when the driver polls it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages, and pieces of messages, that arrived on connections of the room.
    pub messages_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Frames that were sent.
    pub frames_out: u64,
    /// Their bytes; a frame counts for every connection that it goes to.
    pub bytes_out: u64,
    /// What arrived on connections that were gone or never were, and was ignored.
    pub ignored_unknown_connection: u64,
    /// Messages that came before their session was in, and were ignored.
    pub ignored_not_connected: u64,
    /// Pushes of which all took effect as asked, or of which nothing was asked.
    pub pushes_committed: u64,
    /// Pushes of which nothing took effect.
    pub pushes_discarded: u64,
    /// Pushes of which something else took effect than was asked.
    pub pushes_rebased: u64,
    /// Pushes that ended their session.
    pub pushes_rejected: u64,
    /// Commits.
    pub commits: u64,
    /// Sessions that entered.
    pub joined: u64,
    /// Connections that the room closed, by [`CloseReason::text`](crate::CloseReason::text). Reasons of the host's own stand
    /// together as `CUSTOM`.
    pub closes: BTreeMap<&'static str, u64>,
}

impl Counters {
    /// Adds what has happened in a room between two states of its counters. So a host sums up
    /// rooms that come and go.
    ///
    /// ```
    /// use roomsync::Counters;
    ///
    /// let (mut before, mut now, mut sum) = (Counters::default(), Counters::default(), Counters::default());
    /// before.commits = 2;
    /// now.commits = 5;
    /// sum.add_since(&before, &now);
    /// assert_eq!(sum.commits, 3);
    /// ```
    pub fn add_since(&mut self, before: &Self, now: &Self) {
        let Self {
            messages_in,
            bytes_in,
            frames_out,
            bytes_out,
            ignored_unknown_connection,
            ignored_not_connected,
            pushes_committed,
            pushes_discarded,
            pushes_rebased,
            pushes_rejected,
            commits,
            joined,
            closes,
        } = self;
        let grow = |sum: &mut u64, of: fn(&Self) -> u64| {
            *sum = sum.saturating_add(of(now).saturating_sub(of(before)));
        };
        grow(messages_in, |it| it.messages_in);
        grow(bytes_in, |it| it.bytes_in);
        grow(frames_out, |it| it.frames_out);
        grow(bytes_out, |it| it.bytes_out);
        grow(ignored_unknown_connection, |it| it.ignored_unknown_connection);
        grow(ignored_not_connected, |it| it.ignored_not_connected);
        grow(pushes_committed, |it| it.pushes_committed);
        grow(pushes_discarded, |it| it.pushes_discarded);
        grow(pushes_rebased, |it| it.pushes_rebased);
        grow(pushes_rejected, |it| it.pushes_rejected);
        grow(commits, |it| it.commits);
        grow(joined, |it| it.joined);
        for (reason, count) in &now.closes {
            let before = before.closes.get(reason).copied().unwrap_or(0);
            let sum = closes.entry(reason).or_default();
            *sum = sum.saturating_add(count.saturating_sub(before));
        }
    }

    pub(super) fn count(&mut self, action: &RoomAction) {
        match action {
            RoomAction::Send { to, frame } => {
                add(&mut self.frames_out, to.len());
                add(&mut self.bytes_out, to.len().saturating_mul(frame.len()));
            }
            RoomAction::Close { reason, .. } => {
                add(self.closes.entry(reason.name()).or_default(), 1);
            }
            RoomAction::Persist(_) => add(&mut self.commits, 1),
            RoomAction::Event(RoomEvent::Joined { .. }) => add(&mut self.joined, 1),
            RoomAction::Event(_) => {}
        }
    }
}

/// Adds to a number of [`Counters`].
pub(super) const fn add(counter: &mut u64, count: usize) {
    *counter = counter.saturating_add(count as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_since_the_beginning_and_since_then_is_all_of_it() {
        let state = |factor: u64, closes: &[(&'static str, u64)]| Counters {
            messages_in: factor,
            bytes_in: 2 * factor,
            frames_out: 3 * factor,
            bytes_out: 4 * factor,
            ignored_unknown_connection: 5 * factor,
            ignored_not_connected: 6 * factor,
            pushes_committed: 7 * factor,
            pushes_discarded: 8 * factor,
            pushes_rebased: 9 * factor,
            pushes_rejected: 10 * factor,
            commits: 11 * factor,
            joined: 12 * factor,
            closes: closes.iter().copied().collect(),
        };
        let (early, late) = (state(3, &[("IDLE", 1)]), state(10, &[("IDLE", 4), ("CLOSED", 2)]));
        let mut sum = Counters::default();
        sum.add_since(&Counters::default(), &early);
        assert_eq!(sum, early);
        sum.add_since(&early, &late);
        assert_eq!(sum, late);
        sum.add_since(&late, &late);
        assert_eq!(sum, late);
    }
}
