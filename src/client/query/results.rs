//! What a query found, and how it is kept up to date.

use super::{Field, Query};
use crate::client::RecordChange;
use crate::error::RecordError;
use crate::ids::RecordId;
use crate::schema::Record;
use crate::value::{Object, Value};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The records that a [`Query`] asks for, in its order. Records share their contents with the
/// client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResults {
    order: Option<Field>,
    /// By the value to sort by, if there is one.
    records: BTreeMap<(Option<Value>, RecordId), Object>,
}

impl QueryResults {
    pub(super) fn new(query: &Query) -> Self {
        Self { order: query.order.clone(), records: BTreeMap::new() }
    }

    pub(super) fn fill<'a>(&mut self, records: impl Iterator<Item = (&'a RecordId, &'a Object)>) {
        let order = &self.order;
        let placed =
            |(id, record): (&RecordId, &Object)| (place(order, id, record), record.clone());
        self.records = records.map(placed).collect();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records with their ids, in order.
    #[must_use]
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = (&RecordId, &Object)> + DoubleEndedIterator {
        self.records.iter().map(|((_, id), record)| (id, record))
    }

    /// The records as `T`s, in order.
    ///
    /// # Errors
    ///
    /// When one cannot be read as a `T`.
    pub fn read<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        self.records.values().map(T::from_object).collect()
    }

    /// Takes over what changed, as a [`ClientEvent::Query`](crate::ClientEvent::Query) tells it.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = RecordChange>) {
        for RecordChange { id, before, after } in changes {
            if let Some(before) = before {
                self.records.remove(&place(&self.order, &id, &before));
            }
            if let Some(after) = after {
                self.records.insert(place(&self.order, &id, &after), after);
            }
        }
    }
}

/// Where a record stands among the others.
fn place(order: &Option<Field>, id: &RecordId, record: &Object) -> (Option<Value>, RecordId) {
    let value = order.as_ref().and_then(|field| field.of(record));
    (value.cloned(), id.clone())
}
