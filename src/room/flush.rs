//! When a session hears what, in one message, and what one that did not read is told instead.

use super::log::Entry;
use super::session::{Session, SessionKey, State};
use super::{Room, RoomAction};
use crate::close::CloseReason;
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::frame::Frame;
use crate::ids::RecordId;
use crate::value::{Array, Object, Value};
use crate::wire::{
    DATA_BEGIN, DATA_END, DataEntry, PushAction, ServerMessage, encode_server_message,
    write_data_entry,
};
use alloc::vec::Vec;
use bytes::Bytes;

/// A message that many sessions get: those that read from the same position in the same way.
struct Shared {
    position: u64,
    is_legacy: bool,
    frame: Option<Frame>,
}

impl Room {
    /// Tells all sessions but `pusher` of changes of documents and presence at the current clock.
    pub(super) fn broadcast(&mut self, pusher: Option<Pusher>, ops: &[(RecordId, RecordOp)]) {
        let server_clock = self.store.clock();
        let encode = |ops: &mut dyn Iterator<Item = (RecordId, RecordOp)>| {
            let mut out = Vec::new();
            let diff: NetworkDiff = ops.collect();
            if !diff.is_empty() {
                write_data_entry(&mut out, &DataEntry::Patch { diff, server_clock });
            }
            Bytes::from(out)
        };
        let patch = encode(&mut ops.iter().cloned());
        let has_legacy = || {
            self.sessions
                .values()
                .filter_map(Session::reader)
                .any(super::session::Reader::is_legacy)
        };
        let legacy_patch = (ops.iter().any(|(_, op)| has_string_append(op)) && has_legacy())
            .then(|| encode(&mut ops.iter().map(|(id, op)| (id.clone(), self.to_legacy(id, op)))));
        let (pusher, result) = match pusher {
            Some(Pusher { key, client_clock, action, is_legacy }) => {
                let action = match action {
                    PushAction::RebaseWithDiff(diff) if is_legacy => {
                        let ops = diff.into_iter();
                        let legacy = ops.map(|(id, op)| {
                            let op = self.to_legacy(&id, &op);
                            (id, op)
                        });
                        PushAction::RebaseWithDiff(legacy.collect())
                    }
                    action @ (PushAction::Commit
                    | PushAction::Discard
                    | PushAction::RebaseWithDiff(_)) => action,
                };
                let mut out = Vec::new();
                let entry = DataEntry::PushResult { client_clock, server_clock, action };
                write_data_entry(&mut out, &entry);
                (Some(key), Bytes::from(out))
            }
            None => (None, Bytes::new()),
        };
        let entry = Entry { pusher, result, patch, legacy_patch };
        if entry.result.is_empty() && entry.patch.is_empty() {
            return;
        }
        self.log.push(entry, self.config.limits.log_bytes);
    }

    /// Sends to each session what it has to hear and may hear now.
    pub(super) fn flush(&mut self) {
        let (end, broadcast_end) = (self.log.end(), self.log.broadcast_end());
        let mut shared: Vec<Shared> = Vec::new();
        let mut behind: Vec<SessionKey> = Vec::new();
        let mut oldest = end;
        for (key, session) in &mut self.sessions {
            let State::Connected { link, reader } = &mut session.state else { continue };
            if !reader.wants(broadcast_end) {
                // What is left in the log is not for this session.
                reader.position = end;
                continue;
            }
            if !link.writable || self.now < reader.next_flush {
                oldest = oldest.min(reader.position);
                continue;
            }
            if reader.position < self.log.first() {
                behind.push(*key);
                continue;
            }
            let own = !reader.unanswered.is_empty();
            let legacy = reader.is_legacy();
            let known = shared
                .iter()
                .find(|it| !own && it.position == reader.position && it.is_legacy == legacy);
            let frame = match known {
                Some(known) => known.frame.clone(),
                None => {
                    let parts = self.log.since(reader.position);
                    let frame = join(parts.map(|entry| entry.part_for(*key, legacy)));
                    if !own {
                        let (position, frame) = (reader.position, frame.clone());
                        shared.push(Shared { position, is_legacy: legacy, frame });
                    }
                    frame
                }
            };
            reader.position = end;
            reader.unanswered.clear();
            reader.told_clock = self.store.clock();
            if let Some(frame) = frame {
                reader.next_flush = self.now.saturating_add(self.config.flush_interval);
                let connection = link.connection;
                self.actions.push_back(RoomAction::Send { connection, frame });
            }
        }
        self.log.trim(oldest);
        for key in behind {
            self.catch_up(key);
        }
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

    /// Tells a session that fell off the log the state of all that changed since it last heard.
    ///
    /// Its own pushes are answered `discard`: what they did is part of that state.
    fn catch_up(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(&key) else { return };
        let State::Connected { link, reader } = &session.state else { return };
        let removed = self.log.presence_removed_since(reader.position);
        let Some(removed) = removed.filter(|_| self.store.knows_since(reader.told_clock)) else {
            return self.cancel(key, CloseReason::Reset);
        };
        let mut diff: NetworkDiff = removed.into_iter().map(|id| (id, RecordOp::Remove)).collect();
        for (id, record) in self.store.changes_since(reader.told_clock) {
            let op = record.cloned().map_or(RecordOp::Remove, RecordOp::Put);
            diff.insert(id.clone(), op);
        }
        for (id, record) in self.presence_of_others(key) {
            diff.insert(id.clone(), RecordOp::Put(record.clone()));
        }
        let server_clock = self.store.clock();
        let answers = reader.unanswered.iter().map(|own| DataEntry::PushResult {
            client_clock: own.client_clock,
            server_clock,
            action: PushAction::Discard,
        });
        let patch = (!diff.is_empty()).then_some(DataEntry::Patch { diff, server_clock });
        let entries = answers.chain(patch).collect();
        let frame = encode_server_message(&ServerMessage::Data(entries));
        self.actions.push_back(RoomAction::Send { connection: link.connection, frame });
        let (end, now) = (self.log.end(), self.now);
        let next_flush = now.saturating_add(self.config.flush_interval);
        if let Some(Session { state: State::Connected { reader, .. }, .. }) =
            self.sessions.get_mut(&key)
        {
            reader.position = end;
            reader.told_clock = server_clock;
            reader.next_flush = next_flush;
            reader.unanswered.clear();
        }
    }

    /// `op` without string appends, for a client that does not know them. Called while the record
    /// is as the op left it.
    fn to_legacy(&self, id: &RecordId, op: &RecordOp) -> RecordOp {
        let presence = || {
            let shown = |session: &&Session| session.presence_id == *id;
            self.sessions.values().find(shown).and_then(|session| session.presence.as_ref())
        };
        match (op, self.store.get(id).or_else(presence)) {
            (RecordOp::Patch(diff), Some(after)) => RecordOp::Patch(put_appended(diff, after)),
            (RecordOp::Put(_) | RecordOp::Remove | RecordOp::Patch(_), _) => op.clone(),
        }
    }
}

/// Who made a change, and what they are told of it.
pub(super) struct Pusher {
    pub(super) key: SessionKey,
    pub(super) client_clock: u64,
    pub(super) action: PushAction,
    pub(super) is_legacy: bool,
}

/// A data message of the parts that hold something, or `None` when none does.
fn join<'a>(parts: impl Iterator<Item = &'a Bytes>) -> Option<Frame> {
    let mut out = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        out.extend_from_slice(if out.is_empty() { DATA_BEGIN } else { b"," });
        out.extend_from_slice(part);
    }
    (!out.is_empty()).then(|| {
        out.extend_from_slice(DATA_END);
        Frame::from_json(out)
    })
}

fn has_string_append(op: &RecordOp) -> bool {
    fn inside(diff: &ObjectDiff) -> bool {
        diff.iter().any(|(_, op)| match op {
            ValueOp::AppendText { .. } => true,
            ValueOp::Patch(diff) => inside(diff),
            ValueOp::Put(_) | ValueOp::AppendItems { .. } | ValueOp::Delete => false,
        })
    }
    matches!(op, RecordOp::Patch(diff) if inside(diff))
}

fn put_appended(diff: &ObjectDiff, after: &Object) -> ObjectDiff {
    map_ops(diff, |key| after.get(key))
}

fn put_appended_items(diff: &ObjectDiff, after: &Array) -> ObjectDiff {
    map_ops(diff, |key| after.get(key.parse::<usize>().ok()?))
}

fn map_ops<'a>(diff: &ObjectDiff, after: impl Fn(&str) -> Option<&'a Value>) -> ObjectDiff {
    let legacy = diff.iter().map(|(key, op)| {
        let op = match (op, after(key)) {
            (ValueOp::AppendText { .. }, Some(text)) => ValueOp::Put(text.clone()),
            (ValueOp::Patch(diff), Some(Value::Object(after))) => {
                ValueOp::Patch(put_appended(diff, after))
            }
            (ValueOp::Patch(diff), Some(Value::Array(after))) => {
                ValueOp::Patch(put_appended_items(diff, after))
            }
            _ => op.clone(),
        };
        (key.clone(), op)
    });
    legacy.collect()
}
