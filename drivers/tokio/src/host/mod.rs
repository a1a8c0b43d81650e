//! Keeps rooms, each in a task of its own while somebody is in it.

mod connection;
mod handle;
mod outbox;
mod task;
mod totals;

pub use connection::{Incoming, Outgoing};
pub use handle::{CommandError, RoomHandle, RoomUnavailable};
pub use totals::HostTotals;

use crate::clock::Clock;
use crate::storage::{RoomId, Storage};
use crate::writer::Writer;
use futures_util::{FutureExt, Sink, Stream};
use roomsync::{CloseReason, ConfigError, Room, RoomConfig, RoomEvent, Schema, SessionParams};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use task::{Input, RoomTask};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::error;

/// Is told what happens in rooms, once it is durable. Runs in the room's task, so it must be quick. If
/// it panics, the room's connections end and may come back to what is kept of it.
pub type EventHook = Arc<dyn Fn(&RoomId, &RoomEvent) + Send + Sync>;

/// How a host keeps its rooms.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostOptions {
    /// How each room behaves.
    pub room: RoomConfig,
    /// How long an empty room stays loaded.
    pub linger: Duration,
    /// Bytes that wait to be sent on a connection before the room pauses it. It goes on when a
    /// quarter of them is left.
    pub outgoing_bytes: usize,
    /// Bytes received on a connection that wait for the room before no more are read.
    pub incoming_bytes: u32,
    /// Commits, frames and events of a room that wait for storage before the room takes no more
    /// input.
    pub waiting_actions: usize,
    /// How long a connection that is being closed may take to read what was sent before, and to
    /// answer the close.
    pub close_timeout: Duration,
    /// Is told what happens in rooms.
    pub on_event: Option<EventHook>,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            room: RoomConfig::default(),
            linger: Duration::from_secs(10),
            outgoing_bytes: 1 << 20,
            incoming_bytes: 1 << 20,
            waiting_actions: 4096,
            close_timeout: Duration::from_secs(5),
            on_event: None,
        }
    }
}

/// Why a host does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration of the rooms cannot work.
    Config(ConfigError),
    /// There is no thread for the storage.
    Thread(io::Error),
}

/// Keeps rooms and serves connections. Clones are the same host.
///
/// A room is loaded when it is first used, and unloaded once it has been empty for a while. What
/// a room tells anybody of a change is sent after the storage has made the change durable. Must be
/// used inside a tokio runtime with time enabled.
///
/// ```
/// use roomsync::{Object, Schema};
/// use roomsync_tokio::{HostOptions, MemoryStorage, RoomHost};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schema = Arc::new(Schema::tldraw());
/// let host = RoomHost::start(MemoryStorage::default(), schema, HostOptions::default())?;
/// let page: Object = r#"{"id":"page:a","typeName":"page"}"#.parse()?;
/// host.room("plans").transact(move |tx| tx.put(page)).await?;
/// assert_eq!(host.room("plans").snapshot().await?.documents.len(), 1);
/// host.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RoomHost {
    shared: Arc<Shared>,
}

struct Shared {
    options: HostOptions,
    schema: Arc<Schema>,
    clock: Clock,
    writer: Writer,
    rooms: Mutex<Rooms>,
    totals: Mutex<HostTotals>,
    /// Rooms and connections, for the shutdown to wait for.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Rooms {
    open: BTreeMap<RoomId, mpsc::UnboundedSender<Input>>,
    closed: bool,
}

impl RoomHost {
    /// A host of the rooms in `storage`, all of one schema.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, or there is no thread for the storage.
    pub fn start(
        storage: impl Storage,
        schema: Arc<Schema>,
        options: HostOptions,
    ) -> Result<Self, StartError> {
        Room::new(options.room.clone(), Arc::clone(&schema)).map_err(StartError::Config)?;
        let writer = Writer::start(Box::new(storage)).map_err(StartError::Thread)?;
        let shared = Shared {
            options,
            schema,
            clock: Clock::start(),
            writer,
            rooms: Mutex::default(),
            totals: Mutex::default(),
            tasks: TaskTracker::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Serves a connection until it ends, and returns why it did.
    ///
    /// `incoming` is what the transport receives; its end, or an error of `outgoing`, is the end
    /// of the connection. The last that `outgoing` is given is [`Outgoing::Close`], unless the
    /// peer was faster. When the returned future is dropped the session is disconnected.
    pub async fn connect<I, O>(
        &self,
        room: impl Into<RoomId>,
        params: SessionParams,
        incoming: I,
        outgoing: O,
    ) -> CloseReason
    where
        I: Stream<Item = Incoming> + Unpin,
        O: Sink<Outgoing> + Unpin,
    {
        self.serve(room.into(), params, true, incoming, outgoing).await
    }

    /// The same for who may not make a room: where nothing is kept of the room, and nobody is in
    /// it who may make it, the connection is closed with [`CloseReason::NotFound`].
    pub async fn connect_existing<I, O>(
        &self,
        room: impl Into<RoomId>,
        params: SessionParams,
        incoming: I,
        outgoing: O,
    ) -> CloseReason
    where
        I: Stream<Item = Incoming> + Unpin,
        O: Sink<Outgoing> + Unpin,
    {
        self.serve(room.into(), params, false, incoming, outgoing).await
    }

    async fn serve<I, O>(
        &self,
        room: RoomId,
        params: SessionParams,
        may_create: bool,
        incoming: I,
        outgoing: O,
    ) -> CloseReason
    where
        I: Stream<Item = Incoming> + Unpin,
        O: Sink<Outgoing> + Unpin,
    {
        let serve = connection::serve(&self.shared, room, params, may_create, incoming, outgoing);
        self.shared.tasks.track_future(serve).await
    }

    /// The way to a room from any task. The room need not exist, nor be loaded.
    #[must_use]
    pub fn room(&self, room: impl Into<RoomId>) -> RoomHandle {
        RoomHandle::new(Arc::clone(&self.shared), room.into())
    }

    /// How many rooms are loaded.
    #[must_use]
    pub fn open_rooms(&self) -> usize {
        self.shared.rooms().open.len()
    }

    /// What all rooms have done since the start, as numbers.
    #[must_use]
    pub fn totals(&self) -> HostTotals {
        self.shared.totals().clone()
    }

    /// Tells all sessions what they have to hear, closes all connections, and returns once
    /// everything is durable and the storage is closed. Later connections are closed at once.
    pub async fn shutdown(&self) {
        let inboxes: Vec<_> = {
            let mut rooms = self.shared.rooms();
            rooms.closed = true;
            rooms.open.values().cloned().collect()
        };
        for inbox in inboxes {
            // A room that has ended needs no telling.
            inbox.send(Input::Shutdown).ok();
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.writer.stop().await;
    }
}

impl Shared {
    /// Hands the input to the room, opening it if need be. Gives it back after a shutdown.
    fn send(self: &Arc<Self>, room: &RoomId, input: Input) -> Result<(), Input> {
        let mut rooms = self.rooms();
        if rooms.closed {
            return Err(input);
        }
        let input = match rooms.open.get(room) {
            // A room that ended by itself left its closed inbox behind.
            Some(inbox) => match inbox.send(input) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::SendError(input)) => input,
            },
            None => input,
        };
        let (inbox, inputs) = mpsc::unbounded_channel();
        let task = RoomTask::new(Arc::clone(self), room.clone(), inbox.downgrade(), inputs);
        let (shared, id) = (Arc::clone(self), room.clone());
        self.tasks.spawn(async move {
            // A hook of the host's may panic. All that the room has is dropped then, which tells its
            // connections to come back, and whoever comes opens it from what is kept.
            if AssertUnwindSafe(task.run()).catch_unwind().await.is_err() {
                error!(room = %id, "panicked: the room is opened anew");
                shared.forget_ended(&id);
            }
        });
        inbox.send(input).map_err(|mpsc::error::SendError(input)| input)?;
        rooms.open.insert(room.clone(), inbox);
        Ok(())
    }

    /// Takes a room out whose task has ended, unless it is open again.
    fn forget_ended(&self, room: &RoomId) {
        let mut rooms = self.rooms();
        if rooms.open.get(room).is_some_and(mpsc::UnboundedSender::is_closed) {
            rooms.open.remove(room);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        // Whoever panicked while holding it was between two whole changes.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn totals(&self) -> MutexGuard<'_, HostTotals> {
        // Nothing panics while it is held.
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RoomHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomHost").field("open_rooms", &self.open_rooms()).finish_non_exhaustive()
    }
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostOptions")
            .field("room", &self.room)
            .field("linger", &self.linger)
            .field("outgoing_bytes", &self.outgoing_bytes)
            .field("incoming_bytes", &self.incoming_bytes)
            .field("waiting_actions", &self.waiting_actions)
            .field("close_timeout", &self.close_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "the configuration of the rooms: {error}"),
            Self::Thread(error) => write!(f, "no thread for the storage: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
