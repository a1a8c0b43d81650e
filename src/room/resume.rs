//! How a session that was kept outside the room's memory is taken up again where it was.

use super::dialect::Form;
use super::hibernate::SessionSnapshot;
use super::lens::Lens;
use super::session::{Reader, Session, SessionKey, Unanswered};
use super::visibility::{Shown, Sight};
use super::{Meta, Room, RoomEvent, SessionParams};
use crate::close::CloseReason;
use crate::diff::RecordOp;
use crate::error::OpenError;
use crate::ids::{ConnectionId, RecordId};
use crate::limits::Limits;
use crate::store::{PushClient, is_within_depth, size_of_object};
use crate::time::Instant;
use crate::wire::Codec;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// What those who were in before the room slept know of each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Woken {
    /// The presence that others were shown of those who were resumed so far.
    shown: BTreeSet<RecordId>,
    /// Whether anything of presence is not as it was before the room slept. Until then who is resumed
    /// tells and hears nothing of presence: all who are here know it.
    is_disturbed: bool,
}

impl Woken {
    pub(super) const fn disturb(&mut self) {
        self.is_disturbed = true;
    }

    pub(super) fn has_shown(&self, id: &RecordId) -> bool {
        self.shown.contains(id)
    }
}

impl Room {
    /// Takes up a session on a connection that stayed open, in this room or in one that was
    /// restored: its client does not connect again. Its schema is checked as if it did, and the
    /// connection closed when it does not fit, or when the room cannot tell what the client missed.
    ///
    /// All sessions that were kept of a room are resumed before it is given up again, and each before
    /// its client connects anew, whose connection it would replace. To let others know that one of
    /// them is gone, resume it, and then say that its connection [ended](Room::handle_disconnect).
    ///
    /// # Errors
    ///
    /// When the room takes no more sessions, like [`Room::handle_connect`].
    pub fn handle_resume(
        &mut self,
        now: Instant,
        snapshot: SessionSnapshot,
        meta: Meta,
    ) -> Result<ConnectionId, OpenError> {
        let was_here = self.known_session(&snapshot.session, &snapshot.identity).is_some();
        let params = SessionParams {
            session: snapshot.session.clone(),
            readonly: snapshot.readonly,
            object_access: snapshot.object_access,
            identity: snapshot.identity.clone(),
            meta,
        };
        let connection = match self.handle_connect(now, params) {
            Ok(connection) => connection,
            Err(error) => {
                self.end_lost_presence(&snapshot);
                self.flush();
                return Err(error);
            }
        };
        if let Some(key) = self.by_connection.get(&connection).copied() {
            self.resume(key, snapshot, was_here);
            self.flush();
        }
        Ok(connection)
    }

    fn resume(&mut self, key: SessionKey, snapshot: SessionSnapshot, was_here: bool) {
        let version = snapshot.protocol_version;
        let lens = self.place_client(key, version, Some(&snapshot.schema));
        // Before anything ends the session, so that those who see it are told of its end.
        if let Ok(lens) = &lens
            && !was_here
        {
            self.take_up_presence(key, &snapshot, lens.as_deref());
        }
        self.end_lost_presence(&snapshot);
        let lens = match lens {
            Ok(lens) => lens,
            Err(reason) => return self.reject(key, version, reason),
        };
        // The client has come again by itself, and is not to be ended for what it was before.
        let client = snapshot
            .client
            .clone()
            .map(|client| PushClient { identity: snapshot.identity.clone(), client });
        if client.is_some_and(|client| self.other_session_of(key, &client).is_some()) {
            return self.remove(key, CloseReason::Replaced);
        }
        let pushes = snapshot.unanswered.iter().chain([&snapshot.last_applied_push]);
        let are_clocks = pushes.max().is_some_and(|last| *last <= Limits::MAX_CLOCK);
        let mut sight = self.first_sight(key);
        let gone = self.gone_for(key, &snapshot, sight.as_deref_mut());
        // What no client has counted to it could not be answered either.
        let gone = gone.filter(|_| are_clocks && self.store.knows_since(snapshot.told_clock));
        let Some(gone) = gone else {
            return self.cancel(key, CloseReason::Reset);
        };
        let is_behind = was_here
            || snapshot.told_clock < self.store.clock()
            || !snapshot.unanswered.is_empty()
            || snapshot.unheard_presence.is_some()
            || snapshot.shown_presence.is_some() != sight.is_some()
            || self.has_other_id(key, &snapshot);
        let claim = self.claim(key, snapshot.client, Some(snapshot.last_applied_push));
        // A client that knows another codec still reads JSON.
        let codec = if self.config.postcard { snapshot.codec } else { Codec::Json };
        let position = self.log.end();
        let reader = Reader {
            version,
            dialect: self.dialects.of(Form::new(version, codec, lens)),
            position,
            next_flush: self.now,
            told_clock: snapshot.told_clock,
            unanswered: snapshot
                .unanswered
                .into_iter()
                .map(|client_clock| Unanswered { position, client_clock })
                .collect(),
            claim,
            sight,
        };
        self.let_in(key, reader);
        // What it had not heard may be of those who are not resumed yet.
        self.woken.is_disturbed |= is_behind;
        if self.woken.is_disturbed {
            self.catch_up(key, gone);
        }
    }

    /// Gives a session that is new to this room the presence that it had, and tells those who may
    /// know another.
    fn take_up_presence(
        &mut self,
        key: SessionKey,
        snapshot: &SessionSnapshot,
        lens: Option<&Lens>,
    ) {
        let id = &snapshot.presence_id;
        let is_free = (1..=self.config.limits.id_bytes).contains(&id.len())
            && self.store.get(id).is_none()
            && self.sessions.iter().all(|(other, it)| *other == key || it.presence_id != *id);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if is_free {
            session.presence_id = id.clone();
        }
        let Some(presence_type) = self.schema.presence_type() else { return };
        // The room may be of a newer schema by now.
        let lens = lens.filter(|lens| lens.alters(presence_type));
        let presence = snapshot.presence.clone().and_then(|presence| match lens {
            Some(lens) => lens.edit(None, presence).ok(),
            None => Some(presence),
        });
        let Some(mut record) = presence else { return };
        record.insert("id", session.presence_id.as_str());
        record.insert("typeName", presence_type.as_str());
        let limits = &self.config.limits;
        if size_of_object(&record) > limits.presence_bytes
            || !is_within_depth(&record, limits.value_depth)
            || self.schema.validate(presence_type, &record).is_err()
        {
            return;
        }
        session.presence = Some(record.clone());
        let (name, id) = (session.name.clone(), session.presence_id.clone());
        self.emit(RoomEvent::Presence { session: name, record: Some(record.clone()) });
        let is_as_shown = is_free && lens.is_none() && !snapshot.is_presence_cut;
        let sees_all = self.config.hooks.show_presence().is_none();
        if self.woken.is_disturbed || !is_as_shown || !sees_all {
            let op = RecordOp::Put(record);
            let shown = Shown { owner: key, id, before: None, op };
            self.announce(None, Vec::new(), Vec::new(), Some(shown));
        }
    }

    /// The presence that the client of a session may have and is not shown any more, or `None` when
    /// nobody can tell.
    fn gone_for(
        &self,
        key: SessionKey,
        snapshot: &SessionSnapshot,
        sight: Option<&mut Sight>,
    ) -> Option<Vec<RecordId>> {
        let mut gone: Vec<RecordId> = match (sight, &snapshot.shown_presence) {
            (None, _) => self.woken.shown.iter().cloned().collect(),
            (Some(sight), Some(was_shown)) => self.out_of_sight(sight, was_shown),
            // It was shown everything, and is not to hear of what it may not see.
            (Some(_), None) => return None,
        };
        gone.extend(snapshot.unheard_presence.iter().flatten().cloned());
        gone.retain(|id| *id != snapshot.presence_id);
        // Its id now was that of somebody else.
        let own = self.sessions.get(&key).filter(|_| self.has_other_id(key, snapshot));
        gone.extend(own.map(|session| session.presence_id.clone()));
        Some(gone)
    }

    /// Whether the id of its presence was not free any more.
    fn has_other_id(&self, key: SessionKey, snapshot: &SessionSnapshot) -> bool {
        self.sessions.get(&key).is_some_and(|session| session.presence_id != snapshot.presence_id)
    }

    /// Tells others that what they were shown of a session before the room slept is gone, if it is.
    fn end_lost_presence(&mut self, snapshot: &SessionSnapshot) {
        let was_shown = snapshot.presence.is_some() || snapshot.is_presence_cut;
        let id = &snapshot.presence_id;
        // By now it may be the id of something else.
        if !was_shown || self.store.get(id).is_some() {
            return;
        }
        self.woken.shown.insert(id.clone());
        let shows_it = |it: &Session| it.presence_id == *id && it.presence.is_some();
        if !self.sessions.values().any(shows_it) {
            self.log.note_presence_removed(id, self.config.limits.tombstones);
            // It is nobody's any more, also where its session is here with another.
            let owner = SessionKey(self.next_session);
            let shown = Shown { owner, id: id.clone(), before: None, op: RecordOp::Remove };
            self.announce(None, Vec::new(), Vec::new(), Some(shown));
        }
    }
}
