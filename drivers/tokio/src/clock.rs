//! What time it is for the machines: microseconds since the driver's start.

use roomsync::Instant;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: tokio::time::Instant::now() }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO.saturating_add(self.start.elapsed())
    }

    /// Sleeps until then; for ever when there is no deadline.
    pub(crate) async fn sleep_until(self, deadline: Option<Instant>) {
        let since_start = |deadline: Instant| Duration::from_micros(deadline.as_micros());
        match deadline.and_then(|deadline| self.start.checked_add(since_start(deadline))) {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}

/// Waits until a connection that was told to end has had its time to do so.
pub(crate) async fn overdue(end: CancellationToken, patience: Duration) {
    end.cancelled().await;
    tokio::time::sleep(patience).await;
}
