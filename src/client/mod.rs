//! The client's state machine.
//!
//! Inputs (`handle_*`) and commands change the state and queue actions. The [`replica`] keeps what
//! the room said apart from what is not confirmed; the [`connection`] owns whatever lives no longer
//! than a connection.

mod action;
mod command;
mod config;
mod connection;
mod data;
mod discard;
mod handshake;
mod health;
mod input;
mod keep;
mod migrate;
mod persist;
mod presence;
mod push;
mod query;
mod rebase;
mod replica;
mod restore;
mod revert;
mod step;
mod timers;
mod undo;

pub use action::{
    Checkpoint, ClientAction, ClientEvent, NetworkHint, RecordChange, Refusal, Source, Status,
};
pub use config::{Backoff, ClientConfig, PresenceMode, PushBudget};
pub use persist::{ClientCommit, ClientSnapshot};
pub use query::{Query, QueryResults};
pub use undo::UndoMark;

use crate::error::{ConfigError, RecordError};
use crate::ids::RecordId;
use crate::schema::{Record, Schema};
use crate::store::Records;
use crate::time::Instant;
use crate::value::Object;
use crate::wire::ObjectAccess;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use connection::{Connection, Retry};
use keep::Keeper;
use query::LiveQueries;
use replica::Replica;
use undo::UndoManager;

/// A client of a room: shows the application its records, applies its changes at once, and brings
/// them to the room whenever there is a connection.
///
/// A driver calls any inputs and commands, then [`Client::poll_action`] until `None`, carrying out
/// the actions in order, then arms one timer with [`Client::poll_timeout`].
///
/// A clone is the same client at that moment, for tests and model checkers that look ahead. Only one
/// of the two can go on: both would give out the same link ids and push clocks.
///
/// ```
/// use std::sync::Arc;
/// use roomsync::{Client, ClientAction, ClientConfig, Instant, Object, RecordType, Schema, Scope};
///
/// let note = RecordType::new(Scope::Document);
/// let schema = Schema::builder().record_type("note", note).build()?;
/// let now = Instant::ZERO;
/// let mut client = Client::new(now, ClientConfig::default(), Arc::new(schema))?;
/// assert_eq!(client.poll_action(), Some(ClientAction::Dial));
///
/// // Changes are made with or without a connection.
/// let note: Object = r#"{"id":"note:a","typeName":"note"}"#.parse()?;
/// client.transact(now, |tx| tx.put(note))?;
/// assert!(client.record("note:a").is_some());
///
/// // The driver has connected: the client says what it wants.
/// let link = client.handle_connected(now);
/// let hello = core::iter::from_fn(|| client.poll_action())
///     .find_map(|action| if let ClientAction::Send { frame, .. } = action { Some(frame) } else { None });
/// assert!(hello.unwrap().to_text().unwrap().contains(r#""type":"connect""#));
///
/// let answer = r#"{"type":"connect","connectRequestId":"1","hydrationType":"wipe_all",
///     "protocolVersion":8,"schema":{"schemaVersion":2,"sequences":{}},"diff":{},
///     "serverClock":0,"isReadonly":false}"#;
/// client.handle_message(now, link, answer.as_bytes());
/// let push = core::iter::from_fn(|| client.poll_action())
///     .find_map(|action| if let ClientAction::Send { frame, .. } = action { Some(frame) } else { None });
/// assert!(push.unwrap().to_text().unwrap().contains("note:a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    schema: Arc<Schema>,
    /// The latest time that was passed in; a clock that goes back is held.
    now: Instant,
    connection: Connection,
    retry: Retry,
    status: Status,
    replica: Replica,
    /// Others' presence records.
    presence: BTreeMap<RecordId, Object>,
    /// What others shall see of this client.
    own_presence: Option<Object>,
    presence_mode: PresenceMode,
    /// The room's clock when the client last heard of it.
    server_clock: Option<u64>,
    /// What the room last allowed.
    is_readonly: bool,
    object_access: ObjectAccess,
    /// Attempts in a row on which the client could not make sense of the room's answer.
    failed_hydrations: u32,
    last_link: u64,
    last_request: u64,
    last_push: u64,
    /// The last push that the room has answered.
    last_acked_push: u64,
    /// Whether the application knows that all is settled, and up to which change it knows that the
    /// room has answered.
    told_settled: bool,
    live: LiveQueries,
    undo: UndoManager,
    told_answered: u64,
    actions: VecDeque<ClientAction>,
}

impl Client {
    /// A client that has never heard of its room. It begins with [`ClientAction::Dial`].
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, or the schema has no sequences to tell the room.
    pub fn new(
        now: Instant,
        config: ClientConfig,
        schema: Arc<Schema>,
    ) -> Result<Self, ConfigError> {
        let keeper = config.persist.then(Keeper::default);
        let mut replica = Replica::default();
        replica.keeper = keeper;
        Self::with_replica(now, config, schema, replica)
    }

    fn with_replica(
        now: Instant,
        config: ClientConfig,
        schema: Arc<Schema>,
        replica: Replica,
    ) -> Result<Self, ConfigError> {
        config.check(&schema)?;
        let mut client = Self {
            presence_mode: config.presence_mode,
            retry: Retry::new(&config),
            config,
            schema,
            now,
            connection: Connection::Waiting { until: now },
            status: Status::Offline,
            replica,
            presence: BTreeMap::new(),
            own_presence: None,
            server_clock: None,
            is_readonly: false,
            object_access: ObjectAccess::Write,
            failed_hydrations: 0,
            last_link: 0,
            last_request: 0,
            last_push: 0,
            last_acked_push: 0,
            told_settled: true,
            live: LiveQueries::default(),
            undo: UndoManager::default(),
            told_answered: 0,
            actions: VecDeque::new(),
        };
        client.dial();
        Ok(client)
    }

    /// The next effect to carry out, in order, or `None` when all are.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<ClientAction> {
        let commit = self.take_commit().map(ClientAction::Persist);
        commit.or_else(|| self.actions.pop_front())
    }

    /// The record with that id as the application sees it: a document, unconfirmed changes
    /// included, or a record of session scope.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&Object> {
        self.replica.record(id)
    }

    /// The record with that id as a `T`, as the application sees it, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read as a `T`.
    pub fn get<T: Record>(&self, id: &str) -> Result<Option<T>, RecordError> {
        self.record(id).map(T::from_object).transpose()
    }

    /// All records as the application sees them: documents in order of their ids, then records of
    /// session scope.
    pub fn records(&self) -> impl Iterator<Item = (&RecordId, &Object)> {
        self.replica.records()
    }

    /// The presence records of others, in order of their ids. None while there is no connection.
    pub fn presence(&self) -> impl Iterator<Item = (&RecordId, &Object)> {
        self.presence.iter()
    }

    /// How the client stands to its room.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// Whether the room has answered all changes of documents: nothing is pending or unsent.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.replica.is_settled()
    }

    /// The documents that look different here from what the room has confirmed, or may, since a push
    /// of them is not answered. In order of their ids.
    #[must_use]
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &RecordId> {
        self.replica.unconfirmed()
    }

    /// The point up to which documents were changed so far. [`ClientEvent::Confirmed`] tells when
    /// the room has answered all of those changes.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use roomsync::{Client, ClientConfig, Instant, Object, RecordType, Schema, Scope};
    /// # let note = RecordType::new(Scope::Document);
    /// # let schema = Schema::builder().record_type("note", note).build()?;
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), Arc::new(schema))?;
    /// client.transact(now, |tx| tx.put(r#"{"id":"note:a","typeName":"note"}"#.parse::<Object>().unwrap()))?;
    /// let point = client.checkpoint();
    /// assert!(!client.is_confirmed(point));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.replica.changes())
    }

    /// Whether the room has answered all changes up to the point.
    #[must_use]
    pub fn is_confirmed(&self, point: Checkpoint) -> bool {
        self.replica.answered_changes() >= point.0
    }

    /// The room's records that this client cannot read, in order of their ids. See
    /// [`ClientEvent::Unreadable`].
    #[must_use]
    pub fn unreadable(&self) -> impl ExactSizeIterator<Item = (&RecordId, &Object)> {
        self.replica.aside()
    }

    /// Whether the room last said that this client may only read.
    #[must_use]
    pub const fn is_readonly(&self) -> bool {
        self.is_readonly
    }

    /// What the room last said that this client may do to object types.
    #[must_use]
    pub const fn object_access(&self) -> ObjectAccess {
        self.object_access
    }

    /// The room's clock when the client last heard of it, or `None` when it never has.
    #[must_use]
    pub const fn server_clock(&self) -> Option<u64> {
        self.server_clock
    }
}

#[cfg(test)]
mod tests;
