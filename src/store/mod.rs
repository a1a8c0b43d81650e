//! Records, transactions, what changed since when, and snapshots.

mod applied;
mod edit;
mod kept;
mod size;
mod snapshot;
mod transaction;

pub(crate) use applied::AppliedPushes;
pub use applied::{AppliedPush, PushClient};
pub(crate) use edit::{Before, Changes, Edit, Step};
pub(crate) use size::{growth_by, size_of_object, size_of_value};
pub(crate) use snapshot::as_clock;
pub use snapshot::{RoomSnapshot, SnapshotError};
pub(crate) use transaction::Records;
pub use transaction::Transaction;

use crate::diff::RecordOp;
use crate::error::RestoreError;
use crate::ids::RecordId;
use crate::limits::Limits;
use crate::schema::{MigrationPath, Schema, Scope, identity};
use crate::value::{KeyLists, Object, PackTable};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Bound;
use kept::Kept;

/// The records of a room, with the clock of the last change of each.
///
/// Records that nobody looks at are packed. Every record stands in `records_by_clock` at its
/// `changed_at`, and every removed id in both maps of tombstones at the clock of its removal, so that
/// what changed since a clock is a walk over just that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    clock: u64,
    tombstone_history_starts_at: u64,
    records: BTreeMap<RecordId, Stored>,
    /// At most how many records are unpacked.
    unpacked: Cell<usize>,
    records_by_clock: BTreeSet<(u64, RecordId)>,
    tombstones: BTreeMap<RecordId, u64>,
    tombstones_by_clock: BTreeSet<(u64, RecordId)>,
    applied: AppliedPushes,
    /// What records share, which is most of what they would take.
    table: PackTable,
}

/// A look at a record, which stays packed if it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) id: &'a RecordId,
    kept: &'a Kept,
    table: &'a PackTable,
}

impl<'a> Look<'a> {
    pub(crate) fn object(self) -> Cow<'a, Object> {
        self.kept.look(self.id, self.table)
    }

    pub(crate) fn write_json(self, out: &mut Vec<u8>) {
        self.kept.write_json(out, self.id, self.table);
    }
}

#[derive(Clone, Debug)]
struct Stored {
    record: Kept,
    changed_at: u64,
    /// No less than how large the record is.
    size_bound: usize,
}

/// So many records may be unpacked in a small store. Few where tests run, so that they meet it.
const MOST_UNPACKED: usize = if cfg!(debug_assertions) { 4 } else { 256 };

/// The bound of a record's size that is true of any.
const UNMEASURED: usize = usize::MAX;

impl Store {
    /// Opens a snapshot. Records that are not of document scope are left out.
    pub(crate) fn restore(
        snapshot: RoomSnapshot,
        schema: &Schema,
        depth: usize,
    ) -> Result<Self, RestoreError> {
        Self::load(snapshot, |record| check_document(record, schema, depth))
    }

    /// Opens a snapshot of an older schema, and says what the migrations since have changed in it,
    /// in a step of their own. Records that are not of document scope are removed in it.
    pub(crate) fn restore_older(
        snapshot: RoomSnapshot,
        schema: &Schema,
        path: &MigrationPath,
        depth: usize,
    ) -> Result<(Self, Step), RestoreError> {
        let any_record = |record: &Object| {
            let (id, _) = identity(record).ok_or(RestoreError::NotARecord)?;
            Ok(Some(RecordId::from(id)))
        };
        let mut store = Self::load(snapshot, any_record)?;
        let migrated = path.migrate_all_up(store.iter().map(|(_, it)| it.clone()).collect())?;
        let migrated = migrated.into_iter().map(|(_, record)| record);
        let changes = store.changes_to(migrated, schema, depth)?;
        let mut edit = store.edit();
        edit.make(changes);
        let step = edit.commit();
        Ok((store, step))
    }

    /// A store of those records of a snapshot that `check` gives an id.
    fn load(
        snapshot: RoomSnapshot,
        check: impl Fn(&Object) -> Result<Option<RecordId>, RestoreError>,
    ) -> Result<Self, RestoreError> {
        let orders = snapshot.applied_pushes.iter().map(|applied| applied.order);
        if orders.chain([snapshot.clock, snapshot.tombstone_history_starts_at]).max()
            > Some(Limits::MAX_CLOCK)
        {
            return Err(RestoreError::ClockTooLarge);
        }
        let mut store = Self {
            clock: snapshot.clock,
            tombstone_history_starts_at: snapshot.tombstone_history_starts_at,
            applied: AppliedPushes::restore(&snapshot.applied_pushes)?,
            ..Self::default()
        };
        for (mut record, changed_at) in snapshot.documents {
            let Some(id) = check(&record)? else { continue };
            store.check_entry(&id, changed_at)?;
            store.records_by_clock.insert((changed_at, id.clone()));
            store.table.key_lists.share(&mut record);
            let mut record = Kept::from(record);
            record.pack(&id, &mut store.table);
            store.records.insert(id, Stored { record, changed_at, size_bound: UNMEASURED });
        }
        for (id, removed_at) in snapshot.tombstones {
            store.check_entry(&id, removed_at)?;
            store.bury(id, removed_at);
        }
        Ok(store)
    }

    /// What has to change for `documents` to be all that there is.
    pub(crate) fn changes_to(
        &self,
        documents: impl Iterator<Item = Object>,
        schema: &Schema,
        depth: usize,
    ) -> Result<Changes, RestoreError> {
        let mut changes: Changes = self.iter().map(|(id, _)| (id.clone(), None)).collect();
        for record in documents {
            if let Some(id) = check_document(&record, schema, depth)?
                && let Some(Some(_)) = changes.insert(id.clone(), Some(record))
            {
                return Err(RestoreError::RepeatedId(id));
            }
        }
        Ok(changes)
    }

    fn check_entry(&self, id: &RecordId, clock: u64) -> Result<(), RestoreError> {
        if self.records.contains_key(id) || self.tombstones.contains_key(id) {
            return Err(RestoreError::RepeatedId(id.clone()));
        }
        if clock > self.clock {
            return Err(RestoreError::ClockInFuture(id.clone()));
        }
        Ok(())
    }

    /// Begins a step.
    pub(crate) const fn edit(&mut self) -> Edit<'_> {
        Edit::new(self)
    }

    /// Which pushes took effect.
    pub(crate) const fn applied(&self) -> &AppliedPushes {
        &self.applied
    }

    pub(crate) const fn applied_mut(&mut self) -> &mut AppliedPushes {
        &mut self.applied
    }

    pub(crate) const fn key_lists_mut(&mut self) -> &mut KeyLists {
        &mut self.table.key_lists
    }

    pub(crate) const fn clock(&self) -> u64 {
        self.clock
    }

    pub(crate) const fn tombstone_history_starts_at(&self) -> u64 {
        self.tombstone_history_starts_at
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Object> {
        let (id, stored) = self.records.get_key_value(id)?;
        Some(self.unpacked(id, stored))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RecordId, &Object)> {
        self.records.iter().map(|(id, stored)| (id, self.unpacked(id, stored)))
    }

    fn unpacked<'a>(&'a self, id: &RecordId, stored: &'a Stored) -> &'a Object {
        if !stored.record.is_unpacked() {
            self.unpacked.set(self.unpacked.get() + 1);
        }
        stored.record.get(id, &self.table)
    }

    /// Packs all records, once so many are unpacked that it is worth a look at all.
    pub(crate) fn pack_idle(&mut self) {
        if self.unpacked.get() <= MOST_UNPACKED.max(self.records.len() / 8) {
            return;
        }
        for (id, stored) in &mut self.records {
            stored.record.pack(id, &mut self.table);
        }
        self.unpacked.set(0);
    }

    /// The records from the one id to before the other, as they are kept.
    pub(crate) fn range(
        &self,
        from: Option<&RecordId>,
        to: Option<&RecordId>,
    ) -> impl Iterator<Item = Look<'_>> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let to = to.map_or(Bound::Unbounded, Bound::Excluded);
        let records = self.records.range::<RecordId, _>((from, to));
        records.map(|(id, stored)| Look { id, kept: &stored.record, table: &self.table })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether all that changed since `clock` is known.
    pub(crate) const fn knows_since(&self, clock: u64) -> bool {
        self.tombstone_history_starts_at <= clock && clock <= self.clock
    }

    /// The records that changed since `clock`, and the ids that were removed.
    pub(crate) fn changes_since(
        &self,
        clock: u64,
    ) -> impl Iterator<Item = (&RecordId, Option<&Object>)> {
        let from = (clock.saturating_add(1), RecordId::from(""));
        let changed = self.records_by_clock.range(from.clone()..);
        let removed = self.tombstones_by_clock.range(from..);
        let changed = changed.map(|(_, id)| (id, self.get(id)));
        changed.chain(removed.map(|(_, id)| (id, None)))
    }

    pub(crate) fn snapshot(&self) -> RoomSnapshot {
        let document = |(id, stored): (&RecordId, &Stored)| {
            (stored.record.look(id, &self.table).into_owned(), stored.changed_at)
        };
        RoomSnapshot {
            clock: self.clock,
            tombstone_history_starts_at: self.tombstone_history_starts_at,
            documents: self.records.iter().map(document).collect(),
            tombstones: self.tombstones.iter().map(|(id, clock)| (id.clone(), *clock)).collect(),
            schema: None,
            applied_pushes: self.applied.entries(),
        }
    }

    /// Forgets the oldest tombstones when there are more than `limit`: as many as are too many
    /// and a fifth of the limit more, so that this is rare. Those of one clock go together.
    pub(crate) fn prune_tombstones(&mut self, limit: usize) -> Vec<RecordId> {
        let Some(overflow) = self.tombstones.len().checked_sub(limit).filter(|over| *over > 0)
        else {
            return Vec::new();
        };
        let (mut pruned, mut last) = (Vec::new(), None);
        while let Some((clock, _)) = self.tombstones_by_clock.first() {
            if last != Some(*clock) && pruned.len() >= overflow + limit / 5 {
                break;
            }
            let Some((clock, id)) = self.tombstones_by_clock.pop_first() else { break };
            self.tombstones.remove(&id);
            pruned.push(id);
            last = Some(clock);
        }
        // A snapshot of unknown history holds tombstones from before its start.
        self.tombstone_history_starts_at =
            self.tombstone_history_starts_at.max(last.unwrap_or_default());
        pruned
    }

    /// Moves the clock on over what an [`Edit`] did.
    fn advance(&mut self, ops: &[(RecordId, RecordOp)]) {
        if ops.is_empty() {
            return;
        }
        self.clock = self.clock.saturating_add(1);
        for (id, op) in ops {
            if matches!(op, RecordOp::Remove) {
                self.bury(id.clone(), self.clock);
                continue;
            }
            if let Some(removed_at) = self.tombstones.remove(id) {
                self.tombstones_by_clock.remove(&(removed_at, id.clone()));
            }
            if let Some(stored) = self.records.get_mut(id) {
                let key = (stored.changed_at, id.clone());
                self.records_by_clock.remove(&key);
                stored.changed_at = self.clock;
                self.records_by_clock.insert((self.clock, key.1));
            }
        }
    }

    fn bury(&mut self, id: RecordId, removed_at: u64) {
        self.tombstones_by_clock.insert((removed_at, id.clone()));
        self.tombstones.insert(id, removed_at);
    }
}

/// The records of a snapshot after the migrations on `path`.
pub(crate) fn migrate_documents(
    documents: Vec<(Object, u64)>,
    path: &MigrationPath,
) -> Result<Vec<Object>, RestoreError> {
    let documents: Vec<Object> = documents.into_iter().map(|(record, _)| record).collect();
    if path.is_empty() {
        return Ok(documents);
    }
    let mut ids = BTreeSet::new();
    for record in &documents {
        let (id, _) = identity(record).ok_or(RestoreError::NotARecord)?;
        if !ids.insert(id) {
            return Err(RestoreError::RepeatedId(RecordId::from(id)));
        }
    }
    let migrated = path.migrate_all_up(documents.iter().cloned().collect())?;
    Ok(migrated.into_iter().map(|(_, record)| record).collect())
}

/// The id of a record of document scope that nests at most `depth` deep, or `None` for one of
/// another scope.
pub(crate) fn check_document(
    record: &Object,
    schema: &Schema,
    depth: usize,
) -> Result<Option<RecordId>, RestoreError> {
    let (id, type_name) = identity(record).ok_or(RestoreError::NotARecord)?;
    match schema.scope(type_name) {
        Some(Scope::Session | Scope::Presence) => Ok(None),
        Some(Scope::Document)
            if Object::stores(id)
                && is_within_depth(record, depth)
                && schema.validate(type_name, record).is_ok() =>
        {
            Ok(Some(RecordId::from(id)))
        }
        Some(Scope::Document) | None => Err(RestoreError::InvalidRecord(RecordId::from(id))),
    }
}

/// Whether the record nests at most `depth` deep.
pub(crate) fn is_within_depth(record: &Object, depth: usize) -> bool {
    depth
        .checked_sub(1)
        .is_some_and(|inner| record.values().iter().all(|value| value.is_within_depth(inner)))
}

impl Records for Store {
    fn record(&self, id: &str) -> Option<&Object> {
        self.get(id)
    }

    fn records(&self) -> Box<dyn Iterator<Item = (&RecordId, &Object)> + '_> {
        Box::new(self.iter())
    }
}

#[cfg(test)]
mod tests;
