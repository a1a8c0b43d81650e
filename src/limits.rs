//! Every cap, its default, and why that number.

use crate::error::ConfigError;

/// What a machine accepts and holds at most. Read from a file, what is missing is the default, and
/// an unknown name is an error.
///
/// ```
/// let mut limits = roomsync::Limits::default();
/// limits.sessions = 8;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// Sessions in a room, those in their grace after a cut included. A stock room holds 50 by its
    /// host's choice; a room here costs little more with hundreds.
    pub sessions: usize,
    /// Bytes of one message, whole or put together from chunks. A stock client splits pushes at
    /// about a quarter of a megabyte of text, and one pasted picture can be several.
    pub message_bytes: usize,
    /// Arrays and objects that stand inside one another in a record. Rich text needs about 10. At
    /// most [`Limits::MAX_VALUE_DEPTH`].
    pub value_depth: usize,
    /// Bytes of a record's or a session's id.
    pub id_bytes: usize,
    /// Records in a room that its sessions may bring it to. One more is not created, and its
    /// client told so. What the host writes or opens is not held to it.
    pub records: usize,
    /// Bytes of a document that sessions may write, by its texts and keys and 8 for each value. A
    /// change to a larger one is skipped. A picture inside of a record can be 16 MB.
    pub record_bytes: usize,
    /// Bytes of a presence, counted alike. A larger one ends its session. A selection of all
    /// shapes of a full page is about 0.2 MB.
    pub presence_bytes: usize,
    /// Records that one push may touch. With more it ends its session. A client that was long
    /// offline comes back with one push of all that it did.
    pub push_ops: usize,
    /// Deleted ids that are remembered. Over it the oldest are forgotten, and a client that was
    /// away since before then is sent everything.
    pub tombstones: usize,
    /// Bytes of broadcasts that are kept for sessions that are behind. One that falls further
    /// behind is later sent the state instead.
    pub log_bytes: usize,
    /// Pushes of one session that wait for their answer because it does not read. With one more
    /// it is closed to connect again.
    pub unanswered_pushes: usize,
    /// Clients whose last push is remembered. Over it those are forgotten that have pushed longest
    /// ago. A push whose answer a forgotten client never got may take effect twice.
    pub known_clients: usize,
    /// Bytes of the schema that a client comes with, by the ids of its sequences and 8 for each. A
    /// larger one ends its session. That of stock tldraw has about 1,500.
    pub schema_bytes: usize,
    /// Senders who left and whose [`Rates`](crate::Rates) are remembered until they would be free
    /// again anyway. Over it those are forgotten that would be first.
    pub known_senders: usize,
    /// Schemas older than the room's that sessions have at a time. For each of them every change is
    /// migrated and encoded once more. A client that comes with yet another is too old.
    pub older_schemas: usize,
    /// Pushes of all clients after which one that made none of them is forgotten. It is large, so
    /// that a client can be away for weeks; what bounds memory is [`Limits::known_clients`].
    pub known_client_age: usize,
}

impl Limits {
    /// The most that [`Limits::value_depth`] can be, so that a patch at that depth is still read.
    pub const MAX_VALUE_DEPTH: usize = 48;
    /// The largest clock that there is, of either side: JavaScript counts no further.
    pub const MAX_CLOCK: u64 = (1 << 53) - 1;

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let Self {
            sessions,
            message_bytes,
            value_depth,
            id_bytes,
            records,
            record_bytes,
            presence_bytes,
            push_ops,
            tombstones,
            log_bytes,
            unanswered_pushes,
            known_clients,
            known_client_age,
            schema_bytes,
            known_senders,
            // None means that no older client is served.
            older_schemas: _,
        } = self;
        for (limit, value) in [
            ("sessions", sessions),
            ("message_bytes", message_bytes),
            ("value_depth", value_depth),
            ("id_bytes", id_bytes),
            ("records", records),
            ("record_bytes", record_bytes),
            ("presence_bytes", presence_bytes),
            ("push_ops", push_ops),
            ("tombstones", tombstones),
            ("log_bytes", log_bytes),
            ("unanswered_pushes", unanswered_pushes),
            ("known_clients", known_clients),
            ("known_client_age", known_client_age),
            ("schema_bytes", schema_bytes),
            ("known_senders", known_senders),
        ] {
            if *value == 0 {
                return Err(ConfigError::ZeroLimit(limit));
            }
        }
        if *value_depth > Self::MAX_VALUE_DEPTH {
            let max = Self::MAX_VALUE_DEPTH;
            return Err(ConfigError::LimitTooLarge { limit: "value_depth", max });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 200,
            message_bytes: 32 << 20,
            value_depth: 40,
            id_bytes: 255,
            records: 1_000_000,
            record_bytes: 16 << 20,
            presence_bytes: 1 << 20,
            push_ops: 500_000,
            tombstones: 5000,
            log_bytes: 4 << 20,
            unanswered_pushes: 1000,
            known_clients: 5000,
            known_client_age: 100_000_000,
            older_schemas: 8,
            schema_bytes: 64 << 10,
            known_senders: 1000,
        }
    }
}
