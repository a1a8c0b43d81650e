//! A client over WebSocket, for use from many tasks.

mod dial;
mod driver;
mod link;

pub use dial::ConnectError;

use crate::clock::Clock;
use dial::Dialer;
use driver::Driver;
use roomsync::{
    Client as Machine, ClientConfig, ClientEvent, ClientId, Instant, NetworkHint, Object, Record,
    RecordError, RecordId, Schema, SessionId, Status, TransactError, Transaction, Value,
};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

/// What a client is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// What the client calls its session. Each client of a room needs a name of its own: a second
    /// one with the same takes the place of the first.
    pub session: SessionId,
    /// The record types, with the versions that are told to the room.
    pub schema: Arc<Schema>,
    /// How the client behaves. Its [`ClientConfig::client_id`] is a new random one, unless the
    /// system has no randomness to give, so that each push takes effect once.
    pub config: ClientConfig,
    /// Events that are kept for a subscriber that is behind.
    pub event_capacity: usize,
}

impl ClientOptions {
    /// A client with the default configuration and a client id of its own.
    #[must_use]
    pub fn new(session: impl Into<SessionId>, schema: Arc<Schema>) -> Self {
        let mut config = ClientConfig::default();
        config.client_id = random_client_id();
        Self { session: session.into(), schema, config, event_capacity: 4096 }
    }
}

/// An id that nobody else has or guesses.
fn random_client_id() -> Option<ClientId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(ClientId::from(format!("{:032x}", u128::from_le_bytes(bytes))))
}

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
/// client.close().await;
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
        let ClientOptions { session, schema, mut config, event_capacity } = options;
        config.persist = false;
        let dialer = Dialer::new(url, &session, config.limits.message_bytes)?;
        let clock = Clock::start();
        let machine = Machine::new(clock.now(), config, schema).map_err(ConnectError::Config)?;
        let shared = Arc::new(Shared {
            machine: Mutex::new(machine),
            clock,
            wake: Notify::new(),
            events: broadcast::Sender::new(event_capacity.max(1)),
            changed: watch::Sender::new(()),
            ended: CancellationToken::new(),
        });
        tokio::spawn(Driver::new(Arc::clone(&shared), dialer).run());
        Ok(Self { owner: Arc::new(Owner(shared)) })
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

    /// What happens from now on, in order. Records may be ahead of the events. A receiver that
    /// falls behind by more than [`ClientOptions::event_capacity`] is told that it missed some,
    /// and has to look at [`Client::records`] again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<ClientEvent> {
        self.shared().events.subscribe()
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
        self.shared().until(Machine::is_settled).await
    }

    /// Pushes what is unsent if there is a connection, and ends it. Returns once it has ended. To
    /// be sure that nothing is lost, wait for [`Client::synced`] before.
    pub async fn close(&self) {
        self.shared().command(Machine::close);
        self.shared().ended.cancelled().await;
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
        let result = f(&mut self.machine(), self.clock.now());
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
