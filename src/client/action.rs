//! What a client asks its driver to do, and what it tells the application.

use super::persist::ClientCommit;
use crate::close::CloseReason;
use crate::diff::RecordOp;
use crate::frame::Frame;
use crate::ids::{LinkId, QueryId, RecordId};
use crate::value::{Object, Value};
use crate::wire::ObjectAccess;
use alloc::vec::Vec;

/// An effect, to be carried out in order. Exhaustive: a driver must not ignore one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Begin to connect to the room. An attempt that is still under way may be given up for it.
    Dial,
    /// Send the frame on the link.
    Send {
        /// Where to.
        link: LinkId,
        /// What.
        frame: Frame,
    },
    /// Close the link, after what was sent on it before. The client has forgotten it.
    Close {
        /// Which.
        link: LinkId,
        /// Why.
        reason: CloseReason,
    },
    /// Make it durable, all or nothing, before any later action is carried out. Comes only from a
    /// client that persists.
    Persist(ClientCommit),
    /// Tell the application.
    Event(ClientEvent),
}

/// Something that the application may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The connection's status is this now.
    Status(Status),
    /// Documents or records of session scope changed, in one step. Only net changes are told: of
    /// a record that looks as before nothing is said.
    Changed {
        /// Who changed them.
        source: Source,
        /// The records that look different now.
        changes: Vec<RecordChange>,
    },
    /// Presence records of others changed, in one step.
    Presence(Vec<RecordChange>),
    /// The results of a [subscription](super::Client::subscribe) changed, in one step. Comes right
    /// after the change of records that it is about.
    Query {
        /// Which subscription.
        query: QueryId,
        /// The results that look different now. One that was no result before has nothing in
        /// `before`, and one that is none any more has nothing in `after`.
        changes: Vec<RecordChange>,
    },
    /// The room has answered all changes of documents up to this point: they are confirmed, or what
    /// became of them was told.
    Confirmed(Checkpoint),
    /// The room has answered all changes of documents: nothing is pending or unsent.
    Settled,
    /// The room did not let changes of this client happen, or made something else of them. What
    /// became of changes whose answer was lost with a connection is not known.
    Refused(Vec<Refusal>),
    /// Unconfirmed changes of this client are given up: it was restored with a schema that does not
    /// let them happen, or [told to](super::Client::discard_unconfirmed). A room that got them before
    /// may have made them all the same.
    GivenUp(Vec<Refusal>),
    /// What the room allows this client is this now.
    Access {
        /// Whether it may not change documents.
        is_readonly: bool,
        /// What it may do to object types.
        object_access: ObjectAccess,
    },
    /// The room has records of these ids that this client cannot read: of a type that is no
    /// document type here, or not valid by its schema. They are kept aside, unseen and untouched,
    /// until the room says something of them that can be read.
    Unreadable(Vec<RecordId>),
    /// The host sent something of the application's.
    Custom(Value),
}

/// A point among the changes of a client: all that were made before it.
///
/// It is of one client, and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint(pub(super) u64);

/// A change that did not happen as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The record.
    pub id: RecordId,
    /// What the client had asked.
    pub asked: RecordOp,
    /// What the room did instead, or `None` for nothing. Of a change that is given up it is not known.
    pub happened: Option<RecordOp>,
}

/// How a client stands to its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no connection. The client will try again.
    Offline,
    /// An attempt is under way, or the room has not let the client in yet.
    Connecting,
    /// The client is in the room.
    Online,
    /// The room does not want this client. It does not try again.
    Refused(CloseReason),
    /// The application closed the client.
    Closed,
}

/// Who changed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The application, by a transaction, by undo or redo, or by giving up changes.
    Local,
    /// The room: by what others did, or by what it made of a push.
    Remote,
}

/// A record that looks different now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// Which.
    pub id: RecordId,
    /// What it was, or `None` when it was not there.
    pub before: Option<Object>,
    /// What it is now, or `None` when it is gone.
    pub after: Option<Object>,
}

/// What the driver learns of the network and of the application's place on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkHint {
    /// There is a network again: worth an attempt at once.
    Up,
    /// There is no network any more.
    Down,
    /// The application is in front: worth an attempt at once, and attempts come often.
    Foreground,
    /// Nobody looks at the application: attempts come rarely.
    Background,
}
