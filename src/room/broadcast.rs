//! What is told of a change: once in each dialect, and once to whoever asked for it.

use super::Room;
use super::dialect::{Dialect, Form};
use super::lens::Lens;
use super::log::{Audience, Entry};
use super::session::{Session, SessionKey};
use crate::close::CloseReason;
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, StringAppend, ValueOp};
use crate::ids::RecordId;
use crate::schema::{MigrationError, identity};
use crate::store::Before;
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
    /// `pusher` its result, for all others what changed. What was [before](Self::before_to_tell)
    /// stands at the same index.
    ///
    /// Who cannot be told, since a migration of the schema fails, is removed.
    pub(super) fn broadcast(
        &mut self,
        pusher: Option<Pusher>,
        ops: &[(RecordId, RecordOp)],
        before: &[Before],
    ) {
        let mut failed = Vec::new();
        let patches = self.encode_patches(ops, before, &mut failed);
        let key = pusher.as_ref().map(|pusher| pusher.key);
        let result = pusher.map_or_else(Bytes::new, |pusher| self.encode_result(pusher));
        let audience = Audience::default();
        let entry = Entry { pusher: key, result, patches, audience };
        self.log.push(entry, self.config.limits.log_bytes);
        for slot in failed {
            self.reject_speakers(slot, key);
        }
    }

    /// What has to be known of the records before a step to tell of it: nothing, if all see them as
    /// they are.
    pub(super) fn before_to_tell(&self, before: &[Before]) -> Vec<Before> {
        if self.dialects.have_lenses() { before.to_vec() } else { Vec::new() }
    }

    /// The patch by the slot of each dialect, encoded once where several are told the same. Slots
    /// of those in which it cannot be told are added to `failed`.
    pub(super) fn encode_patches(
        &self,
        ops: &[(RecordId, RecordOp)],
        before: &[Before],
        failed: &mut Vec<usize>,
    ) -> Vec<Bytes> {
        let has_appends = ops.iter().any(|(_, op)| has_string_append(op));
        let mut patches: Vec<Bytes> = Vec::with_capacity(self.dialects.by_slot().len());
        // In which form the patch at which slot is.
        let mut encoded: Vec<(Form, usize)> = Vec::new();
        for dialect in self.dialects.by_slot() {
            let Some(dialect) = dialect else {
                patches.push(Bytes::new());
                continue;
            };
            let form = self.form_of(dialect, ops, has_appends);
            let known = encoded.iter().find(|(known, _)| *known == form);
            let known = known.and_then(|(_, slot)| patches.get(*slot)).cloned();
            if let Ok(patch) = known.map_or_else(|| self.encode_patch(&form, ops, before), Ok) {
                encoded.push((form, dialect.slot));
                patches.push(patch);
            } else {
                failed.push(dialect.slot);
                patches.push(Bytes::new());
            }
        }
        patches
    }

    /// The form in which a dialect is told the changes: what makes no difference to them makes none to
    /// their text.
    fn form_of(&self, dialect: &Dialect, ops: &[(RecordId, RecordOp)], has_appends: bool) -> Form {
        let Form { strings, codec, lens } = &dialect.form;
        let is_altered =
            |lens: &&Arc<Lens>| ops.iter().any(|(id, op)| self.is_altered(lens, id, op));
        let lens = lens.as_ref().filter(is_altered).cloned();
        let may_append = has_appends || lens.is_some();
        let strings = if may_append { *strings } else { StringAppend::Allowed };
        Form { strings, codec: *codec, lens }
    }

    /// Empty when nothing changed.
    fn encode_patch(
        &self,
        form: &Form,
        ops: &[(RecordId, RecordOp)],
        before: &[Before],
    ) -> Result<Bytes, MigrationError> {
        let server_clock = self.store.clock();
        let as_they_are = form.lens.is_none() && form.strings == StringAppend::Allowed;
        if as_they_are && !ops.is_empty() {
            return Ok(form.codec.patch(ops, server_clock));
        }
        let diff = self.tell(form, ops, before)?;
        if diff.is_empty() {
            return Ok(Bytes::new());
        }
        Ok(form.codec.entry(&DataEntry::Patch { diff, server_clock }))
    }

    pub(super) fn encode_result(&self, pusher: Pusher) -> Bytes {
        let Pusher { key: _, client_clock, action, dialect } = pusher;
        let action = match action {
            // What its client sees of it is in the diff already.
            PushAction::RebaseWithDiff(diff) if dialect.form.strings == StringAppend::Legacy => {
                let ops = diff.iter().map(|(id, op)| (id.clone(), self.to_legacy(id, op)));
                PushAction::RebaseWithDiff(ops.collect())
            }
            action @ (PushAction::Commit | PushAction::Discard | PushAction::RebaseWithDiff(_)) => {
                action
            }
        };
        let server_clock = self.store.clock();
        let result = DataEntry::PushResult { client_clock, server_clock, action };
        dialect.form.codec.entry(&result)
    }

    /// The changes in that form. Called while the records are as the changes left them.
    fn tell(
        &self,
        form: &Form,
        ops: &[(RecordId, RecordOp)],
        before: &[Before],
    ) -> Result<NetworkDiff, MigrationError> {
        let mut told = Vec::new();
        for (index, (id, op)) in ops.iter().enumerate() {
            let lens = form.lens.as_ref().filter(|lens| self.is_altered(lens, id, op));
            let op = match (lens, form.strings) {
                (Some(lens), strings) => {
                    let after = self.told_record(id);
                    let before = before.get(index).and_then(|before| before.record(after));
                    lens.see(before.as_ref(), after, strings)?
                }
                (None, StringAppend::Allowed) => Some(op.clone()),
                (None, StringAppend::Legacy) => Some(self.to_legacy(id, op)),
            };
            if let Some(op) = op {
                told.push((id.clone(), op));
            }
        }
        Ok(told.into_iter().collect())
    }

    /// Whether the change may look different through the lens.
    fn is_altered(&self, lens: &Lens, id: &RecordId, op: &RecordOp) -> bool {
        let record = match op {
            RecordOp::Put(record) => Some(record),
            RecordOp::Patch(_) => self.told_record(id),
            RecordOp::Remove => None,
        };
        let type_name = record.and_then(|record| identity(record)).map(|(_, type_name)| type_name);
        type_name.is_some_and(|type_name| lens.alters(type_name))
    }

    /// A record that sessions are told of: a document or somebody's presence.
    fn told_record(&self, id: &RecordId) -> Option<&Object> {
        let presence = || {
            let shown = |session: &&Session| session.presence_id == *id;
            self.sessions.values().find(shown).and_then(|session| session.presence.as_ref())
        };
        self.store.get(id).or_else(presence)
    }

    /// Ends the sessions that speak a dialect, but for the pusher of what they cannot be told.
    pub(super) fn reject_speakers(&mut self, slot: usize, pusher: Option<SessionKey>) {
        let version = |session: &Session| {
            let reader = session.reader().filter(|reader| reader.dialect.slot == slot)?;
            Some(reader.version)
        };
        let others = self.sessions.iter().filter(|(key, _)| Some(**key) != pusher);
        let speakers = others.filter_map(|(key, session)| Some((*key, version(session)?)));
        for (key, version) in speakers.collect::<Vec<_>>() {
            self.reject(key, version, CloseReason::ClientTooOld);
        }
    }

    /// `op` without string appends, for a client that does not know them.
    fn to_legacy(&self, id: &RecordId, op: &RecordOp) -> RecordOp {
        match (op, self.told_record(id)) {
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
