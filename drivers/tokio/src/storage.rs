//! Where rooms are kept when nobody is in them.

use roomsync::{AppliedPush, Commit, Object, PushClient, RecordId, RoomSnapshot, SerializedSchema};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The name of a room.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(Arc<str>);

impl RoomId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RoomId {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for RoomId {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whatever went wrong in a storage, in its own words.
pub type StorageError = Box<dyn Error + Send + Sync>;

/// A commit of one room.
#[derive(Clone, Debug)]
pub struct RoomCommit {
    /// The room.
    pub room: RoomId,
    /// What became of it.
    pub commit: Arc<Commit>,
}

/// Keeps rooms. Its methods may block: they run on a thread of their own, one at a time.
///
/// A storage belongs to one host. Two hosts that write the same rooms overwrite each other, so an
/// implementation locks what it writes to.
pub trait Storage: Send + 'static {
    /// All that is kept of the room, or `None` when nothing is.
    ///
    /// # Errors
    ///
    /// When the room cannot be read. Its clients are told to come back later.
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError>;

    /// Makes the commits durable, in their order, all of them or none. They may be of several
    /// rooms.
    ///
    /// Of each: a change with a record is kept with the commit's clock, and the tombstone of its
    /// id is dropped; one without leaves a tombstone with the commit's clock. Pruned tombstones
    /// are dropped. Clock, start of the tombstones' history and, if there is one, schema are kept.
    /// An applied push takes the place of its client's last one, and then the forgotten clients'
    /// are dropped.
    ///
    /// # Errors
    ///
    /// When they may not all have become durable. If they are of several rooms, those of each room
    /// are then handed over once more by themselves, in their order. A room whose own fail is
    /// dropped, and opened again from what is kept.
    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError>;
}

/// Keeps rooms as long as the process lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    rooms: BTreeMap<RoomId, KeptRoom>,
}

#[derive(Clone, Debug, Default)]
struct KeptRoom {
    clock: u64,
    tombstone_history_starts_at: u64,
    documents: BTreeMap<RecordId, (Object, u64)>,
    tombstones: BTreeMap<RecordId, u64>,
    schema: Option<SerializedSchema>,
    applied: BTreeMap<PushClient, AppliedPush>,
}

impl Storage for MemoryStorage {
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        Ok(self.rooms.get(room).map(KeptRoom::snapshot))
    }

    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError> {
        for RoomCommit { room, commit } in commits {
            self.rooms.entry(room.clone()).or_default().apply(commit);
        }
        Ok(())
    }
}

impl KeptRoom {
    fn apply(&mut self, commit: &Commit) {
        for change in &commit.changes {
            match &change.after {
                Some(record) => {
                    self.tombstones.remove(&change.id);
                    self.documents.insert(change.id.clone(), (record.clone(), commit.clock));
                }
                None => {
                    self.documents.remove(&change.id);
                    self.tombstones.insert(change.id.clone(), commit.clock);
                }
            }
        }
        for id in &commit.pruned {
            self.tombstones.remove(id);
        }
        if let Some(applied) = &commit.applied {
            self.applied.insert(applied.client.clone(), applied.clone());
        }
        for client in &commit.forgotten {
            self.applied.remove(client);
        }
        self.clock = commit.clock;
        self.tombstone_history_starts_at = commit.tombstone_history_starts_at;
        if commit.schema.is_some() {
            self.schema.clone_from(&commit.schema);
        }
    }

    fn snapshot(&self) -> RoomSnapshot {
        let mut snapshot = RoomSnapshot::default();
        snapshot.clock = self.clock;
        snapshot.tombstone_history_starts_at = self.tombstone_history_starts_at;
        snapshot.documents = self.documents.values().cloned().collect();
        let tombstones = self.tombstones.iter();
        snapshot.tombstones = tombstones.map(|(id, clock)| (id.clone(), *clock)).collect();
        snapshot.schema.clone_from(&self.schema);
        snapshot.applied_pushes = self.applied.values().cloned().collect();
        snapshot.applied_pushes.sort_by_key(|applied| applied.order);
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roomsync::{Instant, Room, RoomAction, RoomConfig, Schema, SessionParams};

    #[test]
    fn the_last_push_of_each_client_is_kept_until_it_is_forgotten() {
        let mut config = RoomConfig::default();
        config.limits.known_clients = 2;
        let mut room = Room::new(config, Arc::new(Schema::tldraw())).unwrap();
        let (id, mut storage) = (RoomId::from("r"), MemoryStorage::default());
        for (client, push) in [("a", 1), ("b", 1), ("a", 2), ("c", 1)] {
            let connection = room.handle_connect(Instant::ZERO, SessionParams::new(client));
            let connection = connection.unwrap();
            let connect = format!(
                r#"{{"type":"connect","connectRequestId":"r","lastServerClock":-1,"protocolVersion":8,
                "schema":{{"schemaVersion":2,"sequences":{{}}}},"clientId":"{client}"}}"#
            );
            let push =
                format!(r#"{{"type":"push","clientClock":{push},"diff":{{"page:a":["remove"]}}}}"#);
            for text in [connect, push] {
                room.handle_message(Instant::ZERO, connection, text.as_bytes());
            }
            while let Some(action) = room.poll_action() {
                if let RoomAction::Persist(commit) = action {
                    storage.commit(&[RoomCommit { room: id.clone(), commit }]).unwrap();
                }
            }
            assert_eq!(storage.load(&id).unwrap(), Some(room.snapshot()));
        }
        let kept = storage.load(&id).unwrap().unwrap().applied_pushes;
        assert_eq!(kept.iter().map(|it| it.client.client.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    }
}
