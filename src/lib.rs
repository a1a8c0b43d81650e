#![doc = include_str!("../README.md")]
#![no_std]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_alloc, clippy::std_instead_of_core)]

extern crate alloc;

mod client;
mod close;
mod diff;
mod error;
mod frame;
mod ids;
mod limits;
mod room;
mod schema;
mod store;
mod time;
mod value;
mod wire;

pub use client::{
    Backoff, Checkpoint, Client, ClientAction, ClientCommit, ClientConfig, ClientEvent,
    ClientSnapshot, NetworkHint, PresenceMode, PushBudget, Query, QueryResults, RecordChange,
    Refusal, Source, Status, UndoMark,
};
pub use close::{CloseReason, FATAL_CLOSE_CODE, MAX_REASON_BYTES};
pub use diff::{Effect, NetworkDiff, ObjectDiff, RecordOp, StringAppend, ValueOp};
pub use error::{
    ConfigError, JsonError, Malformed, OpenError, RecordError, RestoreError, SendError,
    TransactError, UnknownConnection,
};
pub use frame::Frame;
pub use ids::{ClientId, ConnectionId, Identity, Key, LinkId, QueryId, RecordId, SessionId};
pub use limits::Limits;
pub use room::{
    Authorizer, Change, Commit, CommitError, Counters, History, Hooks, Meta, Origin, PushView,
    Rate, Rates, Recipients, Room, RoomAction, RoomConfig, RoomEvent, SessionParams,
    SessionSnapshot, SessionStatus, SessionView, Veto,
};
pub use schema::{
    IntoRecord, InvalidRecord, JsonSchemaError, Migration, MigrationError, MigrationFailed,
    MigrationFault, MigrationPath, MigrationSequence, Record, RecordType, Schema, SchemaBuilder,
    SchemaError, SchemaMismatch, Scope, SerializedSchema, StoredRecords, Validator,
};
pub use store::{AppliedPush, PushClient, RoomSnapshot, SnapshotError, Transaction};
pub use time::Instant;
pub use value::{Array, Number, Object, Text, Value, ValueError, from_value, to_value};
pub use wire::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, PROTOCOL_VERSION, PresenceOp, Push, PushAction,
    ServerMessage,
};
