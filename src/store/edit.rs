//! How the store changes in one step, in place, and how the step is taken back.

use super::{Store, Stored};
use crate::diff::{Effect, ObjectDiff, ObjectUndo, RecordOp, StringAppend};
use crate::ids::RecordId;
use crate::value::Object;
use alloc::vec::Vec;

/// A step under way. Dropped without [`Edit::commit`] it leaves the store as it was.
pub(crate) struct Edit<'a> {
    store: &'a mut Store,
    undo: Vec<(RecordId, Undo)>,
    ops: Vec<(RecordId, RecordOp)>,
}

enum Undo {
    Absent,
    Replaced(Object),
    Patched(ObjectUndo),
    Removed(Stored),
}

impl<'a> Edit<'a> {
    pub(super) const fn new(store: &'a mut Store) -> Self {
        Self { store, undo: Vec::new(), ops: Vec::new() }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Object> {
        self.store.get(id)
    }

    /// Makes the record be `record`. Returns what really happened.
    pub(crate) fn put(&mut self, id: &RecordId, record: Object) -> Option<&RecordOp> {
        let op = match self.store.records.get_mut(id) {
            Some(stored) => {
                let diff = ObjectDiff::between(&stored.record, &record, StringAppend::Allowed)?;
                let before = core::mem::replace(&mut stored.record, record.clone());
                // A record of another type is another record: no patch makes one of the other.
                let is_same_type = before.get("typeName") == record.get("typeName");
                self.undo.push((id.clone(), Undo::Replaced(before)));
                if is_same_type { RecordOp::Patch(diff) } else { RecordOp::Put(record) }
            }
            None => {
                // The clock is set when the step is committed.
                let stored = Stored { record: record.clone(), changed_at: 0 };
                self.store.records.insert(id.clone(), stored);
                self.undo.push((id.clone(), Undo::Absent));
                RecordOp::Put(record)
            }
        };
        self.note(id, op)
    }

    /// Applies `diff` to the record. Returns what really happened.
    pub(crate) fn patch(&mut self, id: &RecordId, diff: &ObjectDiff) -> Option<&RecordOp> {
        let stored = self.store.records.get_mut(id)?;
        let mut undo = ObjectUndo::default();
        let effect = diff.apply_with_undo(&mut stored.record, &mut undo);
        let effective = match effect {
            Effect::None => return None,
            Effect::Whole => diff.clone(),
            Effect::Part(part) => part,
        };
        self.undo.push((id.clone(), Undo::Patched(undo)));
        self.note(id, RecordOp::Patch(effective))
    }

    /// Takes the record out. Returns what really happened.
    pub(crate) fn remove(&mut self, id: &RecordId) -> Option<&RecordOp> {
        let stored = self.store.records.remove(id)?;
        self.store.records_by_clock.remove(&(stored.changed_at, id.clone()));
        self.undo.push((id.clone(), Undo::Removed(stored)));
        self.note(id, RecordOp::Remove)
    }

    fn note(&mut self, id: &RecordId, op: RecordOp) -> Option<&RecordOp> {
        self.ops.push((id.clone(), op));
        self.ops.last().map(|(_, op)| op)
    }

    /// Keeps what changed, at the next clock, and says what it was. Nothing moves no clock.
    pub(crate) fn commit(mut self) -> Vec<(RecordId, RecordOp)> {
        self.undo.clear();
        let ops = core::mem::take(&mut self.ops);
        self.store.advance(&ops);
        ops
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        for (id, undo) in self.undo.drain(..).rev() {
            match undo {
                Undo::Absent => {
                    if let Some(stored) = self.store.records.remove(&id) {
                        self.store.records_by_clock.remove(&(stored.changed_at, id));
                    }
                }
                Undo::Replaced(record) => {
                    if let Some(stored) = self.store.records.get_mut(&id) {
                        stored.record = record;
                    }
                }
                Undo::Patched(undo) => {
                    if let Some(stored) = self.store.records.get_mut(&id) {
                        undo.revert(&mut stored.record);
                    }
                }
                Undo::Removed(stored) => {
                    self.store.records_by_clock.insert((stored.changed_at, id.clone()));
                    self.store.records.insert(id, stored);
                }
            }
        }
    }
}
