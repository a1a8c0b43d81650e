//! How a session enters: versions, schemas, and all that its client lacks.

use super::dialect::Form;
use super::hydration::Hydration;
use super::lens::Lens;
use super::session::{Claim, OwedConnect, Reader, Session, SessionKey, State};
use super::{Origin, Room, RoomAction, RoomEvent};
use crate::close::CloseReason;
use crate::diff::NetworkDiff;
use crate::schema::{MigrationError, SchemaMismatch, SerializedSchema};
use crate::wire::{
    Codec, ConnectAnswer, ConnectRequest, HydrationType, OLDEST_PROTOCOL_VERSION, ObjectAccess,
    PROTOCOL_VERSION,
};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

impl Room {
    pub(super) fn handle_connect_request(&mut self, key: SessionKey, request: ConnectRequest) {
        let version = request.protocol_version.unwrap_or(0);
        let position = self.log.end();
        let codec = self.choose_codec(&request);
        let entered = self.place_client(key, version, request.schema.as_ref()).and_then(|lens| {
            let link = self.sessions.get_mut(&key).and_then(|session| session.link_mut());
            match link {
                Some(link) if !link.writable => {
                    link.owed_connect = Some(Box::new(OwedConnect { request, position }));
                }
                Some(_) => self
                    .answer_connect(key, &request, version, Form::new(version, codec, lens))
                    .map_err(|_| CloseReason::ClientTooOld)?,
                None => {}
            }
            Ok(())
        });
        if let Err(reason) = entered {
            self.reject(key, version, reason);
        }
    }

    /// Whether the room can serve a client of this protocol and schema, and through which lens.
    pub(super) fn place_client(
        &mut self,
        key: SessionKey,
        version: u32,
        schema: Option<&SerializedSchema>,
    ) -> Result<Option<Arc<Lens>>, CloseReason> {
        if version < OLDEST_PROTOCOL_VERSION {
            return Err(CloseReason::ClientTooOld);
        }
        if version > PROTOCOL_VERSION {
            return Err(CloseReason::ServerTooOld);
        }
        let schema = schema.ok_or(CloseReason::ClientTooOld)?;
        if let Some(session) = self.sessions.get_mut(&key) {
            session.undecided = None;
        }
        let mismatch = match &self.serialized {
            Some(own) => match self.lens(key, own, schema) {
                Ok(lens) => {
                    if self.may_write(key) {
                        self.place_undecided();
                    }
                    return Ok(lens);
                }
                Err(SchemaMismatch::TooOld) => CloseReason::ClientTooOld,
                Err(SchemaMismatch::TooNew) => CloseReason::ServerTooOld,
            },
            None => CloseReason::ClientTooOld,
        };
        if !self.may_adopt(key) {
            return Err(mismatch);
        }
        if !self.may_write(key) {
            // Only who may write decides what the room is of.
            if let Some(session) = self.sessions.get_mut(&key) {
                session.undecided = Some(schema.clone());
            }
            return Ok(None);
        }
        self.serialized = Some(schema.clone());
        self.is_schema_unsaved = true;
        self.persist(Origin::Host, &[], Vec::new(), None);
        self.place_again(Some(key));
        Ok(None)
    }

    /// Those who came before the schema was decided on are told it by connecting again, unless it
    /// is the one that they came with.
    pub(super) fn place_undecided(&mut self) {
        let mut others = Vec::new();
        for (key, session) in self.sessions.iter_mut() {
            let undecided = session.undecided.take();
            if undecided.is_some() && undecided != self.serialized {
                others.push(*key);
            }
        }
        for key in others {
            self.cancel(key, CloseReason::Reset);
        }
    }

    /// The room is of another schema now: those who were placed in the old one connect again, but
    /// for the one who brought it.
    pub(super) fn place_again(&mut self, who: Option<SessionKey>) {
        let others = self.sessions.iter().filter(|(key, _)| Some(**key) != who);
        let placed = others.filter(|(_, it)| it.reader().is_some() && it.undecided.is_none());
        for key in placed.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.cancel(key, CloseReason::Reset);
        }
        self.place_undecided();
    }

    /// How a client of that schema sees the records of a room of schema `own`, or `None` when it
    /// sees them as they are.
    fn lens(
        &self,
        key: SessionKey,
        own: &SerializedSchema,
        schema: &SerializedSchema,
    ) -> Result<Option<Arc<Lens>>, SchemaMismatch> {
        let lens = match self.dialects.lens_of(schema) {
            Some(known) => Arc::clone(known),
            None => {
                let path = self.schema.migration_path_to(own, schema)?;
                if path.is_empty() {
                    return Ok(None);
                }
                if !path.is_reversible() {
                    return Err(SchemaMismatch::TooOld);
                }
                Arc::new(Lens { client: schema.clone(), path })
            }
        };
        let others = self.sessions.iter().filter(|(other, _)| **other != key);
        let mut in_use: Vec<&Arc<Lens>> = Vec::new();
        for used in others.filter_map(|(_, it)| it.reader()?.dialect.form.lens.as_ref()) {
            if !in_use.contains(&used) {
                in_use.push(used);
            }
        }
        if in_use.contains(&&lens) || in_use.len() < self.config.limits.older_schemas {
            Ok(Some(lens))
        } else {
            Err(SchemaMismatch::TooOld)
        }
    }

    /// Whether the room's schema is still to be decided on: none of it depends on another one yet,
    /// and nobody is in who may write. So whoever looks in with an odd schema, or may only look,
    /// does not lock out all who come later.
    fn may_adopt(&self, key: SessionKey) -> bool {
        let is_untouched = self.store.clock() == 0 && self.store.is_empty();
        let mut others = self.sessions.iter().filter(|(other, _)| **other != key);
        self.schema.serialized().is_none()
            && (self.serialized.is_none()
                || is_untouched && !others.any(|(key, it)| it.joined && self.may_write(*key)))
    }

    fn may_write(&self, key: SessionKey) -> bool {
        let writes_objects = |session: &Session| {
            session.object_access == ObjectAccess::Write && !self.config.object_types.is_empty()
        };
        self.sessions.get(&key).is_some_and(|it| !it.readonly || writes_objects(it))
    }

    /// Lets the session in, afresh if it was in before.
    fn answer_connect(
        &mut self,
        key: SessionKey,
        request: &ConnectRequest,
        version: u32,
        form: Form,
    ) -> Result<(), MigrationError> {
        let since = request.last_server_clock.filter(|clock| self.store.knows_since(*clock));
        let documents = match since {
            Some(clock) => Vec::from([form.records(self.store.changes_since(clock))?]),
            None => self.all_documents(&form)?,
        };
        if form.lens.is_some() {
            // Found out before anything happens for a session that will not be let in.
            let sight = self.first_sight(key);
            form.records(self.presence_of_others(key, sight.as_deref()))?;
        }
        // It is not shown who was here before the room slept and is resumed later.
        self.woken.disturb();
        let claim = self.claim(key, request.client_id.clone(), request.last_acked_push);
        let sight = self.first_sight(key);
        let presence = form.records(self.presence_of_others(key, sight.as_deref()))?;
        let parts: Vec<Bytes> = core::iter::once(presence).chain(documents).collect();
        let hydration_type = match since {
            Some(_) => HydrationType::WipePresence,
            None => HydrationType::WipeAll,
        };
        let answer = self.connect_answer(key, request, claim.as_ref(), hydration_type);
        let frame = form.codec.connect_answer(&answer, parts);
        let reader = Reader {
            version,
            dialect: self.dialects.of(form),
            position: self.log.end(),
            next_flush: self.now,
            told_clock: self.store.clock(),
            unanswered: VecDeque::new(),
            claim,
            sight,
        };
        if let Some(link) = self.sessions.get(&key).and_then(Session::link) {
            let connection = link.connection;
            self.actions.push_back(RoomAction::send(connection, frame));
        }
        self.let_in(key, reader);
        Ok(())
    }

    /// Serves the session from here on.
    pub(super) fn let_in(&mut self, key: SessionKey, reader: Reader) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let cancelled = State::Cancelled { until: self.now, reason: CloseReason::Disconnected };
        session.state = match core::mem::replace(&mut session.state, cancelled) {
            State::AwaitingConnect { link, .. } | State::Connected { link, .. } => {
                if !core::mem::replace(&mut session.joined, true) {
                    let (connection, session) = (link.connection, session.name.clone());
                    let joined = RoomEvent::Joined { connection, session };
                    self.actions.push_back(RoomAction::Event(joined));
                }
                State::Connected { link, reader }
            }
            cancelled @ State::Cancelled { .. } => cancelled,
        };
        self.schedule.note_new_end();
    }

    fn connect_answer(
        &self,
        key: SessionKey,
        request: &ConnectRequest,
        claim: Option<&Claim>,
        hydration_type: HydrationType,
    ) -> ConnectAnswer {
        let session = self.sessions.get(&key);
        let undecided = session.and_then(|session| session.undecided.as_ref());
        ConnectAnswer {
            connect_request_id: request.connect_request_id.clone(),
            hydration_type,
            protocol_version: PROTOCOL_VERSION,
            schema: undecided.or(self.serialized.as_ref()).cloned().unwrap_or_default(),
            diff: NetworkDiff::default(),
            server_clock: self.store.clock(),
            is_readonly: session.is_some_and(|session| session.readonly),
            object_access: session.map(|session| session.object_access),
            last_applied_push: claim.map(|claim| claim.applied),
        }
    }

    /// The first codec that the client offers and the host allows.
    fn choose_codec(&self, request: &ConnectRequest) -> Codec {
        let offered = request.codecs.first().copied();
        offered.filter(|_| self.config.postcard).unwrap_or_default()
    }

    /// All documents in parts, which are kept for the next one who comes.
    fn all_documents(&mut self, form: &Form) -> Result<Vec<Bytes>, MigrationError> {
        let known = self.hydrations.iter().position(|known| known.is_for(form));
        let mut hydration = match known {
            Some(at) => self.hydrations.remove(at),
            None => Hydration::new(form.clone()),
        };
        let documents = hydration.documents(&self.store)?.collect();
        // One for each schema and codec that can be in use at a time, last used last.
        if self.hydrations.len() > 2 * self.config.limits.older_schemas + 1 {
            self.hydrations.remove(0);
        }
        self.hydrations.push(hydration);
        Ok(documents)
    }
}
