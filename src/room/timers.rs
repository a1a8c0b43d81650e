//! When something is due, and what.

use super::Room;
use super::session::{Session, SessionKey, State};
use crate::close::CloseReason;
use crate::time::Instant;
use alloc::vec::Vec;

/// What is known of when something is due, so that an input asks a session only where it may have
/// changed the answer. Right after each flush, which ends every input and command.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// When the first session may be sent what waits for it.
    pub(super) flush: Option<Instant>,
    /// Where the log ended at the last flush.
    pub(super) flushed_to: u64,
    /// Whether any session has not read to there.
    pub(super) has_laggards: bool,
    /// The session that ends its wait, its silence or its grace first, if any ever does.
    end: Option<(Instant, SessionKey)>,
    /// Whether a session has begun to wait, which may end before that.
    has_new_end: bool,
}

impl Schedule {
    /// A session waits for something else than before.
    pub(super) const fn note_new_end(&mut self) {
        self.has_new_end = true;
    }
}

impl Room {
    /// When to call [`Room::handle_timeout`] next, or `None` when nothing is due by itself.
    ///
    /// While actions wait to be polled this is now, so that a driver which forgot them wakes up.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.actions.is_empty() {
            return Some(self.now);
        }
        let (flush, end) = (self.schedule.flush, self.schedule.end.map(|(end, _)| end));
        debug_assert_eq!(flush, self.sessions.values().filter_map(|it| self.flush_due(it)).min());
        debug_assert_eq!(end, self.sessions.values().filter_map(|it| self.end_due(it)).min());
        flush.into_iter().chain(end).min()
    }

    /// Finds the session that ends first, if it is not the one that it was.
    pub(super) fn schedule_end(&mut self) {
        let is_known = self.schedule.end.is_none_or(|(end, key)| {
            self.sessions.get(&key).and_then(|session| self.end_due(session)) == Some(end)
        });
        let has_new_end = core::mem::take(&mut self.schedule.has_new_end);
        if is_known && !has_new_end {
            return;
        }
        let ends = self.sessions.iter();
        let ends = ends.filter_map(|(key, session)| Some((self.end_due(session)?, *key)));
        self.schedule.end = ends.min();
    }

    /// Ends the sessions whose time is up.
    pub(super) fn run_timers(&mut self) {
        if self.schedule.end.is_none_or(|(end, _)| end > self.now) {
            return;
        }
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
