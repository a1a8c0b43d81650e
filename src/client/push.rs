//! When changes go to the room, and how.

use super::connection::{Connection, Online};
use super::{Client, PresenceMode};
use crate::time::Instant;
use crate::wire::{ClientMessage, Push};

impl Client {
    /// Pushes what is unsent, if a push is due.
    pub(super) fn push_if_due(&mut self) {
        if let Connection::Online(online) = &self.connection
            && self.push_due(online).is_some_and(|due| due <= self.now)
        {
            self.push();
        }
    }

    /// When the next push is due: at once after a quiet spell, else an interval after the last.
    pub(super) fn push_due(&self, online: &Online) -> Option<Instant> {
        if !self.replica.has_unsent() && !self.has_unsent_presence(online) {
            return None;
        }
        if self.replica.pending().len() >= self.config.limits.unanswered_pushes {
            // The next answer makes room.
            return None;
        }
        let interval = match self.presence_mode {
            PresenceMode::Full => self.config.push_interval,
            PresenceMode::Solo => self.config.solo_push_interval,
        };
        Some(online.pushed_at.map_or(self.now, |pushed_at| pushed_at.saturating_add(interval)))
    }

    /// Pushes what is unsent in one message.
    pub(super) fn push(&mut self) {
        let Connection::Online(online) = &self.connection else { return };
        let presence = self.presence_op(online);
        let diff = self.replica.take_unsent();
        if diff.is_empty() && presence.is_none() {
            return;
        }
        if let Connection::Online(online) = &mut self.connection {
            online.pushed_at = Some(self.now);
            if presence.is_some() {
                online.pushed_presence.clone_from(&self.own_presence);
            }
        }
        self.last_push += 1;
        let client_clock = self.last_push;
        self.send(&ClientMessage::Push(Push {
            client_clock,
            diff: (!diff.is_empty()).then(|| diff.clone()),
            presence,
        }));
        self.replica.await_result(client_clock, diff);
    }
}
