//! What is told of a change: one text for all, one for those without string appends, and one for
//! whoever asked for it.

use super::Room;
use super::log::Entry;
use super::session::{Reader, Session, SessionKey};
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::ids::RecordId;
use crate::value::{Array, Object, Value};
use crate::wire::{DataEntry, PushAction, write_data_entry};
use alloc::vec::Vec;
use bytes::Bytes;

/// Who asked for a change, and what they are told of it.
pub(super) struct Pusher {
    pub(super) key: SessionKey,
    pub(super) client_clock: u64,
    pub(super) action: PushAction,
    pub(super) is_legacy: bool,
}

impl Room {
    /// Puts changes of documents and presence, made at the current clock, into the log: for
    /// `pusher` its result, for all others what changed.
    pub(super) fn broadcast(&mut self, pusher: Option<Pusher>, ops: &[(RecordId, RecordOp)]) {
        let patch = self.encode_patch(ops.iter().cloned());
        let legacy_patch = (ops.iter().any(|(_, op)| has_string_append(op))
            && self.sessions.values().filter_map(Session::reader).any(Reader::is_legacy))
        .then(|| self.encode_patch(ops.iter().map(|(id, op)| self.to_legacy(id, op))));
        let key = pusher.as_ref().map(|pusher| pusher.key);
        let result = pusher.map_or_else(Bytes::new, |pusher| self.encode_result(pusher));
        if !result.is_empty() || !patch.is_empty() {
            let entry = Entry { pusher: key, result, patch, legacy_patch };
            self.log.push(entry, self.config.limits.log_bytes);
        }
    }

    /// Empty when nothing changed.
    fn encode_patch(&self, ops: impl Iterator<Item = (RecordId, RecordOp)>) -> Bytes {
        let mut out = Vec::new();
        let diff: NetworkDiff = ops.collect();
        if !diff.is_empty() {
            let server_clock = self.store.clock();
            write_data_entry(&mut out, &DataEntry::Patch { diff, server_clock });
        }
        Bytes::from(out)
    }

    fn encode_result(&self, pusher: Pusher) -> Bytes {
        let Pusher { key: _, client_clock, action, is_legacy } = pusher;
        let action = match action {
            PushAction::RebaseWithDiff(diff) if is_legacy => PushAction::RebaseWithDiff(
                diff.iter().map(|(id, op)| self.to_legacy(id, op)).collect(),
            ),
            action @ (PushAction::Commit | PushAction::Discard | PushAction::RebaseWithDiff(_)) => {
                action
            }
        };
        let server_clock = self.store.clock();
        let mut out = Vec::new();
        let result = DataEntry::PushResult { client_clock, server_clock, action };
        write_data_entry(&mut out, &result);
        Bytes::from(out)
    }

    /// `op` without string appends, for a client that does not know them. Called while the record
    /// is as the op left it.
    fn to_legacy(&self, id: &RecordId, op: &RecordOp) -> (RecordId, RecordOp) {
        let presence = || {
            let shown = |session: &&Session| session.presence_id == *id;
            self.sessions.values().find(shown).and_then(|session| session.presence.as_ref())
        };
        let op = match (op, self.store.get(id).or_else(presence)) {
            (RecordOp::Patch(diff), Some(after)) => RecordOp::Patch(put_appended(diff, after)),
            (RecordOp::Put(_) | RecordOp::Remove | RecordOp::Patch(_), _) => op.clone(),
        };
        (id.clone(), op)
    }
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
