//! What survives the room's process: a snapshot and the commits since, as lines of a file.
//!
//! A line is written when the room asks for it, and durable before anything else that it asks for is
//! done. If the process dies in between the line may be torn, and then the commit never was.

use crate::journal::{Journal, Torn};
use roomsync::{
    AppliedPush, Commit, Object, PushClient, RecordId, Room, RoomSnapshot, SerializedSchema, Value,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The disk of the simulation, and what whoever reads it makes of it. Knows nothing of rooms, only of
/// commits.
#[derive(Clone, Debug)]
pub struct Storage {
    table: Table,
    /// The schema that a room has been opened with and has yet to tell.
    untold_schema: Option<SerializedSchema>,
    journal: Journal,
    /// What is written and may be torn.
    unsynced: Vec<Arc<Commit>>,
}

/// What commits, one after the other, have left.
#[derive(Clone, Debug, Default, PartialEq)]
struct Table {
    clock: u64,
    tombstone_history_starts_at: u64,
    documents: BTreeMap<RecordId, (Object, u64)>,
    tombstones: BTreeMap<RecordId, u64>,
    schema: Option<SerializedSchema>,
    applied: BTreeMap<PushClient, AppliedPush>,
}

impl Storage {
    /// What a driver keeps of a room that it has just made.
    #[must_use]
    pub fn of_new(room: &Room) -> Self {
        let table = Table { schema: room.snapshot().schema, ..Table::default() };
        let journal = Journal::of(&table.snapshot().to_value().to_string());
        Self { table, untold_schema: None, journal, unsynced: Vec::new() }
    }

    /// A room was opened from what is here. It tells its schema with its first commit.
    pub fn opened(&mut self, room: &Room) {
        let own = room.snapshot().schema;
        self.untold_schema = own.filter(|own| self.table.schema.as_ref() != Some(own));
    }

    /// Writes a commit. Says what is wrong with one that cannot follow on what came before.
    ///
    /// # Errors
    ///
    /// When the commit's clock, removals, pruned tombstones or schema do not fit.
    pub fn write(&mut self, commit: &Arc<Commit>) -> Result<(), String> {
        self.table.apply(commit)?;
        if let Some(untold) = self.untold_schema.take()
            && commit.schema.as_ref() != Some(&untold)
        {
            return Err(format!("the first commit has schema {:?}", commit.schema));
        }
        self.journal.write(&commit.to_value().to_string());
        self.unsynced.push(Arc::clone(commit));
        Ok(())
    }

    /// Makes all durable that is written. Gives what was not before.
    pub fn sync(&mut self) -> Vec<Arc<Commit>> {
        self.journal.sync();
        core::mem::take(&mut self.unsynced)
    }

    /// The process dies, with so many eighths of what is not durable on the disk. Gives those commits
    /// that are there, and whether one was torn.
    ///
    /// # Errors
    ///
    /// When what is there cannot be read.
    pub fn crash(&mut self, eighths: u16) -> Result<(Vec<Arc<Commit>>, bool), String> {
        let Torn { kept, has_torn } = self.journal.crash(eighths);
        let mut survivors = core::mem::take(&mut self.unsynced);
        survivors.truncate(kept);
        self.table = read(&self.journal)?;
        Ok((survivors, has_torn))
    }

    /// What a restarted room is restored from. Where there were commits there is one snapshot now.
    ///
    /// # Errors
    ///
    /// When what is there cannot be read, or is not what was written.
    pub fn reopen(&mut self) -> Result<RoomSnapshot, String> {
        let read = read(&self.journal)?;
        if read != self.table {
            return Err(format!("written {:?}\n  read {read:?}", self.table));
        }
        let snapshot = read.snapshot();
        self.journal = Journal::of(&snapshot.to_value().to_string());
        Ok(snapshot)
    }

    /// All that decides what can be read.
    #[must_use]
    pub fn state(&self) -> impl core::fmt::Debug {
        (&self.table, &self.untold_schema, &self.unsynced)
    }

    /// What the room would be restored from.
    #[must_use]
    pub fn snapshot(&self) -> RoomSnapshot {
        self.table.snapshot()
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

    /// The clock at which a document was last changed or removed, unless that is forgotten.
    #[must_use]
    pub fn changed_at(&self, id: &str) -> Option<u64> {
        let Table { documents, tombstones, .. } = &self.table;
        documents.get(id).map(|(_, at)| at).or_else(|| tombstones.get(id)).copied()
    }

    /// The clock of the last commit.
    #[must_use]
    pub const fn clock(&self) -> u64 {
        self.table.clock
    }
}

/// What the lines of a file say.
fn read(journal: &Journal) -> Result<Table, String> {
    let mut lines = journal.lines();
    let snapshot = lines.next().ok_or("there is no snapshot")?;
    let snapshot = RoomSnapshot::from_json(snapshot).map_err(|error| error.to_string())?;
    let mut table = Table::of(snapshot)?;
    for line in lines {
        let line: Value = line.parse().map_err(|error| format!("{error}: {line}"))?;
        let commit = Commit::from_value(&line).map_err(|error| format!("{error}: {line}"))?;
        table.apply(&commit)?;
    }
    Ok(table)
}

impl Table {
    fn of(snapshot: RoomSnapshot) -> Result<Self, String> {
        let mut table = Self {
            clock: snapshot.clock,
            tombstone_history_starts_at: snapshot.tombstone_history_starts_at,
            tombstones: snapshot.tombstones.into_iter().collect(),
            schema: snapshot.schema,
            ..Self::default()
        };
        for (record, changed_at) in snapshot.documents {
            let id = record.get("id").and_then(Value::as_str).ok_or("a record without id")?;
            table.documents.insert(RecordId::from(id), (record.clone(), changed_at));
        }
        let applied = snapshot.applied_pushes.into_iter();
        table.applied = applied.map(|applied| (applied.client.clone(), applied)).collect();
        Ok(table)
    }

    fn apply(&mut self, commit: &Commit) -> Result<(), String> {
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
        if let Some(schema) = &commit.schema {
            self.schema = Some(schema.clone());
        }
        Ok(())
    }

    fn snapshot(&self) -> RoomSnapshot {
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
