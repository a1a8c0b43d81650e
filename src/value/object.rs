//! What an object is: values under sorted keys, behind one counter.

use super::{Value, sort_last_wins};
use crate::ids::Key;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// An object value. Cloning is a counter; changing an unshared one happens in place.
///
/// Keys are sorted, so two objects of the same content are written the same. The key `__proto__`
/// is never stored: the next reader may be JavaScript, where it is not a key.
///
/// ```
/// use roomsync::{Object, Value};
///
/// let object: Object = [("y", 2), ("x", 1)].into_iter().collect();
/// assert_eq!(object.get("x"), Some(&Value::from(1)));
/// assert_eq!(object.to_string(), r#"{"x":1,"y":2}"#);
/// ```
#[derive(Clone, Default)]
pub struct Object(Option<Arc<Fields>>);

/// Never empty. `keys` and `values` are of one length; `keys` are sorted and distinct, and shared
/// by objects that came from one another.
#[derive(Clone)]
struct Fields {
    keys: Arc<[Key]>,
    values: Vec<Value>,
}

impl Object {
    /// An object without keys.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether an object stores `key`: all but `__proto__`.
    pub(crate) fn stores(key: &str) -> bool {
        key != "__proto__"
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value at `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values().get(self.position(key).ok()?)
    }

    /// The value at `key`, to be changed. Copies the level of a shared object.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let position = self.position(key).ok()?;
        Arc::make_mut(self.0.as_mut()?).values.get_mut(position)
    }

    /// Puts `value` at `key` and gives back what was there.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if !Self::stores(&key) {
            return None;
        }
        match self.position(&key) {
            Ok(position) => {
                let slot = Arc::make_mut(self.0.as_mut()?).values.get_mut(position)?;
                Some(core::mem::replace(slot, value))
            }
            Err(position) => {
                let mut keys = self.keys_slice().to_vec();
                keys.insert(position, key);
                let mut values = self.take_values();
                values.insert(position, value);
                *self = Self::from_sorted(keys.into(), values);
                None
            }
        }
    }

    /// Takes `key` out and gives back its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let position = self.position(key).ok()?;
        let mut keys = self.keys_slice().to_vec();
        keys.remove(position);
        let mut values = self.take_values();
        let value = values.remove(position);
        *self = Self::from_sorted(keys.into(), values);
        Some(value)
    }

    /// The keys with their values, in order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Value)> + DoubleEndedIterator {
        self.keys_slice().iter().zip(self.values())
    }

    /// Whether both are one allocation, so that they are equal without a look inside.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Whether both have one list of keys, known without comparing them.
    pub(crate) fn keys_ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.keys, &b.keys),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    pub(crate) fn values(&self) -> &[Value] {
        self.0.as_ref().map_or(&[], |fields| &fields.values)
    }

    fn keys_slice(&self) -> &[Key] {
        self.0.as_ref().map_or(&[], |fields| &fields.keys)
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys_slice().binary_search_by(|probe| (**probe).cmp(key))
    }

    /// The values, to build another object of; shared ones are copied.
    fn take_values(&mut self) -> Vec<Value> {
        self.0.take().map_or_else(Vec::new, |fields| Arc::unwrap_or_clone(fields).values)
    }

    fn from_sorted(keys: Arc<[Key]>, values: Vec<Value>) -> Self {
        debug_assert_eq!(keys.len(), values.len(), "one value for each key");
        Self((!keys.is_empty()).then(|| Arc::new(Fields { keys, values })))
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Object {
    /// Of a repeated key the last value counts, as in JSON.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(Key, Value)> = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .filter(|(key, _)| Self::stores(key))
            .collect();
        sort_last_wins(&mut entries);
        let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        Self::from_sorted(keys.into(), values)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other)
            || ((self.keys_ptr_eq(other) || self.keys_slice() == other.keys_slice())
                && self.values() == other.values())
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_last_of_repeated_keys_counts() {
        let object: Object = [("a", 1), ("b", 2), ("a", 3)].into_iter().collect();
        assert_eq!(object.to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn proto_is_never_stored() {
        let mut object: Object = [("__proto__", 1), ("a", 2)].into_iter().collect();
        object.insert("__proto__", 3);
        assert_eq!(object.to_string(), r#"{"a":2}"#);
    }

    #[test]
    fn insert_and_remove_keep_the_order_and_spare_the_shared() {
        let before: Object = [("b", 1)].into_iter().collect();
        let mut after = before.clone();
        assert_eq!(after.insert("a", 0), None);
        assert_eq!(after.insert("c", 2), None);
        assert_eq!(after.insert("b", 5), Some(Value::from(1)));
        assert_eq!(after.to_string(), r#"{"a":0,"b":5,"c":2}"#);
        assert_eq!(after.remove("a"), Some(Value::from(0)));
        assert_eq!(after.remove("missing"), None);
        assert_eq!(before.to_string(), r#"{"b":1}"#);
        after.remove("b");
        after.remove("c");
        assert_eq!(after, Object::new());
    }
}
