//! What a session is, and how it begins, pauses and ends.

use super::dialect::Dialect;
use super::rate::Buckets;
use super::view::Meta;
use super::visibility::{Shown, Sight};
use super::{Room, RoomAction, RoomEvent};
use crate::close::CloseReason;
use crate::diff::RecordOp;
use crate::ids::{ConnectionId, Identity, RecordId, SessionId};
use crate::schema::SerializedSchema;
use crate::store::PushClient;
use crate::time::Instant;
use crate::value::Object;
use crate::wire::{
    Assembler, Codec, ConnectRequest, IncompatibilityReason, ObjectAccess, ServerMessage,
};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The room's own name for a session, in order of appearance. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionKey(pub(super) u64);

/// Somebody in the room, over all connections of theirs.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) name: SessionId,
    pub(super) readonly: bool,
    pub(super) object_access: ObjectAccess,
    /// Who it is, as far as the host knows.
    pub(super) identity: Option<Identity>,
    pub(super) meta: Meta,
    /// The schema that it came with, if nobody has decided yet what the room's is.
    pub(super) undecided: Option<SerializedSchema>,
    /// What it sent lately, over all of its connections.
    pub(super) buckets: Buckets,
    /// The id of the presence record; kept over a quick reconnect.
    pub(super) presence_id: RecordId,
    pub(super) presence: Option<Object>,
    /// Whether the host was told that the session joined.
    pub(super) joined: bool,
    pub(super) state: State,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// Has a connection that did not say `connect` yet.
    AwaitingConnect { link: Link, until: Instant },
    /// Is served.
    Connected { link: Link, reader: Reader },
    /// Has no connection, but may come back.
    Cancelled { until: Instant, reason: CloseReason },
}

/// A live connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: ConnectionId,
    pub(super) assembler: Assembler,
    pub(super) writable: bool,
    pub(super) last_heard: Instant,
    /// What is owed to a peer that does not read; the latest request is enough. In a place of its
    /// own, since few do.
    pub(super) owed_connect: Option<Box<OwedConnect>>,
    pub(super) owed_pong: bool,
}

/// A request that waits until its peer reads.
#[derive(Clone, Debug)]
pub(super) struct OwedConnect {
    pub(super) request: ConnectRequest,
    /// Where the log ended when it came. Pushes from here on are answered after it.
    pub(super) position: u64,
}

/// How far a session has read the log, and how it reads.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The protocol version that was agreed on.
    pub(super) version: u32,
    /// How it is told what changes.
    pub(super) dialect: Arc<Dialect>,
    /// The next entry of the log to send.
    pub(super) position: u64,
    /// No data message before this.
    pub(super) next_flush: Instant,
    /// The room's clock that the client was last told.
    pub(super) told_clock: u64,
    /// Own pushes whose results stand in the log from `position` on.
    pub(super) unanswered: VecDeque<Unanswered>,
    /// Who it says it is, if its pushes are counted. No other live session says the same.
    pub(super) claim: Option<Claim>,
    /// Whose presence it sees, if not everybody's.
    pub(super) sight: Option<Box<Sight>>,
}

/// A client whose pushes are counted, and the last of them that was taken.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) client: PushClient,
    pub(super) applied: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Unanswered {
    /// The entry of the log that holds the result.
    pub(super) position: u64,
    pub(super) client_clock: u64,
}

impl Link {
    pub(super) fn new(connection: ConnectionId, now: Instant) -> Self {
        Self {
            connection,
            assembler: Assembler::default(),
            writable: true,
            last_heard: now,
            owed_connect: None,
            owed_pong: false,
        }
    }
}

impl Reader {
    /// Whether the log holds something for the session, given where others' broadcasts end in it.
    pub(super) fn wants(&self, broadcast_end: u64) -> bool {
        let is_owed = || self.unanswered.back().is_some_and(|own| own.position >= self.position);
        self.position < broadcast_end || is_owed()
    }
}

impl Session {
    pub(super) const fn link(&self) -> Option<&Link> {
        match &self.state {
            State::AwaitingConnect { link, .. } | State::Connected { link, .. } => Some(link),
            State::Cancelled { .. } => None,
        }
    }

    pub(super) const fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.state {
            State::AwaitingConnect { link, .. } | State::Connected { link, .. } => Some(link),
            State::Cancelled { .. } => None,
        }
    }

    pub(super) const fn reader_mut(&mut self) -> Option<&mut Reader> {
        match &mut self.state {
            State::Connected { reader, .. } => Some(reader),
            State::AwaitingConnect { .. } | State::Cancelled { .. } => None,
        }
    }

    pub(super) const fn reader(&self) -> Option<&Reader> {
        match &self.state {
            State::Connected { reader, .. } => Some(reader),
            State::AwaitingConnect { .. } | State::Cancelled { .. } => None,
        }
    }

    /// What the session is spoken to in.
    pub(super) fn codec(&self) -> Codec {
        self.reader().map_or(Codec::Json, |reader| reader.dialect.form.codec)
    }
}

impl Room {
    /// Ends a session's connection. The session keeps its place for a while if it ever joined.
    pub(super) fn cancel(&mut self, key: SessionKey, reason: CloseReason) {
        let until = self.now.saturating_add(self.config.reconnect_grace);
        let Some(session) = self.sessions.get_mut(&key) else { return };
        if !session.joined || until == self.now {
            return self.remove(key, reason);
        }
        self.schedule.note_new_end();
        let state = State::Cancelled { until, reason: reason.clone() };
        if let Some(connection) = core::mem::replace(&mut session.state, state).connection() {
            self.close_connection(connection, reason);
        }
    }

    /// Removes a session that broke a rule, and tells it why.
    pub(super) fn reject(&mut self, key: SessionKey, version: u32, reason: CloseReason) {
        let Some(session) = self.sessions.get(&key) else { return };
        let codec = session.codec();
        if let (Some(link), Some(wire)) = (session.link(), incompatibility(version, &reason)) {
            let connection = link.connection;
            if link.writable {
                let frame = ServerMessage::Incompatible(wire).encode(codec);
                self.actions.push_back(RoomAction::send(connection, frame));
            }
            self.close_connection(connection, CloseReason::Disconnected);
        }
        self.remove(key, reason);
    }

    /// Removes a session, its connection and its presence.
    pub(super) fn remove(&mut self, key: SessionKey, reason: CloseReason) {
        let Some(session) = self.sessions.remove(&key) else { return };
        self.by_name.remove(&session.name);
        let (sender, most) = (session.sender(), self.config.limits.known_senders);
        self.spent.keep(self.now, sender, session.buckets, &self.config.rates, most);
        if let Some(connection) = session.state.connection() {
            self.close_connection(connection, reason.clone());
        }
        if session.presence.is_some() {
            // Of a room that shuts down nobody is left to be told.
            if !self.is_shut_down {
                let most = self.config.limits.tombstones;
                self.log.note_presence_removed(&session.presence_id, most);
                let (id, op) = (session.presence_id, RecordOp::Remove);
                let before = session.presence;
                let shown = Shown { owner: key, id, before, op };
                self.announce(None, Vec::new(), Vec::new(), Some(shown));
            }
            let session = session.name.clone();
            self.emit(RoomEvent::Presence { session, record: None });
        }
        if session.joined {
            self.emit(RoomEvent::Left { session: session.name, reason });
        }
        if self.sessions.is_empty() {
            self.emit(RoomEvent::Empty);
        }
    }

    /// Closes a connection, unless it is closed or went away by itself.
    pub(super) fn close_connection(&mut self, connection: ConnectionId, reason: CloseReason) {
        if self.by_connection.remove(&connection).is_some() {
            self.actions.push_back(RoomAction::Close { connection, reason });
        }
    }

    pub(super) fn emit(&mut self, event: RoomEvent) {
        self.actions.push_back(RoomAction::Event(event));
    }
}

impl State {
    const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::AwaitingConnect { link, .. } | Self::Connected { link, .. } => {
                Some(link.connection)
            }
            Self::Cancelled { .. } => None,
        }
    }
}

/// What a client of protocol 5 or 6 is told instead of a fatal close, which it does not know.
fn incompatibility(version: u32, reason: &CloseReason) -> Option<IncompatibilityReason> {
    let is_told = matches!(version, 5 | 6) && reason.is_fatal();
    is_told.then_some(if *reason == CloseReason::ClientTooOld {
        IncompatibilityReason::ClientTooOld
    } else if *reason == CloseReason::ServerTooOld {
        IncompatibilityReason::ServerTooOld
    } else if *reason == CloseReason::InvalidRecord {
        IncompatibilityReason::InvalidRecord
    } else {
        IncompatibilityReason::InvalidOperation
    })
}
