//! What happens to a client, for whoever listens.

use futures_util::Stream;
use roomsync::ClientEvent;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What happens, in order, from [`Client::subscribe`](super::Client::subscribe) on. Ends when the
/// client does.
///
/// Records may be ahead of the events. A listener who falls behind by more than
/// [`ClientOptions::event_capacity`](super::ClientOptions::event_capacity) holds nobody up: it is
/// told that it [`Missed`] some, and has to look at the records again.
pub struct Events {
    stream: BroadcastStream<ClientEvent>,
    /// Handles may outlive the client, and with them what would send events.
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// How many events a listener did not get since it was too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed(pub u64);

impl Events {
    pub(super) fn new(
        receiver: broadcast::Receiver<ClientEvent>,
        ended: CancellationToken,
    ) -> Self {
        let ended = Box::pin(ended.cancelled_owned());
        Self { stream: BroadcastStream::new(receiver), ended }
    }
}

impl Stream for Events {
    type Item = Result<ClientEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Before a look at what waits: all events of an ended client do.
        let has_ended = self.ended.as_mut().poll(context).is_ready();
        let next = match Pin::new(&mut self.stream).poll_next(context) {
            Poll::Ready(next) => next,
            Poll::Pending if has_ended => None,
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(next.map(|event| event.map_err(|Lagged(missed)| Missed(missed))))
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events were missed", self.0)
    }
}

impl std::error::Error for Missed {}
