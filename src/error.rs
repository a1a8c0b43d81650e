//! What the local caller can do wrong. Faults of peers are never errors: they close a connection.

use crate::ids::{ClientId, ConnectionId, Key, RecordId};
use crate::schema::MigrationError;
use crate::value::ValueError;
use alloc::string::{String, ToString};

macro_rules! display {
    ($name:ident, $self:ident, $f:ident => $body:expr) => {
        impl core::fmt::Display for $name {
            fn fmt(&$self, $f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $body
            }
        }
        impl core::error::Error for $name {}
    };
}
pub(crate) use display;

/// Text that is not the JSON that was expected. Says where and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub(crate) problem: JsonProblem,
    pub(crate) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonProblem {
    /// Something else should stand there.
    Expected(&'static str),
    BadEscape,
    ControlCharacter,
    NumberOutOfRange,
    TooDeep,
}

impl JsonError {
    /// How many bytes of the text were read before the fault.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }
}

display!(JsonError, self, f => {
    match self.problem {
        JsonProblem::Expected(what) => write!(f, "expected {what}"),
        JsonProblem::BadEscape => f.write_str("there is no such escape"),
        JsonProblem::ControlCharacter => f.write_str("control characters are escaped in strings"),
        JsonProblem::NumberOutOfRange => f.write_str("a number is out of range"),
        JsonProblem::TooDeep => f.write_str("arrays and objects nest too deeply"),
    }?;
    write!(f, " at byte {}", self.at)
});

/// Bytes that are no message: cut short, too long, too deep, or not of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

display!(Malformed, self, f => f.write_str("not a message"));

/// A configuration that cannot work. The fault is the programmer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is zero, so that nothing could ever happen.
    ZeroLimit(&'static str),
    /// A limit exceeds what the machine can promise.
    LimitTooLarge {
        /// The limit's name in [`Limits`](crate::Limits).
        limit: &'static str,
        /// The most that it can be.
        max: usize,
    },
    /// A duration that must pass is zero.
    ZeroDuration(&'static str),
    /// An object type of the room, or the type of an authorizer, is not a document type of the
    /// schema.
    NotADocumentType,
    /// The schema of a client has no versions of its own to tell the room.
    AdoptingSchema,
    /// A client id is empty or longer than [`Limits::id_bytes`](crate::Limits::id_bytes).
    BadClientId,
}

display!(ConfigError, self, f => match self {
    Self::ZeroLimit(limit) => write!(f, "the limit `{limit}` is zero"),
    Self::LimitTooLarge { limit, max } => write!(f, "the limit `{limit}` is over {max}"),
    Self::ZeroDuration(name) => write!(f, "the duration `{name}` is zero"),
    Self::NotADocumentType => f.write_str("an object type or authorized type is not a document type of the schema"),
    Self::AdoptingSchema => f.write_str("a client cannot adopt a schema: set its sequences"),
    Self::BadClientId => f.write_str("the client id is empty or too long"),
});

/// A snapshot that cannot be opened. The fault is the operator's, or of whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The configuration cannot work.
    Config(ConfigError),
    /// A record has no string `id` or `typeName`.
    NotARecord,
    /// Two records, or a record and a tombstone, have one id.
    RepeatedId(RecordId),
    /// A record or tombstone is newer than the snapshot's clock.
    ClockInFuture(RecordId),
    /// A clock is over 2^53 − 1.
    ClockTooLarge,
    /// The schema of the snapshot is newer than the room's, or unknown to it.
    SchemaTooNew,
    /// The schema of the snapshot is older than the room's, and the migrations are not known.
    SchemaTooOld,
    /// A record does not pass the schema.
    InvalidRecord(RecordId),
    /// A migration of the schema did not do its work.
    Migration(MigrationError),
    /// The last push of a client stands twice, or in the place of another's.
    RepeatedClient(ClientId),
    /// An entry of what a client kept has a key or value that no client writes.
    BadEntry(Key),
    /// What a client kept is of a later version of this crate.
    UnknownFormat,
}

display!(RestoreError, self, f => match self {
    Self::Config(error) => write!(f, "{error}"),
    Self::NotARecord => f.write_str("a record has no string `id` or `typeName`"),
    Self::RepeatedId(id) => write!(f, "the id `{id}` stands twice"),
    Self::ClockInFuture(id) => write!(f, "`{id}` is newer than the clock of the snapshot"),
    Self::ClockTooLarge => f.write_str("a clock of the snapshot is over 2^53 - 1"),
    Self::SchemaTooNew => f.write_str("the schema of the snapshot is newer than the room's"),
    Self::SchemaTooOld => f.write_str("the schema of the snapshot is too old for the room"),
    Self::InvalidRecord(id) => write!(f, "`{id}` is not valid by the room's schema"),
    Self::Migration(error) => write!(f, "{error}"),
    Self::RepeatedClient(id) => write!(f, "the last push of client `{id}` stands twice"),
    Self::BadEntry(key) => write!(f, "the entry `{key}` of what was kept cannot be read"),
    Self::UnknownFormat => f.write_str("what was kept is of a later version"),
});

impl RestoreError {
    /// What went wrong, without anything that stands in the snapshot: for logs.
    #[must_use]
    pub fn summary(&self) -> String {
        let summary = match self {
            Self::RepeatedId(_) => "an id stands twice",
            Self::ClockInFuture(_) => {
                "a record or tombstone is newer than the clock of the snapshot"
            }
            Self::InvalidRecord(_) => "a record is not valid by the room's schema",
            Self::RepeatedClient(_) => "the last push of a client stands twice",
            Self::BadEntry(_) => "an entry of what was kept cannot be read",
            Self::Config(_)
            | Self::NotARecord
            | Self::ClockTooLarge
            | Self::SchemaTooNew
            | Self::SchemaTooOld
            | Self::Migration(_)
            | Self::UnknownFormat => return self.to_string(),
        };
        summary.into()
    }
}

impl From<MigrationError> for RestoreError {
    fn from(error: MigrationError) -> Self {
        Self::Migration(error)
    }
}

impl From<ConfigError> for RestoreError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Why a room takes no further connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The room holds [`Limits::sessions`](crate::Limits::sessions) sessions. The peer is told
    /// [`CloseReason::RoomFull`](crate::CloseReason::RoomFull).
    RoomFull,
    /// The room was shut down. The peer may try again.
    ShutDown,
    /// The session id is empty or longer than [`Limits::id_bytes`](crate::Limits::id_bytes).
    BadSessionId,
}

display!(OpenError, self, f => f.write_str(match self {
    Self::RoomFull => "the room is full",
    Self::ShutDown => "the room is shut down",
    Self::BadSessionId => "the session id is empty or too long",
}));

/// Why a transaction took no effect. The store is as if it had never begun.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactError {
    /// A record has no string `id` or `typeName`.
    NotARecord,
    /// The record's type is unknown, or of a scope that is not edited like this.
    WrongType(RecordId),
    /// The record's `typeName` or `id` would change.
    IdentityChanged(RecordId),
    /// The schema refuses the record.
    InvalidRecord(RecordId),
    /// The record nests deeper than [`Limits::value_depth`](crate::Limits::value_depth).
    TooDeep(RecordId),
    /// The id of a new document is empty, longer than [`Limits::id_bytes`](crate::Limits::id_bytes), or
    /// that of somebody's presence. Rooms end the session of a client that asks for it.
    BadId(RecordId),
    /// The record is larger than [`Limits::record_bytes`](crate::Limits::record_bytes), or as a presence
    /// than [`Limits::presence_bytes`](crate::Limits::presence_bytes).
    TooLarge(RecordId),
    /// There is no such record.
    Missing(RecordId),
    /// A record of the transaction cannot be read as the type that was asked for.
    Unreadable(RecordError),
    /// What was to be put cannot be written as a record.
    Unwritable(ValueError),
    /// The client may only read.
    ReadOnly,
    /// The room has a record of this id that the client cannot read.
    SetAside(RecordId),
    /// The caller's closure asked for it.
    Aborted,
}

display!(TransactError, self, f => match self {
    Self::NotARecord => f.write_str("a record needs a string `id` and `typeName`"),
    Self::WrongType(id) => write!(f, "`{id}` is of a type that cannot be edited here"),
    Self::IdentityChanged(id) => write!(f, "the `id` or `typeName` of `{id}` would change"),
    Self::InvalidRecord(id) => write!(f, "the schema refuses `{id}`"),
    Self::TooDeep(id) => write!(f, "`{id}` is nested too deeply"),
    Self::BadId(id) if id.is_empty() => f.write_str("the id of a document is not empty"),
    Self::BadId(id) => write!(f, "no document can have the id `{id}`"),
    Self::TooLarge(id) => write!(f, "`{id}` is too large"),
    Self::Missing(id) => write!(f, "there is no `{id}`"),
    Self::Unreadable(error) => write!(f, "{error}"),
    Self::Unwritable(error) => write!(f, "cannot write the record: {error}"),
    Self::ReadOnly => f.write_str("the client may only read"),
    Self::SetAside(id) => write!(f, "the room's `{id}` cannot be read here"),
    Self::Aborted => f.write_str("the transaction was given up"),
});

impl From<RecordError> for TransactError {
    fn from(error: RecordError) -> Self {
        Self::Unreadable(error)
    }
}

/// Why a record cannot be read as a [`Record`](crate::Record).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// The record is of another type.
    OtherType {
        /// Which record.
        id: RecordId,
        /// The `typeName` that was asked for.
        expected: &'static str,
    },
    /// The record is not as the type wants it.
    Unreadable {
        /// Which record.
        id: RecordId,
        /// Where, and why.
        error: ValueError,
    },
}

display!(RecordError, self, f => match self {
    Self::OtherType { id, expected } => write!(f, "`{id}` is not of type `{expected}`"),
    Self::Unreadable { id, error } => write!(f, "cannot read `{id}`: {error}"),
});

/// A command that names a connection that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownConnection(pub ConnectionId);

display!(UnknownConnection, self, f => write!(f, "there is no connection {}", self.0));

/// Why a message of the host's own was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is gone, or it did not enter yet.
    UnknownConnection,
    /// The peer does not read for now, and nothing is queued for it.
    NotWritable,
}

display!(SendError, self, f => f.write_str(match self {
    Self::UnknownConnection => "there is no such connection in the room",
    Self::NotWritable => "the connection takes no more for now",
}));
