//! What an application decides about its client.

use crate::error::ConfigError;
use crate::ids::{ClientId, Key};
use crate::limits::Limits;
use crate::schema::{Schema, Scope};
use crate::wire::Codec;
use alloc::collections::BTreeSet;
use core::time::Duration;

/// How a client behaves. Checked when the client is made.
///
/// ```
/// use core::time::Duration;
/// use roomsync::{ClientConfig, PresenceMode};
///
/// let mut config = ClientConfig::default();
/// config.presence_mode = PresenceMode::Solo;
/// config.dial_timeout = Duration::from_secs(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// What the client accepts and holds at most. A message may be larger than a room takes:
    /// all of a room's records come in one. [`Limits::unanswered_pushes`] is how many pushes may
    /// be on their way before further changes wait.
    pub limits: Limits,
    /// How long an attempt to connect may take.
    pub dial_timeout: Duration,
    /// How long the room may take to let the client in. All of the room's records come in that
    /// answer, so this bounds how large a room can be entered over a slow link.
    pub answer_timeout: Duration,
    /// The time between two pings.
    pub ping_interval: Duration,
    /// How long the room may be silent, and how long a ping unanswered, before the client
    /// connects anew.
    pub health_timeout: Duration,
    /// The least time between two pushes.
    pub push_interval: Duration,
    /// The least time between two pushes while nobody else is there.
    pub solo_push_interval: Duration,
    /// How much goes in one push. What is left goes with the next ones.
    pub push_budget: PushBudget,
    /// Waits between attempts, while the application is in front.
    pub backoff: Backoff,
    /// Waits between attempts, while it is in the background.
    pub background_backoff: Backoff,
    /// Makes each wait between attempts shorter by up to half, by chance from this seed, so that many
    /// clients that were cut at once do not come back at once. Without it waits are exact.
    pub jitter_seed: Option<u64>,
    /// Whether presence is sent, to begin with.
    pub presence_mode: PresenceMode,
    /// Document types that need object access instead of a session that is not read-only, as the
    /// room is configured.
    pub object_types: BTreeSet<Key>,
    /// What the client calls itself in all of its connections. With it each push takes effect once,
    /// whatever is cut, lost or restarted on either side: the room says after a cut which of the
    /// client's pushes it has taken. Without it, or in a room that does not know of this, a push
    /// whose answer was lost is made again.
    ///
    /// No two clients of a room may have the same at the same time: the later closes the earlier.
    /// And whoever knows it can pass for this client, unless the host tells peers apart. So make it
    /// of enough randomness to be unguessable, anew for each start of the program. One that is
    /// restored goes on with the id that it had.
    pub client_id: Option<ClientId>,
    /// Whether the client says what to keep, by [`ClientAction::Persist`](crate::ClientAction),
    /// so that it can be [restored](crate::Client::restore). With a [`Self::client_id`], as without
    /// one a push whose answer was lost with the process is made again.
    pub persist: bool,
    /// What messages go in once the room has shown that it speaks it too. Until then, and in other
    /// rooms, all is JSON. Anything else needs a transport that carries binary messages.
    pub codec: Codec,
    /// So many steps can be undone at most: over it the oldest are forgotten. With 0 none can.
    pub undo_steps: usize,
}

/// How much goes to the room in one push, so that long work offline is neither larger than the room
/// takes nor faster. After a push that is full none goes for half a second, after a smaller one for
/// as much less as it is smaller.
///
/// The default is within what a room takes by default. For a room with a smaller
/// [`Limits::message_bytes`], [`Limits::push_ops`] or [`Rates`](crate::Rates) it should be smaller as
/// well: as JSON a push is longer than it counts, mostly a little, at most six times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushBudget {
    /// Bytes, counted as in [`Limits::record_bytes`]. One change that is larger goes alone.
    pub bytes: usize,
    /// Records that are changed.
    pub ops: usize,
}

/// How long to wait between attempts: each time half as long again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub min: Duration,
    /// The longest wait.
    pub max: Duration,
}

/// Whether anybody else is there to be shown the client's presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PresenceMode {
    /// Nobody: presence is not sent, and documents are pushed less often.
    Solo,
    /// Somebody may be.
    #[default]
    Full,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            limits: Limits { message_bytes: 512 << 20, ..Limits::default() },
            dial_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(5),
            health_timeout: Duration::from_secs(10),
            // Rounded up to whole microseconds, so that a second never holds 31.
            push_interval: Duration::from_micros(33_334),
            solo_push_interval: Duration::from_secs(1),
            push_budget: PushBudget { bytes: 4 << 20, ops: 100_000 },
            backoff: Backoff { min: Duration::from_millis(500), max: Duration::from_secs(2) },
            background_backoff: Backoff {
                min: Duration::from_secs(1),
                max: Duration::from_secs(5 * 60),
            },
            jitter_seed: None,
            presence_mode: PresenceMode::Full,
            object_types: BTreeSet::new(),
            client_id: None,
            persist: false,
            codec: Codec::Json,
            undo_steps: 500,
        }
    }
}

impl ClientConfig {
    pub(super) fn check(&self, schema: &Schema) -> Result<(), ConfigError> {
        let Self {
            limits,
            dial_timeout,
            answer_timeout,
            ping_interval,
            health_timeout,
            push_interval,
            solo_push_interval,
            push_budget,
            backoff,
            background_backoff,
            jitter_seed: _,
            presence_mode: _,
            object_types,
            client_id,
            persist: _,
            codec: _,
            undo_steps: _,
        } = self;
        limits.check()?;
        let PushBudget { bytes, ops } = push_budget;
        for (name, most) in [("push_budget.bytes", bytes), ("push_budget.ops", ops)] {
            if *most == 0 {
                return Err(ConfigError::ZeroLimit(name));
            }
        }
        for (name, duration) in [
            ("dial_timeout", dial_timeout),
            ("answer_timeout", answer_timeout),
            ("ping_interval", ping_interval),
            ("health_timeout", health_timeout),
            ("push_interval", push_interval),
            ("solo_push_interval", solo_push_interval),
            ("backoff.min", &backoff.min),
            ("backoff.max", &backoff.max),
            ("background_backoff.min", &background_backoff.min),
            ("background_backoff.max", &background_backoff.max),
        ] {
            // What is below the resolution of time never passes.
            if duration.as_micros() == 0 {
                return Err(ConfigError::ZeroDuration(name));
            }
        }
        if object_types.iter().any(|name| schema.scope(name) != Some(Scope::Document)) {
            return Err(ConfigError::NotADocumentType);
        }
        let most = limits.id_bytes;
        if client_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > most) {
            return Err(ConfigError::BadClientId);
        }
        if schema.serialized().is_none() {
            return Err(ConfigError::AdoptingSchema);
        }
        Ok(())
    }
}
