//! How the store changes in one step, in place, and how the step is taken back.

use super::kept::Kept;
use super::size::size_of_object;
use super::{Store, Stored, UNMEASURED};
use crate::diff::{Effect, ObjectDiff, ObjectUndo, RecordOp, StringAppend};
use crate::ids::RecordId;
use crate::value::Object;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A step under way. Dropped without [`Edit::commit`] it leaves the store as it was.
pub(crate) struct Edit<'a> {
    store: &'a mut Store,
    undo: Vec<(RecordId, Undo)>,
    ops: Vec<(RecordId, RecordOp)>,
}

/// A record that was just patched.
pub(crate) struct Patched<'a> {
    /// What of the patch had an effect.
    pub(crate) effective: ObjectDiff,
    /// What the record is now.
    pub(crate) record: &'a Object,
    size_bound: &'a mut usize,
}

impl Patched<'_> {
    /// How large the record can be at most, given how much larger the patch may have made it.
    /// Exact where that would be over `limit`. So a record is measured only once it may have grown
    /// from one end of its bound to the other.
    pub(crate) fn size_within(self, growth: usize, limit: usize) -> usize {
        *self.size_bound = self.size_bound.saturating_add(growth);
        if *self.size_bound > limit {
            *self.size_bound = size_of_object(self.record);
        }
        *self.size_bound
    }
}

/// What records shall be, or `None` where they shall be gone.
pub(crate) type Changes = BTreeMap<RecordId, Option<Object>>;

enum Undo {
    Absent,
    Replaced(Object),
    Patched(ObjectUndo),
    Removed { record: Object, changed_at: u64 },
}

/// What a record was before a step, given what it is after. Not the record itself where it was
/// patched: somebody who holds that keeps its texts from growing in place.
#[derive(Clone, Debug)]
pub(crate) enum Before {
    Absent,
    Record(Object),
    Patched(ObjectUndo),
}

/// What a step did: each change, and at the same index what was there before.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) ops: Vec<(RecordId, RecordOp)>,
    pub(crate) before: Vec<Before>,
}

impl<'a> Edit<'a> {
    pub(super) const fn new(store: &'a mut Store) -> Self {
        Self { store, undo: Vec::new(), ops: Vec::new() }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Object> {
        self.store.get(id)
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.store.records.len()
    }

    /// Takes back the last change of the step.
    pub(crate) fn undo_last(&mut self) {
        self.ops.pop();
        if let Some((id, undo)) = self.undo.pop() {
            self.revert(id, undo);
        }
    }

    /// Makes the record be `record`. Returns what really happened.
    pub(crate) fn put(&mut self, id: &RecordId, record: Object) -> Option<&RecordOp> {
        // No less than what it becomes.
        *self.store.unpacked.get_mut() += 1;
        let op = match self.store.records.get_mut(id) {
            Some(stored) => {
                let there = stored.record.get(id, &self.store.table);
                let diff = ObjectDiff::between(there, &record, StringAppend::Allowed)?;
                let before = core::mem::replace(&mut stored.record, Kept::from(record.clone()));
                let before = before.into_object(id, &self.store.table);
                stored.size_bound = UNMEASURED;
                // A record of another type is another record: no patch makes one of the other.
                let is_same_type = before.get("typeName") == record.get("typeName");
                self.undo.push((id.clone(), Undo::Replaced(before)));
                if is_same_type { RecordOp::Patch(diff) } else { RecordOp::Put(record) }
            }
            None => {
                // The clock is set when the step is committed.
                let kept = Kept::from(record.clone());
                let stored = Stored { record: kept, changed_at: 0, size_bound: UNMEASURED };
                self.store.records.insert(id.clone(), stored);
                self.undo.push((id.clone(), Undo::Absent));
                RecordOp::Put(record)
            }
        };
        self.note(id, op)
    }

    /// Applies `diff` to the record if `allow` has an answer, given what the record is. Returns that
    /// and what really happened.
    pub(crate) fn patch<T>(
        &mut self,
        id: &RecordId,
        diff: &ObjectDiff,
        allow: impl FnOnce(&Object) -> Option<T>,
    ) -> Option<(T, Patched<'_>)> {
        let stored = self.store.records.get_mut(id)?;
        *self.store.unpacked.get_mut() += usize::from(!stored.record.is_unpacked());
        let answer = allow(stored.record.get(id, &self.store.table))?;
        let mut undo = ObjectUndo::default();
        let apply = |record: &mut Object| diff.apply_with_undo(record, &mut undo);
        let effect = stored.record.change(id, &self.store.table, apply);
        let effective = match effect {
            Effect::None => return None,
            Effect::Whole => diff.clone(),
            Effect::Part(part) => part,
        };
        self.undo.push((id.clone(), Undo::Patched(undo)));
        self.ops.push((id.clone(), RecordOp::Patch(effective.clone())));
        let record = stored.record.get(id, &self.store.table);
        Some((answer, Patched { effective, record, size_bound: &mut stored.size_bound }))
    }

    /// Takes the record out. Returns what really happened.
    pub(crate) fn remove(&mut self, id: &RecordId) -> Option<&RecordOp> {
        let Stored { record, changed_at, .. } = self.store.records.remove(id)?;
        self.store.records_by_clock.remove(&(changed_at, id.clone()));
        let record = record.into_object(id, &self.store.table);
        self.undo.push((id.clone(), Undo::Removed { record, changed_at }));
        self.note(id, RecordOp::Remove)
    }

    fn note(&mut self, id: &RecordId, op: RecordOp) -> Option<&RecordOp> {
        self.ops.push((id.clone(), op));
        self.ops.last().map(|(_, op)| op)
    }

    /// Makes each record be what `changes` says.
    pub(crate) fn make(&mut self, changes: Changes) {
        for (id, record) in changes {
            match record {
                Some(mut record) => {
                    self.store.table.key_lists.share(&mut record);
                    self.put(&id, record)
                }
                None => self.remove(&id),
            };
        }
    }

    /// Keeps what changed, at the next clock, and says what it was. Nothing moves no clock.
    pub(crate) fn commit(mut self) -> Step {
        let before = self.undo.drain(..).map(|(_, undo)| Before::from(undo)).collect();
        let ops = core::mem::take(&mut self.ops);
        self.store.advance(&ops);
        Step { ops, before }
    }
}

impl From<Undo> for Before {
    fn from(undo: Undo) -> Self {
        match undo {
            Undo::Absent => Self::Absent,
            Undo::Replaced(record) => Self::Record(record),
            Undo::Patched(undo) => Self::Patched(undo),
            Undo::Removed { record, .. } => Self::Record(record),
        }
    }
}

impl Before {
    /// What the record was, given what it is.
    pub(crate) fn record(&self, after: Option<&Object>) -> Option<Object> {
        match self {
            Self::Absent => None,
            Self::Record(record) => Some(record.clone()),
            Self::Patched(undo) => {
                let mut record = after?.clone();
                undo.clone().revert(&mut record);
                Some(record)
            }
        }
    }
}

impl Edit<'_> {
    fn revert(&mut self, id: RecordId, undo: Undo) {
        match undo {
            Undo::Absent => {
                if let Some(stored) = self.store.records.remove(&id) {
                    self.store.records_by_clock.remove(&(stored.changed_at, id));
                }
            }
            Undo::Replaced(record) => {
                if let Some(stored) = self.store.records.get_mut(&id) {
                    stored.record = Kept::from(record);
                    stored.size_bound = UNMEASURED;
                }
            }
            Undo::Patched(undo) => {
                // What bounded the changed record bounds the one before only if it is measured.
                if let Some(stored) = self.store.records.get_mut(&id) {
                    stored.record.change(&id, &self.store.table, |record| undo.revert(record));
                    stored.size_bound = UNMEASURED;
                }
            }
            Undo::Removed { record, changed_at } => {
                *self.store.unpacked.get_mut() += 1;
                self.store.records_by_clock.insert((changed_at, id.clone()));
                let record = Kept::from(record);
                self.store
                    .records
                    .insert(id, Stored { record, changed_at, size_bound: UNMEASURED });
            }
        }
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        while let Some((id, undo)) = self.undo.pop() {
            self.revert(id, undo);
        }
    }
}
