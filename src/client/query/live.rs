//! How subscriptions are kept up to date in the size of a change.
//!
//! A subscription has no results of its own here: a change says by itself whether the record was, and
//! is, one that the query asks for. So all there is to do is to find the queries that a change
//! concerns. For each type and field that a subscription begins with there is an index by value,
//! made with the first such subscription and gone with the last.

use super::{Field, Query};
use crate::client::RecordChange;
use crate::ids::{Key, QueryId, RecordId};
use crate::value::{Object, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// The value under which an index without a field holds all records of its type.
static ALL: Value = Value::Null;

#[derive(Clone, Debug, Default)]
pub(in crate::client) struct LiveQueries {
    last: u64,
    queries: BTreeMap<QueryId, Query>,
    /// By the type, and by the field of the first condition of equality.
    indexes: BTreeMap<Key, BTreeMap<Option<Field>, Index>>,
}

/// The records of a type, and the queries that ask for some of them, by the value of a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    by_value: BTreeMap<Value, Entry>,
}

/// Never empty.
#[derive(Clone, Debug, Default)]
struct Entry {
    records: BTreeSet<RecordId>,
    queries: BTreeSet<QueryId>,
}

impl Query {
    /// The field and the value that the query begins with.
    fn beginning(&self) -> (Option<&Field>, &Value) {
        self.equal.first().map_or((None, &ALL), |(field, value)| (Some(field), value))
    }
}

/// Under which value of `field` a record stands, if it is of the type.
fn indexed<'a>(
    record: Option<&'a Object>,
    type_name: &str,
    field: Option<&Field>,
) -> Option<&'a Value> {
    let record = record.filter(|record| type_of(record) == Some(type_name))?;
    field.map_or(Some(&ALL), |field| field.of(record))
}

fn type_of(record: &Object) -> Option<&str> {
    record.get("typeName").and_then(Value::as_str)
}

impl LiveQueries {
    #[cfg(test)]
    pub(in crate::client) fn is_empty(&self) -> bool {
        self.queries.is_empty() && self.indexes.is_empty()
    }

    /// Whether the records that `query` asks for are found without a look at all.
    pub(in crate::client) fn has_index(&self, query: &Query) -> bool {
        self.index(query).is_some()
    }

    /// The records among which those are that `query` asks for, if there is an index for it.
    pub(super) fn candidates(&self, query: &Query) -> Option<impl Iterator<Item = &RecordId>> {
        let entry = self.index(query)?.by_value.get(query.beginning().1);
        Some(entry.into_iter().flat_map(|entry| &entry.records))
    }

    fn index(&self, query: &Query) -> Option<&Index> {
        self.indexes.get(&query.type_name)?.get(&query.beginning().0.cloned())
    }

    /// Begins a subscription, with an index for it if there is none.
    pub(super) fn insert(&mut self, query: Query, new_index: Option<Index>) -> QueryId {
        self.last += 1;
        let id = QueryId::from_u64(self.last);
        let (field, value) = query.beginning();
        let indexes = self.indexes.entry(query.type_name.clone()).or_default();
        let index = indexes.entry(field.cloned()).or_insert_with(|| new_index.unwrap_or_default());
        index.by_value.entry(value.clone()).or_default().queries.insert(id);
        self.queries.insert(id, query);
        id
    }

    /// Ends a subscription, and drops the index if it was the last that needed it.
    pub(super) fn remove(&mut self, id: QueryId) {
        let Some(query) = self.queries.remove(&id) else { return };
        let Some(indexes) = self.indexes.get_mut(&query.type_name) else { return };
        let (field, value) = query.beginning();
        let field = field.cloned();
        if let Some(index) = indexes.get_mut(&field) {
            index.change(value, |entry| {
                entry.queries.remove(&id);
            });
            let same = |other: &Query| {
                other.type_name == query.type_name && other.beginning().0 == field.as_ref()
            };
            if !self.queries.values().any(same) {
                indexes.remove(&field);
            }
        }
        if indexes.is_empty() {
            self.indexes.remove(&query.type_name);
        }
    }

    /// Takes note of changes. Returns what they are to each subscription that they concern.
    pub(in crate::client) fn note(
        &mut self,
        changes: &[RecordChange],
    ) -> BTreeMap<QueryId, Vec<RecordChange>> {
        let mut seen: BTreeMap<QueryId, Vec<RecordChange>> = BTreeMap::new();
        if self.queries.is_empty() {
            return seen;
        }
        for change in changes {
            let [before, after] =
                [&change.before, &change.after].map(|record| record.as_ref().and_then(type_of));
            // A record that is taken out and put anew in one step may be of another type then.
            for type_name in [before, after.filter(|_| after != before)].into_iter().flatten() {
                let Some(indexes) = self.indexes.get_mut(type_name) else { continue };
                for (field, index) in indexes {
                    for id in index.note(type_name, field.as_ref(), change) {
                        let Some(query) = self.queries.get(&id) else { continue };
                        if let Some(change) = query.view(change) {
                            seen.entry(id).or_default().push(change);
                        }
                    }
                }
            }
        }
        seen
    }
}

impl Index {
    /// An index over `records` for queries that begin as `query` does.
    pub(super) fn of<'a>(
        query: &Query,
        records: impl Iterator<Item = (&'a RecordId, &'a Object)>,
    ) -> Self {
        let mut index = Self::default();
        let (field, _) = query.beginning();
        for (id, record) in records {
            if let Some(value) = indexed(Some(record), &query.type_name, field) {
                index.by_value.entry(value.clone()).or_default().records.insert(id.clone());
            }
        }
        index
    }

    /// Moves a record to where it stands now. Returns the queries that begin with a value that it has or had.
    fn note(
        &mut self,
        type_name: &str,
        field: Option<&Field>,
        change: &RecordChange,
    ) -> Vec<QueryId> {
        let before = indexed(change.before.as_ref(), type_name, field);
        let after = indexed(change.after.as_ref(), type_name, field);
        if before != after {
            if let Some(value) = before {
                self.change(value, |entry| {
                    entry.records.remove(&change.id);
                });
            }
            if let Some(value) = after {
                self.change(value, |entry| {
                    entry.records.insert(change.id.clone());
                });
            }
        }
        let values = [before, after.filter(|_| after != before)].into_iter().flatten();
        let entries = values.filter_map(|value| self.by_value.get(value));
        entries.flat_map(|entry| entry.queries.iter().copied()).collect()
    }

    /// Changes the entry of a value, and drops it when it is empty then.
    fn change(&mut self, value: &Value, change: impl FnOnce(&mut Entry)) {
        let entry = self.by_value.entry(value.clone()).or_default();
        change(entry);
        if entry.records.is_empty() && entry.queries.is_empty() {
            self.by_value.remove(value);
        }
    }
}

impl Query {
    /// What a change of a record is to the results, if it is anything.
    fn view(&self, change: &RecordChange) -> Option<RecordChange> {
        let seen = |record: &Option<Object>| record.clone().filter(|record| self.matches(record));
        let (before, after) = (seen(&change.before), seen(&change.after));
        let concerns = before.is_some() || after.is_some();
        concerns.then(|| RecordChange { id: change.id.clone(), before, after })
    }
}
