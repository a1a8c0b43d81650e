//! How a session enters: versions, schemas, and all that its client lacks.

use super::dialect::Form;
use super::hydration::Hydration;
use super::session::{Claim, OwedConnect, Reader, Session, SessionKey, State};
use super::visibility::Sight;
use super::{Origin, Room, RoomAction, RoomEvent};
use crate::close::CloseReason;
use crate::diff::NetworkDiff;
use crate::frame::Frame;
use crate::schema::{SchemaMismatch, SerializedSchema};
use crate::wire::{
    Codec, ConnectAnswer, ConnectRequest, HydrationType, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION,
};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

impl Room {
    pub(super) fn handle_connect_request(&mut self, key: SessionKey, request: ConnectRequest) {
        let version = request.protocol_version.unwrap_or(0);
        if let Err(reason) = self.place_client(key, version, request.schema.as_ref()) {
            return self.reject(key, version, reason);
        }
        let position = self.log.end();
        let Some(link) = self.sessions.get_mut(&key).and_then(|session| session.link_mut()) else {
            return;
        };
        if link.writable {
            self.answer_connect(key, request, version);
        } else {
            link.owed_connect = Some(OwedConnect { request, position });
        }
    }

    /// Whether the room can serve a client of this protocol and schema.
    pub(super) fn place_client(
        &mut self,
        key: SessionKey,
        version: u32,
        schema: Option<&SerializedSchema>,
    ) -> Result<(), CloseReason> {
        if version < OLDEST_PROTOCOL_VERSION {
            return Err(CloseReason::ClientTooOld);
        }
        if version > PROTOCOL_VERSION {
            return Err(CloseReason::ServerTooOld);
        }
        let schema = schema.ok_or(CloseReason::ClientTooOld)?;
        let mismatch = match &self.serialized {
            Some(own) => match own.accept(schema) {
                Ok(()) => return Ok(()),
                Err(SchemaMismatch::TooOld) => CloseReason::ClientTooOld,
                Err(SchemaMismatch::TooNew) => CloseReason::ServerTooOld,
            },
            None => CloseReason::ClientTooOld,
        };
        if !self.may_adopt(key) {
            return Err(mismatch);
        }
        self.serialized = Some(schema.clone());
        self.is_schema_unsaved = true;
        self.persist(Origin::Host, &[], Vec::new(), None);
        Ok(())
    }

    /// Whether the room takes on the schema of this client: none of it depends on another one yet.
    /// So whoever looks in with an odd schema and leaves does not lock out all who come later.
    fn may_adopt(&self, key: SessionKey) -> bool {
        let is_untouched = self.store.clock() == 0 && self.store.is_empty();
        let mut others = self.sessions.iter().filter(|(other, _)| **other != key);
        self.schema.serialized().is_none()
            && (self.serialized.is_none() || is_untouched && !others.any(|(_, it)| it.joined))
    }

    /// Lets the session in, afresh if it was in before.
    pub(super) fn answer_connect(
        &mut self,
        key: SessionKey,
        request: ConnectRequest,
        version: u32,
    ) {
        let claim = self.claim(key, request.client_id.clone(), request.last_acked_push);
        let codec = self.choose_codec(&request);
        let dialect = self.dialects.of(Form::new(version, codec));
        let sight = self.first_sight(key);
        let frame = self.connect_answer(key, &request, claim.as_ref(), sight.as_deref(), codec);
        let reader = Reader {
            version,
            dialect,
            position: self.log.end(),
            next_flush: self.now,
            told_clock: self.store.clock(),
            unanswered: VecDeque::new(),
            claim,
            sight,
        };
        if let Some(link) = self.sessions.get(&key).and_then(Session::link) {
            let connection = link.connection;
            self.actions.push_back(RoomAction::Send { connection, frame });
        }
        self.let_in(key, reader);
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
    }

    fn connect_answer(
        &mut self,
        key: SessionKey,
        request: &ConnectRequest,
        claim: Option<&Claim>,
        sight: Option<&Sight>,
        codec: Codec,
    ) -> Frame {
        let since = request.last_server_clock.filter(|clock| self.store.knows_since(*clock));
        let documents: Vec<Bytes> = match since {
            Some(clock) => [codec.records(self.store.changes_since(clock))].into(),
            None => self.all_documents(codec),
        };
        let presence = self.presence_of_others(key, sight).map(|(id, record)| (id, Some(record)));
        let mut parts = [codec.records(presence)].to_vec();
        parts.extend(documents);
        let session = self.sessions.get(&key);
        let answer = ConnectAnswer {
            connect_request_id: request.connect_request_id.clone(),
            hydration_type: match since {
                Some(_) => HydrationType::WipePresence,
                None => HydrationType::WipeAll,
            },
            protocol_version: PROTOCOL_VERSION,
            schema: self.serialized.clone().unwrap_or_default(),
            diff: NetworkDiff::default(),
            server_clock: self.store.clock(),
            is_readonly: session.is_some_and(|session| session.readonly),
            object_access: session.map(|session| session.object_access),
            last_applied_push: claim.map(|claim| claim.applied),
        };
        codec.connect_answer(&answer, &parts)
    }

    /// The first codec that the client offers and the host allows.
    fn choose_codec(&self, request: &ConnectRequest) -> Codec {
        let offered = request.codecs.first().copied();
        offered.filter(|_| self.config.postcard).unwrap_or_default()
    }

    /// All documents in parts, which are kept for the next one who comes.
    fn all_documents(&mut self, codec: Codec) -> Vec<Bytes> {
        let known = self.hydrations.iter().position(|known| known.codec() == codec);
        let at = known.unwrap_or_else(|| {
            self.hydrations.push(Hydration::new(codec));
            self.hydrations.len() - 1
        });
        let hydration = self.hydrations.get_mut(at);
        hydration.map(|it| it.documents(&self.store).collect()).unwrap_or_default()
    }
}
