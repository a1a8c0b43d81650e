//! What the messages of the protocol are, whatever the codec.

use crate::diff::{NetworkDiff, ObjectDiff};
use crate::ids::{ClientId, Key};
use crate::schema::SerializedSchema;
use crate::value::{Object, Value};
use alloc::vec::Vec;

/// The protocol version that this crate speaks.
pub const PROTOCOL_VERSION: u32 = 8;

/// The oldest protocol version that a room serves.
pub(crate) const OLDEST_PROTOCOL_VERSION: u32 = 5;

/// How messages become bytes.
///
/// ```
/// use roomsync::{ClientMessage, Codec};
///
/// assert_eq!(ClientMessage::Ping.encode(Codec::Json).to_text().as_deref(), Some(r#"{"type":"ping"}"#));
/// assert!(ClientMessage::Ping.encode(Codec::Postcard).is_binary());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Text, as stock peers speak it.
    #[default]
    Json,
    /// `postcard-1`: binary, about a third as long, and quicker on both sides.
    Postcard,
}

/// What a client says to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// Enters the room.
    Connect(ConnectRequest),
    /// Asks for changes.
    Push(Push),
    /// Asks whether anybody listens.
    Ping,
    /// Something of the application's, for the host. Stock rooms do not know it.
    Custom(Value),
}

/// How a client enters a room. What is missing here was missing in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Names this request; the answer repeats it.
    pub connect_request_id: Key,
    /// The room's clock when the client last heard of it; `None` (−1 on the wire) before that.
    pub last_server_clock: Option<u64>,
    /// The protocol that the client speaks.
    pub protocol_version: Option<u32>,
    /// The client's schema.
    pub schema: Option<SerializedSchema>,
    /// What the client calls itself, if its pushes shall be counted. Stock peers do not.
    pub client_id: Option<ClientId>,
    /// The last of its pushes that the client has the answer of.
    pub last_acked_push: Option<u64>,
    /// What the client reads besides JSON, what it likes best first. Those unknown here are left
    /// out.
    pub codecs: Vec<Codec>,
}

/// Changes that a client made, to be ordered by the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Counts the pushes of a client.
    pub client_clock: u64,
    /// What changes in the document.
    pub diff: Option<NetworkDiff>,
    /// What changes in the client's presence.
    pub presence: Option<PresenceOp>,
}

/// What happens to a client's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceOp {
    /// It is this.
    Put(Object),
    /// Parts of it change.
    Patch(ObjectDiff),
}

/// What a room says to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage {
    /// Lets the client in.
    Connect(ConnectAnswer),
    /// Changes and answers to pushes, in order.
    Data(Vec<DataEntry>),
    /// Somebody listens.
    Pong,
    /// Something of the host's, for the application.
    Custom(Value),
    /// The client cannot enter. Only for protocols up to 6, which know no fatal close.
    Incompatible(IncompatibilityReason),
}

/// How a room lets a client in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectAnswer {
    /// The request that is answered.
    pub connect_request_id: Key,
    /// What the client drops before it applies `diff`.
    pub hydration_type: HydrationType,
    /// The protocol that the room speaks to this client.
    pub protocol_version: u32,
    /// The room's schema.
    pub schema: SerializedSchema,
    /// What the client lacks.
    pub diff: NetworkDiff,
    /// The room's clock.
    pub server_clock: u64,
    /// Whether the client's changes of documents are skipped.
    pub is_readonly: bool,
    /// What the client may do to object types.
    pub object_access: Option<ObjectAccess>,
    /// The last of the client's pushes that the room has taken, for a client that said who it is.
    /// What it did is in `diff`, or the client has heard of it before.
    pub last_applied_push: Option<u64>,
}

/// What a client drops before it applies a hydration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HydrationType {
    /// All records: the hydration is complete.
    WipeAll,
    /// Presence only: the hydration is what changed since the client's clock.
    WipePresence,
}

/// What a session may do to the types that the host configures as object types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectAccess {
    /// Changes of them are skipped.
    Read,
    /// They are changed like documents.
    #[default]
    Write,
}

/// A part of a data message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataEntry {
    /// Others changed something.
    Patch {
        /// What changed.
        diff: NetworkDiff,
        /// The room's clock since.
        server_clock: u64,
    },
    /// What became of a push.
    PushResult {
        /// The push.
        client_clock: u64,
        /// The room's clock since.
        server_clock: u64,
        /// What became of it.
        action: PushAction,
    },
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushAction {
    /// It happened as asked.
    Commit,
    /// Nothing happened.
    Discard,
    /// This happened instead.
    RebaseWithDiff(NetworkDiff),
}

/// Why a client of an old protocol cannot enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompatibilityReason {
    /// The client is older than the room can serve.
    ClientTooOld,
    /// The client is newer than the room knows.
    ServerTooOld,
    /// The client sent a record that the schema does not allow.
    InvalidRecord,
    /// The client asked for something that is not possible.
    InvalidOperation,
}
