//! One connection: what it receives goes to the room, what the room sends goes out.

use super::Shared;
use super::task::Input;
use crate::clock::overdue;
use crate::storage::RoomId;
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use roomsync::{CloseReason, ConnectionId, Frame, SessionParams};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a small message costs beside its bytes while it waits.
const MESSAGE_OVERHEAD: usize = 256;

/// What a transport receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message.
    Message(Bytes),
    /// A message that is longer than the transport takes. The session is closed for it.
    TooLong,
}

/// What a transport sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message. A WebSocket carries it as text, or as binary if it [is](Frame::is_binary). A
    /// transport that sends a long one in [pieces](Frame::pieces) holds one of them for a peer that
    /// does not read, and not the whole.
    Frame(Frame),
    /// The end, with code and reason. The transport stays open until the peer has answered, or
    /// for a while.
    Close(CloseReason),
}

/// The room's side of a connection. When it is dropped the connection ends.
#[derive(Debug)]
pub(super) struct Peer {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    backlog: Arc<Backlog>,
    /// Why the room has ended it, for when the transport never gets to hear of it.
    closed: Arc<OnceLock<CloseReason>>,
    is_writable: bool,
    _end: DropGuard,
}

/// What was handed to a connection and is not sent yet.
#[derive(Debug)]
struct Backlog {
    bytes: AtomicUsize,
    high: usize,
    low: usize,
}

/// The connection's place in its room. Leaves it when dropped.
#[derive(Debug)]
pub(super) struct Place {
    connection: ConnectionId,
    inbox: mpsc::UnboundedSender<Input>,
}

/// The transport's side of a connection.
struct Transport<I, O> {
    incoming: I,
    outgoing: O,
    queue: mpsc::UnboundedReceiver<Outgoing>,
    backlog: Arc<Backlog>,
    window: u32,
}

/// Serves a connection until it ends.
pub(super) async fn serve<I, O>(
    shared: &Arc<Shared>,
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
    let options = &shared.options;
    let high = options.outgoing_bytes;
    let backlog = Arc::new(Backlog { bytes: AtomicUsize::new(0), high, low: high / 4 });
    let (sender, queue) = mpsc::unbounded_channel();
    let end = CancellationToken::new();
    let closed = Arc::new(OnceLock::new());
    let peer = Peer {
        outgoing: sender,
        backlog: Arc::clone(&backlog),
        closed: Arc::clone(&closed),
        is_writable: true,
        _end: end.clone().drop_guard(),
    };
    let transport =
        Transport { incoming, outgoing, queue, backlog, window: options.incoming_bytes.max(1) };
    let (entered, place) = oneshot::channel();
    // If the host is closed, the peer is dropped here and the transport finds its queue ended.
    drop(shared.send(&room, Input::Connect { params, may_create, peer, entered }));
    let close_timeout = options.close_timeout;
    tokio::select! {
        reason = transport.run(place) => reason,
        () = overdue(end, close_timeout) => {
            closed.get().cloned().unwrap_or(CloseReason::Disconnected)
        }
    }
}

impl<I, O> Transport<I, O>
where
    I: Stream<Item = Incoming> + Unpin,
    O: Sink<Outgoing> + Unpin,
{
    async fn run(mut self, place: oneshot::Receiver<Place>) -> CloseReason {
        let place = place.await.ok();
        let reason = {
            let Self { incoming, outgoing, queue, backlog, window } = &mut self;
            let write = write(outgoing, queue, backlog, place.as_ref());
            match &place {
                Some(place) => tokio::select! {
                    reason = write => reason,
                    () = read(incoming, place, *window) => None,
                },
                None => write.await,
            }
        };
        drop(place);
        let Some(reason) = reason else { return CloseReason::Disconnected };
        if self.outgoing.send(Outgoing::Close(reason.clone())).await.is_ok() {
            // A transport that is dropped with unread bytes may never deliver its last message.
            while self.incoming.next().await.is_some() {}
        }
        reason
    }
}

/// Hands what arrives to the room, until the transport ends.
async fn read(incoming: &mut (impl Stream<Item = Incoming> + Unpin), place: &Place, window: u32) {
    let budget = Arc::new(Semaphore::new(window as usize));
    while let Some(message) = incoming.next().await {
        let length = match &message {
            Incoming::Message(bytes) => bytes.len().saturating_add(MESSAGE_OVERHEAD),
            Incoming::TooLong => 0,
        };
        let cost = u32::try_from(length).unwrap_or(window).min(window);
        let Ok(permit) = Arc::clone(&budget).acquire_many_owned(cost).await else { return };
        let connection = place.connection;
        place.tell(match message {
            Incoming::Message(bytes) => Input::Message { connection, bytes, _permit: permit },
            Incoming::TooLong => Input::TooLong(connection),
        });
    }
}

/// Sends what the room hands over, until the room ends the connection, for the returned reason,
/// or the transport does.
async fn write(
    outgoing: &mut (impl Sink<Outgoing> + Unpin),
    queue: &mut mpsc::UnboundedReceiver<Outgoing>,
    backlog: &Backlog,
    place: Option<&Place>,
) -> Option<CloseReason> {
    loop {
        let next = match queue.try_recv() {
            Ok(next) => Some(next),
            Err(_) => {
                outgoing.flush().await.ok()?;
                queue.recv().await
            }
        };
        match next {
            Some(Outgoing::Frame(frame)) => {
                let length = frame.len();
                outgoing.feed(Outgoing::Frame(frame)).await.ok()?;
                if backlog.remove(length)
                    && let Some(place) = place
                {
                    place.tell(Input::Drained(place.connection));
                }
            }
            Some(Outgoing::Close(reason)) => return Some(reason),
            // The room has ended without a word, as when it cannot be loaded. It may come back.
            None => return Some(CloseReason::ShuttingDown),
        }
    }
}

impl Peer {
    /// Counts a frame that will be sent. Returns whether the room has to pause now.
    pub(super) fn reserve(&mut self, frame: &Frame) -> bool {
        let pause = self.backlog.add(frame.len()) && self.is_writable;
        self.is_writable &= !pause;
        pause
    }

    /// Sends a frame that was counted before.
    pub(super) fn send(&self, frame: Frame) {
        // A transport that has ended says so by itself.
        self.outgoing.send(Outgoing::Frame(frame)).ok();
    }

    /// Ends the connection, after all that was sent before.
    pub(super) fn close(self, reason: CloseReason) {
        // It is closed but once.
        self.closed.set(reason.clone()).ok();
        self.outgoing.send(Outgoing::Close(reason)).ok();
    }

    /// Some of the backlog went out. Returns whether the room may go on now.
    pub(super) fn resume(&mut self) -> bool {
        let resume = !self.is_writable && self.backlog.is_low();
        self.is_writable |= resume;
        resume
    }
}

impl Backlog {
    /// Returns whether that is too much.
    fn add(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes) > self.high
    }

    /// Returns whether it has become little.
    fn remove(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        before > self.low && before.saturating_sub(bytes) <= self.low
    }

    fn is_low(&self) -> bool {
        self.bytes.load(Ordering::Acquire) <= self.low
    }
}

impl Place {
    pub(super) const fn new(connection: ConnectionId, inbox: mpsc::UnboundedSender<Input>) -> Self {
        Self { connection, inbox }
    }

    fn tell(&self, input: Input) {
        // A room that has ended drops its side of the connection, which ends it.
        self.inbox.send(input).ok();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tell(Input::Disconnected(self.connection));
    }
}

/// Keeps a message counted until the room has taken it.
pub(super) type Permit = OwnedSemaphorePermit;
