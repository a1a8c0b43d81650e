//! What a host decides about a room and about each of its sessions.

use super::hooks::Hooks;
use super::rate::Rates;
use super::view::Meta;
use crate::error::ConfigError;
use crate::ids::{Identity, Key, SessionId};
use crate::limits::Limits;
use crate::schema::{Schema, Scope};
use crate::wire::ObjectAccess;
use alloc::collections::BTreeSet;
use core::time::Duration;

/// How a room behaves. Checked when the room is made.
///
/// ```
/// use core::time::Duration;
///
/// let mut config = roomsync::RoomConfig::default();
/// config.idle_timeout = Some(Duration::from_secs(60));
/// config.limits.sessions = 16;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoomConfig {
    /// What the room accepts and holds at most.
    pub limits: Limits,
    /// How long a connection may wait with its `connect`.
    pub start_timeout: Duration,
    /// How long a connected session may be silent; `None` or zero: for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a session whose connection ended keeps its place and its presence.
    pub reconnect_grace: Duration,
    /// The least time between two data messages to a session.
    pub flush_interval: Duration,
    /// Document types that need `objectAccess: write` instead of a session that is not read-only.
    pub object_types: BTreeSet<Key>,
    /// What each session may send in a time.
    pub rates: Rates,
    /// What the host decides while the room works.
    pub hooks: Hooks,
    /// Whether clients that ask for it are spoken to in [`Codec::Postcard`](crate::Codec). That
    /// needs transports that carry binary messages.
    pub postcard: bool,
}

/// Who connects, as the host knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionParams {
    /// What the client calls its session.
    pub session: SessionId,
    /// Whether its changes of documents are skipped.
    pub readonly: bool,
    /// What it may do to object types.
    pub object_access: ObjectAccess,
    /// Who it is, if the host has made sure of it. Client ids of one identity never get in the way
    /// of those of another.
    pub identity: Option<Identity>,
    /// Whatever the host keeps with it.
    pub meta: Meta,
}

impl SessionParams {
    /// A session that may do everything.
    #[must_use]
    pub fn new(session: impl Into<SessionId>) -> Self {
        Self {
            session: session.into(),
            readonly: false,
            object_access: ObjectAccess::Write,
            identity: None,
            meta: Meta::default(),
        }
    }
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            start_timeout: Duration::from_secs(10),
            idle_timeout: Some(Duration::from_secs(20)),
            reconnect_grace: Duration::from_secs(5),
            flush_interval: Duration::from_nanos(1_000_000_000 / 60),
            object_types: BTreeSet::new(),
            rates: Rates::default(),
            hooks: Hooks::default(),
            postcard: true,
        }
    }
}

impl RoomConfig {
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), ConfigError> {
        let Self {
            limits,
            start_timeout,
            idle_timeout: _,
            reconnect_grace: _,
            flush_interval: _,
            object_types,
            rates,
            hooks,
            postcard: _,
        } = self;
        limits.check()?;
        rates.check()?;
        if start_timeout.is_zero() {
            return Err(ConfigError::ZeroDuration("start_timeout"));
        }
        let mut documents = object_types.iter().chain(hooks.authorized_types());
        if documents.any(|name| schema.scope(name) != Some(Scope::Document)) {
            return Err(ConfigError::NotADocumentType);
        }
        Ok(())
    }
}
