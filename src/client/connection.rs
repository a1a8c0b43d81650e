//! Where a client stands between two connections, and how it gets from one to the next.

use super::action::{ClientAction, ClientEvent, RecordChange, Status};
use super::config::{Backoff, ClientConfig};
use super::health::Health;
use super::{Client, NetworkHint};
use crate::close::CloseReason;
use crate::ids::{Key, LinkId};
use crate::time::Instant;
use crate::value::Object;
use crate::wire::Codec;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

/// An attempt that is younger than this is left alone by hints.
const FRESH: Duration = Duration::from_secs(1);

/// What lives no longer than a connection is owned here, and so ends with it.
#[derive(Clone, Debug)]
pub(super) enum Connection {
    /// The next attempt is due then.
    Waiting { until: Instant },
    /// The driver is to connect before `until`.
    Dialing { since: Instant, until: Instant },
    /// Connected; the room is to let the client in before `until`.
    Entering { link: LinkId, request: Key, since: Instant, until: Instant },
    /// In the room.
    Online(Online),
    /// There will be no further attempt.
    Stopped,
}

#[derive(Clone, Debug)]
pub(super) struct Online {
    pub(super) link: LinkId,
    /// What messages go in.
    pub(super) codec: Codec,
    pub(super) health: Health,
    /// When the last push went out.
    pub(super) pushed_at: Option<Instant>,
    /// For how long none may follow it, as large as it was.
    pub(super) pause: Duration,
    /// What the room was last told of the client's presence.
    pub(super) pushed_presence: Option<Object>,
}

/// How long to wait before the next attempt.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    range: Backoff,
    wait: Duration,
    /// The state of a generator of numbers (splitmix64).
    jitter: Option<u64>,
}

impl Retry {
    pub(super) const fn new(config: &ClientConfig) -> Self {
        Self { range: config.backoff, wait: config.backoff.min, jitter: config.jitter_seed }
    }

    pub(super) const fn reset(&mut self) {
        self.wait = self.range.min;
    }

    fn set_range(&mut self, range: Backoff) {
        self.range = range;
        self.wait = self.wait.min(range.max).max(range.min);
    }

    fn next(&mut self) -> Duration {
        let wait = self.wait;
        let longer = wait.saturating_add(wait / 2);
        self.wait = longer.min(self.range.max).max(self.range.min);
        self.shortened(wait)
    }

    /// The wait, less up to half of it by chance.
    fn shortened(&mut self, wait: Duration) -> Duration {
        let Some(state) = &mut self.jitter else { return wait };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Of 1024 parts, so that there is nothing to round on any machine.
        let parts = u32::try_from((mixed >> 33) % 1024).unwrap_or(0);
        wait.saturating_sub(wait / 2048 * parts)
    }
}

impl Connection {
    /// The link, if there is one.
    pub(super) const fn link(&self) -> Option<LinkId> {
        match self {
            Self::Entering { link, .. } | Self::Online(Online { link, .. }) => Some(*link),
            Self::Waiting { .. } | Self::Dialing { .. } | Self::Stopped => None,
        }
    }

    /// What messages go in: that which the room answered in, if it was asked to.
    pub(super) const fn codec(&self) -> Codec {
        match self {
            Self::Online(Online { codec, .. }) => *codec,
            Self::Entering { .. } | Self::Waiting { .. } | Self::Dialing { .. } | Self::Stopped => {
                Codec::Json
            }
        }
    }

    /// Since when the attempt is under way, if one is.
    const fn attempt_since(&self) -> Option<Instant> {
        match self {
            Self::Dialing { since, .. } | Self::Entering { since, .. } => Some(*since),
            Self::Waiting { .. } | Self::Online(_) | Self::Stopped => None,
        }
    }
}

impl Client {
    /// Asks the driver to connect, now.
    pub(super) fn dial(&mut self) {
        self.actions.push_back(ClientAction::Dial);
        let until = self.now.saturating_add(self.config.dial_timeout);
        self.leave(Connection::Dialing { since: self.now, until }, Status::Connecting);
    }

    /// Gives up the connection, or the attempt, and waits for the next.
    pub(super) fn retry_later(&mut self, reason: CloseReason) {
        self.close_link(reason);
        let until = self.now.saturating_add(self.retry.next());
        self.leave(Connection::Waiting { until }, Status::Offline);
    }

    /// Ends all attempts for good.
    pub(super) fn stop(&mut self, reason: CloseReason, status: Status) {
        self.close_link(reason);
        self.leave(Connection::Stopped, status);
    }

    /// Closes the link, if there is one, which the caller then forgets.
    pub(super) fn close_link(&mut self, reason: CloseReason) {
        if let Some(link) = self.connection.link() {
            self.actions.push_back(ClientAction::Close { link, reason });
        }
    }

    /// Goes from whatever was to a state in which the client is not in the room.
    pub(super) fn leave(&mut self, to: Connection, status: Status) {
        self.connection = to;
        self.set_status(status);
        let left = core::mem::take(&mut self.presence).into_iter();
        let left = left.map(|(id, before)| RecordChange { id, before: Some(before), after: None });
        let left: Vec<_> = left.collect();
        if !left.is_empty() {
            self.emit(ClientEvent::Presence(left));
        }
    }

    pub(super) fn set_status(&mut self, status: Status) {
        if self.status != status {
            self.status = status.clone();
            self.emit(ClientEvent::Status(status));
        }
    }

    pub(super) fn handle_hint(&mut self, hint: NetworkHint) {
        match hint {
            NetworkHint::Foreground => self.retry.set_range(self.config.backoff),
            NetworkHint::Background => self.retry.set_range(self.config.background_backoff),
            NetworkHint::Up | NetworkHint::Down => {}
        }
        match hint {
            NetworkHint::Up | NetworkHint::Foreground => self.try_now(),
            NetworkHint::Down if self.is_trying_or_online() => {
                self.retry_later(CloseReason::Disconnected);
            }
            NetworkHint::Down | NetworkHint::Background => {}
        }
    }

    const fn is_trying_or_online(&self) -> bool {
        match self.connection {
            Connection::Dialing { .. } | Connection::Entering { .. } | Connection::Online(_) => {
                true
            }
            Connection::Waiting { .. } | Connection::Stopped => false,
        }
    }

    /// Begins an attempt at once, unless one has only just begun.
    fn try_now(&mut self) {
        let is_waiting = matches!(self.connection, Connection::Waiting { .. });
        let since = self.connection.attempt_since();
        if is_waiting || since.is_some_and(|since| self.now.saturating_since(since) >= FRESH) {
            self.close_link(CloseReason::Reset);
            self.dial();
        }
    }

    pub(super) fn emit(&mut self, event: ClientEvent) {
        let mut seen = BTreeMap::new();
        if let ClientEvent::Changed { changes, .. } | ClientEvent::Presence(changes) = &event {
            seen = self.live.note(changes);
        }
        let seen = seen.into_iter().map(|(query, changes)| ClientEvent::Query { query, changes });
        self.actions.extend(core::iter::once(event).chain(seen).map(ClientAction::Event));
    }
}
