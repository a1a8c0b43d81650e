//! A client over WebSocket, for use from many tasks.

mod dial;
mod driver;
mod events;
mod link;
mod live;
mod options;
mod store;

pub use dial::ConnectError;
pub use events::{Events, Missed};
pub use live::LiveQuery;
pub use options::{BeforeDial, ClientOptions};
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{ClientStore, StoreError, StoreFailed};

use crate::clock::Clock;
use dial::Dialer;
use driver::Driver;
use live::LiveQueries;
use roomsync::{
    Client as Machine, ClientEvent, Instant, NetworkHint, Object, Query, QueryResults, Record,
    RecordError, RecordId, Status, TransactError, Transaction, UndoMark, Value,
};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// A client of a room. Clones are the same client, which closes when the last of them is dropped.
///
/// It connects by itself, also anew, as often as it takes. Records can be read and changed
/// whether or not there is a connection.
///
/// ```no_run
/// use roomsync::{Object, RecordType, Schema, Scope};
/// use roomsync_tokio::{Client, ClientOptions};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let note = RecordType::new(Scope::Document);
/// let schema = Arc::new(Schema::builder().record_type("note", note).build()?);
/// let options = ClientOptions::new("alice", schema);
/// let client = Client::connect("ws://127.0.0.1:8787/connect/plans", options)?;
/// let note: Object = r#"{"id":"note:a","typeName":"note","text":"Hello"}"#.parse()?;
/// client.transact(|tx| tx.put(note))?;
/// client.synced().await.map_err(|status| format!("{status:?}"))?;
/// client.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    owner: Arc<Owner>,
}

/// Closes the client when the last handle is dropped. The driver holds no handle.
struct Owner(Arc<Shared>);

struct Shared {
    machine: Mutex<Machine>,
    clock: Clock,
    /// The machine has got something for the driver to do.
    wake: Notify,
    events: broadcast::Sender<ClientEvent>,
    live: LiveQueries,
    /// How many commands there were; grows only while the machine is locked.
    commands: AtomicU64,
    /// So many of them have been carried out, with all that they made durable.
    carried_out: AtomicU64,
    /// Why the store failed, which ended the client.
    store_error: Mutex<Option<StoreError>>,
    /// Whatever is waited for may have come.
    changed: watch::Sender<()>,
    /// The driver has ended.
    ended: CancellationToken,
}

impl Client {
    /// A client of the room at `url`, to which the session's name is added as `sessionId`. Begins
    /// to connect, and returns at once. Must be called inside a tokio runtime with time and io
    /// enabled.
    ///
    /// # Errors
    ///
    /// When the address is none of a WebSocket, or the client cannot work as configured.
    pub fn connect(url: &str, options: ClientOptions) -> Result<Self, ConnectError> {
        let mut options = options;
        options.config.persist = false;
        let dialer = Dialer::new(url, &options)?;
        let clock = Clock::start();
        let ClientOptions { schema, config, event_capacity, .. } = options;
        let machine = Machine::new(clock.now(), config, schema).map_err(ConnectError::Config)?;
        Ok(Self::start(machine, clock, dialer, event_capacity, None))
    }

    /// A client that keeps in `store` what the room has confirmed and what it has not, and goes on
    /// from what is there, even if the process was killed. Otherwise like [`Client::connect`].
    ///
    /// A store belongs to one room and one session name. Changes are durable a moment after they
    /// are made: to wait for that there is [`Client::kept`].
    ///
    /// # Errors
    ///
    /// As [`Client::connect`], and when the store cannot be read or holds nothing that a client has
    /// left.
    pub async fn open(
        url: &str,
        options: ClientOptions,
        mut store: impl ClientStore,
    ) -> Result<Self, ConnectError> {
        let dialer = Dialer::new(url, &options)?;
        let ClientOptions { schema, config, event_capacity, .. } = options;
        let loaded = spawn_blocking(move || store.load().map(|kept| (kept, store))).await;
        let loaded = loaded.unwrap_or_else(|panic| Err(panic.into()));
        let (kept, store) = loaded.map_err(ConnectError::Store)?;
        let clock = Clock::start();
        let machine = Machine::restore(clock.now(), config, schema, &kept);
        let machine = machine.map_err(ConnectError::Restore)?;
        Ok(Self::start(machine, clock, dialer, event_capacity, Some(Box::new(store))))
    }

    fn start(
        machine: Machine,
        clock: Clock,
        dialer: Dialer,
        event_capacity: usize,
        store: Option<Box<dyn ClientStore>>,
    ) -> Self {
        let shared = Arc::new(Shared {
            machine: Mutex::new(machine),
            clock,
            wake: Notify::new(),
            events: broadcast::Sender::new(event_capacity.max(1)),
            live: LiveQueries::default(),
            commands: AtomicU64::new(0),
            carried_out: AtomicU64::new(0),
            store_error: Mutex::new(None),
            changed: watch::Sender::new(()),
            ended: CancellationToken::new(),
        });
        tokio::spawn(Driver::new(Arc::clone(&shared), dialer, store).run());
        Self { owner: Arc::new(Owner(shared)) }
    }

    /// Changes documents and records of session scope in one step, at once. See
    /// [`roomsync::Client::transact`]. Inside `f` this client must not be used.
    ///
    /// # Errors
    ///
    /// Whatever the closure returns, or when the room lets this client only read. Then nothing has
    /// changed.
    pub fn transact<T>(
        &self,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
    ) -> Result<T, TransactError> {
        self.shared().command(|machine, now| machine.transact(now, f))
    }

    /// The record with that id, unconfirmed changes included.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Object> {
        self.shared().machine().record(id).cloned()
    }

    /// The record with that id as a `T`, unconfirmed changes included, or `None` when there is
    /// none.
    ///
    /// # Errors
    ///
    /// When it cannot be read as a `T`.
    pub fn get<T: Record>(&self, id: &str) -> Result<Option<T>, RecordError> {
        self.record(id).as_ref().map(T::from_object).transpose()
    }

    /// All records, unconfirmed changes included. Copying them copies no contents.
    #[must_use]
    pub fn records(&self) -> Vec<(RecordId, Object)> {
        let machine = self.shared().machine();
        machine.records().map(|(id, record)| (id.clone(), record.clone())).collect()
    }

    /// Takes back what this client did last and has not taken back, but nothing that others did.
    /// See [`roomsync::Client::undo`]. Returns whether anything changed.
    pub fn undo(&self) -> bool {
        self.shared().command(Machine::undo)
    }

    /// Does again what was [undone](Self::undo) last. Returns whether anything changed.
    pub fn redo(&self) -> bool {
        self.shared().command(Machine::redo)
    }

    /// Whether there is something to [undo](Self::undo).
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.shared().machine().can_undo()
    }

    /// Whether there is something to [redo](Self::redo).
    #[must_use]
    pub fn can_redo(&self) -> bool {
        self.shared().machine().can_redo()
    }

    /// The point between what was done so far and what is to come, for [`Client::squash_to`].
    #[must_use]
    pub fn undo_mark(&self) -> UndoMark {
        self.shared().machine().undo_mark()
    }

    /// Makes all that was done since the mark one step to undo.
    pub fn squash_to(&self, mark: UndoMark) {
        self.shared().machine().squash_to(mark);
    }

    /// What others show of themselves.
    #[must_use]
    pub fn presence(&self) -> Vec<(RecordId, Object)> {
        let machine = self.shared().machine();
        machine.presence().map(|(id, record)| (id.clone(), record.clone())).collect()
    }

    /// What the client shows of itself to others, from now on. See
    /// [`roomsync::Client::set_presence`].
    ///
    /// # Errors
    ///
    /// When the record is none of the presence type.
    pub fn set_presence(&self, presence: Option<Object>) -> Result<(), TransactError> {
        self.shared().command(|machine, now| machine.set_presence(now, presence))
    }

    /// Sends a message of the application's to the host. See [`roomsync::Client::send_custom`].
    /// Returns whether it was sent: not while the client is not online.
    #[must_use]
    pub fn send_custom(&self, data: Value) -> bool {
        self.shared().command(|machine, now| machine.send_custom(now, data))
    }

    /// Tells the client what its user's device knows of the network or the screen.
    pub fn hint(&self, hint: NetworkHint) {
        self.shared().command(|machine, now| machine.handle_network(now, hint));
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        Events::new(self.shared().events.subscribe(), self.shared().ended.clone())
    }

    /// The records that `query` asks for now. See [`roomsync::Client::query`].
    #[must_use]
    pub fn query(&self, query: &Query) -> QueryResults {
        self.shared().machine().query(query)
    }

    /// The records that `query` asks for, now and from now on. See [`roomsync::Client::subscribe`].
    #[must_use]
    pub fn live(&self, query: Query) -> LiveQuery {
        let shared = &self.owner.0;
        let mut machine = shared.machine();
        let (id, results) = machine.subscribe(query);
        // Before anybody can poll an event of it.
        let waiting = shared.live.insert(id);
        LiveQuery::new(id, results, waiting, Arc::clone(shared))
    }

    /// How the client stands to its room.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared().machine().status().clone()
    }

    /// Whether the room has answered all changes.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.shared().machine().is_settled()
    }

    /// Gives up all changes that the room has not confirmed, for a client that is refused because of
    /// them, and tries again. See [`roomsync::Client::discard_unconfirmed`].
    pub fn discard_unconfirmed(&self) {
        self.shared().command(Machine::discard_unconfirmed);
    }

    /// Returns once the client is in the room and has all that it holds.
    ///
    /// # Errors
    ///
    /// When that will never be: the room refused the client, or it was closed.
    pub async fn online(&self) -> Result<(), Status> {
        self.shared().until(|machine| *machine.status() == Status::Online).await
    }

    /// Returns once the room has answered all changes that were made so far.
    ///
    /// # Errors
    ///
    /// When that will never be: the room refused the client, or it was closed.
    pub async fn synced(&self) -> Result<(), Status> {
        let so_far = self.shared().machine().checkpoint();
        self.shared().until(|machine| machine.is_confirmed(so_far)).await
    }

    /// Returns once all changes that were made so far are in the store, so that they outlive a
    /// crash, whether or not the room knows of them. At once without a store.
    ///
    /// # Errors
    ///
    /// When that will never be: they were made after the client was closed, or its store failed.
    pub async fn kept(&self) -> Result<(), Status> {
        let shared = self.shared();
        let so_far = shared.commands.load(Ordering::Acquire);
        let mut changed = shared.changed.subscribe();
        loop {
            // A client that is refused goes on to keep what is done.
            let has_ended = shared.ended.is_cancelled();
            if shared.carried_out.load(Ordering::Acquire) >= so_far {
                return Ok(());
            }
            if has_ended {
                return Err(self.status());
            }
            tokio::select! {
                // The sender is here, so that there is no error.
                _ = changed.changed() => {}
                () = shared.ended.cancelled() => {}
            }
        }
    }

    /// Pushes what is unsent if there is a connection, and ends it. Returns once it has ended. To
    /// be sure that nothing is lost, wait for [`Client::synced`] before.
    ///
    /// # Errors
    ///
    /// When the client ended before since its store failed. Only the first call tells.
    pub async fn close(&self) -> Result<(), StoreFailed> {
        self.shared().command(Machine::close);
        self.shared().ended.cancelled().await;
        let mut failed = self.shared().store_error.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take().map_or(Ok(()), |error| Err(StoreFailed(error)))
    }

    fn shared(&self) -> &Shared {
        &self.owner.0
    }
}

impl Shared {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        // A closure that panicked has left no trace: its transaction was dropped with it.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the machine, after which there may be something to do for the driver.
    fn command<T>(&self, f: impl FnOnce(&mut Machine, Instant) -> T) -> T {
        let result = {
            let mut machine = self.machine();
            self.commands.fetch_add(1, Ordering::AcqRel);
            f(&mut machine, self.clock.now())
        };
        self.wake.notify_one();
        result
    }

    /// Returns once it holds, or never will.
    async fn until(&self, holds: impl Fn(&Machine) -> bool) -> Result<(), Status> {
        let mut changed = self.changed.subscribe();
        loop {
            {
                let machine = self.machine();
                if holds(&machine) {
                    return Ok(());
                }
                let status = machine.status();
                if matches!(status, Status::Refused(_) | Status::Closed) {
                    return Err(status.clone());
                }
            }
            // The sender is here, so that there is no error.
            changed.changed().await.ok();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.command(Machine::close);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}
