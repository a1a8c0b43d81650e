//! What data is: immutable JSON-like values with shared structure.

mod again;
mod array;
pub(crate) mod bytes;
mod error;
mod from_value;
mod json;
mod key_lists;
mod number;
mod object;
mod order;
mod packed;
mod read;
mod serde;
mod text;
mod to_key;
mod to_value;

pub use array::Array;
pub use error::ValueError;
pub use from_value::from_value;
pub use number::Number;
pub use object::Object;
pub use text::Text;
pub use to_value::to_value;

pub(crate) use from_value::PassingOver;
use json::plain_len;
pub(crate) use json::{write_object, write_string, write_value};
pub(crate) use key_lists::KeyLists;
pub(crate) use object::Edits;
pub(crate) use packed::{PackTable, Packed};
pub(crate) use read::Reader;
pub(crate) use text::utf16_len;

use alloc::string::String;
use alloc::vec::Vec;

/// A JSON value. Cloning is cheap: whatever is large is shared.
///
/// ```
/// use roomsync::Value;
///
/// let value: Value = r#"{"x":1.0,"tags":["a",null]}"#.parse()?;
/// assert_eq!(value.to_string(), r#"{"tags":["a",null],"x":1}"#);
/// # Ok::<(), roomsync::JsonError>(())
/// ```
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A finite number.
    Number(Number),
    /// A string.
    String(Text),
    /// An array.
    Array(Array),
    /// An object.
    Object(Object),
}

impl Clone for Value {
    // Each arm writes its value where that belongs. Derived and inlined they meet in one place, where
    // the compiler puts values together from pieces: records are copied at half the speed then.
    #[inline(never)]
    fn clone(&self) -> Self {
        #[inline(never)]
        fn counted(text: &Text) -> Value {
            Value::String(text.clone())
        }
        match self {
            Self::String(text) => match text.clone_inline() {
                Some(text) => Self::String(text),
                None => counted(text),
            },
            Self::Number(number) => Self::Number(*number),
            Self::Null => Self::Null,
            Self::Bool(bool) => Self::Bool(*bool),
            Self::Array(array) => Self::Array(array.clone()),
            Self::Object(object) => Self::Object(object.clone()),
        }
    }
}

impl Value {
    /// The text, when this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(Text::as_str)
    }

    /// The string, when this is one.
    #[must_use]
    pub const fn as_text(&self) -> Option<&Text> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, when this is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<Number> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The boolean, when this is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(bool) = self { Some(*bool) } else { None }
    }

    /// The array, when this is one.
    #[must_use]
    pub const fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The object, when this is one.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// Whether no more than `levels` arrays and objects stand inside one another.
    #[must_use]
    pub fn is_within_depth(&self, levels: usize) -> bool {
        let inner = levels.checked_sub(1);
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::Array(array) => {
                inner.is_some_and(|inner| array.iter().all(|item| item.is_within_depth(inner)))
            }
            Self::Object(object) => inner.is_some_and(|inner| {
                object.values().iter().all(|value| value.is_within_depth(inner))
            }),
        }
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<u32> for Value {
    fn from(int: u32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Number(Number::from(int))
    }
}

impl From<u64> for Value {
    fn from(int: u64) -> Self {
        Self::Number(Number::from(int))
    }
}

impl From<f64> for Value {
    /// NaN and the infinities become `null`, as JavaScript writes them.
    fn from(float: f64) -> Self {
        Number::from_f64(float).map_or(Self::Null, Self::Number)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Text::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Text::from(text))
    }
}

impl Value {
    /// Whether both are equal, as far as that can be told without a look inside.
    #[inline]
    pub(crate) fn is_evidently(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a.is_evidently(b),
            (Self::Array(a), Self::Array(b)) => a.ptr_eq(b),
            (Self::Object(a), Self::Object(b)) => a.ptr_eq(b),
            _ => false,
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::Array(Array::from(items))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

/// Sorts `entries` by key; of a repeated key the last entry stays.
pub(crate) fn sort_last_wins<K: Ord, T>(entries: &mut Vec<(K, T)>) {
    if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
        return;
    }
    // Stable, so reversed it begins each run of equal keys with the last of them.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries.reverse();
    entries.dedup_by(|(a, _), (b, _)| a == b);
    entries.reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_24_bytes() {
        assert_eq!(size_of::<Value>(), 24);
    }

    #[test]
    fn depth_counts_arrays_and_objects() {
        let value: Value = r#"{"a":[{"b":1}]}"#.parse().unwrap();
        assert!(value.is_within_depth(3));
        assert!(!value.is_within_depth(2));
        assert!(Value::from(1).is_within_depth(0));
    }

    #[test]
    fn equality_ignores_the_order_of_keys_and_the_spelling_of_numbers() {
        let a: Value = r#"{"a":1.0,"b":-0,"c":1e2}"#.parse().unwrap();
        let b: Value = r#"{"c":100,"b":0,"a":1}"#.parse().unwrap();
        assert_eq!(a, b);
    }
}
