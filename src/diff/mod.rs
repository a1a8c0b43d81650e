//! How one value becomes another: the diffs that the wire carries, and their laws.
//!
//! - `apply(diff(a, b), a) == b`, and `diff(a, a)` is none.
//! - Applying is total: what does not fit is ignored, and what was ignored is reported.
//! - `squash` is two diffs as one, `invert` is the way back.

mod apply;
mod compose;
mod compute;
#[cfg(test)]
mod tests;
mod undo;

pub use apply::Effect;
pub(crate) use compute::DIFFED_INSIDE;
pub use compute::StringAppend;
pub(crate) use undo::ObjectUndo;

use crate::ids::{Key, RecordId};
use crate::value::{Array, KeyLists, Object, Text, Value};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Changes of many records. Sorted by id. An op at the id `__proto__` is dropped.
///
/// ```
/// use roomsync::{NetworkDiff, Object, RecordOp};
///
/// let record: Object = [("id", "page:a"), ("typeName", "page")].into_iter().collect();
/// let mut diff = NetworkDiff::default();
/// diff.insert("page:a", RecordOp::Put(record));
/// assert_eq!(diff.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkDiff(Vec<(RecordId, RecordOp)>);

/// What happens to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordOp {
    /// The record is there, whole, and like this.
    Put(Object),
    /// Parts of the record change.
    Patch(ObjectDiff),
    /// The record is gone.
    Remove,
}

/// Changes of an object by key, or of an array by decimal index. Sorted by key. An op at the key
/// `__proto__` is dropped.
///
/// ```
/// use roomsync::{Effect, Object, ObjectDiff, StringAppend};
///
/// let before: Object = r#"{"x":1,"props":{"text":"he"}}"#.parse()?;
/// let after: Object = r#"{"x":2,"props":{"text":"hello"}}"#.parse()?;
/// let diff = ObjectDiff::between(&before, &after, StringAppend::Allowed).unwrap();
///
/// let mut object = before.clone();
/// assert_eq!(diff.apply(&mut object), Effect::Whole);
/// assert_eq!(object, after);
/// # Ok::<(), roomsync::JsonError>(())
/// ```
///
/// Cloning is a counter: what is pushed is kept, told and made durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectDiff(Arc<[(Key, ValueOp)]>);

/// What happens to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOp {
    /// The value is this.
    Put(Value),
    /// Parts of an object or array change.
    Patch(ObjectDiff),
    /// A string grows.
    AppendText {
        /// What is added.
        suffix: Text,
        /// The length before, in UTF-16 code units; with any other the op is ignored.
        offset: usize,
    },
    /// An array grows.
    AppendItems {
        /// What is added.
        items: Array,
        /// The length before; with any other the op is ignored.
        offset: usize,
    },
    /// The key is gone.
    Delete,
}

impl NetworkDiff {
    /// Whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many records change.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// What happens to the record.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&RecordOp> {
        let position = self.position(id).ok()?;
        self.0.get(position).map(|(_, op)| op)
    }

    /// Sets what happens to the record, and gives back what would have.
    ///
    /// An id that is not the last one costs the number of records: build a large diff by collecting
    /// its ops.
    pub fn insert(&mut self, id: impl Into<RecordId>, op: RecordOp) -> Option<RecordOp> {
        let id = id.into();
        if !Object::stores(&id) {
            return None;
        }
        if self.0.last().is_none_or(|(last, _)| *last < id) {
            self.0.push((id, op));
            return None;
        }
        match self.position(&id) {
            Ok(position) => {
                let (_, there) = self.0.get_mut(position)?;
                Some(core::mem::replace(there, op))
            }
            Err(position) => {
                self.0.insert(position, (id, op));
                None
            }
        }
    }

    /// Takes out what happens to the record. Costs the number of records.
    pub fn remove(&mut self, id: &str) -> Option<RecordOp> {
        let position = self.position(id).ok()?;
        Some(self.0.remove(position).1)
    }

    fn position(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(probe, _)| (**probe).cmp(id))
    }

    /// The changes, in order of the ids.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&RecordId, &RecordOp)> {
        self.0.iter().map(|(id, op)| (id, op))
    }
}

impl NetworkDiff {
    /// Lets all that is put share lists of keys.
    pub(crate) fn share_keys(&mut self, lists: &mut KeyLists) {
        for (_, op) in &mut self.0 {
            match op {
                RecordOp::Put(record) => lists.share(record),
                RecordOp::Patch(diff) => diff.share_keys(lists),
                RecordOp::Remove => {}
            }
        }
    }
}

impl ObjectDiff {
    fn share_keys(&mut self, lists: &mut KeyLists) {
        // One that was just read is shared by nobody.
        for (_, op) in Arc::get_mut(&mut self.0).into_iter().flatten() {
            match op {
                ValueOp::Put(value) => lists.share_inside(value),
                ValueOp::Patch(diff) => diff.share_keys(lists),
                ValueOp::AppendText { .. } | ValueOp::AppendItems { .. } | ValueOp::Delete => {}
            }
        }
    }
}

impl FromIterator<(RecordId, RecordOp)> for NetworkDiff {
    /// Of a repeated id the last op counts, as in JSON.
    fn from_iter<I: IntoIterator<Item = (RecordId, RecordOp)>>(ops: I) -> Self {
        let mut ops: Vec<_> = ops.into_iter().filter(|(id, _)| Object::stores(id)).collect();
        crate::value::sort_last_wins(&mut ops);
        Self(ops)
    }
}

impl Extend<(RecordId, RecordOp)> for NetworkDiff {
    /// Of a repeated id the last op counts, as in JSON.
    fn extend<I: IntoIterator<Item = (RecordId, RecordOp)>>(&mut self, ops: I) {
        self.0.extend(ops.into_iter().filter(|(id, _)| Object::stores(id)));
        crate::value::sort_last_wins(&mut self.0);
    }
}

impl IntoIterator for NetworkDiff {
    type Item = (RecordId, RecordOp);
    type IntoIter = alloc::vec::IntoIter<(RecordId, RecordOp)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl ObjectDiff {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys change.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What happens to the key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&ValueOp> {
        let position = self.0.binary_search_by(|(probe, _)| (**probe).cmp(key)).ok()?;
        self.0.get(position).map(|(_, op)| op)
    }

    /// The changes, in order of the keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &ValueOp)> {
        self.0.iter().map(|(key, op)| (key, op))
    }
}

impl<K: Into<Key>> FromIterator<(K, ValueOp)> for ObjectDiff {
    /// Of a repeated key the last op counts, as in JSON.
    fn from_iter<I: IntoIterator<Item = (K, ValueOp)>>(ops: I) -> Self {
        let mut ops: Vec<(Key, ValueOp)> = ops
            .into_iter()
            .map(|(key, op)| (key.into(), op))
            .filter(|(key, _)| Object::stores(key))
            .collect();
        crate::value::sort_last_wins(&mut ops);
        Self(ops.into())
    }
}
