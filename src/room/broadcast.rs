//! What is told of a change: once in each dialect, and once to whoever asked for it.

use super::Room;
use super::dialect::{Dialect, Form};
use super::log::{Audience, Entry};
use super::session::{Session, SessionKey};
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, StringAppend, ValueOp};
use crate::ids::RecordId;
use crate::value::{Array, Object, Value};
use crate::wire::{DataEntry, PushAction};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// Who asked for a change, and what they are told of it.
pub(super) struct Pusher {
    pub(super) key: SessionKey,
    pub(super) client_clock: u64,
    pub(super) action: PushAction,
    pub(super) dialect: Arc<Dialect>,
}

impl Room {
    /// Puts changes of documents and presence, made at the current clock, into the log: for
    /// `pusher` its result, for all others what changed.
    pub(super) fn broadcast(&mut self, pusher: Option<Pusher>, ops: &[(RecordId, RecordOp)]) {
        let patches = self.encode_patches(ops);
        let key = pusher.as_ref().map(|pusher| pusher.key);
        let result = pusher.map_or_else(Bytes::new, |pusher| self.encode_result(pusher));
        let audience = Audience::default();
        let entry = Entry { pusher: key, result, patches, audience };
        self.log.push(entry, self.config.limits.log_bytes);
    }

    /// The patch by the slot of each dialect, encoded once where several are told the same.
    pub(super) fn encode_patches(&self, ops: &[(RecordId, RecordOp)]) -> Vec<Bytes> {
        let has_appends = ops.iter().any(|(_, op)| has_string_append(op));
        let mut encoded: Vec<(Form, Bytes)> = Vec::new();
        let patches = self.dialects.by_slot().map(|dialect| {
            let Some(dialect) = dialect else { return Bytes::new() };
            // What makes no difference to these changes makes none to their text.
            let strings = if has_appends { dialect.form.strings } else { StringAppend::Allowed };
            let form = Form { strings, codec: dialect.form.codec };
            if let Some((_, patch)) = encoded.iter().find(|(known, _)| *known == form) {
                return patch.clone();
            }
            let patch = self.encode_patch(&form, ops);
            encoded.push((form, patch.clone()));
            patch
        });
        patches.collect()
    }

    /// Empty when nothing changed.
    fn encode_patch(&self, form: &Form, ops: &[(RecordId, RecordOp)]) -> Bytes {
        let diff = self.tell(form, ops.iter().map(|(id, op)| (id, op)));
        if diff.is_empty() {
            return Bytes::new();
        }
        form.codec.entry(&DataEntry::Patch { diff, server_clock: self.store.clock() })
    }

    pub(super) fn encode_result(&self, pusher: Pusher) -> Bytes {
        let Pusher { key: _, client_clock, action, dialect } = pusher;
        let action = match action {
            PushAction::RebaseWithDiff(diff) => {
                PushAction::RebaseWithDiff(self.tell(&dialect.form, diff.iter()))
            }
            action @ (PushAction::Commit | PushAction::Discard) => action,
        };
        let server_clock = self.store.clock();
        let result = DataEntry::PushResult { client_clock, server_clock, action };
        dialect.form.codec.entry(&result)
    }

    /// The changes in that form. Called while the records are as the changes left them.
    fn tell<'a>(
        &self,
        form: &Form,
        ops: impl Iterator<Item = (&'a RecordId, &'a RecordOp)>,
    ) -> NetworkDiff {
        let told = ops.map(|(id, op)| match form.strings {
            StringAppend::Allowed => (id.clone(), op.clone()),
            StringAppend::Legacy => (id.clone(), self.to_legacy(id, op)),
        });
        told.collect()
    }

    /// `op` without string appends, for a client that does not know them.
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
