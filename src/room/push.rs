//! How a push is taken: op by op in one step, and what became of it.

use super::broadcast::Pusher;
use super::counters::add;
use super::hooks::{PushView, Veto};
use super::presence::PresenceChange;
use super::session::{Session, SessionKey, State, Unanswered};
use super::visibility::Shown;
use super::{Change, Commit, Origin, Room, RoomAction, RoomConfig, RoomEvent};
use crate::close::CloseReason;
use crate::diff::{Effect, NetworkDiff, ObjectDiff, RecordOp};
use crate::ids::{Key, RecordId};
use crate::schema::{InvalidRecord, Schema, Scope, identity};
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
    sessions: &'a BTreeMap<SessionKey, Session>,
    by: &'a Session,
}

impl Room {
    pub(super) fn handle_push(&mut self, key: SessionKey, push: Push) {
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
        let planned = presence.map_or(Ok(None), |op| self.plan_presence(key, op));
        let Ok(planned) = planned else { return self.reject_push(key, version) };
        let access = Access {
            config: &self.config,
            schema: &self.schema,
            sessions: &self.sessions,
            by: session,
        };
        let (action, Step { ops, before }) = match diff {
            None => (PushAction::Commit, Step::default()),
            Some(diff) => {
                let mut edit = self.store.edit();
                let Ok(is_as_asked) = access.apply(&mut edit, &diff) else {
                    // Dropped here, the step is taken back.
                    drop(edit);
                    return self.reject_push(key, version);
                };
                let step = edit.commit();
                let action = if step.ops.is_empty() {
                    PushAction::Discard
                } else if is_as_asked {
                    PushAction::Commit
                } else {
                    PushAction::RebaseWithDiff(step.ops.iter().cloned().collect())
                };
                (action, step)
            }
        };
        if !ops.is_empty() || client.is_some() {
            let applied = client.map(|client| self.store.applied_mut().note(client, client_clock));
            let origin = Origin::Session { session: name.clone(), identity, client_clock };
            self.persist(origin, &ops, before, applied);
        }
        let mut shown = None;
        if let Some(PresenceChange { after, op }) = planned
            && let Some(session) = self.sessions.get_mut(&key)
        {
            session.presence = Some(after.clone());
            shown = Some(Shown { owner: key, id: session.presence_id.clone(), op });
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
        self.announce(Some(Pusher { key, client_clock, action, dialect }), ops, shown);
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

    fn reject_push(&mut self, key: SessionKey, version: u32) {
        add(&mut self.counters.pushes_rejected, 1);
        self.reject(key, version, CloseReason::InvalidRecord);
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
            schema: self.serialized.clone().filter(|_| has_schema),
            pruned,
            tombstone_history_starts_at: self.store.tombstone_history_starts_at(),
            applied,
            forgotten,
        });
        self.actions.push_back(RoomAction::Persist(Arc::clone(&commit)));
        self.emit(RoomEvent::Committed(commit));
    }
}

impl Access<'_> {
    /// Applies `diff` op by op. Returns whether what happened is what was asked.
    fn apply(self, edit: &mut Edit<'_>, diff: &NetworkDiff) -> Result<bool, InvalidRecord> {
        let mut is_as_asked = true;
        for (id, op) in diff.iter() {
            if !Object::stores(id) {
                is_as_asked = false;
                continue;
            }
            is_as_asked &= match op {
                RecordOp::Put(record) => self.put(edit, id, record)?,
                RecordOp::Patch(diff) => self.patch(edit, id, diff)?,
                RecordOp::Remove => self.remove(edit, id),
            };
        }
        Ok(is_as_asked)
    }

    fn put(
        self,
        edit: &mut Edit<'_>,
        id: &RecordId,
        record: &Object,
    ) -> Result<bool, InvalidRecord> {
        let type_name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
        if !self.may_change(type_name) {
            return Ok(false);
        }
        if self.schema.scope(type_name) != Some(Scope::Document) {
            return Err(InvalidRecord);
        }
        let before = edit.get(id);
        let before_type = before.and_then(identity).map(|(_, type_name)| type_name);
        if before_type.is_some_and(|before| before != type_name) {
            return Ok(false);
        }
        if before.is_none() && !self.is_free(id) {
            return Err(InvalidRecord);
        }
        if identity(record) != Some((id, type_name)) {
            return Err(InvalidRecord);
        }
        let Ok(stored) = self.authorize_put(type_name, before, record) else { return Ok(false) };
        self.check(id, type_name, Some(&stored))?;
        let limits = &self.config.limits;
        let is_over = before.is_none() && edit.len() >= limits.records;
        if is_over || size_of_object(&stored) > limits.record_bytes {
            return Ok(false);
        }
        let is_as_asked = stored == *record;
        // A record that was there is told as what changed of it.
        Ok(matches!(edit.put(id, stored), Some(RecordOp::Put(_))) && is_as_asked)
    }

    fn patch(
        self,
        edit: &mut Edit<'_>,
        id: &RecordId,
        diff: &ObjectDiff,
    ) -> Result<bool, InvalidRecord> {
        let Some(type_name) = self.editable_type(edit, id) else { return Ok(false) };
        if self.vetoes_patch(&type_name, edit.get(id), diff) {
            return Ok(false);
        }
        let Some(RecordOp::Patch(effective)) = edit.patch(id, diff) else { return Ok(false) };
        let (whole, growth) = (effective == diff, growth_by(effective));
        self.check(id, &type_name, edit.get(id))?;
        let most = self.config.limits.record_bytes;
        if edit.size_within(id, growth, most) > most {
            edit.undo_last();
            return Ok(false);
        }
        Ok(whole)
    }

    fn remove(self, edit: &mut Edit<'_>, id: &RecordId) -> bool {
        let Some(type_name) = self.editable_type(edit, id) else { return false };
        if let (Some(authorizer), Some(record)) =
            (self.config.hooks.authorizer(&type_name), edit.get(id))
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

    fn vetoes_patch(self, type_name: &str, before: Option<&Object>, diff: &ObjectDiff) -> bool {
        let (Some(authorizer), Some(before)) = (self.config.hooks.authorizer(type_name), before)
        else {
            return false;
        };
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

    /// The type of a record that is there and that the session may change.
    fn editable_type(self, edit: &Edit<'_>, id: &RecordId) -> Option<Key> {
        let (_, type_name) = identity(edit.get(id)?)?;
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

    /// Checks that the record is still the one that its id and type say, and valid.
    fn check(
        self,
        id: &RecordId,
        type_name: &str,
        record: Option<&Object>,
    ) -> Result<(), InvalidRecord> {
        let record = record.ok_or(InvalidRecord)?;
        if identity(record) != Some((id, type_name)) {
            return Err(InvalidRecord);
        }
        self.schema.validate(type_name, record)
    }
}
