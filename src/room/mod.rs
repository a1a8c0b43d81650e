//! The server's state machine.
//!
//! Inputs (`handle_*`) and commands change the state and queue actions. Whatever sessions still
//! have to hear stands once in the [`log`]; each session only knows how far it has read.

mod action;
mod broadcast;
mod command;
mod config;
mod counters;
mod dialect;
mod flush;
mod handshake;
mod hibernate;
mod history;
mod hooks;
mod hydration;
mod input;
mod lens;
mod log;
mod once;
mod presence;
mod push;
mod rate;
mod resume;
mod session;
mod sessions;
mod spent;
mod timers;
mod trail;
mod view;
mod visibility;

pub use action::{Change, Commit, Origin, Recipients, RoomAction, RoomEvent};
pub use config::{RoomConfig, SessionParams};
pub use counters::Counters;
pub use hibernate::SessionSnapshot;
pub use history::History;
pub use hooks::{Authorizer, Hooks, PushView, Veto};
pub use rate::{Rate, Rates};
pub use trail::CommitError;
pub use view::{Meta, SessionStatus, SessionView};

use crate::error::{ConfigError, RecordError, RestoreError};
use crate::ids::{ConnectionId, RecordId, SessionId};
use crate::schema::{MigrationPath, Record, Schema, SchemaMismatch, SerializedSchema};
use crate::store::{RoomSnapshot, Step, Store};
use crate::time::Instant;
use crate::value::Object;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use dialect::Dialects;
use log::Log;
use resume::Woken;
use session::SessionKey;
use sessions::Sessions;
use spent::Spent;
use timers::Schedule;

/// The room of a document: takes what clients send, orders it, and says what to send back.
///
/// A driver calls any inputs and commands, then [`Room::poll_action`] until `None`, carrying out
/// the actions in order, then arms one timer with [`Room::poll_timeout`].
///
/// A clone is the same room at that moment, for tests and model checkers that look ahead. Only one of
/// the two can go on serving: both would give out the same connection ids and clocks.
///
/// ```
/// use std::sync::Arc;
/// use roomsync::{Instant, Room, RoomAction, RoomConfig, Schema, SessionParams};
///
/// let mut room = Room::new(RoomConfig::default(), Arc::new(Schema::tldraw()))?;
/// let now = Instant::ZERO;
/// let connection = room.handle_connect(now, SessionParams::new("alice"))?;
/// let connect = r#"{"type":"connect","connectRequestId":"1","lastServerClock":-1,
///     "protocolVersion":8,"schema":{"schemaVersion":2,"sequences":{}}}"#;
/// room.handle_message(now, connection, connect.as_bytes());
/// while let Some(action) = room.poll_action() {
///     if let RoomAction::Send { frame, .. } = action {
///         assert!(frame.to_text().unwrap().contains("wipe_all"));
///     }
/// }
/// assert!(room.poll_timeout().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    config: RoomConfig,
    schema: Arc<Schema>,
    /// What the records are of. `None` while the schema adopts and no client has come.
    serialized: Option<SerializedSchema>,
    /// Whether the next commit has to carry `serialized`, since none has.
    is_schema_unsaved: bool,
    store: Store,
    /// The latest time that was passed in; a clock that goes back is held.
    now: Instant,
    sessions: Sessions,
    by_connection: BTreeMap<ConnectionId, SessionKey>,
    by_name: BTreeMap<SessionId, SessionKey>,
    next_session: u64,
    next_connection: u64,
    dialects: Dialects,
    log: Log,
    schedule: Schedule,
    woken: Woken,
    /// What new clients are told, for each codec that one has come with.
    hydrations: Vec<hydration::Hydration>,
    /// What those sent lately who left.
    spent: Spent,
    actions: VecDeque<RoomAction>,
    counters: Counters,
    is_shut_down: bool,
}

impl Room {
    /// An empty room.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work.
    pub fn new(config: RoomConfig, schema: Arc<Schema>) -> Result<Self, ConfigError> {
        config.check(&schema)?;
        let serialized = schema.serialized().cloned();
        Ok(Self::with_store(config, schema, serialized, None, Store::default()))
    }

    /// The room that a snapshot was taken of. Records of an older schema are migrated, and the
    /// first action then is to [persist](RoomAction::Persist) what that has changed. Records that
    /// are not of document scope are left out.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, the snapshot is damaged or of a schema from which no
    /// migrations lead to the room's, or a migration fails.
    pub fn restore(
        config: RoomConfig,
        schema: Arc<Schema>,
        mut snapshot: RoomSnapshot,
    ) -> Result<Self, RestoreError> {
        config.check(&schema)?;
        let saved = snapshot.schema.take();
        let saved = saved.as_ref();
        let (serialized, path) = place_schema(&schema, schema.serialized(), saved)?;
        let depth = config.limits.value_depth;
        let (store, migrated) = if path.is_empty() {
            (Store::restore(snapshot, &schema, depth)?, Step::default())
        } else {
            Store::restore_older(snapshot, &schema, &path, depth)?
        };
        let mut room = Self::with_store(config, schema, serialized, saved, store);
        if !migrated.ops.is_empty() {
            room.persist(Origin::Host, &migrated.ops, migrated.before, None);
        }
        Ok(room)
    }

    fn with_store(
        config: RoomConfig,
        schema: Arc<Schema>,
        serialized: Option<SerializedSchema>,
        saved: Option<&SerializedSchema>,
        store: Store,
    ) -> Self {
        Self {
            config,
            schema,
            is_schema_unsaved: serialized.as_ref() != saved,
            serialized,
            store,
            now: Instant::ZERO,
            sessions: Sessions::default(),
            by_connection: BTreeMap::new(),
            by_name: BTreeMap::new(),
            next_session: 0,
            next_connection: 0,
            dialects: Dialects::default(),
            log: Log::default(),
            schedule: Schedule::default(),
            woken: Woken::default(),
            hydrations: Vec::new(),
            spent: Spent::default(),
            actions: VecDeque::new(),
            counters: Counters::default(),
            is_shut_down: false,
        }
    }

    /// The next effect to carry out, in order, or `None` when all are.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<RoomAction> {
        let action = self.actions.pop_front()?;
        self.counters.count(&action);
        Some(action)
    }

    /// What has happened so far, as numbers.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many documents were changed so far, over the life of the room.
    #[must_use]
    pub const fn clock(&self) -> u64 {
        self.store.clock()
    }

    /// The record with that id.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&Object> {
        self.store.get(id)
    }

    /// The record with that id as a `T`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read as a `T`.
    pub fn get<T: Record>(&self, id: &str) -> Result<Option<T>, RecordError> {
        self.record(id).map(T::from_object).transpose()
    }

    /// All records, in order of their ids.
    pub fn records(&self) -> impl Iterator<Item = (&RecordId, &Object)> {
        self.store.iter()
    }

    /// The presence records that sessions show, by session.
    pub fn presence(&self) -> impl Iterator<Item = (&SessionId, &Object)> {
        self.sessions
            .values()
            .filter_map(|session| Some((&session.name, session.presence.as_ref()?)))
    }

    /// How many sessions there are, those included that may still come back.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// All that the room keeps.
    #[must_use]
    pub fn snapshot(&self) -> RoomSnapshot {
        RoomSnapshot { schema: self.serialized.clone(), ..self.store.snapshot() }
    }
}

/// The schema of a room that opens records of `stored` with types of `own`, and the migrations
/// between the two.
fn place_schema(
    schema: &Schema,
    own: Option<&SerializedSchema>,
    stored: Option<&SerializedSchema>,
) -> Result<(Option<SerializedSchema>, MigrationPath), RestoreError> {
    match (own, stored) {
        (Some(own), Some(stored)) => match schema.migration_path_to(own, stored) {
            Ok(path) => Ok((Some(own.clone()), path)),
            Err(SchemaMismatch::TooNew) => Err(RestoreError::SchemaTooNew),
            Err(SchemaMismatch::TooOld) => Err(RestoreError::SchemaTooOld),
        },
        (own, stored) => Ok((own.or(stored).cloned(), MigrationPath::default())),
    }
}

#[cfg(test)]
mod tests;
