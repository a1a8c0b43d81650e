//! The client's copy of the room: what the room has said, what is on its way to it, and what the
//! application sees.
//!
//! The records that the application sees stand in one map. Only a record that was changed here
//! and not yet confirmed has more to it, in `touched`; a change of the room to any other record
//! costs just that change.

mod restore;
mod unsent;

use super::action::RecordChange;
use super::keep::Keeper;
use super::rebase::{change_between, predict};
use super::step::Staged;
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::RecordId;
use crate::schema::Schema;
use crate::store::Records;
use crate::value::Object;
use alloc::boxed::Box;
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    /// The documents that the application sees.
    visible: BTreeMap<RecordId, Object>,
    /// Documents with a pending push, or with changes that are not pushed yet.
    touched: BTreeMap<RecordId, Touched>,
    /// Those of `touched` whose visible form differs from their base.
    unsent: BTreeSet<RecordId>,
    /// Pushes that the room has not answered, oldest first. After a cut they stay until the next
    /// hydration: those that the room then says it has taken count as answered, and the others
    /// become part of one new push. A room that does not tell leaves it open which it has seen.
    pending: VecDeque<PendingPush>,
    /// Records of session scope.
    local: BTreeMap<RecordId, Object>,
    /// Records of the room that this client cannot read: of a type that is no document here, or not
    /// valid. Nobody sees or changes them. No id of them is one of a document.
    aside: BTreeMap<RecordId, Object>,
    /// How many changes of documents were made here, and up to which of them the room has
    /// answered.
    changes: u64,
    answered_changes: u64,
    /// What of all this is to be made durable, if that is asked for.
    pub(super) keeper: Option<Keeper>,
}

/// What the room knows of a record that was changed here. `None` where there is no record.
#[derive(Clone, Debug)]
struct Touched {
    /// What the room last said.
    confirmed: Option<Object>,
    /// What the room will say if all pending pushes take effect: what unsent changes are to.
    base: Option<Object>,
    /// The pending pushes that change the record, oldest first.
    pending: VecDeque<u64>,
    /// The last of them that was pending when others removed the record. What it and earlier ones
    /// removed is gone, and what comes under that id later is not what they meant.
    outrun: Option<u64>,
    /// The first change of it that is unsent, if any is. Not after it.
    since: u64,
}

#[derive(Clone, Debug)]
pub(super) struct PendingPush {
    pub(super) clock: u64,
    pub(super) diff: NetworkDiff,
    /// All changes up to this one are part of this push or of an earlier one.
    covers: u64,
}

impl Replica {
    /// The document, as far as the room has confirmed it.
    pub(super) fn confirmed(&self, id: &str) -> Option<&Object> {
        match self.touched.get(id) {
            Some(touched) => touched.confirmed.as_ref(),
            None => self.visible.get(id),
        }
    }

    /// The ids of all documents that the room has confirmed.
    pub(super) fn confirmed_ids(&self) -> impl Iterator<Item = &RecordId> {
        let untouched = self.visible.keys().filter(|id| !self.touched.contains_key(*id));
        let touched = self.touched.iter().filter(|(_, touched)| touched.confirmed.is_some());
        untouched.chain(touched.map(|(id, _)| id))
    }

    /// The record of the room that this client cannot read.
    pub(super) fn aside_record(&self, id: &str) -> Option<&Object> {
        self.aside.get(id)
    }

    /// The records of the room that this client cannot read.
    pub(super) fn aside(&self) -> impl ExactSizeIterator<Item = (&RecordId, &Object)> {
        self.aside.iter()
    }

    /// The documents of which the application sees something else than the room has confirmed.
    pub(super) fn unconfirmed(&self) -> impl ExactSizeIterator<Item = &RecordId> {
        self.touched.keys()
    }

    /// How many changes of documents were made here.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Up to which of the changes made here the room has answered all.
    pub(super) fn answered_changes(&self) -> u64 {
        if self.is_settled() { self.changes } else { self.answered_changes }
    }

    /// Whether the room has confirmed all that the application sees.
    pub(super) fn is_settled(&self) -> bool {
        self.touched.is_empty()
    }

    /// What is not pushed yet of a document: the op that makes what the application sees of what
    /// the room will say.
    pub(super) fn unsent_op(&self, id: &RecordId) -> Option<RecordOp> {
        let touched = self.unsent.contains(id).then(|| self.touched.get(id))??;
        change_between(touched.base.as_ref(), self.visible.get(id))
    }

    /// The push of that number, if it is pending.
    pub(super) fn pending_push(&self, clock: u64) -> Option<&PendingPush> {
        let index = self.pending.binary_search_by_key(&clock, |push| push.clock).ok()?;
        self.pending.get(index)
    }

    /// What is to be the same in a replica that was restored. Pushes of presence alone end with
    /// their connection.
    #[cfg(test)]
    pub(super) fn essence(&self) -> alloc::string::String {
        let pending: Vec<_> = self.pending.iter().filter(|push| !push.diff.is_empty()).collect();
        let pending: Vec<_> = pending.iter().map(|push| (push.clock, &push.diff)).collect();
        let Self { visible, touched, unsent, aside, .. } = self;
        // The order of changes is not kept.
        let touched = touched.iter().map(|(id, it)| (id, Touched { since: 0, ..it.clone() }));
        let touched: Vec<_> = touched.collect();
        alloc::format!("{visible:?} {touched:?} {unsent:?} {pending:?} {aside:?}")
    }

    /// The last push that was pending when others removed the document.
    pub(super) fn outrun(&self, id: &str) -> Option<u64> {
        self.touched.get(id)?.outrun
    }

    /// Whether there are changes to push.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(super) const fn pending(&self) -> &VecDeque<PendingPush> {
        &self.pending
    }

    /// Changes a record of session scope.
    pub(super) fn edit_local(
        &mut self,
        id: RecordId,
        after: Option<Object>,
    ) -> Option<RecordChange> {
        replace(&mut self.local, id, after)
    }

    /// Changes a document on behalf of the application.
    pub(super) fn edit(&mut self, id: RecordId, after: Option<Object>) -> Option<RecordChange> {
        let change = replace(&mut self.visible, id.clone(), after)?;
        if self.is_settled() {
            // Also without an answer: they may have come to nothing.
            self.answered_changes = self.changes;
        }
        self.changes += 1;
        let is_unsent = self.unsent.contains(&id);
        let touched = touch(&mut self.touched, &id, change.before.as_ref());
        if !is_unsent {
            touched.since = self.changes;
        }
        self.settle(id);
        Some(change)
    }

    /// Takes over what the room said, and moves what is not confirmed onto it.
    pub(super) fn commit(&mut self, schema: &Schema, staged: Staged) -> Vec<RecordChange> {
        let mut affected = BTreeSet::new();
        for _ in 0..staged.answered {
            let Some(push) = self.pending.pop_front() else { break };
            self.keep_push(&push);
            self.answered_changes = self.answered_changes.max(push.covers);
            for (id, _) in push.diff {
                if let Some(touched) = self.touched.get_mut(&id) {
                    touched.pending.pop_front();
                    affected.insert(id);
                }
            }
        }
        for id in &staged.gone {
            let Some(touched) = self.touched.get_mut(id) else { continue };
            let outrun = touched.pending.back().copied();
            if core::mem::replace(&mut touched.outrun, outrun) != outrun {
                self.keep_outrun(id);
            }
        }
        let mut changes = Vec::new();
        for (id, record) in staged.aside {
            self.keep_record(&id);
            if record.is_some() {
                self.touched.get_mut(&id).into_iter().for_each(|it| it.confirmed = None);
                changes.extend(self.drop_changes(&id));
            } else if self.touch_by_pending(&id) {
                affected.insert(id.clone());
            }
            replace(&mut self.aside, id, record);
        }
        if self.visible.is_empty() && self.touched.is_empty() {
            changes.extend(self.take_first(staged.documents));
        } else {
            for (id, confirmed) in staged.documents {
                if let Some(touched) = self.touched.get_mut(&id) {
                    let before = core::mem::replace(&mut touched.confirmed, confirmed);
                    if before != touched.confirmed {
                        self.keep_record(&id);
                    }
                    affected.insert(id);
                } else if let Some(change) = replace(&mut self.visible, id, confirmed) {
                    self.keep_record(&change.id);
                    changes.push(change);
                }
            }
        }
        changes.extend(affected.into_iter().filter_map(|id| self.rebase(schema, id)));
        changes
    }

    /// Takes over documents where there are none: sorted as they are, they make a map at once.
    fn take_first(&mut self, documents: BTreeMap<RecordId, Option<Object>>) -> Vec<RecordChange> {
        let documents = documents.into_iter().filter_map(|(id, record)| Some((id, record?)));
        self.visible = documents.collect();
        let change = |(id, record): (&RecordId, &Object)| RecordChange {
            id: id.clone(),
            before: None,
            after: Some(record.clone()),
        };
        let changes: Vec<RecordChange> = self.visible.iter().map(change).collect();
        changes.iter().for_each(|change| self.keep_record(&change.id));
        changes
    }

    /// Takes over a hydration. Afterwards no push is pending: what the pending ones did that the
    /// room does not know is unsent.
    pub(super) fn hydrate(&mut self, schema: &Schema, staged: Staged) -> Vec<RecordChange> {
        let mut changes = Vec::new();
        for id in &staged.gone {
            // A room speaks of the end only of what it has seen. So the push that made this record
            // had reached it, and somebody else has removed the record since: it stays removed.
            let made_here =
                |touched: &Touched| touched.confirmed.is_none() && !touched.pending.is_empty();
            if self.touched.get(id).is_some_and(made_here) {
                changes.extend(self.drop_changes(id));
            }
        }
        changes.extend(self.commit(schema, staged));
        for push in core::mem::take(&mut self.pending) {
            self.keep_push(&push);
        }
        let touched: Vec<RecordId> = self.touched.keys().cloned().collect();
        for id in touched {
            let is_unsent = self.unsent.contains(&id);
            if let Some(touched) = self.touched.get_mut(&id) {
                let is_outrun = !touched.pending.is_empty()
                    && touched.pending.back().copied() <= touched.outrun;
                if is_outrun && !is_unsent && !self.visible.contains_key(&id) {
                    changes.extend(replace(
                        &mut self.visible,
                        id.clone(),
                        touched.confirmed.clone(),
                    ));
                }
                if !touched.pending.is_empty() {
                    touched.pending.clear();
                    // What was pushed is unsent again, and was made before all that was not.
                    touched.since = touched.since.min(self.answered_changes + 1);
                }
                touched.base = touched.confirmed.clone();
                if touched.outrun.take().is_some() {
                    self.keep_outrun(&id);
                }
                self.settle(id);
            }
        }
        changes
    }

    /// Forgets what was changed here of a document that the room does not have.
    fn drop_changes(&mut self, id: &RecordId) -> Option<RecordChange> {
        self.forget_changes(id)?;
        self.unsent.remove(id);
        self.keep_edit(id);
        replace(&mut self.visible, id.clone(), None)
    }

    fn forget_changes(&mut self, id: &RecordId) -> Option<Touched> {
        let touched = self.touched.remove(id)?;
        if touched.outrun.is_some() {
            self.keep_outrun(id);
        }
        Some(touched)
    }

    /// Notes which pending pushes change a record that was aside until now. Says whether any does.
    fn touch_by_pending(&mut self, id: &RecordId) -> bool {
        let pushes = self.pending.iter().filter(|push| push.diff.get(id).is_some());
        let pending: VecDeque<u64> = pushes.map(|push| push.clock).collect();
        let is_any = !pending.is_empty();
        if is_any {
            touch(&mut self.touched, id, None).pending = pending;
        }
        is_any
    }

    /// Computes a touched record anew, after what the room knows of it has changed: what is
    /// confirmed, then what is pending, then what is unsent.
    fn rebase(&mut self, schema: &Schema, id: RecordId) -> Option<RecordChange> {
        let intent = self.unsent_op(&id);
        let touched = self.touched.get(&id)?;
        let ops =
            touched.pending.iter().filter_map(|clock| self.pending_push(*clock)?.diff.get(&id));
        let base = ops.fold(touched.confirmed.clone(), |base, op| predict(schema, base, op));
        let touched = self.touched.get_mut(&id)?;
        touched.base.clone_from(&base);
        let after = intent.iter().fold(base, |base, op| predict(schema, base, op));
        let change = replace(&mut self.visible, id.clone(), after);
        self.settle(id);
        change
    }

    /// Notes whether a touched record has unsent changes, and forgets it once it has nothing.
    fn settle(&mut self, id: RecordId) {
        self.keep_edit(&id);
        let Some(touched) = self.touched.get(&id) else { return };
        if touched.base.as_ref() != self.visible.get(&id) {
            self.unsent.insert(id);
            return;
        }
        self.unsent.remove(&id);
        if touched.pending.is_empty() {
            self.forget_changes(&id);
        }
    }
}

impl Records for Replica {
    fn record(&self, id: &str) -> Option<&Object> {
        self.visible.get(id).or_else(|| self.local.get(id))
    }

    fn records(&self) -> Box<dyn Iterator<Item = (&RecordId, &Object)> + '_> {
        let local = self.local.iter().filter(|(id, _)| !self.visible.contains_key(*id));
        Box::new(self.visible.iter().chain(local))
    }
}

/// The entry of a record that the application or a push changes, of which `confirmed` was known.
fn touch<'a>(
    touched: &'a mut BTreeMap<RecordId, Touched>,
    id: &RecordId,
    confirmed: Option<&Object>,
) -> &'a mut Touched {
    touched.entry(id.clone()).or_insert_with(|| Touched {
        confirmed: confirmed.cloned(),
        base: confirmed.cloned(),
        pending: VecDeque::new(),
        outrun: None,
        since: 0,
    })
}

/// Makes the record of `id` be `after`. Returns what changed, if anything did.
pub(super) fn replace(
    records: &mut BTreeMap<RecordId, Object>,
    id: RecordId,
    after: Option<Object>,
) -> Option<RecordChange> {
    let before = match (records.entry(id.clone()), after.clone()) {
        (Entry::Occupied(there), Some(record)) if *there.get() == record => return None,
        (Entry::Occupied(mut there), Some(record)) => Some(there.insert(record)),
        (Entry::Occupied(there), None) => Some(there.remove()),
        (Entry::Vacant(free), Some(record)) => {
            free.insert(record);
            None
        }
        (Entry::Vacant(_), None) => return None,
    };
    Some(RecordChange { id, before, after })
}
