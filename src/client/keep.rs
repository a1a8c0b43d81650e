//! What of a client is to be made durable: what changed since it last asked for that.
//!
//! The commit is put together when the driver takes the next action, and stands before all of them.
//! So whatever an action tells of is durable before it, and inputs in a row make one commit.

use super::Client;
use super::persist::{
    ClientCommit, Meta, aside_key, edit_key, meta_key, outrun_key, push_key, record_key, schema_key,
};
use super::replica::{PendingPush, Replica};
use crate::ids::{Key, RecordId};
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// The entries that may differ from what is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper {
    records: BTreeSet<RecordId>,
    pushes: BTreeSet<u64>,
    edits: BTreeSet<RecordId>,
    outruns: BTreeSet<RecordId>,
    /// The documents of whose unsent changes there is an entry.
    kept_edits: BTreeSet<RecordId>,
    /// The records that cannot be read of which there is an entry.
    kept_aside: BTreeSet<RecordId>,
    /// The room's clock that is kept, once anything is.
    kept_clock: Option<Option<u64>>,
}

impl Keeper {
    /// The keeper of what is durable already, with entries for these unsent changes and for these
    /// records that cannot be read.
    pub(super) fn of_kept<'a>(
        edits: impl Iterator<Item = &'a RecordId>,
        aside: impl Iterator<Item = &'a RecordId>,
    ) -> Self {
        let (kept_edits, kept_aside) = (edits.cloned().collect(), aside.cloned().collect());
        Self { kept_edits, kept_aside, ..Self::default() }
    }

    /// Notes that the schema and this clock are durable, too.
    pub(super) const fn at(mut self, server_clock: Option<u64>) -> Self {
        self.kept_clock = Some(server_clock);
        self
    }

    /// Notes that these entries are to be written as they are now, or to go.
    pub(super) fn rewrite<'a>(
        &mut self,
        records: impl Iterator<Item = &'a RecordId>,
        pushes: impl Iterator<Item = &'a u64>,
        edits: impl Iterator<Item = &'a RecordId>,
        outruns: impl Iterator<Item = &'a RecordId>,
    ) {
        self.records.extend(records.cloned());
        self.pushes.extend(pushes.copied());
        self.edits.extend(edits.cloned());
        self.outruns.extend(outruns.cloned());
    }

    fn is_idle(&self) -> bool {
        self.records.is_empty()
            && self.pushes.is_empty()
            && self.edits.is_empty()
            && self.outruns.is_empty()
    }
}

impl Replica {
    pub(super) fn keep_record(&mut self, id: &RecordId) {
        if let Some(keeper) = &mut self.keeper {
            keeper.records.insert(id.clone());
        }
    }

    pub(super) fn keep_edit(&mut self, id: &RecordId) {
        if let Some(keeper) = &mut self.keeper {
            keeper.edits.insert(id.clone());
        }
    }

    /// It changes whether others have outrun what is pending of the document.
    pub(super) fn keep_outrun(&mut self, id: &RecordId) {
        if let Some(keeper) = &mut self.keeper {
            keeper.outruns.insert(id.clone());
        }
    }

    /// A push begins or ceases to be pending. One of presence alone is not kept: presence ends with
    /// the connection, and rooms do not count such pushes.
    pub(super) fn keep_push(&mut self, push: &PendingPush) {
        if let Some(keeper) = self.keeper.as_mut().filter(|_| !push.diff.is_empty()) {
            keeper.pushes.insert(push.clock);
        }
    }

    /// The entries that differ from what is durable, or may.
    fn take_entries(&mut self) -> Vec<(Key, Option<Value>)> {
        let Some(mut keeper) = self.keeper.take() else { return Vec::new() };
        let mut entries = Vec::new();
        for id in core::mem::take(&mut keeper.records) {
            let record = self.confirmed(&id).cloned().map(Value::from);
            entries.push((record_key(&id), record));
            let aside = self.aside_record(&id).cloned().map(Value::from);
            if aside.is_some() {
                keeper.kept_aside.insert(id.clone());
                entries.push((aside_key(&id), aside));
            } else if keeper.kept_aside.remove(&id) {
                entries.push((aside_key(&id), None));
            }
        }
        for clock in core::mem::take(&mut keeper.pushes) {
            let push = self.pending_push(clock).map(|push| push.diff.to_value());
            entries.push((push_key(clock), push));
        }
        for id in core::mem::take(&mut keeper.edits) {
            let op = self.unsent_op(&id).map(|op| op.to_value());
            let is_new = match op {
                Some(_) => keeper.kept_edits.insert(id.clone()),
                None => !keeper.kept_edits.remove(&id),
            };
            // What was never kept and is not there needs no word.
            if op.is_some() || !is_new {
                entries.push((edit_key(&id), op));
            }
        }
        for id in core::mem::take(&mut keeper.outruns) {
            let clock = self.outrun(&id).map(Value::from);
            entries.push((outrun_key(&id), clock));
        }
        self.keeper = Some(keeper);
        entries
    }
}

impl Client {
    /// Whether there is something to make durable.
    pub(super) fn has_commit(&self) -> bool {
        let Some(keeper) = &self.replica.keeper else { return false };
        !keeper.is_idle() || keeper.kept_clock != Some(self.server_clock)
    }

    /// What is to be made durable, if anything is.
    pub(super) fn take_commit(&mut self) -> Option<ClientCommit> {
        if !self.has_commit() {
            return None;
        }
        let server_clock = self.server_clock;
        let keeper = self.replica.keeper.as_mut()?;
        let is_first = keeper.kept_clock.is_none();
        let has_moved = keeper.kept_clock.replace(server_clock) != Some(server_clock);
        let knows_pushes = !keeper.pushes.is_empty();
        let mut entries = self.replica.take_entries();
        if has_moved || knows_pushes {
            entries.push((meta_key(), Some(self.meta().to_value())));
        }
        if is_first && let Some(schema) = self.schema.serialized() {
            entries.push((schema_key(), Some(schema.to_value())));
        }
        (!entries.is_empty()).then(|| entries.into_iter().collect())
    }

    fn meta(&self) -> Meta {
        Meta {
            client_id: self.config.client_id.clone(),
            server_clock: self.server_clock,
            last_push: self.last_push,
            last_acked_push: self.last_acked_push,
        }
    }
}
