//! One connection of a client.

use super::dial::Socket;
use super::driver::Input;
use crate::clock::overdue;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use roomsync::{CloseReason, Frame, LinkId};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a connection that is being closed may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The driver's side of a link. When it is dropped the link ends.
pub(super) struct Link {
    queue: mpsc::UnboundedSender<Outgoing>,
    _end: DropGuard,
}

enum Outgoing {
    Frame(Frame),
    Close(CloseReason),
}

impl Link {
    /// A link, and what serves it until it ends. The machine bounds what it sends before the room
    /// answers, so the queue needs no bound.
    pub(super) fn new(
        id: LinkId,
        socket: Socket,
        inputs: mpsc::Sender<Input>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, outgoing) = mpsc::unbounded_channel();
        let end = CancellationToken::new();
        let link = Self { queue, _end: end.clone().drop_guard() };
        let serve = async move {
            let reason = tokio::select! {
                reason = exchange(id, socket, outgoing, &inputs) => reason,
                () = overdue(end, CLOSE_TIMEOUT) => CloseReason::Disconnected,
            };
            // The driver may have ended.
            inputs.send(Input::Ended { link: id, reason }).await.ok();
        };
        (link, serve)
    }

    pub(super) fn send(&self, frame: Frame) {
        // A link that has ended says so by itself.
        self.queue.send(Outgoing::Frame(frame)).ok();
    }

    /// Ends the link, after all that was sent before.
    pub(super) fn close(self, reason: CloseReason) {
        self.queue.send(Outgoing::Close(reason)).ok();
    }
}

/// Carries messages both ways until either side ends it. Returns why the other side did.
async fn exchange(
    link: LinkId,
    socket: Socket,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    inputs: &mpsc::Sender<Input>,
) -> CloseReason {
    let (mut sink, mut stream) = socket.split();
    tokio::select! {
        reason = read(link, &mut stream, inputs) => return reason,
        () = write(&mut sink, &mut outgoing) => {}
    }
    // A socket that is dropped with unread bytes may never deliver its last message.
    while let Some(Ok(_)) = stream.next().await {}
    CloseReason::Disconnected
}

async fn read(
    link: LinkId,
    stream: &mut SplitStream<Socket>,
    inputs: &mpsc::Sender<Input>,
) -> CloseReason {
    let mut reason = CloseReason::Disconnected;
    while let Some(Ok(message)) = stream.next().await {
        let bytes = match message {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
            // The stream ends once the close is answered.
            Message::Close(Some(close)) => {
                reason = CloseReason::from_wire(close.code.into(), &close.reason);
                continue;
            }
            Message::Close(None) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                continue;
            }
        };
        if inputs.send(Input::Message { link, bytes }).await.is_err() {
            break;
        }
    }
    reason
}

/// Sends what the driver hands over, until it ends the link. Ends for nothing else: what ends the
/// transport is seen by the reader.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    outgoing: &mut mpsc::UnboundedReceiver<Outgoing>,
) {
    let mut open = true;
    while let Some(next) = outgoing.recv().await {
        match next {
            Outgoing::Frame(frame) if open => {
                let Some(message) = to_message(frame) else { continue };
                open = sink.send(message).await.is_ok();
            }
            Outgoing::Frame(_) => {}
            Outgoing::Close(reason) => {
                let (code, reason) = (reason.code().into(), Utf8Bytes::from(reason.text()));
                // If the transport has ended there is nobody to tell.
                sink.send(Message::Close(Some(CloseFrame { code, reason }))).await.ok();
                return;
            }
        }
    }
}

fn to_message(frame: Frame) -> Option<Message> {
    if frame.is_binary() {
        return Some(Message::Binary(frame.into()));
    }
    Utf8Bytes::try_from(bytes::Bytes::from(frame)).map(Message::Text).ok()
}
