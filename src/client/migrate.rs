//! How what a client kept under an older schema becomes what it would have kept under the newer one.

use super::action::Refusal;
use super::rebase::change_between;
use super::restore::Kept;
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::RecordId;
use crate::schema::{MigrationError, MigrationPath, StoredRecords};
use crate::value::Object;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The documents of the older schema, as they become change by change. They can be migrated at any
/// time: a change after which they could not is given up.
struct Older<'a> {
    path: &'a MigrationPath,
    records: BTreeMap<RecordId, Object>,
    given_up: Vec<Refusal>,
}

impl Kept {
    /// Makes what was kept under an older schema be of the newer one. Returns the changes that no
    /// migration can make anything of.
    pub(super) fn migrate(&mut self, path: &MigrationPath) -> Result<Vec<Refusal>, MigrationError> {
        let records = core::mem::take(&mut self.records);
        let migrated = path.migrate_all_up(records.values().cloned().collect())?;
        self.records = migrated.into_iter().collect();
        // What could not be read may be anything, and must not spoil the rest. Where nothing can be
        // made of it, the room will say what it is.
        let aside = core::mem::take(&mut self.aside).into_iter();
        let migrated = aside.filter_map(|(id, record)| Some((id, path.migrate_up(record).ok()?)));
        self.aside = migrated.filter(|(id, _)| !self.records.contains_key(id)).collect();

        let mut older = Older { path, records, given_up: Vec::new() };
        for changes in self.pushes.values_mut() {
            *changes = older.migrate(changes)?;
        }
        self.pushes.retain(|_, changes| !changes.is_empty());
        let edits: NetworkDiff = core::mem::take(&mut self.edits).into_iter().collect();
        self.edits = older.migrate(&edits)?.into_iter().collect();
        Ok(older.given_up)
    }
}

impl Older<'_> {
    /// Makes the changes. Returns what they come to in the newer schema, which is nothing for those
    /// that have no effect here.
    fn migrate(&mut self, changes: &NetworkDiff) -> Result<NetworkDiff, MigrationError> {
        let ids = || changes.iter().map(|(id, _)| id);
        let before = self.migrated(ids())?;
        let was: Vec<_> = changes.iter().map(|(id, op)| (id, self.apply(id, op))).collect();
        let after = match self.migrated(ids()) {
            Ok(after) => after,
            Err(_) => {
                was.into_iter().for_each(|(id, was)| self.set(id, was));
                changes.iter().for_each(|(id, op)| self.try_apply(id, op));
                self.migrated(ids())?
            }
        };
        Ok(difference(&before, &after))
    }

    /// Makes a change if what comes of it can be migrated.
    fn try_apply(&mut self, id: &RecordId, op: &RecordOp) {
        let was = self.apply(id, op);
        if self.migrated(core::iter::once(id)).is_err() {
            self.set(id, was);
            self.given_up.push(Refusal { id: id.clone(), asked: op.clone(), happened: None });
        }
    }

    /// Makes a change. Returns what the record was.
    fn apply(&mut self, id: &RecordId, op: &RecordOp) -> Option<Object> {
        let was = self.records.get(id).cloned();
        match op {
            RecordOp::Put(record) => self.set(id, Some(record.clone())),
            RecordOp::Patch(diff) => {
                if let Some(record) = self.records.get_mut(id) {
                    diff.apply(record);
                }
            }
            RecordOp::Remove => self.set(id, None),
        }
        was
    }

    fn set(&mut self, id: &RecordId, record: Option<Object>) {
        match record {
            Some(record) => self.records.insert(id.clone(), record),
            None => self.records.remove(id),
        };
    }

    /// These documents in the newer schema; all of them, if a migration needs all.
    fn migrated<'a>(
        &self,
        ids: impl Iterator<Item = &'a RecordId>,
    ) -> Result<StoredRecords, MigrationError> {
        let records: StoredRecords = if self.path.needs_all_records() {
            self.records.values().cloned().collect()
        } else {
            ids.filter_map(|id| self.records.get(id).cloned()).collect()
        };
        self.path.migrate_all_up(records)
    }
}

fn difference(before: &StoredRecords, after: &StoredRecords) -> NetworkDiff {
    let both = before.entries().chain(after.entries());
    let ids: BTreeSet<&RecordId> = both.map(|(id, _)| id).collect();
    let change = |id: &RecordId| Some((id.clone(), change_between(before.get(id), after.get(id))?));
    ids.into_iter().filter_map(change).collect()
}
