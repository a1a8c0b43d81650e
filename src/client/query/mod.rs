//! Which records an application asks for, once or for as long as it wants to know.

mod live;
mod results;

pub(super) use live::LiveQueries;
pub use results::QueryResults;

use super::Client;
use crate::ids::{Key, QueryId, RecordId};
use crate::schema::Scope;
use crate::store::Records;
use crate::value::{Object, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Bound, RangeBounds};
use live::Index;

/// Which records are asked for: those of one type that fulfil all conditions.
///
/// A field is named by its key, or by keys with dots between them for one deeper in the record, like
/// `props.color`. A record that lacks the field of a condition does not fulfil it.
///
/// The first condition of equality, or the type when there is none, decides which records are looked
/// at, so let it be the one that fits fewest.
///
/// ```
/// use roomsync::{Object, Query};
///
/// let query = Query::of("shape").eq("parentId", "page:a").range("props.w", 10..).sort_by("index");
/// let shape = |json: &str| json.parse::<Object>().unwrap();
/// assert!(query.matches(&shape(r#"{"typeName":"shape","parentId":"page:a","props":{"w":10}}"#)));
/// assert!(!query.matches(&shape(r#"{"typeName":"shape","parentId":"page:a","props":{"w":9}}"#)));
/// assert!(!query.matches(&shape(r#"{"typeName":"shape","parentId":"page:a"}"#)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    type_name: Key,
    equal: Vec<(Field, Value)>,
    ranges: Vec<(Field, Bound<Value>, Bound<Value>)>,
    order: Option<Field>,
}

/// The keys that lead to a value in a record, from the outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Field(Vec<Key>);

impl Query {
    /// All records of a type.
    #[must_use]
    pub fn of(type_name: impl Into<Key>) -> Self {
        Self { type_name: type_name.into(), equal: Vec::new(), ranges: Vec::new(), order: None }
    }

    /// Those of them whose `field` has that value.
    #[must_use]
    pub fn eq(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.equal.push((Field::named(field), value.into()));
        self
    }

    /// Those of them whose `field` is in a range of numbers or strings, like `0..10` or `"a".."b"`.
    /// A value of another kind than the bounds is not.
    #[must_use]
    pub fn range<V: Clone + Into<Value>>(
        mut self,
        field: &str,
        range: impl RangeBounds<V>,
    ) -> Self {
        let bound = |bound: Bound<&V>| bound.map(|value| value.clone().into());
        let (start, end) = (bound(range.start_bound()), bound(range.end_bound()));
        self.ranges.push((Field::named(field), start, end));
        self
    }

    /// In order of the values of `field`: first records that lack it, then as values are ordered. Where
    /// the values are equal, and without this, records are in order of their ids.
    #[must_use]
    pub fn sort_by(mut self, field: &str) -> Self {
        self.order = Some(Field::named(field));
        self
    }

    /// Whether the query asks for this record.
    #[must_use]
    pub fn matches(&self, record: &Object) -> bool {
        record.get("typeName").and_then(Value::as_str) == Some(&*self.type_name)
            && self.equal.iter().all(|(field, value)| field.of(record) == Some(value))
            && self.ranges.iter().all(|(field, start, end)| {
                field.of(record).is_some_and(|value| is_within(value, start, end))
            })
    }
}

impl Field {
    fn named(name: &str) -> Self {
        Self(name.split('.').map(Key::from).collect())
    }

    fn of<'a>(&self, record: &'a Object) -> Option<&'a Value> {
        let (first, deeper) = self.0.split_first()?;
        deeper.iter().try_fold(record.get(first)?, |value, key| value.as_object()?.get(key))
    }
}

fn is_within(value: &Value, start: &Bound<Value>, end: &Bound<Value>) -> bool {
    let is_kind_of = |bound: &Bound<Value>| match bound {
        Bound::Included(bound) | Bound::Excluded(bound) => bound.rank() == value.rank(),
        Bound::Unbounded => true,
    };
    is_kind_of(start) && is_kind_of(end) && (start.as_ref(), end.as_ref()).contains(value)
}

impl Client {
    /// The records that `query` asks for, as the application sees them; of the presence type, those
    /// of others.
    ///
    /// Costs as much as there are records, or only as much as there are results when a
    /// [subscription](Self::subscribe) begins with a condition on the same field.
    #[must_use]
    pub fn query(&self, query: &Query) -> QueryResults {
        let mut results = QueryResults::new(query);
        match self.live.candidates(query) {
            Some(ids) => {
                let records = ids.filter_map(|id| Some((id, self.asked_for(query, id)?)));
                results.fill(records.filter(|(_, record)| query.matches(record)));
            }
            None => results.fill(self.source(query).filter(|(_, record)| query.matches(record))),
        }
        results
    }

    /// The records that `query` asks for, and from now on a
    /// [`ClientEvent::Query`](super::ClientEvent::Query) after each step that changes them, which
    /// [`QueryResults::apply`] takes over.
    ///
    /// A change of a record costs a look at those fields of it that subscriptions of its type begin
    /// with, and then only the subscriptions that begin with a value which it has or had there,
    /// and those of its type without a condition of equality.
    ///
    /// ```
    /// # use roomsync::{Client, ClientAction, ClientConfig, ClientEvent, Instant, Object, Query};
    /// # use roomsync::{RecordType, Schema, Scope};
    /// # let note = RecordType::new(Scope::Document);
    /// # let schema = Schema::builder().record_type("note", note).build()?;
    /// # let now = Instant::ZERO;
    /// # let mut client = Client::new(now, ClientConfig::default(), schema.into())?;
    /// let (id, mut results) = client.subscribe(Query::of("note").eq("done", false));
    /// let note: Object = r#"{"id":"note:a","typeName":"note","done":false}"#.parse()?;
    /// client.transact(now, |tx| tx.put(note))?;
    /// while let Some(action) = client.poll_action() {
    ///     if let ClientAction::Event(ClientEvent::Query { query, changes }) = action {
    ///         assert_eq!(query, id);
    ///         results.apply(changes);
    ///     }
    /// }
    /// assert_eq!(results.len(), 1);
    /// client.unsubscribe(id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe(&mut self, query: Query) -> (QueryId, QueryResults) {
        let is_new = !self.live.has_index(&query);
        let index = is_new.then(|| Index::of(&query, self.source(&query)));
        let id = self.live.insert(query.clone(), index);
        (id, self.query(&query))
    }

    /// Ends a subscription. Events of it that wait to be polled still come.
    pub fn unsubscribe(&mut self, query: QueryId) {
        self.live.remove(query);
    }

    /// All records among which those are that `query` asks for.
    fn source(&self, query: &Query) -> Box<dyn Iterator<Item = (&RecordId, &Object)> + '_> {
        match self.schema.scope(&query.type_name) {
            Some(Scope::Presence) => Box::new(self.presence.iter()),
            Some(Scope::Document | Scope::Session) | None => self.replica.records(),
        }
    }

    fn asked_for(&self, query: &Query, id: &RecordId) -> Option<&Object> {
        match self.schema.scope(&query.type_name) {
            Some(Scope::Presence) => self.presence.get(id),
            Some(Scope::Document | Scope::Session) | None => self.replica.record(id),
        }
    }
}
