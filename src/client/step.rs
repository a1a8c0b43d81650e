//! What the room said, checked and put together before any of it takes effect.

use super::rebase::patched;
use super::replica::Replica;
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp};
use crate::ids::RecordId;
use crate::schema::{Schema, Scope, identity};
use crate::value::Object;
use crate::wire::{DataEntry, HydrationType, PushAction};
use alloc::collections::{BTreeMap, BTreeSet};

/// The room said something that cannot be: a record under a wrong id, of an unknown type, or one
/// that the schema refuses; or an answer to another push than the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault;

/// What one message of the room changes. `None` stands for a record that is gone.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) documents: BTreeMap<RecordId, Option<Object>>,
    pub(super) presence: BTreeMap<RecordId, Option<Object>>,
    /// How many of the pending pushes are answered.
    pub(super) answered: usize,
    /// The ids that the room said are gone, known here or not.
    pub(super) gone: BTreeSet<RecordId>,
}

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
            }
            HydrationType::WipePresence => {}
        }
    }

    /// Applies an entry of a data message. Returns the room's clock since.
    pub(super) fn apply_entry(&mut self, entry: &DataEntry) -> Result<u64, Fault> {
        match entry {
            DataEntry::Patch { diff, server_clock } => {
                self.apply(diff)?;
                Ok(*server_clock)
            }
            DataEntry::PushResult { client_clock, server_clock, action } => {
                let push = self.replica.pending().get(self.staged.answered).ok_or(Fault)?;
                if push.clock != *client_clock {
                    return Err(Fault);
                }
                self.staged.answered += 1;
                match action {
                    PushAction::Commit => self.apply(&push.diff)?,
                    PushAction::Discard => {}
                    PushAction::RebaseWithDiff(diff) => self.apply(diff)?,
                }
                Ok(*server_clock)
            }
        }
    }

    /// Applies a diff to what is confirmed.
    pub(super) fn apply(&mut self, diff: &NetworkDiff) -> Result<(), Fault> {
        diff.iter().try_for_each(|(id, op)| match op {
            RecordOp::Put(record) => self.put(id, record),
            RecordOp::Patch(diff) => self.patch(id, diff),
            RecordOp::Remove => {
                self.remove(id);
                Ok(())
            }
        })
    }

    pub(super) fn into_staged(self) -> Staged {
        self.staged
    }

    fn put(&mut self, id: &RecordId, record: &Object) -> Result<(), Fault> {
        let identity = identity(record).filter(|(own_id, _)| *own_id == &**id);
        let (_, type_name) = identity.ok_or(Fault)?;
        self.schema.validate(type_name, record).map_err(|_| Fault)?;
        let records = match self.schema.scope(type_name) {
            Some(Scope::Document) => &mut self.staged.documents,
            Some(Scope::Presence) => &mut self.staged.presence,
            Some(Scope::Session) | None => return Err(Fault),
        };
        records.insert(id.clone(), Some(record.clone()));
        Ok(())
    }

    /// A patch of a record that is not there is no fault: it may have been told before its removal.
    fn patch(&mut self, id: &RecordId, diff: &ObjectDiff) -> Result<(), Fault> {
        if let Some(record) = self.document(id) {
            let after = patched(self.schema, record, diff).ok_or(Fault)?;
            self.staged.documents.insert(id.clone(), Some(after));
        } else if let Some(record) = self.shown(id) {
            let after = patched(self.schema, record, diff).ok_or(Fault)?;
            self.staged.presence.insert(id.clone(), Some(after));
        }
        Ok(())
    }

    fn remove(&mut self, id: &RecordId) {
        self.staged.gone.insert(id.clone());
        if self.document(id).is_some() {
            self.staged.documents.insert(id.clone(), None);
        }
        if self.shown(id).is_some() {
            self.staged.presence.insert(id.clone(), None);
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
