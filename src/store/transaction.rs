//! What the local caller changes in one step: everything, or nothing.

use super::is_within_depth;
use crate::error::{RecordError, TransactError};
use crate::ids::RecordId;
use crate::schema::{IntoRecord, Record, Schema, Scope, identity};
use crate::value::{Object, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;

/// Whatever a transaction reads from.
pub(crate) trait Records {
    fn record(&self, id: &str) -> Option<&Object>;
    fn records(&self) -> Box<dyn Iterator<Item = (&RecordId, &Object)> + '_>;
}

/// A view of the records that sees its own writes. They take effect together, when the closure
/// that made them returns `Ok`, or not at all.
///
/// Records are [objects](Object) or of types of the application's: [`record`](Self::record) and
/// [`update`](Self::update) are for the former, [`get`](Self::get) and [`edit`](Self::edit) for the
/// latter, and [`put`](Self::put) takes both.
///
/// ```
/// use roomsync::{Object, Record, RecordId, RecordType, Room, RoomConfig, Schema, Scope};
/// use roomsync::{Instant, TransactError};
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
///
/// #[derive(Serialize, Deserialize)]
/// struct Shape {
///     id: RecordId,
///     x: f64,
/// }
///
/// impl Record for Shape {
///     const TYPE_NAME: &'static str = "shape";
/// }
///
/// let schema = Schema::builder().record_type("shape", RecordType::new(Scope::Document)).build()?;
/// let mut room = Room::new(RoomConfig::default(), Arc::new(schema))?;
/// let other: Object = r#"{"id":"shape:b","typeName":"shape","x":1,"color":"red"}"#.parse()?;
/// room.transact(Instant::ZERO, |tx| {
///     tx.put(&Shape { id: "shape:a".into(), x: 0.5 })?;
///     tx.put(other)?;
///     tx.edit("shape:b", |shape: &mut Shape| shape.x += 1.0)?;
///     tx.update("shape:a", |shape| drop(shape.insert("color", "blue")))
/// })?;
/// assert_eq!(room.get::<Shape>("shape:b")?.map(|shape| shape.x), Some(2.0));
/// assert_eq!(
///     room.record("shape:b").map(ToString::to_string).as_deref(),
///     Some(r#"{"color":"red","id":"shape:b","typeName":"shape","x":2}"#),
/// );
///
/// // All or nothing.
/// let result = room.transact(Instant::ZERO, |tx| {
///     tx.remove("shape:a")?;
///     tx.remove("shape:missing")
/// });
/// assert_eq!(result, Err(TransactError::Missing("shape:missing".into())));
/// assert!(room.record("shape:a").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Transaction<'a> {
    source: &'a dyn Records,
    schema: &'a Schema,
    scopes: &'a [Scope],
    depth: usize,
    changes: BTreeMap<RecordId, Option<Object>>,
}

impl<'a> Transaction<'a> {
    /// A transaction over `source` on types of `scopes`, with records at most `depth` deep.
    pub(crate) const fn new(
        source: &'a dyn Records,
        schema: &'a Schema,
        scopes: &'a [Scope],
        depth: usize,
    ) -> Self {
        Self { source, schema, scopes, depth, changes: BTreeMap::new() }
    }

    /// What each touched record shall be, or `None` where it shall be gone.
    pub(crate) fn into_changes(self) -> BTreeMap<RecordId, Option<Object>> {
        self.changes
    }

    /// The record, as this transaction has left it so far.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<&Object> {
        match self.changes.get(id) {
            Some(changed) => changed.as_ref(),
            None => self.source.record(id),
        }
    }

    /// The record as a `T`, as this transaction has left it so far, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be read as a `T`.
    pub fn get<T: Record>(&self, id: &str) -> Result<Option<T>, RecordError> {
        self.record(id).map(T::from_object).transpose()
    }

    /// All records, as this transaction has left them so far. New ones come last.
    pub fn records(&self) -> impl Iterator<Item = (&RecordId, &Object)> {
        let old = self.source.records().filter_map(|(id, record)| match self.changes.get(id) {
            Some(changed) => Some((id, changed.as_ref()?)),
            None => Some((id, record)),
        });
        let new = self.changes.iter().filter(|(id, _)| self.source.record(id).is_none());
        old.chain(new.filter_map(|(id, record)| Some((id, record.as_ref()?))))
    }

    /// Makes the record with this record's `id` be this: an [`Object`], or `&` of a [`Record`].
    ///
    /// # Errors
    ///
    /// When it is no record, or cannot be written as one, its type is not edited here, it is too deep, or the schema refuses it.
    pub fn put(&mut self, record: impl IntoRecord) -> Result<(), TransactError> {
        self.put_object(record.into_record()?)
    }

    fn put_object(&mut self, record: Object) -> Result<(), TransactError> {
        let (id, type_name) = identity(&record)
            .filter(|(id, _)| Object::stores(id))
            .ok_or(TransactError::NotARecord)?;
        let id = RecordId::from(id);
        if !self.schema.scope(type_name).is_some_and(|scope| self.scopes.contains(&scope)) {
            return Err(TransactError::WrongType(id));
        }
        let same_type =
            |prev: &Object| prev.get("typeName").and_then(Value::as_str) == Some(type_name);
        if self.record(&id).is_some_and(|prev| !same_type(prev)) {
            return Err(TransactError::IdentityChanged(id));
        }
        if !is_within_depth(&record, self.depth) {
            return Err(TransactError::TooDeep(id));
        }
        if self.schema.validate(type_name, &record).is_err() {
            return Err(TransactError::InvalidRecord(id));
        }
        self.changes.insert(id, Some(record));
        Ok(())
    }

    /// Changes the record by `change`.
    ///
    /// # Errors
    ///
    /// When there is no such record, or the changed one cannot be [put](Self::put).
    pub fn update(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Object),
    ) -> Result<(), TransactError> {
        let mut record = self.existing(id)?.clone();
        change(&mut record);
        self.replace(id, record)
    }

    /// Changes the record as a `T` by `change`. What `T` does not know of it stays, other than
    /// inside of arrays that `change` touches.
    ///
    /// # Errors
    ///
    /// When there is no such record, it cannot be read as a `T`, or the changed one cannot be
    /// [put](Self::put).
    pub fn edit<T: Record>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut T),
    ) -> Result<(), TransactError> {
        let mut record = self.existing(id)?.clone();
        let mut view = T::from_object(&record)?;
        let before = view.to_object().map_err(TransactError::Unwritable)?;
        change(&mut view);
        let after = view.to_object().map_err(TransactError::Unwritable)?;
        carry_over(&mut record, &before, &after);
        self.replace(id, record)
    }

    /// Takes the record out.
    ///
    /// # Errors
    ///
    /// When there is no such record, or its type is not edited here.
    pub fn remove(&mut self, id: &str) -> Result<(), TransactError> {
        let record = self.existing(id)?;
        let scope = identity(record).and_then(|(_, type_name)| self.schema.scope(type_name));
        if !scope.is_some_and(|scope| self.scopes.contains(&scope)) {
            return Err(TransactError::WrongType(id.into()));
        }
        self.changes.insert(id.into(), None);
        Ok(())
    }

    fn existing(&self, id: &str) -> Result<&Object, TransactError> {
        self.record(id).ok_or_else(|| TransactError::Missing(id.into()))
    }

    fn replace(&mut self, id: &str, record: Object) -> Result<(), TransactError> {
        if record.get("id").and_then(Value::as_str) != Some(id) {
            return Err(TransactError::IdentityChanged(id.into()));
        }
        self.put_object(record)
    }
}

/// Makes of `record` what turns `before` into `after`, field by field.
fn carry_over(record: &mut Object, before: &Object, after: &Object) {
    for (key, _) in before.iter().filter(|(key, _)| after.get(key).is_none()) {
        record.remove(key);
    }
    for (key, value) in after.iter() {
        let was = before.get(key);
        if was == Some(value) {
            continue;
        }
        match (record.get_mut(key), was, value) {
            (Some(Value::Object(record)), Some(Value::Object(was)), Value::Object(value)) => {
                carry_over(record, was, value);
            }
            _ => drop(record.insert(key.clone(), value.clone())),
        }
    }
}

impl core::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Transaction").field("changes", &self.changes).finish_non_exhaustive()
    }
}
