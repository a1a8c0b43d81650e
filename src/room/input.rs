//! What arrives: connections, messages, time. A peer can never make these fail or panic.

use super::counters::add;
use super::session::{Link, OwedConnect, Session, SessionKey, State};
use super::spent::Sender;
use super::{Room, RoomAction, RoomEvent, SessionParams};
use crate::close::CloseReason;
use crate::error::OpenError;
use crate::ids::{ConnectionId, Identity, RecordId, SessionId};
use crate::schema::SerializedSchema;
use crate::time::Instant;
use crate::wire::{
    Assembled, ChunkError, ClientMessage, ConnectRequest, PROTOCOL_VERSION, ServerMessage,
    decode_client_message,
};
use alloc::format;

impl Room {
    /// A connection for a session was opened. It replaces the one that the session had.
    ///
    /// # Errors
    ///
    /// When the room takes no more sessions. The driver then closes the connection, with
    /// [`CloseReason::RoomFull`] if it is full.
    pub fn handle_connect(
        &mut self,
        now: Instant,
        params: SessionParams,
    ) -> Result<ConnectionId, OpenError> {
        self.advance(now);
        let SessionParams { session: name, readonly, object_access, identity, meta } = params;
        if self.is_shut_down {
            return Err(OpenError::ShutDown);
        }
        if name.is_empty() || name.len() > self.config.limits.id_bytes {
            return Err(OpenError::BadSessionId);
        }
        let known = self.known_session(&name, &identity);
        let namesake = self.by_name.get(&name).copied().filter(|key| Some(*key) != known);
        if let Some(key) = namesake {
            // Somebody else's: nothing of it is for who comes.
            self.remove(key, CloseReason::Replaced);
        }
        if known.is_none() && self.sessions.len() >= self.config.limits.sessions {
            return Err(OpenError::RoomFull);
        }
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        let until = self.now.saturating_add(self.config.start_timeout);
        let link = Link::new(connection, self.now);
        let state = State::AwaitingConnect { link, until };
        let key = match known.and_then(|key| Some((key, self.sessions.get_mut(&key)?))) {
            Some((key, session)) => {
                let replaced = session.link().map(|link| link.connection);
                *session = Session {
                    name,
                    readonly,
                    object_access,
                    identity,
                    meta,
                    undecided: None,
                    buckets: session.buckets.clone(),
                    presence_id: session.presence_id.clone(),
                    presence: session.presence.take(),
                    joined: session.joined,
                    state,
                };
                if let Some(replaced) = replaced {
                    self.close_connection(replaced, CloseReason::Replaced);
                }
                self.review_presence_of(key);
                key
            }
            None => {
                let (key, presence_id) = self.new_session();
                let buckets = self.spent.of(&Sender::of(&identity, &name));
                self.by_name.insert(name.clone(), key);
                let session = Session {
                    name,
                    readonly,
                    object_access,
                    identity,
                    meta,
                    undecided: None,
                    buckets,
                    presence_id,
                    presence: None,
                    joined: false,
                    state,
                };
                self.sessions.insert(key, session);
                key
            }
        };
        self.by_connection.insert(connection, key);
        self.schedule.note_new_end();
        self.flush();
        Ok(connection)
    }

    /// A message arrived, whole or a piece of one. On a connection that is gone it is ignored.
    pub fn handle_message(&mut self, now: Instant, connection: ConnectionId, bytes: &[u8]) {
        self.advance(now);
        let Some(key) = self.by_connection.get(&connection).copied() else {
            add(&mut self.counters.ignored_unknown_connection, 1);
            return;
        };
        add(&mut self.counters.messages_in, 1);
        add(&mut self.counters.bytes_in, bytes.len());
        self.handle_bytes(key, bytes);
        self.flush();
    }

    /// The transport takes more, or for now no more. Sessions are writable when they connect.
    ///
    /// A session that is not writable is sent nothing, and nothing is queued for it: once it is
    /// writable again it is sent what it missed, or, after too long, the state instead.
    pub fn handle_writable(&mut self, now: Instant, connection: ConnectionId, writable: bool) {
        self.advance(now);
        let Some(key) = self.by_connection.get(&connection).copied() else { return };
        let Some(link) = self.sessions.get_mut(&key).and_then(Session::link_mut) else { return };
        link.writable = writable;
        if writable {
            let (connect, pong) = (link.owed_connect.take(), link.owed_pong);
            link.owed_pong = false;
            if let Some(owed) = connect {
                let OwedConnect { request, position } = *owed;
                let late = self.pushes_since(key, position);
                self.handle_connect_request(key, request);
                self.discard(key, &late);
            }
            if pong {
                self.send_pong(key);
            }
        }
        self.flush();
    }

    /// The transport of a connection ended. Ignored for one that is closed or replaced already.
    pub fn handle_disconnect(&mut self, now: Instant, connection: ConnectionId) {
        self.advance(now);
        // Gone from here, so that nothing is asked of the transport any more.
        if let Some(key) = self.by_connection.remove(&connection) {
            self.cancel(key, CloseReason::Disconnected);
            self.flush();
        }
    }

    /// Time has passed. Does what is due; early, late and repeated calls are safe.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.run_timers();
        self.flush();
    }

    /// The session of that name, if it is of who comes.
    pub(super) fn known_session(
        &self,
        name: &SessionId,
        identity: &Option<Identity>,
    ) -> Option<SessionKey> {
        let key = self.by_name.get(name).copied()?;
        self.sessions.get(&key).is_some_and(|it| it.identity == *identity).then_some(key)
    }

    /// The key of a new session, and an id for its presence that names no document.
    fn new_session(&mut self) -> (SessionKey, RecordId) {
        let presence_type = self.schema.presence_type().map_or("presence", |name| name);
        loop {
            let key = SessionKey(self.next_session);
            self.next_session += 1;
            let presence_id = RecordId::from(format!("{presence_type}:{}", key.0));
            // One that was resumed may have brought any.
            let mut taken = self.sessions.values().map(|session| &session.presence_id);
            if self.store.get(&presence_id).is_none() && taken.all(|taken| *taken != presence_id) {
                return (key, presence_id);
            }
        }
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn handle_bytes(&mut self, key: SessionKey, bytes: &[u8]) {
        let (now, limits) = (self.now, &self.config.limits);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let version = session.reader().map_or(PROTOCOL_VERSION, |reader| reader.version);
        let Some(link) = session.link_mut() else { return };
        link.last_heard = now;
        if !session.buckets.take_message(now, &self.config.rates, bytes.len()) {
            return self.reject(key, version, CloseReason::RateLimited);
        }
        let Some(link) = session.link_mut() else { return };
        let message = match link.assembler.push(bytes, limits.message_bytes) {
            Ok(Assembled::Incomplete) => return,
            Ok(Assembled::Binary(bytes)) => ClientMessage::decode(bytes, limits.value_depth),
            Ok(Assembled::Whole(text)) => decode_client_message(text, limits.value_depth),
            Ok(Assembled::Joined(text)) => decode_client_message(&text, limits.value_depth),
            Err(ChunkError::OutOfOrder) => return self.cancel(key, CloseReason::BadChunk),
            Err(ChunkError::TooLarge) => {
                return self.reject(key, version, CloseReason::UnknownError);
            }
        };
        match message {
            Ok(message) => self.handle_client_message(key, message),
            Err(_) => self.reject(key, version, CloseReason::UnknownError),
        }
    }

    fn handle_client_message(&mut self, key: SessionKey, message: ClientMessage) {
        let Some(session) = self.sessions.get(&key) else { return };
        let is_connected = matches!(session.state, State::Connected { .. });
        match message {
            ClientMessage::Connect(request) if !self.is_within_limits(&request) => {
                let version = request.protocol_version.unwrap_or(PROTOCOL_VERSION);
                self.reject(key, version, CloseReason::UnknownError);
            }
            ClientMessage::Connect(mut request) => {
                // Ids that no client of ours has do not count; the answer tells so by silence.
                let most = self.config.limits.id_bytes;
                request.client_id.take_if(|client| !(1..=most).contains(&client.len()));
                self.handle_connect_request(key, request);
            }
            ClientMessage::Push(push) if is_connected => self.handle_push(key, push),
            ClientMessage::Ping if is_connected => self.send_pong(key),
            ClientMessage::Custom(data) if is_connected => {
                if let Some(link) = session.link() {
                    self.emit(RoomEvent::Custom { connection: link.connection, data });
                }
            }
            // Nothing is heard from a session before its `connect`.
            ClientMessage::Push(_) | ClientMessage::Ping | ClientMessage::Custom(_) => {
                add(&mut self.counters.ignored_not_connected, 1);
            }
        }
    }

    /// Whether what a client says of itself can be kept: for a peer that does not read, and as the
    /// schema of the room.
    fn is_within_limits(&self, request: &ConnectRequest) -> bool {
        let limits = &self.config.limits;
        let sequences = request.schema.iter().flat_map(SerializedSchema::iter);
        let schema_bytes: usize = sequences.map(|(id, _)| id.len() + 8).sum();
        request.connect_request_id.len() <= limits.id_bytes && schema_bytes <= limits.schema_bytes
    }

    fn send_pong(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let codec = session.codec();
        let Some(link) = session.link_mut() else { return };
        if !link.writable {
            link.owed_pong = true;
            return;
        }
        let connection = link.connection;
        let frame = ServerMessage::Pong.encode(codec);
        self.actions.push_back(RoomAction::send(connection, frame));
    }
}
