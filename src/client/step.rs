//! What the room said, checked and put together before any of it takes effect.

use super::action::Refusal;
use super::rebase::predict;
use super::replica::Replica;
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp};
use crate::ids::RecordId;
use crate::schema::{Schema, Scope, identity};
use crate::value::{Object, Value};
use crate::wire::{DataEntry, HydrationType, PushAction};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The room said something that cannot be: what is no record, or under a wrong id; or an answer to
/// another push than the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault;

/// What one message of the room changes. `None` stands for a record that is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Staged {
    pub(super) documents: BTreeMap<RecordId, Option<Object>>,
    pub(super) presence: BTreeMap<RecordId, Option<Object>>,
    /// Records that this client cannot read.
    pub(super) aside: BTreeMap<RecordId, Option<Object>>,
    /// What pushes had asked for that did not happen, as it seemed from their results.
    pub(super) refused: Vec<Refusal>,
    /// How many of the pending pushes are answered.
    pub(super) answered: usize,
    /// The ids that the room said others have removed, known here or not.
    pub(super) gone: BTreeSet<RecordId>,
}

/// From so many ops on it is quicker to make a map of what they come to than to find a place for each.
const MANY: usize = 16;

/// What a document shall be.
type Document = (RecordId, Option<Object>);

/// A message that is being checked.
pub(super) struct Step<'a> {
    schema: &'a Schema,
    replica: &'a Replica,
    presence: &'a BTreeMap<RecordId, Object>,
    staged: Staged,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        schema: &'a Schema,
        replica: &'a Replica,
        presence: &'a BTreeMap<RecordId, Object>,
    ) -> Self {
        Self { schema, replica, presence, staged: Staged::default() }
    }

    /// Drops the documents that a hydration replaces. Presence left with the last connection.
    pub(super) fn wipe(&mut self, hydration: HydrationType) {
        match hydration {
            HydrationType::WipeAll => {
                let gone = self.replica.confirmed_ids().map(|id| (id.clone(), None));
                self.staged.documents.extend(gone);
                let gone = self.replica.aside().map(|(id, _)| (id.clone(), None));
                self.staged.aside.extend(gone);
            }
            HydrationType::WipePresence => {}
        }
    }

    /// Applies an entry of a data message. Returns the room's clock since.
    pub(super) fn apply_entry(&mut self, entry: DataEntry) -> Result<u64, Fault> {
        match entry {
            DataEntry::Patch { diff, server_clock } => {
                self.apply_others(diff)?;
                Ok(server_clock)
            }
            DataEntry::PushResult { client_clock, server_clock, action } => {
                let push = self.replica.pending().get(self.staged.answered).ok_or(Fault)?;
                if push.clock != client_clock {
                    return Err(Fault);
                }
                self.staged.answered += 1;
                match action {
                    PushAction::Commit => self.apply(push.diff.clone())?,
                    PushAction::Discard => self.note_refused(&push.diff, None),
                    PushAction::RebaseWithDiff(diff) => {
                        self.note_refused(&push.diff, Some(&diff));
                        self.apply(diff)?;
                    }
                }
                Ok(server_clock)
            }
        }
    }

    /// Applies a diff that is not the answer to a push, and notes what others have removed by it.
    pub(super) fn apply_others(&mut self, diff: NetworkDiff) -> Result<(), Fault> {
        let gone = diff.iter().filter(|(_, op)| matches!(op, RecordOp::Remove));
        self.staged.gone.extend(gone.map(|(id, _)| id.clone()));
        self.apply(diff)
    }

    /// Applies a diff to what is confirmed.
    fn apply(&mut self, diff: NetworkDiff) -> Result<(), Fault> {
        let at_once = diff.len() >= MANY && self.staged.documents.is_empty();
        let mut sorted = Vec::with_capacity(if at_once { diff.len() } else { 0 });
        for (id, op) in diff {
            let document = match op {
                RecordOp::Put(record) => self.put(id, record)?,
                RecordOp::Patch(diff) => self.patch(id, &diff)?,
                RecordOp::Remove => {
                    self.remove(&id);
                    None
                }
            };
            match document {
                Some(document) if at_once => sorted.push(document),
                document => self.staged.documents.extend(document),
            }
        }
        // A removal stages documents, too.
        if self.staged.documents.is_empty() {
            self.staged.documents = sorted.into_iter().collect();
        } else {
            self.staged.documents.extend(sorted);
        }
        Ok(())
    }

    /// What all of it comes to. What was refused and is in effect all the same is no refusal: a room
    /// may discard what it tells as a change later, and rebase a push on the same in other words.
    pub(super) fn into_staged(mut self) -> Staged {
        let mut refused = core::mem::take(&mut self.staged.refused);
        refused.retain(|Refusal { id, asked, .. }| {
            let there = self.document(id);
            predict(self.schema, there.cloned(), asked).as_ref() != there
        });
        self.staged.refused = refused;
        self.staged
    }

    fn note_refused(&mut self, asked: &NetworkDiff, happened: Option<&NetworkDiff>) {
        let refusal = |(id, asked): (&RecordId, &RecordOp)| {
            let happened = happened.and_then(|happened| happened.get(id)).cloned();
            let is_other = happened.as_ref() != Some(asked);
            is_other.then(|| Refusal { id: id.clone(), asked: asked.clone(), happened })
        };
        self.staged.refused.extend(asked.iter().filter_map(refusal));
    }

    /// Stages a record, but for a document: that is returned.
    fn put(&mut self, id: RecordId, record: Object) -> Result<Option<Document>, Fault> {
        let identity = identity(&record).filter(|(own_id, _)| *own_id == &*id);
        let (_, type_name) = identity.ok_or(Fault)?;
        let scope = self.scope(type_name, &record);
        Ok(self.stage(id, record, scope))
    }

    /// Of what scope a record is, and whether it is valid. `None` for a type that is not known here.
    fn scope(&self, type_name: &str, record: &Object) -> Option<(Scope, bool)> {
        let is_valid = self.schema.validate(type_name, record).is_ok();
        self.schema.scope(type_name).map(|scope| (scope, is_valid))
    }

    fn stage(
        &mut self,
        id: RecordId,
        record: Object,
        scope: Option<(Scope, bool)>,
    ) -> Option<Document> {
        match scope {
            Some((Scope::Document, true)) => {
                self.forget_aside(&id);
                return Some((id, Some(record)));
            }
            Some((Scope::Presence, true)) => {
                self.staged.presence.insert(id, Some(record));
            }
            // It is of no use before the next one of it.
            Some((Scope::Presence, false)) => self.hide(&id),
            Some((Scope::Document, false) | (Scope::Session, _)) | None => {
                self.hide(&id);
                self.staged.aside.insert(id, Some(record));
            }
        }
        None
    }

    /// A patch of a record that is not there is no fault: it may have been told before its removal.
    fn patch(&mut self, id: RecordId, diff: &ObjectDiff) -> Result<Option<Document>, Fault> {
        let there = self.document(&id).or_else(|| self.shown(&id)).or_else(|| self.aside(&id));
        let Some(record) = there else { return Ok(None) };
        let mut after = record.clone();
        diff.apply(&mut after);
        let is_renamed = ["id", "typeName"].iter().any(|key| diff.get(key).is_some());
        if is_renamed && identity(record) != identity(&after) {
            return Err(Fault);
        }
        let type_name = after.get("typeName").and_then(Value::as_str).ok_or(Fault)?;
        let scope = self.scope(type_name, &after);
        Ok(self.stage(id, after, scope))
    }

    fn remove(&mut self, id: &RecordId) {
        self.hide(id);
        self.forget_aside(id);
    }

    /// The application sees no record of that id any more.
    fn hide(&mut self, id: &RecordId) {
        if self.document(id).is_some() {
            self.staged.documents.insert(id.clone(), None);
        }
        if self.shown(id).is_some() {
            self.staged.presence.insert(id.clone(), None);
        }
    }

    fn forget_aside(&mut self, id: &RecordId) {
        if self.aside(id).is_some() {
            self.staged.aside.insert(id.clone(), None);
        }
    }

    fn aside(&self, id: &RecordId) -> Option<&Object> {
        match self.staged.aside.get(id) {
            Some(staged) => staged.as_ref(),
            None => self.replica.aside_record(id),
        }
    }

    fn document(&self, id: &RecordId) -> Option<&Object> {
        match self.staged.documents.get(id) {
            Some(staged) => staged.as_ref(),
            None => self.replica.confirmed(id),
        }
    }

    fn shown(&self, id: &RecordId) -> Option<&Object> {
        match self.staged.presence.get(id) {
            Some(staged) => staged.as_ref(),
            None => self.presence.get(id),
        }
    }
}
