//! What a user has done here and can take back, whatever others did since.
//!
//! A step keeps what it made of each record, and is taken back part by part: a part that is not as
//! the step left it is somebody else's by now. What taking back did is a step too, which takes that
//! back. As nothing in a step speaks of pushes or of what is confirmed, it does not matter what has
//! become of those.

use super::Client;
use super::action::RecordChange;
use super::revert::Edit;
use crate::ids::RecordId;
use crate::schema::{Scope, identity};
use crate::store::Records;
use crate::time::Instant;
use crate::value::Object;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

/// A point among the steps of a client that can be undone: all that it did before.
///
/// It is of one client, and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UndoMark(u64);

/// What was done, and what was undone, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct UndoManager {
    last_step: u64,
    done: VecDeque<Step>,
    undone: VecDeque<Step>,
}

/// What was changed in one step. The numbers of steps grow.
#[derive(Clone, Debug)]
struct Step {
    number: u64,
    edits: BTreeMap<RecordId, Edit>,
}

/// What happens to records, `None` standing for removal.
type Changes = BTreeMap<RecordId, Option<Object>>;

#[derive(Clone, Copy)]
enum Way {
    Undo,
    Redo,
}

impl Client {
    /// Takes back the latest step that is not taken back: a transaction, or several that were
    /// [squashed](Self::squash_to).
    ///
    /// It takes back what the step did, and not what others have done since. A field of a document, or
    /// of its `props` or `meta`, becomes what it was before the step if it still is what the step made
    /// of it. A document that the step made is removed, with all that others did to it; one that it
    /// removed comes back, unless there is such a document again. What others have made or removed
    /// since, and what the room made of a change otherwise, stays. So does what would come out not
    /// valid. A step of which nothing is left is passed over.
    ///
    /// Returns whether anything changed. Nothing does while the room does not let this client change
    /// what the step changed; the step then stays.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use roomsync::{Client, ClientConfig, Instant, Object, RecordType, Schema, Scope};
    /// # let note = RecordType::new(Scope::Document);
    /// # let schema = Schema::builder().record_type("note", note).build()?;
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), Arc::new(schema))?;
    /// let note: Object = r#"{"id":"note:a","typeName":"note","x":0}"#.parse()?;
    /// client.transact(now, |tx| tx.put(note))?;
    ///
    /// // Many changes of one gesture are one step.
    /// let mark = client.undo_mark();
    /// for x in 1..=100 {
    ///     client.transact(now, |tx| tx.update("note:a", |note| drop(note.insert("x", x))))?;
    ///     client.squash_to(mark);
    /// }
    /// assert!(client.undo(now));
    /// assert_eq!(client.record("note:a").and_then(|note| note.get("x")), Some(&0.into()));
    /// assert!(client.redo(now) && !client.redo(now));
    /// assert_eq!(client.record("note:a").and_then(|note| note.get("x")), Some(&100.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn undo(&mut self, now: Instant) -> bool {
        self.advance(now);
        self.travel(Way::Undo)
    }

    /// Takes back the latest [undo](Self::undo) that is not taken back, in the same way. A
    /// transaction ends what can be redone.
    pub fn redo(&mut self, now: Instant) -> bool {
        self.advance(now);
        self.travel(Way::Redo)
    }

    /// Whether [undo](Self::undo) would change anything.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.next_step(Way::Undo).is_some()
    }

    /// Whether [redo](Self::redo) would change anything.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        self.next_step(Way::Redo).is_some()
    }

    /// The point between the steps so far and those to come.
    #[must_use]
    pub const fn undo_mark(&self) -> UndoMark {
        UndoMark(self.undo.last_step)
    }

    /// Makes all steps since the mark that can be undone one. Returns whether there were several.
    pub fn squash_to(&mut self, mark: UndoMark) -> bool {
        let is_since = |step: &Step| step.number > mark.0;
        let steps = &mut self.undo.done;
        let first = steps.partition_point(|step| !is_since(step));
        let later = steps.split_off(steps.len().min(first + 1));
        let Some(squashed) = steps.back_mut().filter(|_| !later.is_empty()) else { return false };
        later.into_iter().for_each(|step| squashed.append(step));
        true
    }

    /// Takes back all steps since the mark, as if they were one, and forgets them: there is nothing to
    /// redo. Returns whether anything changed. While the room does not let this client change what
    /// they changed, nothing does, and they stay.
    pub fn bail_to(&mut self, now: Instant, mark: UndoMark) -> bool {
        self.advance(now);
        self.squash_to(mark);
        let since = self.undo.done.back().filter(|step| step.number > mark.0);
        let Some(changes) = since.map(|step| self.taking_back(step)) else { return false };
        if self.check_access(&changes).is_err() {
            return false;
        }
        // Forgotten also when nothing is left of it: there may be again once others make it so.
        self.undo.done.pop_back();
        let is_change = !changes.is_empty();
        self.change(changes);
        self.finish();
        is_change
    }

    /// Takes back the step that is next on the way, and notes what takes that back.
    fn travel(&mut self, way: Way) -> bool {
        let Some((passed, changes)) = self.next_step(way) else { return false };
        let steps = self.undo.steps_mut(way);
        steps.truncate(steps.len() - passed);
        let Some(Step { number, .. }) = steps.pop_back() else { return false };
        let changes = self.change(changes);
        self.undo.steps_mut(way.back()).push_back(Step::new(number, &changes));
        self.finish();
        true
    }

    /// What the next step on the way changes, and how many are passed over for it.
    fn next_step(&self, way: Way) -> Option<(usize, Changes)> {
        let steps = self.undo.steps(way).iter().rev().map(|step| self.taking_back(step));
        let (passed, changes) = steps.enumerate().find(|(_, changes)| !changes.is_empty())?;
        self.check_access(&changes).is_ok().then_some((passed, changes))
    }

    fn taking_back(&self, step: &Step) -> Changes {
        let is_document = |record: &Object| {
            let type_name = identity(record).map_or("", |(_, type_name)| type_name);
            self.schema.scope(type_name) == Some(Scope::Document)
        };
        let is_valid = |record: &Object| {
            let type_name = identity(record).map_or("", |(_, type_name)| type_name);
            self.schema.validate(type_name, record).is_ok()
        };
        let taken_back = |(id, edit): (&RecordId, &Edit)| {
            let current = self.replica.record(id);
            let after = edit.taken_back(current);
            let is_change = after.as_ref() != current
                && self.replica.aside_record(id).is_none()
                && current.is_none_or(is_document)
                && after.as_ref().is_none_or(is_valid);
            is_change.then(|| (id.clone(), after))
        };
        step.edits.iter().filter_map(taken_back).collect()
    }
}

impl UndoManager {
    /// Notes a step of the user's, of which at most so many are kept.
    pub(super) fn record(&mut self, changes: &[RecordChange], most: usize) {
        if changes.is_empty() {
            return;
        }
        self.undone.clear();
        self.last_step += 1;
        self.done.push_back(Step::new(self.last_step, changes));
        if self.done.len() > most {
            self.done.pop_front();
        }
    }

    /// Notes what others did. A document that they have made or removed is theirs: no step may remove
    /// it or bring it back.
    pub(super) fn note_others(&mut self, changes: &[RecordChange]) {
        if self.done.is_empty() && self.undone.is_empty() {
            return;
        }
        let came_or_went = changes.iter().filter(|it| it.before.is_none() != it.after.is_none());
        let theirs: BTreeSet<&RecordId> = came_or_went.map(|change| &change.id).collect();
        if theirs.is_empty() {
            return;
        }
        for Step { edits, .. } in self.done.iter_mut().chain(&mut self.undone) {
            if theirs.len() > edits.len() {
                edits.retain(|id, edit| !edit.makes_or_removes() || !theirs.contains(id));
                continue;
            }
            for id in &theirs {
                if edits.get(*id).is_some_and(Edit::makes_or_removes) {
                    edits.remove(*id);
                }
            }
        }
    }

    const fn steps(&self, way: Way) -> &VecDeque<Step> {
        match way {
            Way::Undo => &self.done,
            Way::Redo => &self.undone,
        }
    }

    const fn steps_mut(&mut self, way: Way) -> &mut VecDeque<Step> {
        match way {
            Way::Undo => &mut self.done,
            Way::Redo => &mut self.undone,
        }
    }
}

impl Step {
    fn new(number: u64, changes: &[RecordChange]) -> Self {
        let edits = changes.iter().map(|change| (change.id.clone(), Edit::of(change)));
        Self { number, edits: edits.collect() }
    }

    /// Makes a later step part of this one.
    fn append(&mut self, later: Self) {
        for (id, edit) in later.edits {
            let both = match self.edits.get(&id) {
                Some(earlier) => earlier.then(&edit),
                None => Some(edit),
            };
            match both {
                Some(both) => self.edits.insert(id, both),
                None => self.edits.remove(&id),
            };
        }
    }
}

impl Way {
    const fn back(self) -> Self {
        match self {
            Self::Undo => Self::Redo,
            Self::Redo => Self::Undo,
        }
    }
}
