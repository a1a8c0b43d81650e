//! How a push is taken: op by op in one step, and what became of it.

use super::broadcast::Pusher;
use super::counters::add;
use super::dialect::Form;
use super::hooks::{PushView, Veto};
use super::lens::Lens;
use super::presence::PresenceChange;
use super::session::{Session, SessionKey, State, Unanswered};
use super::sessions::Sessions;
use super::visibility::Shown;
use super::{Change, Commit, Origin, Room, RoomAction, RoomConfig, RoomEvent};
use crate::close::CloseReason;
use crate::diff::{Effect, NetworkDiff, ObjectDiff, RecordOp};
use crate::ids::{Key, RecordId};
use crate::schema::{InvalidRecord, MigrationError, Schema, Scope, identity};
use crate::store::{AppliedPush, Before, Edit, Step, growth_by, is_within_depth, size_of_object};
use crate::value::{Object, Value};
use crate::wire::{ObjectAccess, Push, PushAction};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a session may change.
#[derive(Clone, Copy)]
struct Access<'a> {
    config: &'a RoomConfig,
    schema: &'a Schema,
    sessions: &'a Sessions,
    by: &'a Session,
    /// How its client sees and tells changes.
    form: &'a Form,
}

/// Why a push is refused as a whole.
pub(super) enum Refusal {
    InvalidRecord,
    ClientTooOld,
}

/// What became of the diff of a push.
struct Happened {
    is_as_asked: bool,
    /// What the client sees of it, for records that it sees other than they are.
    seen: BTreeMap<RecordId, Option<RecordOp>>,
}

impl Room {
    pub(super) fn handle_push(&mut self, key: SessionKey, mut push: Push) {
        if let Some(diff) = &mut push.diff {
            diff.share_keys(self.store.key_lists_mut());
        }
        let Self { config, sessions, counters, .. } = self;
        let Some(session) = sessions.get_mut(&key) else { return };
        let State::Connected { reader, .. } = &session.state else { return };
        let (version, dialect) = (reader.version, Arc::clone(&reader.dialect));
        if reader.unanswered.len() >= config.limits.unanswered_pushes {
            return self.cancel(key, CloseReason::Reset);
        }
        let ops = push.diff.as_ref().map_or(0, NetworkDiff::len);
        let asked = ops + usize::from(push.presence.is_some());
        if ops > config.limits.push_ops || !session.buckets.take_ops(&config.rates, asked) {
            add(&mut counters.pushes_rejected, 1);
            return self.reject(key, version, CloseReason::RateLimited);
        }
        let Some(session) = self.sessions.get(&key) else { return };
        let (name, identity) = (session.name.clone(), session.identity.clone());
        let claim = session.reader().and_then(|reader| reader.claim.as_ref());
        // A push of presence has nothing in it that could take effect a second time.
        let is_counted = ops > 0;
        let was_taken = claim.is_some_and(|claim| push.client_clock <= claim.applied);
        let client_clock = push.client_clock;
        // What was taken before asks for nothing any more, and what is refused neither.
        let (diff, presence) = if was_taken || !self.takes(session, &push) {
            (Some(NetworkDiff::default()), None)
        } else {
            (push.diff, push.presence)
        };
        let client = claim.filter(|_| is_counted && !was_taken).map(|claim| claim.client.clone());
        let planned = match presence.map_or(Ok(None), |op| self.plan_presence(key, op)) {
            Ok(planned) => planned,
            Err(refusal) => return self.reject_push(key, version, refusal),
        };
        let access = Access {
            config: &self.config,
            schema: &self.schema,
            sessions: &self.sessions,
            by: session,
            form: &dialect.form,
        };
        let (action, Step { ops, before }) = match diff {
            None => (PushAction::Commit, Step::default()),
            Some(diff) => {
                let mut edit = self.store.edit();
                let happened = match access.apply(&mut edit, &diff) {
                    Ok(happened) => happened,
                    Err(refusal) => {
                        // Dropped here, the step is taken back.
                        drop(edit);
                        return self.reject_push(key, version, refusal);
                    }
                };
                let step = edit.commit();
                (happened.action(&step.ops), step)
            }
        };
        let told = self.before_to_tell(&before);
        if !ops.is_empty() || client.is_some() {
            let applied = client.map(|client| self.store.applied_mut().note(client, client_clock));
            let origin = Origin::Session { session: name.clone(), identity, client_clock };
            self.persist(origin, &ops, before, applied);
        }
        let mut shown = None;
        if let Some(PresenceChange { before, after, op }) = planned
            && let Some(session) = self.sessions.get_mut(&key)
        {
            session.presence = Some(after.clone());
            shown = Some(Shown { owner: key, id: session.presence_id.clone(), before, op });
            self.emit(RoomEvent::Presence { session: name, record: Some(after) });
        }
        let counter = match action {
            PushAction::Commit => &mut self.counters.pushes_committed,
            PushAction::Discard => &mut self.counters.pushes_discarded,
            PushAction::RebaseWithDiff(_) => &mut self.counters.pushes_rebased,
        };
        add(counter, 1);
        let position = self.log.end();
        let is_shown = shown.is_some();
        self.announce(Some(Pusher { key, client_clock, action, dialect }), ops, told, shown);
        if is_shown {
            self.review_sight_of(key);
        }
        if let Some(session) = self.sessions.get_mut(&key)
            && let State::Connected { reader, .. } = &mut session.state
        {
            reader.unanswered.push_back(Unanswered { position, client_clock });
            if let Some(claim) = reader.claim.as_mut().filter(|_| is_counted) {
                claim.applied = claim.applied.max(client_clock);
            }
        }
    }

    /// Whether the host takes the push.
    fn takes(&self, by: &Session, push: &Push) -> bool {
        let Push { client_clock, diff, presence } = push;
        let view = PushView::new(*client_clock, diff.as_ref(), presence.as_ref(), &self.store);
        self.config.hooks.takes(by, &view)
    }

    fn reject_push(&mut self, key: SessionKey, version: u32, refusal: Refusal) {
        add(&mut self.counters.pushes_rejected, 1);
        self.reject(
            key,
            version,
            match refusal {
                Refusal::InvalidRecord => CloseReason::InvalidRecord,
                Refusal::ClientTooOld => CloseReason::ClientTooOld,
            },
        );
    }

    /// Queues the commit of `ops` and of the push that they are of, which the store has just taken.
    pub(super) fn persist(
        &mut self,
        origin: Origin,
        ops: &[(RecordId, RecordOp)],
        before: Vec<Before>,
        applied: Option<AppliedPush>,
    ) {
        let has_schema = core::mem::take(&mut self.is_schema_unsaved);
        let limits = &self.config.limits;
        let pruned = self.store.prune_tombstones(limits.tombstones);
        let age = limits.known_client_age as u64;
        let forgotten = self.store.applied_mut().prune(limits.known_clients, age);
        let change = |((id, op), before): (&(RecordId, RecordOp), Before)| {
            Change::new(id.clone(), before, op.clone(), self.store.get(id).cloned())
        };
        let commit = Arc::new(Commit {
            clock: self.store.clock(),
            origin,
            changes: ops.iter().zip(before).map(change).collect(),
            schema: self.serialized.as_ref().filter(|_| has_schema).cloned(),
            pruned,
            tombstone_history_starts_at: self.store.tombstone_history_starts_at(),
            applied,
            forgotten,
        });
        self.actions.push_back(RoomAction::Persist(Arc::clone(&commit)));
        self.emit(RoomEvent::Committed(commit));
    }
}

impl From<InvalidRecord> for Refusal {
    fn from(_: InvalidRecord) -> Self {
        Self::InvalidRecord
    }
}

impl From<MigrationError> for Refusal {
    fn from(_: MigrationError) -> Self {
        Self::ClientTooOld
    }
}

impl Happened {
    /// What the pusher is told of `ops`, which are what the push did.
    fn action(&self, ops: &[(RecordId, RecordOp)]) -> PushAction {
        if self.is_as_asked && !ops.is_empty() {
            return PushAction::Commit;
        }
        let as_seen = |(id, op): &(RecordId, RecordOp)| match self.seen.get(id) {
            Some(seen) => Some((id.clone(), seen.clone()?)),
            None => Some((id.clone(), op.clone())),
        };
        let seen: NetworkDiff = ops.iter().filter_map(as_seen).collect();
        if seen.is_empty() { PushAction::Discard } else { PushAction::RebaseWithDiff(seen) }
    }
}

impl<'a> Access<'a> {
    /// Applies `diff` op by op.
    fn apply(self, edit: &mut Edit<'_>, diff: &NetworkDiff) -> Result<Happened, Refusal> {
        let mut happened = Happened { is_as_asked: true, seen: BTreeMap::new() };
        for (id, op) in diff.iter() {
            if !Object::stores(id) {
                happened.is_as_asked = false;
                continue;
            }
            happened.is_as_asked &= match (self.lens_on(edit, id, op), op) {
                (Some(lens), op) => {
                    let seen = self.apply_through(lens, edit, id, op)?;
                    let is_as_asked = seen.as_ref() == Some(op);
                    happened.seen.insert(id.clone(), seen);
                    is_as_asked
                }
                (None, RecordOp::Put(record)) => self.put(edit, id, record, None)?,
                (None, RecordOp::Patch(diff)) => self.patch(edit, id, diff)?,
                (None, RecordOp::Remove) => self.remove(edit, id),
            };
        }
        Ok(happened)
    }

    /// The lens that makes a difference to what an op does, if any.
    fn lens_on(self, edit: &Edit<'_>, id: &RecordId, op: &RecordOp) -> Option<&'a Lens> {
        let lens = self.form.lens.as_deref()?;
        let record = match op {
            RecordOp::Put(record) => record,
            RecordOp::Patch(_) => edit.get(id)?,
            RecordOp::Remove => return None,
        };
        let (_, type_name) = identity(record)?;
        lens.alters(type_name).then_some(lens)
    }

    /// Applies an op of a client that sees the record through `lens`. Returns what it sees of what
    /// happened.
    fn apply_through(
        self,
        lens: &Lens,
        edit: &mut Edit<'_>,
        id: &RecordId,
        op: &RecordOp,
    ) -> Result<Option<RecordOp>, Refusal> {
        let before = edit.get(id).cloned();
        let view = match (op, &before) {
            (RecordOp::Put(view), _) => view.clone(),
            (RecordOp::Patch(diff), Some(before)) if self.editable_type(before).is_some() => {
                let mut view = lens.view(before)?;
                if diff.apply(&mut view) == Effect::None {
                    return Ok(None);
                }
                if identity(&view) != identity(before) {
                    return Err(Refusal::InvalidRecord);
                }
                view
            }
            (RecordOp::Patch(_) | RecordOp::Remove, _) => return Ok(None),
        };
        self.put(edit, id, &view, Some(lens))?;
        Ok(lens.see(before.as_ref(), edit.get(id), self.form.strings)?)
    }

    /// Makes the record be what the session sees as `record`, if `lens` makes a difference to that.
    /// Returns whether what happened is what was asked.
    fn put(
        self,
        edit: &mut Edit<'_>,
        id: &RecordId,
        record: &Object,
        lens: Option<&Lens>,
    ) -> Result<bool, Refusal> {
        let type_name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
        if !self.may_change(type_name) {
            return Ok(false);
        }
        if self.schema.scope(type_name) != Some(Scope::Document) {
            return Err(Refusal::InvalidRecord);
        }
        let before = edit.get(id);
        let before_type = before.and_then(identity).map(|(_, type_name)| type_name);
        if before_type.is_some_and(|before| before != type_name) {
            return Ok(false);
        }
        if before.is_none() && !self.is_free(id) {
            return Err(Refusal::InvalidRecord);
        }
        if identity(record) != Some((id, type_name)) {
            return Err(Refusal::InvalidRecord);
        }
        let record = &match lens {
            Some(lens) => lens.edit(before, record.clone())?,
            None => record.clone(),
        };
        // What a peer sends is not too deep; what a migration makes of it may be.
        if lens.is_some() && !is_within_depth(record, self.config.limits.value_depth) {
            return Err(Refusal::InvalidRecord);
        }
        let Ok(stored) = self.authorize_put(type_name, before, record) else { return Ok(false) };
        if identity(&stored) != Some((id, type_name)) {
            return Err(Refusal::InvalidRecord);
        }
        self.schema.validate(type_name, &stored)?;
        let limits = &self.config.limits;
        let is_over = before.is_none() && edit.len() >= limits.records;
        if is_over || size_of_object(&stored) > limits.record_bytes {
            return Ok(false);
        }
        let is_as_asked = stored == *record;
        // A record that was there is told as what changed of it.
        Ok(matches!(edit.put(id, stored), Some(RecordOp::Put(_))) && is_as_asked)
    }

    fn patch(self, edit: &mut Edit<'_>, id: &RecordId, diff: &ObjectDiff) -> Result<bool, Refusal> {
        let allow = |before: &Object| {
            let type_name = self.editable_type(before)?;
            (!self.vetoes_patch(&type_name, before, diff)).then_some(type_name)
        };
        let Some((type_name, patched)) = edit.patch(id, diff, allow) else { return Ok(false) };
        let (whole, growth) = (patched.effective == *diff, growth_by(&patched.effective));
        let is_renamed = ["id", "typeName"].iter().any(|key| diff.get(key).is_some());
        if is_renamed && identity(patched.record) != Some((id, &type_name)) {
            return Err(Refusal::InvalidRecord);
        }
        self.schema.validate(&type_name, patched.record)?;
        let most = self.config.limits.record_bytes;
        if patched.size_within(growth, most) > most {
            edit.undo_last();
            return Ok(false);
        }
        Ok(whole)
    }

    fn remove(self, edit: &mut Edit<'_>, id: &RecordId) -> bool {
        let Some(record) = edit.get(id) else { return false };
        let Some(type_name) = self.editable_type(record) else { return false };
        if let Some(authorizer) = self.config.hooks.authorizer(&type_name)
            && authorizer.remove(&self.by.view(), record).is_err()
        {
            return false;
        }
        edit.remove(id).is_some()
    }

    /// The record to store where a session puts `record`.
    fn authorize_put(
        self,
        type_name: &str,
        before: Option<&Object>,
        record: &Object,
    ) -> Result<Object, Veto> {
        let Some(authorizer) = self.config.hooks.authorizer(type_name) else {
            return Ok(record.clone());
        };
        let view = self.by.view();
        if let Some(before) = before {
            return authorizer.update(&view, before, record).map(|()| record.clone());
        }
        let created = authorizer.create(&view, record.clone())?;
        let depth = self.config.limits.value_depth;
        // What a host must not make of a record, it has not decided on.
        let is_sound = identity(&created) == identity(record) && is_within_depth(&created, depth);
        if is_sound { Ok(created) } else { Err(Veto) }
    }

    fn vetoes_patch(self, type_name: &str, before: &Object, diff: &ObjectDiff) -> bool {
        let Some(authorizer) = self.config.hooks.authorizer(type_name) else { return false };
        let mut after = before.clone();
        diff.apply(&mut after) != Effect::None
            && authorizer.update(&self.by.view(), before, &after).is_err()
    }

    /// Whether a new document may have that id. One that names a session's presence is taken:
    /// whoever hears of both could not tell them apart.
    fn is_free(self, id: &RecordId) -> bool {
        let is_sized = (1..=self.config.limits.id_bytes).contains(&id.len());
        is_sized && self.sessions.values().all(|session| session.presence_id != *id)
    }

    /// The type of a record that the session may change.
    fn editable_type(self, record: &Object) -> Option<Key> {
        let type_name = record.get("typeName")?.as_str()?;
        self.may_change(type_name).then(|| Key::from(type_name))
    }

    /// Object types go by the session's object access, all others by whether it may write.
    fn may_change(self, type_name: &str) -> bool {
        if self.config.object_types.contains(type_name) {
            self.by.object_access == ObjectAccess::Write
        } else {
            !self.by.readonly
        }
    }
}
