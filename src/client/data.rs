//! What others did, and what became of pushes.

use super::Client;
use super::action::RecordChange;
use super::connection::Connection;
use super::replica::replace;
use super::step::{Fault, Staged, Step};
use crate::wire::DataEntry;
use alloc::vec::Vec;

impl Client {
    /// Applies the entries of a data message as one step. Before the client is let in there is
    /// nothing to apply them to: the answer will hold what they say.
    pub(super) fn handle_data(&mut self, entries: &[DataEntry]) {
        if !matches!(self.connection, Connection::Online(_)) {
            return;
        }
        match self.data_step(entries) {
            Ok((mut staged, server_clock)) => {
                self.server_clock = server_clock;
                let presence = core::mem::take(&mut staged.presence).into_iter();
                let presence: Vec<RecordChange> = presence
                    .filter_map(|(id, after)| replace(&mut self.presence, id, after))
                    .collect();
                let changes = self.replica.commit(&self.schema, staged);
                self.emit_remote(changes, presence);
            }
            Err(Fault) => self.start_over(),
        }
    }

    fn data_step(&self, entries: &[DataEntry]) -> Result<(Staged, Option<u64>), Fault> {
        let mut step = Step::new(&self.schema, &self.replica, &self.presence);
        let mut server_clock = self.server_clock;
        for entry in entries {
            server_clock = Some(step.apply_entry(entry)?);
        }
        Ok((step.into_staged(), server_clock))
    }
}
