//! Who sees whose presence, where the host decides on that.

use super::Room;
use super::broadcast::Pusher;
use super::hooks::ShowPresence;
use super::log::{Audience, Entry};
use super::session::{Session, SessionKey};
use crate::diff::RecordOp;
use crate::ids::RecordId;
use crate::store::Before;
use crate::time::Instant;
use crate::value::Object;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What a session knows of others' presence in a room whose host decides who sees whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// Whose presence its client has, once it has read the log.
    shown: BTreeSet<SessionKey>,
    /// The presence that its client has of sessions that were in before the room slept and are not
    /// resumed yet.
    before: BTreeSet<RecordId>,
    /// The presence that left its sight since it last read, for when it falls off the log.
    lost: BTreeSet<RecordId>,
    /// Whether that were too many to remember.
    has_forgotten: bool,
}

/// A change of one session's presence.
pub(super) struct Shown {
    pub(super) owner: SessionKey,
    pub(super) id: RecordId,
    /// What it was.
    pub(super) before: Option<Object>,
    pub(super) op: RecordOp,
}

/// What becomes of a presence in the eyes of one who is told of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Appears,
    Stays,
    Disappears,
}

impl Room {
    /// Asks the host's filter anew who sees whose presence, after something changed that it goes
    /// by besides presence and connections, and tells everybody what changed for them.
    pub fn review_presence(&mut self, now: Instant) {
        self.advance(now);
        if let Some(filter) = self.config.hooks.show_presence() {
            let owners: Vec<SessionKey> = self.sessions.keys().copied().collect();
            for owner in owners {
                self.review_owner(&filter, owner);
            }
        }
        self.flush();
    }

    /// Puts changes of documents and of one presence into the log. What was
    /// [before](Self::before_to_tell) of documents stands at the same index.
    pub(super) fn announce(
        &mut self,
        pusher: Option<Pusher>,
        mut ops: Vec<(RecordId, RecordOp)>,
        mut before: Vec<Before>,
        shown: Option<Shown>,
    ) {
        let Some(Shown { owner, id, before: presence, op }) = shown else {
            return self.broadcast(pusher, &ops, &before);
        };
        self.woken.disturb();
        let presence = presence.map_or(Before::Absent, Before::Record);
        if let Some(filter) = self.config.hooks.show_presence() {
            let change = Some((presence, op));
            return self.announce_to_some(&filter, pusher, (&ops, &before), (owner, &id), change);
        }
        let was = self.before_to_tell(&[presence]);
        join_presence((&mut ops, &mut before), (id, op), was);
        self.broadcast(pusher, &ops, &before);
    }

    /// Asks anew who sees the presence of a session, since it is not who it was.
    pub(super) fn review_presence_of(&mut self, owner: SessionKey) {
        if let Some(filter) = self.config.hooks.show_presence() {
            self.review_owner(&filter, owner);
        }
    }

    fn review_owner(&mut self, filter: &Arc<ShowPresence>, owner: SessionKey) {
        if let Some(session) = self.sessions.get(&owner) {
            let id = session.presence_id.clone();
            self.announce_to_some(filter, None, (&[], &[]), (owner, &id), None);
        }
    }

    /// Tells a session whose own presence changed what it sees of others now.
    pub(super) fn review_sight_of(&mut self, viewer: SessionKey) {
        let Some(filter) = self.config.hooks.show_presence() else { return };
        let now = self.sight_of(viewer, &filter);
        let most = self.config.limits.tombstones;
        let others = self.sessions.iter().filter(|(key, _)| **key != viewer);
        let ids: Vec<(SessionKey, RecordId, Option<Object>)> = others
            .map(|(key, owner)| (*key, owner.presence_id.clone(), owner.presence.clone()))
            .collect();
        let Some(sight) = self.sessions.get_mut(&viewer).and_then(Session::sight_mut) else {
            return;
        };
        let mut ops = Vec::new();
        for (owner, id, record) in ids {
            match (sight.shown.contains(&owner), now.shown.contains(&owner), record) {
                (false, true, Some(record)) => {
                    sight.note(owner, &id, Seen::Appears, most);
                    ops.push((id, RecordOp::Put(record)));
                }
                (true, false, _) => {
                    sight.note(owner, &id, Seen::Disappears, most);
                    ops.push((id, RecordOp::Remove));
                }
                (true, true, _) | (false, _, _) => {}
            }
        }
        if !ops.is_empty() {
            ops.sort_unstable_by(|(a, _): &(RecordId, RecordOp), (b, _)| a.cmp(b));
            let mut audience = Audience::default();
            let mut failed = Vec::new();
            // Nothing was there before, as far as it saw.
            audience.add(self.encode_patches(&ops, &[], &mut failed), [viewer].into_iter());
            let entry = Entry { pusher: None, result: Bytes::new(), patches: Vec::new(), audience };
            self.log.push(entry, self.config.limits.log_bytes);
            failed.iter().for_each(|slot| self.reject_speakers(*slot, None));
        }
    }

    /// What a session that enters sees, or `None` where everybody sees everybody.
    pub(super) fn first_sight(&self, viewer: SessionKey) -> Option<Box<Sight>> {
        let filter = self.config.hooks.show_presence()?;
        Some(Box::new(self.sight_of(viewer, &filter)))
    }

    /// The presence records that the session is shown.
    pub(super) fn presence_of_others(
        &self,
        key: SessionKey,
        sight: Option<&Sight>,
    ) -> impl Iterator<Item = (&RecordId, Option<&Object>)> {
        let others = self.sessions.iter().filter(move |(other, session)| {
            let is_seen = sight.is_none_or(|sight| sight.shown.contains(other));
            **other != key && session.presence.is_some() && is_seen
        });
        others.map(|(_, session)| (&session.presence_id, session.presence.as_ref()))
    }

    /// The presence that the client of a session with that sight has.
    pub(super) fn shown_to(&self, sight: &Sight) -> Vec<RecordId> {
        let owners = sight.shown.iter().filter_map(|owner| self.sessions.get(owner));
        let shown = owners.map(|owner| &owner.presence_id).chain(&sight.before);
        shown.cloned().collect()
    }

    /// What the client of a session with that sight was shown before the room slept and may not see
    /// any more. What nobody was resumed with yet waits for that.
    pub(super) fn out_of_sight(&self, sight: &mut Sight, was_shown: &[RecordId]) -> Vec<RecordId> {
        let is_shown: BTreeSet<RecordId> = self.shown_to(sight).into_iter().collect();
        let hidden = was_shown.iter().filter(|id| !is_shown.contains(*id)).cloned();
        let (gone, before) = hidden.partition::<Vec<_>, _>(|id| self.woken.has_shown(id));
        sight.before.extend(before);
        gone
    }

    fn sight_of(&self, viewer: SessionKey, filter: &Arc<ShowPresence>) -> Sight {
        let mut sight = Sight::default();
        let Some(session) = self.sessions.get(&viewer) else { return sight };
        let view = session.view();
        for (key, owner) in self.sessions.iter() {
            if let Some(record) = &owner.presence
                && *key != viewer
                && filter(&view, &owner.view(), record)
            {
                sight.shown.insert(*key);
            }
        }
        sight
    }

    /// Like [`Room::announce`], where not all see the presence. Without a change it is as it was,
    /// and only who sees it may have changed.
    fn announce_to_some(
        &mut self,
        filter: &Arc<ShowPresence>,
        pusher: Option<Pusher>,
        (ops, before): (&[(RecordId, RecordOp)], &[Before]),
        (owner, id): (SessionKey, &RecordId),
        change: Option<(Before, RecordOp)>,
    ) {
        let seen = self.who_sees(filter, owner, id);
        let most = self.config.limits.tombstones;
        for (viewer, seen) in &seen {
            if let Some(sight) = self.sessions.get_mut(viewer).and_then(Session::sight_mut) {
                sight.note(owner, id, *seen, most);
            }
        }
        let record = self.sessions.get(&owner).and_then(|session| session.presence.clone());
        let mut audience = Audience::default();
        let mut failed = Vec::new();
        for (kind, change) in [
            (Seen::Stays, change),
            (Seen::Appears, record.map(|record| (Before::Absent, RecordOp::Put(record)))),
            (Seen::Disappears, Some((Before::Absent, RecordOp::Remove))),
        ] {
            let Some((presence, op)) = change else { continue };
            if seen.iter().any(|(_, seen)| *seen == kind) {
                let (mut told, mut before) = (ops.to_vec(), before.to_vec());
                let was = self.before_to_tell(&[presence]);
                join_presence((&mut told, &mut before), (id.clone(), op), was);
                let who = seen.iter().filter(|(_, seen)| *seen == kind).map(|(viewer, _)| *viewer);
                audience.add(self.encode_patches(&told, &before, &mut failed), who);
            }
        }
        let key = pusher.as_ref().map(|pusher| pusher.key);
        let result = pusher.map_or_else(Bytes::new, |pusher| self.encode_result(pusher));
        let patches = match ops {
            [] => Vec::new(),
            ops => self.encode_patches(ops, before, &mut failed),
        };
        let entry = Entry { pusher: key, result, patches, audience };
        self.log.push(entry, self.config.limits.log_bytes);
        failed.iter().for_each(|slot| self.reject_speakers(*slot, key));
    }

    /// Who sees a presence, or did.
    fn who_sees(
        &self,
        filter: &Arc<ShowPresence>,
        owner: SessionKey,
        id: &RecordId,
    ) -> Vec<(SessionKey, Seen)> {
        let session = self.sessions.get(&owner);
        let shown = session.and_then(|owner| Some((owner.view(), owner.presence.as_ref()?)));
        let viewers = self.sessions.iter().filter(|(key, _)| **key != owner);
        let seen = viewers.filter_map(|(key, viewer)| {
            let sight = viewer.reader()?.sight.as_ref()?;
            let sees =
                shown.as_ref().is_some_and(|(owner, record)| filter(&viewer.view(), owner, record));
            match (sight.shown.contains(&owner), sees) {
                (false, true) => Some((*key, Seen::Appears)),
                (true, true) => Some((*key, Seen::Stays)),
                (true, false) => Some((*key, Seen::Disappears)),
                (false, false) if sight.before.contains(id) => Some((*key, Seen::Disappears)),
                (false, false) => None,
            }
        });
        seen.collect()
    }
}

/// Adds the change of a presence to those of documents, in order of the ids.
fn join_presence(
    (ops, before): (&mut Vec<(RecordId, RecordOp)>, &mut Vec<Before>),
    presence: (RecordId, RecordOp),
    was: Vec<Before>,
) {
    let at = ops.partition_point(|(id, _)| *id < presence.0);
    ops.insert(at, presence);
    was.into_iter().for_each(|was| before.insert(at, was));
}

impl Sight {
    fn note(&mut self, owner: SessionKey, id: &RecordId, seen: Seen, most: usize) {
        self.before.remove(id);
        match seen {
            Seen::Stays => {}
            Seen::Appears => {
                self.shown.insert(owner);
                self.lost.remove(id);
            }
            Seen::Disappears => {
                self.shown.remove(&owner);
                self.lose(id, most);
            }
        }
    }

    /// A presence is out of sight.
    pub(super) fn lose(&mut self, id: &RecordId, most: usize) {
        self.lost.insert(id.clone());
        if self.lost.len() > most {
            self.lost.clear();
            self.has_forgotten = true;
        }
    }

    /// Presence that its client may still have and does not see any more, or `None` when that is
    /// forgotten.
    pub(super) fn lost(&self) -> Option<Vec<RecordId>> {
        (!self.has_forgotten).then(|| self.lost.iter().cloned().collect())
    }

    /// Its client has been told of everything.
    pub(super) fn has_read(&mut self) {
        self.lost.clear();
        self.has_forgotten = false;
    }
}

impl Session {
    fn sight_mut(&mut self) -> Option<&mut Sight> {
        self.reader_mut()?.sight.as_deref_mut()
    }
}
