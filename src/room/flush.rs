//! When a session hears what, in one message, and what one that did not read is told instead.

use super::session::{Reader, Session, SessionKey, State};
use super::timers::Schedule;
use super::{Room, RoomAction};
use crate::close::CloseReason;
use crate::diff::{NetworkDiff, RecordOp};
use crate::frame::Frame;
use crate::ids::{ConnectionId, RecordId};
use crate::schema::MigrationError;
use crate::time::Instant;
use crate::wire::{DataEntry, PushAction, ServerMessage};
use alloc::vec::Vec;

/// A message that many sessions get: those that read from the same position in the same way.
struct Shared {
    position: u64,
    slot: usize,
    /// Nothing, if none of that is for them.
    frame: Option<Frame>,
    to: Vec<ConnectionId>,
}

impl Shared {
    const fn is_for(&self, position: u64, slot: usize) -> bool {
        self.position == position && self.slot == slot
    }

    fn send(self) -> Option<RoomAction> {
        Some(RoomAction::Send { to: self.to.into(), frame: self.frame? })
    }
}

impl Room {
    /// Sends to each session what it has to hear and may hear now.
    pub(super) fn flush(&mut self) {
        let Schedule { flushed_to, has_laggards, .. } = self.schedule;
        if has_laggards || self.log.end() > flushed_to {
            self.flush_log();
        }
        self.schedule_end();
        self.store.pack_idle();
    }

    fn flush_log(&mut self) {
        // First, since it may end sessions, which the others hear of.
        while let Some(key) = self.fallen_behind() {
            self.catch_up(key, Vec::new());
        }
        let (end, broadcast_end) = (self.log.end(), self.log.broadcast_end());
        let (now, clock) = (self.now, self.store.clock());
        let after = now.saturating_add(self.config.flush_interval);
        let most = self.sessions.len();
        let mut next_flush: Option<Instant> = None;
        let mut shared: Vec<Shared> = Vec::new();
        let mut oldest = end;
        for (key, session) in self.sessions.iter_mut() {
            let State::Connected { link, reader } = &mut session.state else { continue };
            if !reader.wants(broadcast_end) {
                // What is left in the log is not for this session.
                reader.position = end;
                continue;
            }
            if !link.writable || now < reader.next_flush {
                oldest = oldest.min(reader.position);
                let due = link.writable.then_some(reader.next_flush);
                next_flush = next_flush.into_iter().chain(due).min();
                continue;
            }
            let (position, slot) =
                (core::mem::replace(&mut reader.position, end), reader.dialect.slot);
            reader.told_clock = clock;
            if let Some(sight) = &mut reader.sight {
                sight.has_read();
            }
            let awaits_answer = !reader.unanswered.is_empty();
            let mut known = shared.iter_mut().filter(|_| !awaits_answer);
            let is_sent = if let Some(known) = known.find(|it| it.is_for(position, slot)) {
                known.to.push(link.connection);
                known.frame.is_some()
            } else {
                let is_own = awaits_answer || !self.log.is_common_since(position);
                let parts = self.log.since(position);
                let parts = parts.filter_map(|entry| entry.part_for(*key, slot));
                let frame = reader.dialect.form.codec.join(parts);
                let is_sent = frame.is_some();
                if is_own {
                    reader.unanswered.clear();
                    let send = |frame| RoomAction::send(link.connection, frame);
                    self.actions.extend(frame.map(send));
                } else {
                    // Nearly always there is one group, of nearly all.
                    let mut to = Vec::with_capacity(if shared.is_empty() { most } else { 1 });
                    to.push(link.connection);
                    shared.push(Shared { position, slot, frame, to });
                }
                is_sent
            };
            if is_sent {
                reader.next_flush = after;
            }
        }
        self.actions.extend(shared.into_iter().filter_map(Shared::send));
        self.log.trim(oldest);
        self.schedule.flush = next_flush;
        self.schedule.flushed_to = end;
        self.schedule.has_laggards = oldest < end;
    }

    /// Sends what a session has to hear at once, if it reads at all.
    pub(super) fn flush_session_now(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key)
            && let State::Connected { reader, .. } = &mut session.state
        {
            reader.next_flush = self.now;
            self.flush();
        }
    }

    /// A session that may hear now what fell off the log.
    fn fallen_behind(&self) -> Option<SessionKey> {
        let Schedule { flushed_to, has_laggards, .. } = self.schedule;
        if !has_laggards && self.log.first() <= flushed_to {
            return None;
        }
        let is_behind = |session: &Session| {
            session.reader().is_some_and(|reader| reader.position < self.log.first())
                && self.flush_due(session).is_some_and(|due| due <= self.now)
        };
        self.sessions.iter().find(|(_, session)| is_behind(session)).map(|(key, _)| *key)
    }

    /// Tells a session that fell off the log the state of all that changed since it last heard, and
    /// that the presence of `gone` is gone too.
    ///
    /// Its own pushes are answered `discard`: what they did is part of that state.
    pub(super) fn catch_up(&mut self, key: SessionKey, gone: Vec<RecordId>) {
        let Some(session) = self.sessions.get(&key) else { return };
        let State::Connected { link, reader } = &session.state else { return };
        let version = reader.version;
        let removed = self.lost_presence(reader);
        let Some(removed) = removed.filter(|_| self.store.knows_since(reader.told_clock)) else {
            return self.cancel(key, CloseReason::Reset);
        };
        let removed = removed.into_iter().chain(gone).filter(|id| self.store.get(id).is_none());
        let mut diff: NetworkDiff = removed.map(|id| (id, RecordOp::Remove)).collect();
        let shown = self.presence_of_others(key, reader.sight.as_deref());
        let changes = self.store.changes_since(reader.told_clock).chain(shown);
        let form = &reader.dialect.form;
        let states = changes.map(|(id, record)| Ok((id.clone(), form.state(record)?)));
        let Ok(states) = states.collect::<Result<NetworkDiff, MigrationError>>() else {
            return self.reject(key, version, CloseReason::ClientTooOld);
        };
        diff.extend(states);
        let server_clock = self.store.clock();
        let answers = reader.unanswered.iter().map(|own| DataEntry::PushResult {
            client_clock: own.client_clock,
            server_clock,
            action: PushAction::Discard,
        });
        let patch = (!diff.is_empty()).then_some(DataEntry::Patch { diff, server_clock });
        let entries: Vec<DataEntry> = answers.chain(patch).collect();
        // What fell off the log may all have been for others.
        if !entries.is_empty() {
            let frame = ServerMessage::Data(entries).encode(reader.dialect.form.codec);
            self.actions.push_back(RoomAction::send(link.connection, frame));
        }
        let (end, now) = (self.log.end(), self.now);
        let next_flush = now.saturating_add(self.config.flush_interval);
        if let Some(Session { state: State::Connected { reader, .. }, .. }) =
            self.sessions.get_mut(&key)
        {
            reader.position = end;
            reader.told_clock = server_clock;
            reader.next_flush = next_flush;
            reader.unanswered.clear();
            if let Some(sight) = &mut reader.sight {
                sight.has_read();
            }
        }
    }
}

impl Room {
    /// The presence that went since the session last heard, or `None` when that is forgotten.
    pub(super) fn lost_presence(&self, reader: &Reader) -> Option<Vec<RecordId>> {
        match &reader.sight {
            Some(sight) => sight.lost(),
            None => self.log.presence_removed_since(reader.position),
        }
    }

    /// The pushes of a session whose results stand in the log from `position` on.
    pub(super) fn pushes_since(&self, key: SessionKey, position: u64) -> Vec<u64> {
        let reader = self.sessions.get(&key).and_then(Session::reader);
        let own = reader.into_iter().flat_map(|reader| &reader.unanswered);
        own.filter(|own| own.position >= position).map(|own| own.client_clock).collect()
    }

    /// Answers pushes `discard`: what they did is part of what the session was told since.
    pub(super) fn discard(&mut self, key: SessionKey, pushes: &[u64]) {
        let server_clock = self.store.clock();
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let State::Connected { link, reader } = &mut session.state else { return };
        if pushes.is_empty() {
            return;
        }
        let answer = |client_clock: &u64| DataEntry::PushResult {
            client_clock: *client_clock,
            server_clock,
            action: PushAction::Discard,
        };
        let answers = pushes.iter().map(answer).collect();
        let frame = ServerMessage::Data(answers).encode(reader.dialect.form.codec);
        self.actions.push_back(RoomAction::send(link.connection, frame));
        reader.next_flush = self.now.saturating_add(self.config.flush_interval);
    }
}
