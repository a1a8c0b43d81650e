//! Whether anybody is at the other end of a link.

use super::Client;
use super::connection::Connection;
use crate::time::Instant;
use crate::wire::ClientMessage;
use core::time::Duration;

/// What a client knows of a link's health.
#[derive(Clone, Debug)]
pub(super) struct Health {
    last_heard: Instant,
    next_ping: Instant,
    /// When the first of the pings was sent that no `pong` followed.
    unanswered_since: Option<Instant>,
}

impl Health {
    pub(super) fn new(now: Instant, ping_interval: Duration) -> Self {
        let next_ping = now.saturating_add(ping_interval);
        Self { last_heard: now, next_ping, unanswered_since: None }
    }

    pub(super) const fn note_heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    pub(super) const fn note_pong(&mut self) {
        self.unanswered_since = None;
    }

    pub(super) const fn next_ping(&self) -> Instant {
        self.next_ping
    }

    /// When the link is to be given up, unless something is heard before.
    pub(super) fn gives_up_at(&self, timeout: Duration) -> Option<Instant> {
        let since = self.unanswered_since?;
        Some(since.max(self.last_heard).saturating_add(timeout))
    }
}

impl Client {
    pub(super) fn ping(&mut self) {
        if let Connection::Online(online) = &mut self.connection {
            let health = &mut online.health;
            health.next_ping = self.now.saturating_add(self.config.ping_interval);
            health.unanswered_since.get_or_insert(self.now);
            self.send(&ClientMessage::Ping);
        }
    }
}
