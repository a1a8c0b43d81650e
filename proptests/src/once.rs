//! Whether what applications do takes effect once, by the commits that are durable.
//!
//! Each edit that makes a record, or stamps one, does so with a stamp of its own. So a record that
//! gets a stamp which it had before is the work of a push that took effect twice.

use crate::edit::{STAMP, own_id, stamp_of_own};
use crate::invariant::{ONCE, Verdict, fail};
use crate::model::Records;
use crate::oracle::Oracle;
use crate::reach::Reach;
use roomsync::{Commit, Object, Origin, PushClient, RecordId, SessionId, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What has taken effect so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Who made each edit, by its stamp: a client, or the host.
    makers: Vec<Option<usize>>,
    /// The stamps that records have had.
    seen: BTreeSet<(RecordId, u64)>,
    /// The stamp that each record has.
    current: BTreeMap<RecordId, u64>,
    /// The last push of each client.
    pushes: BTreeMap<PushClient, u64>,
    /// A bit for each client whose pushes nobody counts.
    uncounted: u16,
    /// Clients that were told documents, and those that were later told all of them once more: such a
    /// one cannot know what was removed meanwhile.
    told: BTreeSet<usize>,
    told_all: BTreeSet<usize>,
    /// The session that each client was last let in as.
    latest: BTreeMap<usize, SessionId>,
    /// What records had before, and have again by what users took back.
    recurring: BTreeSet<(RecordId, u64)>,
    /// Edits that made a record of their own, which the host has refused.
    excused: BTreeSet<u64>,
}

impl Effects {
    pub(crate) fn new(uncounted: u16) -> Self {
        Self { uncounted, ..Self::default() }
    }

    /// A user took something back, or did it again: what a record is by that it may have been before.
    pub(crate) fn may_recur(&mut self, before: &Records, after: &Records) {
        for (id, record) in after {
            let stamp = stamp_of(record);
            if before.get(id).and_then(stamp_of) != stamp {
                self.recurring.extend(stamp.map(|stamp| (id.clone(), stamp)));
            }
        }
    }

    /// The host has refused an edit that made a record of its own.
    pub(crate) fn excuse(&mut self, id: &str, stamp: Option<u64>) {
        self.excused.extend(stamp.filter(|_| is_own(id)));
    }

    /// A record that an edit has made for itself may come back: the host has refused that it is removed, or
    /// it was made by a push that comes late.
    pub(crate) fn revive(&mut self, id: &str, stamp: Option<u64>) {
        self.recurring.extend(stamp.map(|stamp| (RecordId::from(id), stamp)));
    }

    /// Whether the push comes late: its client, whose pushes nobody counts, died and was let in anew.
    fn is_late(&self, origin: &Origin) -> bool {
        let Origin::Session { session, .. } = origin else { return false };
        client_of(session).is_some_and(|client| {
            let is_other = self.latest.get(&client).is_some_and(|latest| latest != session);
            is_other && self.uncounted >> (client % 16) & 1 == 1
        })
    }

    /// Whether a record that one edit has made came back since somebody took its removal back.
    pub(crate) fn is_revived(&self, stamp: u64) -> bool {
        self.recurring.contains(&(RecordId::from(own_id(stamp)), stamp))
    }
}

impl Oracle {
    /// A stamp for an edit of a client, or of the host.
    pub(crate) fn new_stamp(&mut self, maker: Option<usize>) -> u64 {
        self.effects.makers.push(maker);
        self.effects.makers.len() as u64 - 1
    }

    /// A commit is durable.
    pub(crate) fn took_effect(&mut self, commit: &Commit) -> Verdict {
        let effects = &mut self.effects;
        if let Some(applied) = &commit.applied {
            if commit.changes.is_empty() {
                self.reach.meet(Reach::TakenInVain);
            }
            let (client, push) = (&applied.client, applied.client_clock);
            let last = effects.pushes.insert(client.clone(), push);
            if last.is_some_and(|last| last >= push) {
                return fail(ONCE, format!("push {push} of {client:?} is taken after {last:?}"));
            }
        }
        let is_late = effects.is_late(&commit.origin);
        for change in &commit.changes {
            if is_late {
                effects.revive(&change.id, stamp_of_own(&change.id));
            }
            let stamp = change.after.as_ref().and_then(stamp_of);
            let before = match stamp {
                Some(stamp) => effects.current.insert(change.id.clone(), stamp),
                None => effects.current.remove(&change.id),
            };
            let Some(stamp) = stamp.filter(|stamp| before != Some(*stamp)) else { continue };
            let effect = (change.id.clone(), stamp);
            if effects.recurring.contains(&effect) || effects.seen.insert(effect.clone()) {
                effects.seen.insert(effect);
                continue;
            }
            match usize::try_from(stamp).ok().and_then(|stamp| effects.makers.get(stamp)) {
                Some(Some(client)) if effects.uncounted >> (client % 16) & 1 == 1 => {
                    if is_own(&change.id) && !effects.told_all.contains(client) {
                        let id = &change.id;
                        return fail(
                            ONCE,
                            format!("{id} of client {client} back after its removal"),
                        );
                    }
                    self.reach.meet(Reach::Repeated);
                }
                maker => {
                    let id = &change.id;
                    return fail(ONCE, format!("edit {stamp} of {id} by {maker:?} once more"));
                }
            }
        }
        Ok(())
    }

    /// A session of a client's is let in, and told all documents or what has changed.
    pub(crate) fn lets_in(&mut self, session: &SessionId, is_all: bool) {
        self.refused.unshown.remove(session);
        let Some(client) = client_of(session) else { return };
        let effects = &mut self.effects;
        effects.latest.insert(client, session.clone());
        if !effects.told.insert(client) && is_all {
            effects.told_all.insert(client);
        }
    }

    /// Whether the edit that made a record of its own has taken effect, or was refused.
    pub(crate) fn has_taken_effect(&self, stamp: u64) -> bool {
        self.effects.excused.contains(&stamp)
            || self.effects.seen.contains(&(RecordId::from(own_id(stamp)), stamp))
    }
}

/// The client whose session has that name.
fn client_of(session: &SessionId) -> Option<usize> {
    session.strip_prefix('s')?.split('-').next()?.parse().ok()
}

fn is_own(id: &str) -> bool {
    stamp_of_own(id).is_some()
}

pub(crate) fn stamp_of(record: &Object) -> Option<u64> {
    let stamp = record.get(STAMP).and_then(Value::as_number)?.as_i64()?;
    u64::try_from(stamp).ok()
}
