//! What applications did that nobody can undo, or nobody but by removing it.
//!
//! A record of its own is made by one edit and touched by no other, so that the edit must take effect
//! in the room; and once anybody has removed the record it must not come back.

use crate::edit::own_id;
use crate::invariant::{EDITS, ONCE, Verdict, fail, same};
use crate::model::Records;
use crate::reach::Reach;
use crate::world::World;
use roomsync::{Checkpoint, Client};

/// An edit of a client that made a record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Did {
    pub(crate) stamp: u64,
    /// The point from which on it counts.
    pub(crate) at: Checkpoint,
    /// Whether the record was removed since, here.
    pub(crate) is_removed: bool,
}

impl Did {
    /// What is known of it in another process of its client, if anything is. What was durable for
    /// sure is given; of the rest one knows by what is there.
    pub(crate) fn after(&self, durable: &[Self], fresh: &Client) -> Option<Self> {
        let was = durable.iter().find(|it| it.stamp == self.stamp);
        let is_there = fresh.record(&own_id(self.stamp)).is_some();
        let is_known = was.is_some() || is_there;
        let was_removed = self.is_removed || was.is_some_and(|was| was.is_removed);
        let is_removed = was_removed && !is_there;
        let at = fresh.checkpoint();
        (is_known || is_removed).then_some(Self { stamp: self.stamp, at, is_removed })
    }
}

impl World {
    /// The application removes a record that one edit of anybody's has made.
    pub(crate) fn client_removes_own(&mut self, client: usize, which: u16) -> Verdict {
        let now = self.client_now(client);
        let own = &mut self.clients[client];
        let there = own.client.records().filter_map(|(id, _)| crate::edit::stamp_of_own(id));
        let there: Vec<u64> = there.collect();
        let Some(stamp) = there.get(usize::from(which) % there.len().max(1)).copied() else {
            return Ok(());
        };
        self.inputs += 1;
        if own.client.transact(now, |tx| tx.remove(&own_id(stamp))).is_ok() {
            let seen = own.client.record(&own_id(stamp));
            same(EDITS, "a record that was removed", &None, &seen)?;
            let did = own.did.iter_mut().find(|did| did.stamp == stamp);
            did.into_iter().for_each(|did| did.is_removed = true);
            self.oracle.reach.meet(Reach::OwnRemoved);
        }
        self.drain_client(client)
    }

    /// The user took something back, or did it again: the record of its own that an edit has made may be
    /// gone by that, or there again.
    pub(crate) fn note_undone(&mut self, client: usize, before: &Records, after: &Records) {
        let own = &mut self.clients[client];
        let at = own.client.checkpoint();
        for did in &mut own.did {
            let id = own_id(did.stamp);
            let is_there = after.contains_key(id.as_str());
            if is_there != before.contains_key(id.as_str()) {
                (did.is_removed, did.at) = (!is_there, at);
            }
        }
    }

    /// A client is told that all changes up to a point are confirmed.
    pub(crate) fn client_confirmed(&mut self, client: usize, point: Checkpoint) -> Verdict {
        let own = &mut self.clients[client];
        own.confirmed = Some(point);
        let told = own.did.iter().filter(|did| did.at <= point && !did.is_removed);
        let lost = told.map(|did| did.stamp).find(|stamp| !self.oracle.has_taken_effect(*stamp));
        match lost.filter(|_| !own.readonly) {
            Some(stamp) => fail(EDITS, format!("edit {stamp} of client {client} is no commit yet")),
            None => Ok(()),
        }
    }

    /// All is quiet: what each client did has taken effect, and is confirmed.
    pub(crate) fn check_did(&self, client: usize) -> Verdict {
        let own = &self.clients[client];
        let point = own.client.checkpoint();
        let is_told = own.confirmed == Some(point) || point == own.first_point;
        same(EDITS, &format!("whether client {client} is told of all"), &true, &is_told)?;
        if own.readonly {
            return Ok(());
        }
        for did in &own.did {
            let stamp = did.stamp;
            if did.is_removed {
                let room = self.room.as_ref();
                let is_back = room.is_some_and(|room| room.record(&own_id(stamp)).is_some());
                if is_back && !self.oracle.effects.is_revived(stamp) {
                    fail(EDITS, format!("what client {client} removed of edit {stamp} is back"))?;
                }
            } else if !self.oracle.has_taken_effect(stamp) {
                fail(ONCE, format!("edit {stamp} of client {client} never took effect"))?;
            }
        }
        Ok(())
    }
}
