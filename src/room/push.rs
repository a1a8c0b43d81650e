//! How a push is taken: op by op in one step, and what became of it.

use super::broadcast::Pusher;
use super::presence::PresenceChange;
use super::session::{Session, SessionKey, State, Unanswered};
use super::{Change, Commit, Origin, Room, RoomAction, RoomConfig, RoomEvent};
use crate::close::CloseReason;
use crate::diff::{NetworkDiff, RecordOp};
use crate::ids::{Key, RecordId};
use crate::schema::{InvalidRecord, Schema, Scope, identity};
use crate::store::{AppliedPush, Edit};
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
    readonly: bool,
    object_access: ObjectAccess,
}

impl Room {
    pub(super) fn handle_push(&mut self, key: SessionKey, push: Push) {
        let Some(session) = self.sessions.get(&key) else { return };
        let State::Connected { reader, .. } = &session.state else { return };
        let (version, dialect) = (reader.version, Arc::clone(&reader.dialect));
        if reader.unanswered.len() >= self.config.limits.unanswered_pushes {
            return self.cancel(key, CloseReason::Reset);
        }
        let name = session.name.clone();
        let claim = reader.claim.as_ref();
        let Push { client_clock, diff, presence } = push;
        // What was taken before asks for nothing any more.
        let (diff, presence) = match claim {
            Some(claim) if client_clock <= claim.applied => (Some(NetworkDiff::default()), None),
            Some(_) | None => (diff, presence),
        };
        // A push of presence has nothing in it that could take effect a second time.
        let is_counted = diff.as_ref().is_some_and(|diff| !diff.is_empty());
        let client = claim.filter(|_| is_counted).map(|claim| claim.client.clone());
        let planned = presence.map_or(Ok(None), |op| self.plan_presence(key, op));
        let Ok(planned) = planned else {
            return self.reject(key, version, CloseReason::InvalidRecord);
        };
        let access = Access {
            config: &self.config,
            schema: &self.schema,
            sessions: &self.sessions,
            readonly: session.readonly,
            object_access: session.object_access,
        };
        let (action, mut ops) = match diff {
            None => (PushAction::Commit, Vec::new()),
            Some(diff) => {
                let mut edit = self.store.edit();
                let Ok(is_as_asked) = access.apply(&mut edit, &diff) else {
                    // Dropped here, the step is taken back.
                    drop(edit);
                    return self.reject(key, version, CloseReason::InvalidRecord);
                };
                let ops = edit.commit();
                let action = if ops.is_empty() {
                    PushAction::Discard
                } else if is_as_asked {
                    PushAction::Commit
                } else {
                    PushAction::RebaseWithDiff(ops.iter().cloned().collect())
                };
                (action, ops)
            }
        };
        if !ops.is_empty() || client.is_some() {
            let applied = client.map(|client| self.store.applied_mut().note(client, client_clock));
            let origin = Origin::Session { session: name.clone(), client_clock };
            self.persist(origin, &ops, applied);
        }
        if let Some(PresenceChange { after, op }) = planned
            && let Some(session) = self.sessions.get_mut(&key)
        {
            session.presence = Some(after.clone());
            ops.push((session.presence_id.clone(), op));
            self.emit(RoomEvent::Presence { session: name, record: Some(after) });
        }
        let position = self.log.end();
        self.broadcast(Some(Pusher { key, client_clock, action, dialect }), &ops);
        if let Some(session) = self.sessions.get_mut(&key)
            && let State::Connected { reader, .. } = &mut session.state
        {
            reader.unanswered.push_back(Unanswered { position, client_clock });
            if let Some(claim) = reader.claim.as_mut().filter(|_| is_counted) {
                claim.applied = client_clock;
            }
        }
    }

    /// Queues the commit of `ops` and of the push that they are of, which the store has just taken.
    pub(super) fn persist(
        &mut self,
        origin: Origin,
        ops: &[(RecordId, RecordOp)],
        applied: Option<AppliedPush>,
    ) {
        let has_schema = core::mem::take(&mut self.is_schema_unsaved);
        let limits = &self.config.limits;
        let pruned = self.store.prune_tombstones(limits.tombstones);
        let age = limits.known_client_age as u64;
        let forgotten = self.store.applied_mut().prune(limits.known_clients, age);
        let change = |(id, op): &(RecordId, RecordOp)| Change {
            id: id.clone(),
            after: self.store.get(id).cloned(),
            op: op.clone(),
        };
        let commit = Arc::new(Commit {
            clock: self.store.clock(),
            origin,
            changes: ops.iter().map(change).collect(),
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
            let happened = match op {
                RecordOp::Put(record) => self.put(edit, id, record)?,
                RecordOp::Patch(diff) => match self.editable_type(edit, id) {
                    Some(type_name) => match edit.patch(id, diff) {
                        Some(RecordOp::Patch(effective)) => {
                            let whole = effective == diff;
                            self.check(id, &type_name, edit.get(id))?;
                            whole
                        }
                        Some(RecordOp::Put(_) | RecordOp::Remove) | None => false,
                    },
                    None => false,
                },
                RecordOp::Remove => {
                    self.editable_type(edit, id).is_some() && edit.remove(id).is_some()
                }
            };
            is_as_asked &= happened;
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
        let before = edit.get(id).and_then(identity).map(|(_, type_name)| type_name);
        if before.is_some_and(|before| before != type_name) {
            return Ok(false);
        }
        if before.is_none() && !self.is_free(id) {
            return Err(InvalidRecord);
        }
        self.check(id, type_name, Some(record))?;
        // A record that was there is told as what changed of it.
        Ok(matches!(edit.put(id, record.clone()), Some(RecordOp::Put(_))))
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
            self.object_access == ObjectAccess::Write
        } else {
            !self.readonly
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
