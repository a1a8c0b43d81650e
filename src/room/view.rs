//! What a host sees of the sessions in a room, and what it gave along with them.

use super::Room;
use super::session::{Session, State};
use crate::ids::{ConnectionId, Identity, SessionId};
use crate::value::Object;
use crate::wire::ObjectAccess;
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;

/// Something of the host's that it keeps with a session: a user, a role. Hooks and
/// [`Room::sessions`] hand it back; no peer ever hears of it.
///
/// ```
/// use roomsync::Meta;
///
/// let meta = Meta::new(("alice", 7));
/// assert_eq!(meta.get::<(&str, i32)>(), Some(&("alice", 7)));
/// assert_eq!(meta.get::<u8>(), None);
/// ```
#[derive(Clone, Default)]
pub struct Meta(Option<Arc<dyn Any + Send + Sync>>);

impl Meta {
    /// Keeps `value`.
    #[must_use]
    pub fn new<T: Any + Send + Sync>(value: T) -> Self {
        Self(Some(Arc::new(value)))
    }

    /// What is kept, if it is a `T`.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.as_deref()?.downcast_ref()
    }
}

impl PartialEq for Meta {
    /// Whether both are clones of one.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

impl Eq for Meta {}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Meta(..)" } else { "Meta(none)" })
    }
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It has a connection that did not say `connect` yet.
    Waiting,
    /// It is in.
    Connected,
    /// Its connection ended, and it may still come back.
    Away,
}

/// A session as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionView<'a> {
    /// What the client calls it.
    pub session: &'a SessionId,
    /// Where it is in its life.
    pub status: SessionStatus,
    /// Its connection, unless it is away.
    pub connection: Option<ConnectionId>,
    /// The protocol version that it speaks, once it is in.
    pub protocol_version: Option<u32>,
    /// Whether its transport takes more, as the driver has said.
    pub is_writable: bool,
    /// Whether its changes of documents are skipped.
    pub readonly: bool,
    /// What it may do to object types.
    pub object_access: ObjectAccess,
    /// Who it is, as far as the host has said.
    pub identity: Option<&'a Identity>,
    /// What the host keeps with it.
    pub meta: &'a Meta,
    /// What it shows of itself.
    pub presence: Option<&'a Object>,
}

impl Room {
    /// All sessions, in order of their appearance, those included that may still come back.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        self.sessions.values().map(Session::view)
    }

    /// The session of a connection, while the room holds it.
    #[must_use]
    pub fn session(&self, connection: ConnectionId) -> Option<SessionView<'_>> {
        let key = self.by_connection.get(&connection)?;
        self.sessions.get(key).map(Session::view)
    }
}

impl Session {
    pub(super) fn view(&self) -> SessionView<'_> {
        SessionView {
            session: &self.name,
            status: match &self.state {
                State::AwaitingConnect { .. } => SessionStatus::Waiting,
                State::Connected { .. } => SessionStatus::Connected,
                State::Cancelled { .. } => SessionStatus::Away,
            },
            connection: self.link().map(|link| link.connection),
            protocol_version: self.reader().map(|reader| reader.version),
            is_writable: self.link().is_some_and(|link| link.writable),
            readonly: self.readonly,
            object_access: self.object_access,
            identity: self.identity.as_ref(),
            meta: &self.meta,
            presence: self.presence.as_ref(),
        }
    }
}
