//! Queries whose results are kept up to date.

use super::Shared;
use futures_util::Stream;
use futures_util::task::AtomicWaker;
use roomsync::{QueryId, QueryResults, RecordChange, RecordId};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// The results of a query, and a stream of how they change, which ends when the client does.
///
/// Whoever is slow to listen is told of several changes of a record as of one, so that what waits is
/// never more than the results themselves.
///
/// ```no_run
/// # async fn show(client: roomsync_tokio::Client) {
/// use futures_util::StreamExt;
/// use roomsync::Query;
///
/// let mut open = client.live(Query::of("note").eq("done", false).sort_by("text"));
/// println!("{} notes are open", open.results().len());
/// while let Some(changes) = open.next().await {
///     println!("{} changed, and now {} are open", changes.len(), open.results().len());
/// }
/// # }
/// ```
pub struct LiveQuery {
    id: QueryId,
    results: QueryResults,
    waiting: Arc<Waiting>,
    shared: Arc<Shared>,
}

/// Changes that a live query has not been told of.
#[derive(Default)]
pub(super) struct Waiting {
    changes: Mutex<BTreeMap<RecordId, RecordChange>>,
    waker: AtomicWaker,
}

/// The live queries of a client.
#[derive(Default)]
pub(super) struct LiveQueries(Mutex<BTreeMap<QueryId, Arc<Waiting>>>);

impl LiveQueries {
    pub(super) fn tell(&self, query: QueryId, changes: Vec<RecordChange>) {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = live.get(&query) {
            waiting.add(changes);
        }
    }

    /// Wakes all, since the client has ended.
    pub(super) fn end(&self) {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.values().for_each(|waiting| waiting.waker.wake());
    }

    pub(super) fn insert(&self, query: QueryId) -> Arc<Waiting> {
        let waiting = Arc::<Waiting>::default();
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.insert(query, Arc::clone(&waiting));
        waiting
    }

    fn remove(&self, query: QueryId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&query);
    }
}

impl Waiting {
    fn add(&self, changes: Vec<RecordChange>) {
        let mut waiting = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let before = match waiting.remove(&change.id) {
                Some(earlier) => earlier.before,
                None => change.before,
            };
            if before != change.after {
                let id = change.id.clone();
                waiting.insert(id.clone(), RecordChange { id, before, after: change.after });
            }
        }
        self.waker.wake();
    }
}

impl LiveQuery {
    pub(super) fn new(
        id: QueryId,
        results: QueryResults,
        waiting: Arc<Waiting>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { id, results, waiting, shared }
    }

    /// The results, as of the changes that were told last.
    #[must_use]
    pub const fn results(&self) -> &QueryResults {
        &self.results
    }
}

impl Stream for LiveQuery {
    type Item = Vec<RecordChange>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waiting.waker.register(context.waker());
        let has_ended = self.shared.ended.is_cancelled();
        let changes = {
            let mut waiting = self.waiting.changes.lock().unwrap_or_else(PoisonError::into_inner);
            core::mem::take(&mut *waiting)
        };
        if changes.is_empty() {
            return if has_ended { Poll::Ready(None) } else { Poll::Pending };
        }
        let changes: Vec<RecordChange> = changes.into_values().collect();
        self.results.apply(changes.iter().cloned());
        Poll::Ready(Some(changes))
    }
}

impl Drop for LiveQuery {
    fn drop(&mut self) {
        self.shared.machine().unsubscribe(self.id);
        self.shared.live.remove(self.id);
    }
}

impl fmt::Debug for LiveQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuery").field("results", &self.results).finish_non_exhaustive()
    }
}
