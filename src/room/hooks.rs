//! What a host decides while the room works: who may change which record, which pushes are taken,
//! and who sees whose presence.

use super::session::Session;
use super::view::SessionView;
use crate::diff::NetworkDiff;
use crate::ids::Key;
use crate::store::Records;
use crate::value::Object;
use crate::wire::PresenceOp;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

/// A hook's No, or its failure to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Veto;

type OnCreate = dyn Fn(&SessionView<'_>, Object) -> Result<Object, Veto> + Send + Sync;
type OnUpdate = dyn Fn(&SessionView<'_>, &Object, &Object) -> Result<(), Veto> + Send + Sync;
type OnRemove = dyn Fn(&SessionView<'_>, &Object) -> Result<(), Veto> + Send + Sync;
pub(super) type ShowPresence =
    dyn Fn(&SessionView<'_>, &SessionView<'_>, &Object) -> bool + Send + Sync;
type OnPush = dyn Fn(&SessionView<'_>, &PushView<'_>) -> Result<(), Veto> + Send + Sync;

/// What sessions may do with the records of one type. What it says nothing of is allowed.
///
/// Records come as the room's schema has them, whatever the client's. A change that is vetoed is
/// skipped, and its client told so as of any op without effect.
///
/// ```
/// use roomsync::{Authorizer, Value, Veto};
///
/// // Notes carry the name of their author, whatever the client says, and only that one changes them.
/// let notes = Authorizer::new()
///     .on_create(|session, mut note| {
///         note.insert("author", session.session.as_str());
///         Ok(note)
///     })
///     .on_update(|session, before, after| {
///         let author = before.get("author").and_then(Value::as_str);
///         let is_own = author == Some(session.session.as_str());
///         if is_own && after.get("author") == before.get("author") { Ok(()) } else { Err(Veto) }
///     });
/// let mut config = roomsync::RoomConfig::default();
/// config.hooks = config.hooks.authorize("shape", notes);
/// ```
#[derive(Clone, Default)]
pub struct Authorizer {
    create: Option<Arc<OnCreate>>,
    update: Option<Arc<OnUpdate>>,
    remove: Option<Arc<OnRemove>>,
}

/// A host's own decisions, asked while the room works. Each must be a pure function of what it is
/// given, and quick: it stands in the way of every push that it is about. What is not set costs
/// nothing.
///
/// A hook that fails to decide says so by [`Veto`], and does not panic: a panic goes through the
/// room, which is not to be used after it. The host of `roomsync-tokio` then drops the room, ends
/// its connections so that they come back, and opens it from what is kept; a client whose push made
/// the hook panic sends it again.
#[derive(Clone, Default)]
pub struct Hooks {
    authorizers: BTreeMap<Key, Authorizer>,
    push: Option<Arc<OnPush>>,
    presence: Option<Arc<ShowPresence>>,
}

/// A push that has arrived, before anything of it has happened.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct PushView<'a> {
    /// Its number, as its client counts.
    pub client_clock: u64,
    /// What it asks of documents, as the client's schema has them.
    pub diff: Option<&'a NetworkDiff>,
    /// What it asks of the session's presence.
    pub presence: Option<&'a PresenceOp>,
    records: &'a dyn Records,
}

impl Authorizer {
    /// One that allows everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides on new records. What it returns is stored, and its `id` and `typeName` must be as
    /// they were.
    #[must_use]
    pub fn on_create(
        mut self,
        decide: impl Fn(&SessionView<'_>, Object) -> Result<Object, Veto> + Send + Sync + 'static,
    ) -> Self {
        self.create = Some(Arc::new(decide));
        self
    }

    /// Decides on changes, given the record before and after.
    #[must_use]
    pub fn on_update(
        mut self,
        decide: impl Fn(&SessionView<'_>, &Object, &Object) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Self {
        self.update = Some(Arc::new(decide));
        self
    }

    /// Decides on removals, given the record that would go.
    #[must_use]
    pub fn on_remove(
        mut self,
        decide: impl Fn(&SessionView<'_>, &Object) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Self {
        self.remove = Some(Arc::new(decide));
        self
    }

    pub(super) fn create(&self, by: &SessionView<'_>, record: Object) -> Result<Object, Veto> {
        match &self.create {
            Some(decide) => decide(by, record),
            None => Ok(record),
        }
    }

    pub(super) fn update(
        &self,
        by: &SessionView<'_>,
        before: &Object,
        after: &Object,
    ) -> Result<(), Veto> {
        self.update.as_ref().map_or(Ok(()), |decide| decide(by, before, after))
    }

    pub(super) fn remove(&self, by: &SessionView<'_>, record: &Object) -> Result<(), Veto> {
        self.remove.as_ref().map_or(Ok(()), |decide| decide(by, record))
    }
}

impl Hooks {
    /// Lets `authorizer` decide on the records of a document type.
    #[must_use]
    pub fn authorize(mut self, type_name: &str, authorizer: Authorizer) -> Self {
        self.authorizers.insert(Key::from(type_name), authorizer);
        self
    }

    /// Decides on each push as a whole, before anything of it has happened. One that is refused is
    /// answered `discard`, and nothing of it takes effect, presence included.
    ///
    /// ```
    /// use roomsync::{RecordOp, Veto};
    ///
    /// let mut config = roomsync::RoomConfig::default();
    /// // Nobody empties the room by accident.
    /// config.hooks = config.hooks.check_push(|_session, push| {
    ///     let ops = push.diff.into_iter().flat_map(|diff| diff.iter());
    ///     let removed = ops.filter(|(_, op)| matches!(op, RecordOp::Remove)).count();
    ///     if removed > 1000 { Err(Veto) } else { Ok(()) }
    /// });
    /// ```
    #[must_use]
    pub fn check_push(
        mut self,
        decide: impl Fn(&SessionView<'_>, &PushView<'_>) -> Result<(), Veto> + Send + Sync + 'static,
    ) -> Self {
        self.push = Some(Arc::new(decide));
        self
    }

    /// Decides whether a session (the first) sees the presence of another (the second), which is
    /// the record.
    ///
    /// It is asked when either presence changes, when either session connects, and by
    /// [`Room::review_presence`](crate::Room::review_presence). Who begins to see a presence is
    /// told it whole, and who no longer does that it is gone.
    ///
    /// ```
    /// let mut config = roomsync::RoomConfig::default();
    /// // Who is on another page is not seen.
    /// config.hooks = config.hooks.filter_presence(|viewer, _owner, record| {
    ///     let page = viewer.presence.and_then(|own| own.get("currentPageId"));
    ///     page == record.get("currentPageId")
    /// });
    /// ```
    #[must_use]
    pub fn filter_presence(
        mut self,
        sees: impl Fn(&SessionView<'_>, &SessionView<'_>, &Object) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.presence = Some(Arc::new(sees));
        self
    }

    /// The filter of presence, if there is one.
    pub(super) fn show_presence(&self) -> Option<Arc<ShowPresence>> {
        self.presence.clone()
    }

    pub(super) fn authorizer(&self, type_name: &str) -> Option<&Authorizer> {
        if self.authorizers.is_empty() { None } else { self.authorizers.get(type_name) }
    }

    pub(super) fn authorized_types(&self) -> impl Iterator<Item = &Key> {
        self.authorizers.keys()
    }

    /// Whether the push may be taken.
    pub(super) fn takes(&self, by: &Session, push: &PushView<'_>) -> bool {
        self.push.as_ref().is_none_or(|decide| decide(&by.view(), push).is_ok())
    }
}

impl<'a> PushView<'a> {
    pub(super) const fn new(
        client_clock: u64,
        diff: Option<&'a NetworkDiff>,
        presence: Option<&'a PresenceOp>,
        records: &'a dyn Records,
    ) -> Self {
        Self { client_clock, diff, presence, records }
    }

    /// The room's record with that id.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&'a Object> {
        self.records.record(id)
    }
}

impl fmt::Debug for PushView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushView")
            .field("client_clock", &self.client_clock)
            .field("diff", &self.diff)
            .field("presence", &self.presence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("on_create", &self.create.is_some())
            .field("on_update", &self.update.is_some())
            .field("on_remove", &self.remove.is_some())
            .finish()
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("authorizers", &self.authorizers)
            .field("check_push", &self.push.is_some())
            .field("filter_presence", &self.presence.is_some())
            .finish()
    }
}
