//! When changes go to the room, how, and how many at once.

use super::connection::{Connection, Online};
use super::{Client, PresenceMode, PushBudget};
use crate::diff::RecordOp;
use crate::ids::RecordId;
use crate::store::{growth_by, size_of_object};
use crate::time::Instant;
use crate::wire::{ClientMessage, Push};
use core::time::Duration;

/// For how long no push follows one that is full.
const FULL_PAUSE: Duration = Duration::from_millis(500);

/// What an op has beside its id and values.
const EACH_OP: usize = 16;

/// How much there is in a push.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    bytes: usize,
    ops: usize,
}

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
        let interval = interval.max(online.pause);
        Some(online.pushed_at.map_or(self.now, |pushed_at| pushed_at.saturating_add(interval)))
    }

    /// Pushes all that is unsent, however much that is.
    pub(super) fn push_all(&mut self) {
        self.push();
        while matches!(self.connection, Connection::Online(_)) && self.replica.has_unsent() {
            self.push();
        }
    }

    /// Pushes in one message what is unsent, as much as goes at once.
    fn push(&mut self) {
        let Connection::Online(online) = &self.connection else { return };
        let presence = self.presence_op(online);
        let budget = self.config.push_budget;
        let (diff, load) = self.replica.take_unsent(budget);
        if diff.is_empty() && presence.is_none() {
            return;
        }
        if let Connection::Online(online) = &mut self.connection {
            online.pushed_at = Some(self.now);
            online.pause = load.pause(budget);
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

impl Load {
    /// The load with one more op.
    pub(super) fn with(self, id: &RecordId, op: &RecordOp) -> Self {
        let size = match op {
            RecordOp::Put(record) => size_of_object(record),
            RecordOp::Patch(diff) => growth_by(diff),
            RecordOp::Remove => 0,
        };
        let bytes = self.bytes.saturating_add(id.len() + EACH_OP + size);
        Self { bytes, ops: self.ops.saturating_add(1) }
    }

    pub(super) const fn is_nothing(self) -> bool {
        self.ops == 0
    }

    pub(super) const fn is_within(self, budget: PushBudget) -> bool {
        self.bytes <= budget.bytes && self.ops <= budget.ops
    }

    /// For how long no push follows one of this load.
    fn pause(self, budget: PushBudget) -> Duration {
        let parts = |load: usize, full: usize| {
            let micros =
                FULL_PAUSE.as_micros().saturating_mul(load as u128) / (full.max(1) as u128);
            Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
        };
        parts(self.bytes, budget.bytes).max(parts(self.ops, budget.ops))
    }
}
