//! What the local caller changes in one step: everything, or nothing.

use super::is_within_depth;
use crate::error::TransactError;
use crate::ids::RecordId;
use crate::schema::{Schema, Scope, identity};
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
    pub fn get(&self, id: &str) -> Option<&Object> {
        match self.changes.get(id) {
            Some(changed) => changed.as_ref(),
            None => self.source.record(id),
        }
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

    /// Makes the record with this record's `id` be this.
    ///
    /// # Errors
    ///
    /// When it is no record, its type is not edited here, it is too deep, or the schema refuses it.
    pub fn put(&mut self, record: Object) -> Result<(), TransactError> {
        let (id, type_name) = identity(&record)
            .filter(|(id, _)| Object::stores(id))
            .ok_or(TransactError::NotARecord)?;
        let id = RecordId::from(id);
        if !self.schema.scope(type_name).is_some_and(|scope| self.scopes.contains(&scope)) {
            return Err(TransactError::WrongType(id));
        }
        let same_type =
            |prev: &Object| prev.get("typeName").and_then(Value::as_str) == Some(type_name);
        if self.get(&id).is_some_and(|prev| !same_type(prev)) {
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
        let mut record = self.get(id).ok_or_else(|| TransactError::Missing(id.into()))?.clone();
        change(&mut record);
        if record.get("id").and_then(Value::as_str) != Some(id) {
            return Err(TransactError::IdentityChanged(id.into()));
        }
        self.put(record)
    }

    /// Takes the record out.
    ///
    /// # Errors
    ///
    /// When there is no such record, or its type is not edited here.
    pub fn remove(&mut self, id: &str) -> Result<(), TransactError> {
        let record = self.get(id).ok_or_else(|| TransactError::Missing(id.into()))?;
        let scope = identity(record).and_then(|(_, type_name)| self.schema.scope(type_name));
        if !scope.is_some_and(|scope| self.scopes.contains(&scope)) {
            return Err(TransactError::WrongType(id.into()));
        }
        self.changes.insert(id.into(), None);
        Ok(())
    }
}

impl core::fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Transaction").field("changes", &self.changes).finish_non_exhaustive()
    }
}
