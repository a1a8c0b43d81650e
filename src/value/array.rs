//! What an array is: values behind one counter.

use super::Value;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// An array value. Cloning is a counter; changing an unshared one happens in place.
///
/// ```
/// use roomsync::{Array, Value};
///
/// let mut array: Array = [1, 2].into_iter().map(Value::from).collect();
/// array.push(Value::from("three"));
/// assert_eq!(array.len(), 3);
/// ```
#[derive(Clone, Default)]
pub struct Array(Arc<Vec<Value>>);

impl Array {
    /// Appends `value`.
    pub fn push(&mut self, value: Value) {
        Arc::make_mut(&mut self.0).push(value);
    }

    /// The item at `index`, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        // A look first: a shared array must not be copied for nothing.
        self.0.get(index)?;
        Arc::make_mut(&mut self.0).get_mut(index)
    }

    /// The items, to be changed, unless somebody shares them.
    pub(crate) fn unshared_mut(&mut self) -> &mut [Value] {
        Arc::get_mut(&mut self.0).map_or(&mut [], |items| items)
    }

    /// Cuts the array back to its first `len` items.
    pub(crate) fn truncate(&mut self, len: usize) {
        Arc::make_mut(&mut self.0).truncate(len);
    }

    /// Whether both are one allocation, so that they are equal without a look at the items.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl From<Vec<Value>> for Array {
    fn from(items: Vec<Value>) -> Self {
        Self(Arc::new(items))
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::from(items.into_iter().collect::<Vec<_>>())
    }
}

impl Extend<Value> for Array {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, items: I) {
        Arc::make_mut(&mut self.0).extend(items);
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other) || self.0 == other.0
    }
}

impl Eq for Array {}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
