//! What an object is: values under sorted keys, behind one counter.

use super::{Value, sort_last_wins};
use crate::ids::Key;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{replace, take};
use triomphe::HeaderSlice;

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
pub struct Object(Option<triomphe::Arc<Fields>>);

/// The keys and their values, in one allocation. Never empty, and both of one length; the keys are
/// sorted and distinct, and shared by objects that came from one another.
type Fields = HeaderSlice<Arc<[Key]>, [Value]>;

/// Among so many keys one is found sooner by looking at each: most differ in length already.
const FEW: usize = 16;

/// What to put at keys, or with `None` to take out.
pub(crate) type Edits = Vec<(Key, Option<Value>)>;

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
        self.values().get(self.position(key)?)
    }

    /// The value at `key`, to be changed. Copies the level of a shared object.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let position = self.position(key)?;
        self.fields_mut()?.slice.get_mut(position)
    }

    /// Puts `value` at `key` and gives back what was there.
    ///
    /// A new key costs the number of keys: build a large object by collecting its entries.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if !Self::stores(&key) {
            return None;
        }
        if let Some(slot) = self.get_mut(&key) {
            return Some(replace(slot, value));
        }
        self.rebuild([(key, Some(value))], |_, _| {});
        None
    }

    /// Takes `key` out and gives back its value. Costs the number of keys.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.get(key)?;
        let mut removed = None;
        self.rebuild([(Key::from(key), None)], |_, before| removed = before);
        removed
    }

    /// Makes all `edits`, in one pass over the keys. `before` is told what stood at each key.
    ///
    /// Those that change which keys there are come sorted by key. No key comes twice, and none that
    /// is not stored.
    pub(crate) fn edit(
        &mut self,
        edits: impl IntoIterator<Item = (Key, Option<Value>)>,
        mut before: impl FnMut(Key, Option<Value>),
    ) {
        // Those that change which keys there are; the others are made in place.
        let mut moving = Vec::new();
        for (key, value) in edits {
            match (self.get_mut(&key), value) {
                (Some(slot), Some(value)) => {
                    before(key, Some(replace(slot, value)));
                }
                (Some(_), None) => moving.push((key, None)),
                (None, value) => moving.push((key, value)),
            }
        }
        if !moving.is_empty() {
            self.rebuild(moving, |key, was| before(key.clone(), was));
        }
    }

    /// The keys with their values, in order of the keys.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Value)> + DoubleEndedIterator {
        self.keys().iter().zip(self.values())
    }

    /// The same but for the values at some places in the order of the keys, of which the least comes
    /// first. Takes them.
    pub(super) fn with(&self, changes: &mut [(usize, Value)]) -> Self {
        let Some(fields) = &self.0 else { return Self::new() };
        // New values come after: one that may be either is moved in pieces, which takes as long again.
        // What they replace is not cloned for nothing.
        let mut places = changes.iter().map(|(place, _)| *place);
        let mut next = places.next();
        let values = fields.slice.iter().enumerate().map(|(place, value)| {
            let is_changed = next == Some(place);
            if is_changed {
                next = places.next();
            }
            let kept = if is_changed { &Value::Null } else { value };
            kept.clone()
        });
        let mut object = Self::from_sorted(Arc::clone(&fields.header), values);
        if let Some((_, values)) = object.parts_mut() {
            for (place, new) in changes {
                if let Some(value) = values.get_mut(*place) {
                    *value = take(new);
                }
            }
        }
        object
    }

    /// Whether both are one allocation, so that they are equal without a look inside.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => triomphe::Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Whether both have the same keys.
    pub(crate) fn keys_eq(&self, other: &Self) -> bool {
        self.keys_ptr_eq(other) || self.keys() == other.keys()
    }

    /// Whether both have one list of keys, known without comparing them.
    pub(crate) fn keys_ptr_eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.keys(), other.keys())
    }

    pub(crate) fn values(&self) -> &[Value] {
        self.0.as_ref().map_or(&[], |fields| &fields.slice)
    }

    pub(crate) fn keys(&self) -> &[Key] {
        self.0.as_ref().map_or(&[], |fields| &fields.header)
    }

    /// The list of keys and the values, to be changed, unless somebody shares them or there are none.
    pub(super) fn parts_mut(&mut self) -> Option<(&mut Arc<[Key]>, &mut [Value])> {
        let Fields { header: keys, slice: values, .. } = triomphe::Arc::get_mut(self.0.as_mut()?)?;
        Some((keys, values))
    }

    /// The keys and values, of which others see no change.
    fn fields_mut(&mut self) -> Option<&mut Fields> {
        let fields = self.0.as_mut()?;
        if !fields.is_unique() {
            let (keys, values) = (Arc::clone(&fields.header), fields.slice.iter().cloned());
            *fields = triomphe::Arc::from_header_and_iter(keys, values);
        }
        triomphe::Arc::get_mut(fields)
    }

    fn position(&self, key: &str) -> Option<usize> {
        let keys = self.keys();
        if keys.len() <= FEW {
            keys.iter().position(|probe| **probe == *key)
        } else {
            keys.binary_search_by(|probe| (**probe).cmp(key)).ok()
        }
    }

    /// Merges sorted edits into the sorted entries. `before` is told what stood at each key.
    fn rebuild(
        &mut self,
        edits: impl IntoIterator<Item = (Key, Option<Value>)>,
        mut before: impl FnMut(&Key, Option<Value>),
    ) {
        let edits = edits.into_iter();
        let room = self.len() + edits.size_hint().0;
        let (mut keys, mut values) = (Vec::with_capacity(room), Vec::with_capacity(room));
        // Taken out of what nobody shares, so that what stands inside is not shared by this.
        let mut whole = take(self);
        let (old_keys, old_values) = match whole.fields_mut() {
            Some(Fields { header, slice, .. }) => (&**header, slice),
            None => (&[][..], &mut [][..]),
        };
        let old_values = old_values.iter_mut().map(take);
        let mut old = old_keys.iter().cloned().zip(old_values).peekable();
        for (key, value) in edits {
            while let Some((key, value)) = old.next_if(|(old_key, _)| *old_key < key) {
                keys.push(key);
                values.push(value);
            }
            before(&key, old.next_if(|(old_key, _)| *old_key == key).map(|(_, value)| value));
            if let Some(value) = value {
                keys.push(key);
                values.push(value);
            }
        }
        for (key, value) in old {
            keys.push(key);
            values.push(value);
        }
        *self = Self::from_sorted(keys.into(), values);
    }

    /// `keys` are sorted, distinct and stored by objects; `values` are as many.
    pub(crate) fn from_sorted(
        keys: Arc<[Key]>,
        values: impl IntoIterator<IntoIter: ExactSizeIterator<Item = Value>>,
    ) -> Self {
        let values = values.into_iter();
        debug_assert_eq!(keys.len(), values.len(), "one value for each key");
        debug_assert!(keys.is_sorted_by(|a, b| a < b), "keys are sorted and distinct");
        let has_any = !keys.is_empty();
        Self(has_any.then(|| triomphe::Arc::from_header_and_iter(keys, values)))
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
        self.ptr_eq(other) || (self.keys_eq(other) && self.values() == other.values())
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
    fn any_key_is_found_among_few_and_among_more() {
        for count in [FEW, FEW + 1] {
            let key = |number: usize| alloc::format!("{number:02}");
            let object: Object = (0..count).map(|number| (key(number), number as u64)).collect();
            for number in 0..count {
                assert_eq!(object.get(&key(number)), Some(&Value::from(number as u64)));
            }
            for other in ["", "0", "005", &key(count)] {
                assert_eq!(object.get(other), None, "{other}");
            }
        }
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
