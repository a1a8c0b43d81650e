//! What the host wants: changes, messages, and an end.

use super::session::{Session, SessionKey, State};
use super::{Origin, Room, RoomAction, place_schema};
use crate::close::CloseReason;
use crate::error::{RestoreError, SendError, TransactError, UnknownConnection};
use crate::ids::{ConnectionId, RecordId};
use crate::schema::{MigrationPath, Scope};
use crate::store::{Changes, RoomSnapshot, Step, Transaction, migrate_documents};
use crate::time::Instant;
use crate::value::Value;
use crate::wire::{PROTOCOL_VERSION, ServerMessage};
use alloc::vec::Vec;

impl Room {
    /// Changes documents in one step, like a push of the host's own.
    ///
    /// # Errors
    ///
    /// Whatever the closure returns; then nothing has changed.
    pub fn transact<T>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
    ) -> Result<T, TransactError> {
        self.advance(now);
        let depth = self.config.limits.value_depth;
        let mut tx = Transaction::new(&self.store, &self.schema, &[Scope::Document], depth);
        let result = f(&mut tx)?;
        let changes = tx.into_changes();
        if let Some(id) = self.presence_among(&changes) {
            return Err(TransactError::WrongType(id));
        }
        self.change_documents(changes, false);
        self.flush();
        Ok(result)
    }

    /// Sends a message of the application's to a connected session.
    ///
    /// # Errors
    ///
    /// When there is no such connection, it did not enter yet, or it takes no more for now.
    pub fn send_custom(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        data: Value,
    ) -> Result<(), SendError> {
        self.advance(now);
        let key = self.by_connection.get(&connection).copied();
        let key = key.ok_or(SendError::UnknownConnection)?;
        let codec = match self.sessions.get(&key).map(|session| &session.state) {
            Some(State::Connected { link, reader }) if link.writable => reader.dialect.form.codec,
            Some(State::Connected { .. }) => return Err(SendError::NotWritable),
            Some(State::AwaitingConnect { .. } | State::Cancelled { .. }) | None => {
                return Err(SendError::UnknownConnection);
            }
        };
        // What was collected before stays before.
        self.flush_session_now(key);
        if !self.by_connection.contains_key(&connection) {
            // It had fallen so far behind that it was closed to start over.
            return Err(SendError::UnknownConnection);
        }
        let frame = ServerMessage::Custom(data).encode(codec);
        self.actions.push_back(RoomAction::send(connection, frame));
        Ok(())
    }

    /// Closes a connection and removes its session at once.
    ///
    /// # Errors
    ///
    /// When there is no such connection.
    pub fn close_session(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        reason: CloseReason,
    ) -> Result<(), UnknownConnection> {
        self.advance(now);
        let key = self.by_connection.get(&connection).copied();
        let key = key.ok_or(UnknownConnection(connection))?;
        self.flush_session_now(key);
        let reader = self.sessions.get(&key).and_then(Session::reader);
        let version = reader.map_or(PROTOCOL_VERSION, |reader| reader.version);
        self.reject(key, version, reason);
        self.flush();
        Ok(())
    }

    /// Makes the documents be those of the snapshot, in one step that sessions hear as changes.
    /// The clock goes on; the snapshot's own clocks and tombstones are of another history.
    ///
    /// A room whose [`Schema`](crate::Schema) adopts takes on the schema of the snapshot if it is
    /// newer than the room's. Sessions of the old one are closed to connect again, and told then
    /// whether their clients are too old.
    ///
    /// # Errors
    ///
    /// When the snapshot is damaged or of a schema from which no migrations lead to the room's; then
    /// nothing has changed.
    pub fn load_snapshot(
        &mut self,
        now: Instant,
        snapshot: RoomSnapshot,
    ) -> Result<(), RestoreError> {
        self.advance(now);
        let is_fresh = self.store.is_empty() && self.sessions.is_empty();
        let own = if is_fresh { self.schema.serialized() } else { self.serialized.as_ref() };
        let (serialized, path) = match place_schema(&self.schema, own, snapshot.schema.as_ref()) {
            // No client brings a room that adopts to a newer schema, so that its host can.
            Err(RestoreError::SchemaTooNew) if self.schema.serialized().is_none() => {
                (snapshot.schema.clone(), MigrationPath::default())
            }
            placed => placed?,
        };
        let documents = migrate_documents(snapshot.documents, &path)?;
        let depth = self.config.limits.value_depth;
        let changes = self.store.changes_to(documents.into_iter(), &self.schema, depth)?;
        if let Some(id) = self.presence_among(&changes) {
            return Err(RestoreError::RepeatedId(id));
        }
        let is_new_schema = serialized.is_some() && serialized != self.serialized;
        if is_new_schema {
            self.serialized = serialized;
            self.is_schema_unsaved = true;
            self.place_again(None);
        }
        self.change_documents(changes, is_new_schema);
        self.flush();
        Ok(())
    }

    /// Sends what is collected, closes all connections and ends all sessions. The room takes no
    /// more of them.
    pub fn shutdown(&mut self, now: Instant) {
        self.advance(now);
        self.is_shut_down = true;
        for session in self.sessions.values_mut() {
            if let State::Connected { reader, .. } = &mut session.state {
                reader.next_flush = self.now;
            }
        }
        self.flush();
        let keys: Vec<SessionKey> = self.sessions.keys().copied().collect();
        for key in keys {
            self.remove(key, CloseReason::ShuttingDown);
        }
        self.flush();
    }

    /// A record to be that has the id of a session's presence. Whoever hears of both could not
    /// tell them apart.
    fn presence_among(&self, changes: &Changes) -> Option<RecordId> {
        let mut ids = self.sessions.values().map(|session| &session.presence_id);
        ids.find(|id| matches!(changes.get(*id), Some(Some(_)))).cloned()
    }

    fn change_documents(&mut self, changes: Changes, is_new_schema: bool) {
        let mut edit = self.store.edit();
        edit.make(changes);
        let Step { ops, before } = edit.commit();
        if !ops.is_empty() || is_new_schema {
            let told = self.before_to_tell(&before);
            self.persist(Origin::Host, &ops, before, None);
            self.broadcast(None, &ops, &told);
        }
    }
}
