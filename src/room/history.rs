//! Who changed what, and when by the room's clock: the latest commits, kept in memory.

use super::{Change, Commit, Origin};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::ops::{Bound, RangeBounds};

/// The latest commits of a room, oldest first, for a host to look through. It is fed with what
/// [`RoomEvent::Committed`](crate::RoomEvent::Committed) tells; [`Commit::to_value`] makes a line
/// of each for a trail that lasts.
///
/// ```
/// use std::sync::Arc;
/// use roomsync::{History, Instant, Object, Room, RoomAction, RoomConfig, RoomEvent, Schema};
///
/// let mut room = Room::new(RoomConfig::default(), Arc::new(Schema::tldraw()))?;
/// let mut history = History::new(10_000);
/// let page: Object = r#"{"id":"page:a","typeName":"page"}"#.parse()?;
/// room.transact(Instant::ZERO, |tx| tx.put(page.clone()))?;
/// while let Some(action) = room.poll_action() {
///     if let RoomAction::Event(RoomEvent::Committed(commit)) = action {
///         history.note(commit);
///     }
/// }
/// let (commit, change) = history.of_record("page:a").next().unwrap();
/// assert_eq!((commit.clock, change.before(), &change.after), (1, None, &Some(page)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct History {
    /// In order of their clocks, which are distinct. None is without changes.
    commits: VecDeque<Arc<Commit>>,
    /// How many changes they hold together.
    changes: usize,
    most: usize,
    /// The clock of the last commit that was forgotten.
    forgotten: Option<u64>,
}

impl History {
    /// An empty history that will hold so many changes of records at most. Each takes about what
    /// its record takes; one that stands there unchanged takes nothing more.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { commits: VecDeque::new(), changes: 0, most, forgotten: None }
    }

    /// Takes a commit that follows those before. The oldest are forgotten when there are too many
    /// changes, and the commit itself if it alone has too many. One without changes is left out.
    pub fn note(&mut self, commit: Arc<Commit>) {
        if commit.changes.is_empty() {
            return;
        }
        self.changes += commit.changes.len();
        self.commits.push_back(commit);
        while self.changes > self.most
            && let Some(oldest) = self.commits.pop_front()
        {
            self.changes -= oldest.changes.len();
            self.forgotten = Some(oldest.clock);
        }
    }

    /// The clock of the last commit that was forgotten, or `None` when all are there.
    #[must_use]
    pub const fn forgotten_until(&self) -> Option<u64> {
        self.forgotten
    }

    /// All commits, oldest first.
    #[must_use]
    pub fn commits(&self) -> impl DoubleEndedIterator<Item = &Commit> {
        self.commits.iter().map(|commit| &**commit)
    }

    /// The commits at these clocks, oldest first, found in the logarithm of their number.
    #[must_use]
    pub fn at_clocks(
        &self,
        clocks: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = &Commit> {
        let end = match clocks.end_bound() {
            Bound::Included(end) => self.commits.partition_point(|commit| commit.clock <= *end),
            Bound::Excluded(end) => self.commits.partition_point(|commit| commit.clock < *end),
            Bound::Unbounded => self.commits.len(),
        };
        let start = match clocks.start_bound() {
            Bound::Included(start) => self.commits.partition_point(|commit| commit.clock < *start),
            Bound::Excluded(start) => self.commits.partition_point(|commit| commit.clock <= *start),
            Bound::Unbounded => 0,
        };
        self.commits.range(start.min(end)..end).map(|commit| &**commit)
    }

    /// The changes of a record with their commits, oldest first, found by a look at all changes.
    #[must_use]
    pub fn of_record(&self, id: &str) -> impl DoubleEndedIterator<Item = (&Commit, &Change)> {
        let changes = self.commits().flat_map(|commit| {
            let changes = commit.changes.iter();
            changes.map(move |change| (commit, change))
        });
        changes.filter(move |(_, change)| *change.id == *id)
    }

    /// The commits of a session's pushes, oldest first, found by a look at all commits.
    #[must_use]
    pub fn of_session(&self, name: &str) -> impl DoubleEndedIterator<Item = &Commit> {
        self.commits().filter(move |commit| match &commit.origin {
            Origin::Session { session, .. } => **session == *name,
            Origin::Host => false,
        })
    }

    /// The commits of all pushes of somebody whom the host has identified, oldest first, found by
    /// a look at all commits.
    #[must_use]
    pub fn of_identity(&self, name: &str) -> impl DoubleEndedIterator<Item = &Commit> {
        self.commits().filter(move |commit| match &commit.origin {
            Origin::Session { identity, .. } => {
                identity.as_ref().is_some_and(|identity| **identity == *name)
            }
            Origin::Host => false,
        })
    }
}
