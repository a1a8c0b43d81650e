//! What the rooms of a host have done together, for metrics.

use super::Shared;
use roomsync::{Counters, Room};
use std::sync::Arc;

/// What all rooms of a host have done since it was started, those included that are unloaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostTotals {
    /// Sessions that are in rooms now, those included that may still come back.
    pub sessions: usize,
    /// What has happened in rooms. Of a room that is loaded, up to its last input.
    pub counters: Counters,
}

/// Keeps one room's part in the totals.
pub(super) struct Share {
    shared: Arc<Shared>,
    sessions: usize,
    counters: Counters,
}

impl Share {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, sessions: 0, counters: Counters::default() }
    }

    /// Adds what has happened in the room since the last time.
    pub(super) fn update(&mut self, room: &Room) {
        let (sessions, counters) = (room.session_count(), room.counters());
        if (self.sessions, &self.counters) == (sessions, counters) {
            return;
        }
        let mut totals = self.shared.totals();
        totals.sessions = totals.sessions.saturating_sub(self.sessions).saturating_add(sessions);
        totals.counters.add_since(&self.counters, counters);
        drop(totals);
        self.sessions = sessions;
        self.counters.clone_from(counters);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut totals = self.shared.totals();
        totals.sessions = totals.sessions.saturating_sub(self.sessions);
    }
}
