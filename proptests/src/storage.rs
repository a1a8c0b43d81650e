//! What survives the room's process: commits, applied as any driver would.

use roomsync::{
    AppliedPush, Commit, Object, PushClient, RecordId, Room, RoomSnapshot, SerializedSchema,
};
use std::collections::BTreeMap;

/// The disk of the simulation. Knows nothing of rooms, only of commits.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    clock: u64,
    tombstone_history_starts_at: u64,
    documents: BTreeMap<RecordId, (Object, u64)>,
    tombstones: BTreeMap<RecordId, u64>,
    schema: Option<SerializedSchema>,
    /// The schema that a room has been opened with and has yet to tell.
    untold_schema: Option<SerializedSchema>,
    applied: BTreeMap<PushClient, AppliedPush>,
}

impl Storage {
    /// What a driver keeps of a room that it has just made.
    #[must_use]
    pub fn of_new(room: &Room) -> Self {
        Self { schema: room.snapshot().schema, ..Self::default() }
    }

    /// A room was opened from what is here. It tells its schema with its first commit.
    pub fn opened(&mut self, room: &Room) {
        self.untold_schema = room.snapshot().schema.filter(|own| self.schema.as_ref() != Some(own));
    }

    /// What the room would be restored from once it has told its schema.
    #[must_use]
    pub fn told_snapshot(&self) -> RoomSnapshot {
        let mut snapshot = self.snapshot();
        if let Some(schema) = &self.untold_schema {
            snapshot.schema = Some(schema.clone());
        }
        snapshot
    }

    /// The clock of the last commit.
    #[must_use]
    pub const fn clock(&self) -> u64 {
        self.clock
    }

    /// The clock since which removals are known.
    #[must_use]
    pub const fn tombstone_history_starts_at(&self) -> u64 {
        self.tombstone_history_starts_at
    }

    /// The clock of the last change of a document.
    #[must_use]
    pub fn changed_at(&self, id: &str) -> Option<u64> {
        self.documents.get(id).map(|(_, clock)| *clock)
    }

    /// Keeps a commit. Says what is wrong with one that cannot follow on what came before.
    ///
    /// # Errors
    ///
    /// When the commit's clock, removals or pruned tombstones do not fit.
    pub fn apply(&mut self, commit: &Commit) -> Result<(), String> {
        let expected = self.clock + u64::from(!commit.changes.is_empty());
        if commit.clock != expected {
            return Err(format!("commit at clock {} where {expected} is next", commit.clock));
        }
        self.clock = commit.clock;
        for change in &commit.changes {
            let id = change.id.clone();
            match &change.after {
                Some(record) => {
                    self.tombstones.remove(&id);
                    self.documents.insert(id, (record.clone(), commit.clock));
                }
                None => {
                    if self.documents.remove(&id).is_none() {
                        return Err(format!("{id} is removed and was not there"));
                    }
                    self.tombstones.insert(id, commit.clock);
                }
            }
        }
        for id in &commit.pruned {
            if self.tombstones.remove(id).is_none() {
                return Err(format!("the tombstone of {id} is pruned and was not there"));
            }
        }
        if commit.tombstone_history_starts_at < self.tombstone_history_starts_at {
            return Err("the history of tombstones grows backwards".into());
        }
        self.tombstone_history_starts_at = commit.tombstone_history_starts_at;
        if let Some(applied) = &commit.applied {
            self.applied.insert(applied.client.clone(), applied.clone());
        }
        for client in &commit.forgotten {
            if self.applied.remove(client).is_none() {
                return Err(format!("the last push of {client:?} is forgotten and was not known"));
            }
        }
        if let Some(untold) = self.untold_schema.take()
            && commit.schema.as_ref() != Some(&untold)
        {
            return Err(format!("the first commit has schema {:?}", commit.schema));
        }
        if let Some(schema) = &commit.schema {
            self.schema = Some(schema.clone());
        }
        Ok(())
    }

    /// What a restarted room is restored from.
    #[must_use]
    pub fn snapshot(&self) -> RoomSnapshot {
        let mut snapshot = RoomSnapshot::default();
        snapshot.clock = self.clock;
        snapshot.tombstone_history_starts_at = self.tombstone_history_starts_at;
        snapshot.documents = self.documents.values().cloned().collect();
        snapshot.tombstones = self.tombstones.iter().map(|(id, at)| (id.clone(), *at)).collect();
        snapshot.schema = self.schema.clone();
        snapshot.applied_pushes = self.applied.values().cloned().collect();
        snapshot.applied_pushes.sort_by_key(|applied| applied.order);
        snapshot
    }
}
