//! What an array is: values behind one counter.

use super::Value;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::take;
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
#[derive(Clone)]
pub struct Array(Repr);

/// Any array is either.
#[derive(Clone)]
enum Repr {
    /// In one allocation.
    Fixed(Arc<[Value]>),
    /// In two, with room to grow.
    Growing(Arc<Vec<Value>>),
}

impl Array {
    /// Appends `value`.
    pub fn push(&mut self, value: Value) {
        self.change(|items| items.push(value));
    }

    /// The item at `index`, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        // A look first: a shared array must not be copied for nothing.
        self.get(index)?;
        match &mut self.0 {
            Repr::Fixed(items) => Arc::make_mut(items).get_mut(index),
            Repr::Growing(items) => Arc::make_mut(items).get_mut(index),
        }
    }

    /// The items, to be changed, unless somebody shares them.
    pub(crate) fn unshared_mut(&mut self) -> &mut [Value] {
        match &mut self.0 {
            Repr::Fixed(items) => Arc::get_mut(items).unwrap_or_default(),
            Repr::Growing(items) => Arc::get_mut(items).map_or(&mut [], |items| items),
        }
    }

    /// Cuts the array back to its first `len` items.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.change(|items| items.truncate(len));
    }

    /// Whether both are one allocation, so that they are equal without a look at the items.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Fixed(a), Repr::Fixed(b)) => Arc::ptr_eq(a, b),
            (Repr::Growing(a), Repr::Growing(b)) => Arc::ptr_eq(a, b),
            (Repr::Fixed(_), Repr::Growing(_)) | (Repr::Growing(_), Repr::Fixed(_)) => false,
        }
    }

    /// Changes which items there are. Others see no change.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Value>)) {
        match &mut self.0 {
            Repr::Growing(items) => change(Arc::make_mut(items)),
            Repr::Fixed(items) => {
                let mut items = match Arc::get_mut(items) {
                    Some(items) => items.iter_mut().map(take).collect(),
                    None => items.to_vec(),
                };
                change(&mut items);
                *self = Self::from(items);
            }
        }
    }
}

impl Default for Array {
    fn default() -> Self {
        Self(Repr::Fixed(Arc::default()))
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        match &self.0 {
            Repr::Fixed(items) => items,
            Repr::Growing(items) => items,
        }
    }
}

impl From<Vec<Value>> for Array {
    fn from(items: Vec<Value>) -> Self {
        Self(Repr::Growing(Arc::new(items)))
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self(Repr::Fixed(items.into_iter().collect()))
    }
}

impl Extend<Value> for Array {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, items: I) {
        self.change(|all| all.extend(items));
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other) || **self == **other
    }
}

impl Eq for Array {}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: impl IntoIterator<Item = i64>) -> Vec<Value> {
        numbers.into_iter().map(Value::from).collect()
    }

    #[test]
    fn an_array_is_changed_alone_whether_it_has_grown_or_not() {
        for made in [Array::from_iter(numbers(0..3)), Array::from(numbers(0..3))] {
            let mut array = made.clone();
            array.push(Value::from(3));
            array.extend(numbers([4, 5]));
            assert_eq!(*array, numbers(0..6));
            array.truncate(2);
            *array.get_mut(0).unwrap() = Value::from(7);
            assert_eq!(array.get_mut(2), None);
            assert_eq!(*array, numbers([7, 1]));
            assert_eq!(*made, numbers(0..3), "who shared it sees nothing of that");
        }
    }

    #[test]
    fn nobody_else_holds_what_is_unshared() {
        for mut array in [Array::from_iter(numbers(0..2)), Array::from(numbers(0..2))] {
            array.unshared_mut().swap(0, 1);
            let other = array.clone();
            assert!(array.unshared_mut().is_empty());
            assert!(array.ptr_eq(&other) && *other == numbers([1, 0]));
            assert!(!array.ptr_eq(&Array::from(other.to_vec())));
        }
        assert_eq!(Array::default(), Array::from(Vec::new()));
    }
}
