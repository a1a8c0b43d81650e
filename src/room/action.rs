//! What a room asks its driver to do.

use crate::close::CloseReason;
use crate::diff::RecordOp;
use crate::frame::Frame;
use crate::ids::{ConnectionId, Identity, RecordId, SessionId};
use crate::schema::SerializedSchema;
use crate::store::{AppliedPush, Before, PushClient};
use crate::value::{Object, Value};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// An effect, to be carried out in order. Exhaustive: a driver must not ignore one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomAction {
    /// Send the frame on each of the connections. All who are told the same at the same time share
    /// one action.
    Send {
        /// Where to.
        to: Recipients,
        /// What.
        frame: Frame,
    },
    /// Close the connection, after what was sent on it before. The room has forgotten it.
    Close {
        /// Which.
        connection: ConnectionId,
        /// Why, as the peer is told.
        reason: CloseReason,
    },
    /// Make the commit durable before carrying out any later action.
    Persist(Arc<Commit>),
    /// Tell the application.
    Event(RoomEvent),
}

impl RoomAction {
    pub(super) fn send(connection: ConnectionId, frame: Frame) -> Self {
        Self::Send { to: Recipients::from(connection), frame }
    }

    /// The same effect in actions of one recipient each, for tests and simulators that look at
    /// what becomes of one connection, or crash between two.
    #[must_use]
    pub fn split(self) -> Vec<Self> {
        match self {
            Self::Send { to, frame } => {
                to.iter().map(|to| Self::send(*to, frame.clone())).collect()
            }
            whole @ (Self::Close { .. } | Self::Persist(_) | Self::Event(_)) => Vec::from([whole]),
        }
    }
}

/// The connections that a frame goes to: at least one, and none twice.
///
/// ```
/// use roomsync::{ConnectionId, Recipients};
///
/// let to = Recipients::from(ConnectionId::from_u64(7));
/// for connection in &to {
///     assert_eq!(connection.as_u64(), 7);
/// }
/// assert_eq!(to.len(), 1);
/// ```
#[derive(Clone)]
pub struct Recipients(Group);

#[derive(Clone)]
enum Group {
    One(ConnectionId),
    Many(Vec<ConnectionId>),
}

impl From<ConnectionId> for Recipients {
    fn from(connection: ConnectionId) -> Self {
        Self(Group::One(connection))
    }
}

impl From<Vec<ConnectionId>> for Recipients {
    fn from(connections: Vec<ConnectionId>) -> Self {
        Self(Group::Many(connections))
    }
}

impl Deref for Recipients {
    type Target = [ConnectionId];

    fn deref(&self) -> &[ConnectionId] {
        match &self.0 {
            Group::One(connection) => core::slice::from_ref(connection),
            Group::Many(connections) => connections,
        }
    }
}

impl<'a> IntoIterator for &'a Recipients {
    type Item = &'a ConnectionId;
    type IntoIter = core::slice::Iter<'a, ConnectionId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Recipients {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Recipients {}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Something that the application may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A session entered: its connection was answered for the first time.
    Joined {
        /// Its connection.
        connection: ConnectionId,
        /// Its name.
        session: SessionId,
    },
    /// A session was removed, its presence with it.
    Left {
        /// Its name.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// The last session was removed.
    Empty,
    /// Something was made durable: mostly documents changed. The same commit was persisted.
    Committed(Arc<Commit>),
    /// A session's presence changed.
    Presence {
        /// Whose.
        session: SessionId,
        /// What it is now, or `None` when it is gone.
        record: Option<Object>,
    },
    /// A client sent the host something of the application's.
    Custom {
        /// The connection it came on.
        connection: ConnectionId,
        /// What.
        data: Value,
    },
}

/// Who made a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A push of a session.
    Session {
        /// The session.
        session: SessionId,
        /// Who it is, as far as the host has said.
        identity: Option<Identity>,
        /// Its push.
        client_clock: u64,
    },
    /// The host, by a transaction, by loading a snapshot or by opening the room.
    Host,
}

/// What became durable in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The room's clock since.
    pub clock: u64,
    /// Who made it.
    pub origin: Origin,
    /// The records that changed, by id.
    pub changes: Vec<Change>,
    /// The schema that all records are of since, when it changed.
    pub schema: Option<SerializedSchema>,
    /// Tombstones that are forgotten.
    pub pruned: Vec<RecordId>,
    /// The clock since which removals are known: what is older was pruned.
    pub tombstone_history_starts_at: u64,
    /// The push that this was, if its client counts its pushes. It takes the place of the client's
    /// last one. A push that had no effect makes a commit without changes, so that it has none
    /// later either.
    pub applied: Option<AppliedPush>,
    /// Clients whose last push is forgotten.
    pub forgotten: Vec<PushClient>,
}

/// A record that changed.
#[derive(Clone)]
#[non_exhaustive]
pub struct Change {
    /// Which.
    pub id: RecordId,
    /// What it is now, or `None` when it was removed and left a tombstone.
    pub after: Option<Object>,
    /// What happened to it.
    pub op: RecordOp,
    before: Before,
}

impl Change {
    pub(crate) const fn new(
        id: RecordId,
        before: Before,
        op: RecordOp,
        after: Option<Object>,
    ) -> Self {
        Self { id, after, op, before }
    }

    /// What it was before, or `None` when it was not there. Worked out when asked for: a commit
    /// holds no second copy of a record.
    #[must_use]
    pub fn before(&self) -> Option<Object> {
        self.before.record(self.after.as_ref())
    }
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.op, &self.after) == (&other.id, &other.op, &other.after)
            && self.before() == other.before()
    }
}

impl Eq for Change {}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, after, op, before: _ } = self;
        f.debug_struct("Change")
            .field("id", id)
            .field("after", after)
            .field("op", op)
            .finish_non_exhaustive()
    }
}
