//! What happens to a client, for whoever listens.

use futures_util::Stream;
use roomsync::ClientEvent;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged;

/// What happens, in order, from [`Client::subscribe`](super::Client::subscribe) on. Ends when the
/// client does.
///
/// Records may be ahead of the events. A listener who falls behind by more than
/// [`ClientOptions::event_capacity`](super::ClientOptions::event_capacity) holds nobody up: it is
/// told that it [`Missed`] some, and has to look at the records again.
pub struct Events(BroadcastStream<ClientEvent>);

/// How many events a listener did not get since it was too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed(pub u64);

impl Events {
    pub(super) fn new(receiver: broadcast::Receiver<ClientEvent>) -> Self {
        Self(BroadcastStream::new(receiver))
    }
}

impl Stream for Events {
    type Item = Result<ClientEvent, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.0).poll_next(context));
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
