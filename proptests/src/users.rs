//! What applications do with their clients.

use crate::did::Did;
use crate::edit;
use crate::invariant::{LOCAL, Verdict, fail, same};
use crate::marker;
use crate::oracle::records_of;
use crate::reach::Reach;
use crate::trace::{Lane, Mark};
use crate::world::World;
use roomsync::{NetworkHint, PresenceMode, TransactError};

impl World {
    /// The application changes a document.
    pub(crate) fn client_edits(&mut self, client: usize, record: u16, how: u16) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        let stamp = self.oracle.new_stamp(Some(client));
        let own_id = edit::own_id(stamp);
        let id = if edit::is_own(how) { own_id.as_str() } else { edit::record_id(record).0 };
        let mark = how.is_multiple_of(4).then(|| self.oracle.marks.make());
        let own = &mut self.clients[client].client;
        let marks = marker::seen(client, own);
        let before = own.record(id).cloned();
        let mut meant = None;
        let result = own.transact(now, |tx| {
            edit::edit(tx, record, how, stamp)?;
            if let Some(mark) = mark.filter(|_| tx.record(id).is_some()) {
                tx.update(id, |it| marker::leave(it, client, mark))?;
            }
            meant = tx.record(id).cloned();
            Ok(())
        });
        if result.is_ok() && edit::is_own(how) {
            let own = &mut self.clients[client];
            own.did.push(Did { stamp, at: own.client.checkpoint(), is_removed: false });
        }
        let own = &self.clients[client].client;
        let expected = if result.is_ok() { meant } else { before };
        let seen = own.record(id).cloned();
        self.expect_marks(client, &marks);
        self.mark(Lane::Client(client), || {
            (Mark::Note, format!("edits {id}{}", or_error(&result)))
        });
        same(LOCAL, &format!("{id} at client {client} after {result:?}"), &expected, &seen)?;
        self.drain_client(client)
    }

    /// The user takes back what was done last, or does it again.
    pub(crate) fn client_undoes(&mut self, client: usize, how: u16) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        let own = &mut self.clients[client].client;
        let (marks, before) = (marker::seen(client, own), records_of(own.records()));
        let is_redo = how.is_multiple_of(3);
        let can = if is_redo { own.can_redo() } else { own.can_undo() };
        let did = if is_redo { own.redo(now) } else { own.undo(now) };
        let after = records_of(own.records());
        let what = if is_redo { "a redo" } else { "an undo" };
        same(LOCAL, &format!("whether {what} is possible at client {client}"), &can, &did)?;
        same(
            LOCAL,
            &format!("whether {what} at client {client} changes"),
            &did,
            &(before != after),
        )?;
        if did {
            self.oracle.reach.meet(if is_redo { Reach::Redone } else { Reach::Undone });
            self.oracle.effects.may_recur(&before, &after);
            self.note_undone(client, &before, &after);
        }
        self.expect_marks(client, &marks);
        self.mark(Lane::Client(client), || (Mark::Note, format!("{what}: {did}")));
        self.drain_client(client)
    }

    /// The application shows something of its user.
    pub(crate) fn client_shows(&mut self, client: usize, how: u16) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        let record = (!how.is_multiple_of(16)).then(|| edit::presence(how / 16));
        let own = &mut self.clients[client];
        let result = own.client.set_presence(now, record.clone());
        if result.is_ok() {
            own.took_presence_back = record.is_none();
            own.presence = record;
        } else if !own.is_closed {
            return fail(LOCAL, format!("presence is refused: {result:?}"));
        }
        self.mark(Lane::Client(client), || (Mark::Note, "shows itself".into()));
        self.drain_client(client)
    }

    /// The application pastes a text that is longer than a message may be.
    pub(crate) fn client_pastes(&mut self, client: usize, record: u16) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        let mut pasted = edit::new_record(record, 0);
        // Longer in bytes than in UTF-16 units, and pairs of those at every place.
        pasted.insert("long", "a\u{1f600}".repeat(100_000));
        let result = self.clients[client].client.transact(now, |tx| tx.put(pasted));
        self.mark(Lane::Client(client), || (Mark::Note, format!("pastes{}", or_error(&result))));
        self.drain_client(client)
    }

    pub(crate) fn client_mode(&mut self, client: usize, mode: PresenceMode) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        self.clients[client].client.set_presence_mode(now, mode);
        self.mark(Lane::Client(client), || (Mark::Note, format!("presence mode {mode:?}")));
        self.drain_client(client)
    }

    pub(crate) fn client_hint(&mut self, client: usize, hint: NetworkHint) -> Verdict {
        let now = self.client_now(client);
        self.inputs += 1;
        self.mark(Lane::Client(client), || (Mark::Note, format!("is told: {hint:?}")));
        self.clients[client].client.handle_network(now, hint);
        self.drain_client(client)
    }
}

/// Nothing for what went well, and else what went wrong.
fn or_error<T>(result: &Result<T, TransactError>) -> String {
    result.as_ref().err().map(|error| format!(": {error}")).unwrap_or_default()
}
