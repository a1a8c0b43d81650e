//! When something is due, and what.

use super::Room;
use super::session::{Session, SessionKey, State};
use crate::close::CloseReason;
use crate::time::Instant;
use alloc::vec::Vec;

impl Room {
    /// When to call [`Room::handle_timeout`] next, or `None` when nothing is due by itself.
    ///
    /// While actions wait to be polled this is now, so that a driver which forgot them wakes up.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.actions.is_empty() {
            return Some(self.now);
        }
        let flushes = self.sessions.values().filter_map(|session| self.flush_due(session));
        let ends = self.sessions.values().filter_map(|session| self.end_due(session));
        flushes.chain(ends).min()
    }

    /// Ends the sessions whose time is up.
    pub(super) fn run_timers(&mut self) {
        let due = |session: &Session| self.end_due(session).is_some_and(|due| due <= self.now);
        let due = self.sessions.iter().filter(|(_, session)| due(session));
        let due: Vec<SessionKey> = due.map(|(key, _)| *key).collect();
        for key in due {
            match self.sessions.get(&key).map(|session| &session.state) {
                Some(State::AwaitingConnect { .. }) => self.remove(key, CloseReason::StartTimeout),
                Some(State::Connected { .. }) => self.cancel(key, CloseReason::Idle),
                Some(State::Cancelled { reason, .. }) => self.remove(key, reason.clone()),
                None => {}
            }
        }
    }

    /// When the session ends its wait, its silence or its grace.
    fn end_due(&self, session: &Session) -> Option<Instant> {
        match &session.state {
            State::AwaitingConnect { until, .. } | State::Cancelled { until, .. } => Some(*until),
            State::Connected { link, .. } => {
                let idle = self.config.idle_timeout.filter(|timeout| !timeout.is_zero())?;
                Some(link.last_heard.saturating_add(idle))
            }
        }
    }

    /// When the session may hear what waits for it.
    pub(super) fn flush_due(&self, session: &Session) -> Option<Instant> {
        let State::Connected { link, reader } = &session.state else { return None };
        (link.writable && reader.wants(self.log.broadcast_end())).then_some(reader.next_flush)
    }
}
