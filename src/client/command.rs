//! What the application wants: changes, messages, and an end.

use super::Client;
use super::action::{ClientEvent, RecordChange, Source, Status};
use super::connection::Connection;
use crate::close::CloseReason;
use crate::error::TransactError;
use crate::ids::RecordId;
use crate::schema::{Scope, identity};
use crate::store::{Records, Transaction, size_of_object};
use crate::time::Instant;
use crate::value::{Object, Value};
use crate::wire::{ClientMessage, ObjectAccess};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl Client {
    /// Changes documents and records of session scope in one step. It takes effect at once; the
    /// documents go to the room as soon as may be, which may make something else of them.
    ///
    /// # Errors
    ///
    /// Whatever the closure returns, [`TransactError::ReadOnly`] for documents that the room does not
    /// let this client change, [`TransactError::SetAside`] for the id of a record that this
    /// client cannot read, and [`TransactError::BadId`] or [`TransactError::TooLarge`] for what no room
    /// takes that has the limits of [`ClientConfig::limits`](super::ClientConfig::limits). Then nothing
    /// has changed.
    pub fn transact<T>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
    ) -> Result<T, TransactError> {
        let (result, changes) = self.run(now, f)?;
        self.undo.record(&changes, self.config.undo_steps);
        Ok(result)
    }

    /// Does what [`Self::transact`] does, but not as a step that can be [undone](Self::undo): to undo
    /// and redo, it is as if somebody else had done it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn transact_unrecorded<T>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
    ) -> Result<T, TransactError> {
        let (result, changes) = self.run(now, f)?;
        self.undo.note_others(&changes);
        Ok(result)
    }

    /// Runs a transaction. Returns also what it made of documents.
    fn run<T>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
    ) -> Result<(T, Vec<RecordChange>), TransactError> {
        self.advance(now);
        let (scopes, depth) = ([Scope::Document, Scope::Session], self.config.limits.value_depth);
        let mut tx = Transaction::new(&self.replica, &self.schema, &scopes, depth);
        let result = f(&mut tx)?;
        let changes = tx.into_changes();
        self.check_access(&changes)?;
        self.check_limits(&changes)?;
        let changes = self.change(changes);
        self.finish();
        Ok((result, changes))
    }

    /// Sends a message of the application's to the host of the room. Stock rooms do not know such
    /// messages, and end the session. It may overtake changes that are not pushed yet.
    ///
    /// Returns whether it was sent: not while the client is not online, nor when `data` nests
    /// deeper than [`Limits::value_depth`](crate::Limits::value_depth).
    pub fn send_custom(&mut self, now: Instant, data: Value) -> bool {
        self.advance(now);
        let may_send = matches!(self.connection, Connection::Online(_))
            && data.is_within_depth(self.config.limits.value_depth);
        if may_send {
            self.send(&ClientMessage::Custom(data));
        }
        may_send
    }

    /// Pushes what is unsent if the client is online, and ends the connection. There will be no
    /// other; records can still be read and changed, but nobody hears of it.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        self.push_all();
        self.stop(CloseReason::Closed, Status::Closed);
    }

    pub(super) fn check_access(
        &self,
        changes: &BTreeMap<RecordId, Option<Object>>,
    ) -> Result<(), TransactError> {
        let unreadable = changes.keys().find(|id| self.replica.aside_record(id).is_some());
        if let Some(id) = unreadable {
            return Err(TransactError::SetAside(id.clone()));
        }
        let may_change = |(id, after): (&RecordId, &Option<Object>)| {
            let record = after.as_ref().or_else(|| self.replica.record(id));
            let type_name = record.and_then(identity).map_or("", |(_, type_name)| type_name);
            match self.schema.scope(type_name) {
                Some(Scope::Document) if self.config.object_types.contains(type_name) => {
                    self.object_access == ObjectAccess::Write
                }
                Some(Scope::Document) => !self.is_readonly,
                Some(Scope::Session | Scope::Presence) | None => true,
            }
        };
        if changes.iter().all(may_change) { Ok(()) } else { Err(TransactError::ReadOnly) }
    }

    /// Checks that a room can take the documents. One that cannot would turn the client away, and
    /// again whenever it comes back with them.
    fn check_limits(
        &self,
        changes: &BTreeMap<RecordId, Option<Object>>,
    ) -> Result<(), TransactError> {
        let limits = &self.config.limits;
        for (id, after) in changes {
            let Some(record) = after else { continue };
            let type_name = identity(record).map_or("", |(_, type_name)| type_name);
            if self.schema.scope(type_name) != Some(Scope::Document) {
                continue;
            }
            let is_good =
                (1..=limits.id_bytes).contains(&id.len()) && !self.presence.contains_key(id);
            if !is_good && self.replica.record(id).is_none() {
                return Err(TransactError::BadId(id.clone()));
            }
            if size_of_object(record) > limits.record_bytes {
                return Err(TransactError::TooLarge(id.clone()));
            }
        }
        Ok(())
    }

    /// Makes the changes and tells of them. Returns what they made of documents.
    pub(super) fn change(
        &mut self,
        changes: BTreeMap<RecordId, Option<Object>>,
    ) -> Vec<RecordChange> {
        let mut told: Vec<RecordChange> = Vec::new();
        let mut of_documents = Vec::new();
        for (id, after) in changes {
            let record = after.as_ref().or_else(|| self.replica.record(&id));
            let type_name = record.and_then(identity).map_or("", |(_, type_name)| type_name);
            let change = match self.schema.scope(type_name) {
                Some(Scope::Session) => self.replica.edit_local(id, after),
                Some(Scope::Document | Scope::Presence) | None => {
                    let change = self.replica.edit(id, after);
                    of_documents.extend(change.clone());
                    change
                }
            };
            told.extend(change);
        }
        if !told.is_empty() {
            self.emit(ClientEvent::Changed { source: Source::Local, changes: told });
        }
        of_documents
    }
}
