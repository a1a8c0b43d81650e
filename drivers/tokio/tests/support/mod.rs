//! A storage that does what a test says, and sockets without a network.

use futures_channel::mpsc;
use futures_util::StreamExt;
use roomsync::{CloseReason, Object, RoomSnapshot, SessionParams, Value};
use roomsync_tokio::{
    Incoming, MemoryStorage, Outgoing, RoomCommit, RoomHost, RoomId, Storage, StorageError,
};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The sequences of the tests' clients.
pub(crate) const CONNECT: &str = r#"{"type":"connect","connectRequestId":"r","lastServerClock":-1,
    "protocolVersion":8,"schema":{"schemaVersion":2,"sequences":{}}}"#;

/// What a test sees and says of a storage.
#[derive(Clone, Default)]
pub(crate) struct Control {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    hold: bool,
    /// The storage waits to be released.
    held: bool,
    fail_once: bool,
    /// Whatever is written of that room fails.
    fails: Option<RoomId>,
    closed: bool,
    loads: usize,
    /// How many commits each batch had.
    batches: Vec<usize>,
    /// Outlives the storage, so that it can be opened again.
    kept: MemoryStorage,
}

impl Control {
    /// Whatever the storage is asked for next waits for [`Control::release`].
    pub(crate) fn hold(&self) {
        self.state(|state| state.hold = true);
    }

    /// Returns once the storage waits.
    pub(crate) async fn held(&self) {
        until(|| self.state(|state| state.held)).await;
    }

    pub(crate) fn release(&self) {
        self.state(|state| state.hold = false);
        self.shared.1.notify_all();
    }

    /// What the storage is asked for next, or is doing while it is held, fails.
    pub(crate) fn fail_once(&self) {
        self.state(|state| state.fail_once = true);
    }

    /// From now on nothing of that room can be written.
    pub(crate) fn fail_room(&self, room: &str) {
        self.state(|state| state.fails = Some(room.into()));
    }

    pub(crate) fn batches(&self) -> Vec<usize> {
        self.state(|state| state.batches.clone())
    }

    pub(crate) fn loads(&self) -> usize {
        self.state(|state| state.loads)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state(|state| state.closed)
    }

    pub(crate) fn storage(&self) -> impl Storage + use<> {
        TestStorage(self.clone())
    }

    fn state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.shared.0.lock().unwrap())
    }

    /// Waits while it is held, and fails when it shall.
    fn pass(&self) -> Result<(), StorageError> {
        let (state, released) = &*self.shared;
        let mut state = state.lock().map_err(|_| "the test has failed")?;
        state.held = state.hold;
        while state.hold {
            state = released.wait(state).map_err(|_| "the test has failed")?;
        }
        state.held = false;
        if std::mem::take(&mut state.fail_once) { Err("the disk is full".into()) } else { Ok(()) }
    }
}

struct TestStorage(Control);

impl Storage for TestStorage {
    fn load(&mut self, room: &RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        self.0.pass()?;
        self.0.state(|state| {
            state.loads += 1;
            state.kept.load(room)
        })
    }

    fn commit(&mut self, commits: &[RoomCommit]) -> Result<(), StorageError> {
        self.0.pass()?;
        self.0.state(|state| {
            if commits.iter().any(|commit| Some(&commit.room) == state.fails.as_ref()) {
                return Err("this room is too large".into());
            }
            state.batches.push(commits.len());
            state.kept.commit(commits)
        })
    }
}

impl Drop for TestStorage {
    fn drop(&mut self) {
        self.0.state(|state| state.closed = true);
    }
}

type Incomings = mpsc::UnboundedReceiver<Incoming>;
type Outgoings = mpsc::Sender<Outgoing>;

/// A client's end of a connection.
pub(crate) struct Socket {
    sender: Option<mpsc::UnboundedSender<Incoming>>,
    receiver: mpsc::Receiver<Outgoing>,
    pub(crate) served: JoinHandle<CloseReason>,
}

impl Socket {
    pub(crate) fn open(host: &RoomHost, room: &str, session: &str) -> Self {
        let (host, room, params) = (host.clone(), room.to_owned(), SessionParams::new(session));
        Self::serve(|incoming, outgoing| async move {
            host.connect(room, params, incoming, outgoing).await
        })
    }

    /// One who may not make the room.
    pub(crate) fn visit(host: &RoomHost, room: &str, session: &str) -> Self {
        let (host, room, params) = (host.clone(), room.to_owned(), SessionParams::new(session));
        Self::serve(|incoming, outgoing| async move {
            host.connect_existing(room, params, incoming, outgoing).await
        })
    }

    fn serve<F>(serve: impl FnOnce(Incomings, Outgoings) -> F) -> Self
    where
        F: Future<Output = CloseReason> + Send + 'static,
    {
        let (sender, incoming) = mpsc::unbounded();
        // Takes one message more than this before it is full.
        let (outgoing, receiver) = mpsc::channel(0);
        let served = tokio::spawn(serve(incoming, outgoing));
        Self { sender: Some(sender), receiver, served }
    }

    /// The same, already in the room.
    pub(crate) async fn enter(host: &RoomHost, room: &str, session: &str) -> Self {
        let mut socket = Self::open(host, room, session);
        socket.send(CONNECT);
        assert_eq!(socket.message().await.get("type"), Some(&Value::from("connect")));
        socket
    }

    pub(crate) fn send(&self, text: &str) {
        self.give(Incoming::Message(text.to_owned().into()));
    }

    pub(crate) fn give(&self, incoming: Incoming) {
        self.sender.as_ref().unwrap().unbounded_send(incoming).unwrap();
    }

    /// Puts a page, as push number `clock`.
    pub(crate) fn put_page(&self, clock: u64, id: &str, name: &str) {
        self.send(&format!(
            r#"{{"type":"push","clientClock":{clock},"diff":{{"{id}":["put",
                {{"id":"{id}","typeName":"page","name":"{name}"}}]}}}}"#
        ));
    }

    /// The transport ends.
    pub(crate) fn cut(&mut self) {
        self.sender = None;
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Object {
        match self.next().await {
            Some(Outgoing::Frame(frame)) => frame.to_text().unwrap().parse().unwrap(),
            other => panic!("expected a message: {other:?}"),
        }
    }

    /// What comes next, or `None` when the host has dropped the transport.
    pub(crate) async fn next(&mut self) -> Option<Outgoing> {
        in_time(self.receiver.next()).await
    }

    /// Whether nothing has come, though all that could run has run.
    pub(crate) async fn is_silent(&mut self) -> bool {
        settle().await;
        self.receiver.try_recv().is_err()
    }

    /// Why the host ended the connection. What came before is skipped.
    pub(crate) async fn closed(&mut self) -> CloseReason {
        loop {
            match self.next().await {
                Some(Outgoing::Close(reason)) => return reason,
                Some(Outgoing::Frame(_)) => {}
                None => panic!("dropped without a close"),
            }
        }
    }
}

/// Lets all other tasks run, on a runtime of one thread.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Waits for what comes soon, or the test has failed.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took too long")
}

pub(crate) async fn until(holds: impl Fn() -> bool) {
    in_time(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
