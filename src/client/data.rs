//! What others did, and what became of pushes.

use super::Client;
use super::action::{ClientEvent, RecordChange, Source};
use super::connection::Connection;
use super::replica::{Replica, replace};
use super::step::{Fault, Staged, Step};
use crate::ids::RecordId;
use crate::schema::Schema;
use crate::wire::DataEntry;
use alloc::vec::Vec;

impl Client {
    /// Applies the entries of a data message as one step. Before the client is let in there is
    /// nothing to apply them to: the answer will hold what they say.
    pub(super) fn handle_data(&mut self, entries: Vec<DataEntry>) {
        if !matches!(self.connection, Connection::Online(_)) {
            return;
        }
        match self.data_step(entries) {
            Ok((staged, server_clock)) => {
                self.server_clock = server_clock;
                let answered = staged.answered.checked_sub(1);
                if let Some(push) = answered.and_then(|last| self.replica.pending().get(last)) {
                    self.last_acked_push = push.clock;
                }
                self.take_over(staged, Replica::commit);
            }
            Err(Fault) => self.start_over(),
        }
    }

    /// Lets what the room said take effect, in the way that `commit` does it for documents, and
    /// tells the application what looks different.
    pub(super) fn take_over(
        &mut self,
        mut staged: Staged,
        commit: impl FnOnce(&mut Replica, &Schema, Staged) -> Vec<RecordChange>,
    ) {
        let refused = core::mem::take(&mut staged.refused);
        let new_aside = staged
            .aside
            .iter()
            .filter(|(id, record)| record.is_some() && self.replica.aside_record(id).is_none());
        let unreadable: Vec<RecordId> = new_aside.map(|(id, _)| id.clone()).collect();
        let presence = core::mem::take(&mut staged.presence).into_iter();
        let presence = presence.filter_map(|(id, after)| replace(&mut self.presence, id, after));
        let presence: Vec<RecordChange> = presence.collect();
        let changes = commit(&mut self.replica, &self.schema, staged);
        self.undo.note_others(&changes);
        if !changes.is_empty() {
            self.emit(ClientEvent::Changed { source: Source::Remote, changes });
        }
        if !presence.is_empty() {
            self.emit(ClientEvent::Presence(presence));
        }
        if !refused.is_empty() {
            self.emit(ClientEvent::Refused(refused));
        }
        if !unreadable.is_empty() {
            self.emit(ClientEvent::Unreadable(unreadable));
        }
    }

    fn data_step(&self, entries: Vec<DataEntry>) -> Result<(Staged, Option<u64>), Fault> {
        let mut step = Step::new(&self.schema, &self.replica, &self.presence);
        let mut server_clock = self.server_clock;
        for entry in entries {
            server_clock = Some(step.apply_entry(entry)?);
        }
        Ok((step.into_staged(), server_clock))
    }
}
