//! When something is due, and what.

use super::Client;
use super::connection::{Connection, Online};
use crate::close::CloseReason;
use crate::time::Instant;

impl Client {
    /// When to call [`Client::handle_timeout`] next, or `None` when nothing is due by itself.
    ///
    /// While actions wait to be polled this is now, so that a driver which forgot them wakes up.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.actions.is_empty() || self.has_commit() {
            return Some(self.now);
        }
        let due = match &self.connection {
            Connection::Waiting { until }
            | Connection::Dialing { until, .. }
            | Connection::Entering { until, .. } => *until,
            Connection::Online(online) => {
                let health = online.health.next_ping().min(self.gives_up_at(online));
                self.push_due(online).map_or(health, |push| push.min(health))
            }
            Connection::Stopped => return None,
        };
        // The end of time never comes.
        (due < Instant::MAX).then_some(due)
    }

    /// Does what is due, except for a push.
    pub(super) fn run_timers(&mut self) {
        match &self.connection {
            Connection::Waiting { until } if *until <= self.now => self.dial(),
            Connection::Dialing { until, .. } | Connection::Entering { until, .. }
                if *until <= self.now =>
            {
                self.retry_later(CloseReason::DialTimeout);
            }
            Connection::Online(online) if self.gives_up_at(online) <= self.now => {
                self.retry_later(CloseReason::Idle);
            }
            Connection::Online(online) if online.health.next_ping() <= self.now => self.ping(),
            Connection::Waiting { .. }
            | Connection::Dialing { .. }
            | Connection::Entering { .. }
            | Connection::Online(_)
            | Connection::Stopped => {}
        }
    }

    fn gives_up_at(&self, online: &Online) -> Instant {
        online.health.gives_up_at(self.config.health_timeout).unwrap_or(Instant::MAX)
    }
}
