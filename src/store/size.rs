//! How large records are, as far as limits go.
//!
//! A key or text counts its bytes of UTF-8, and each value 8 more. So a size is known in the time
//! that it takes to visit the values, however long the texts are.

use crate::diff::{ObjectDiff, ValueOp};
use crate::value::{Object, Value};

const EACH: usize = 8;

pub(crate) fn size_of_object(object: &Object) -> usize {
    object.iter().map(|(key, value)| key.len() + size_of_value(value)).sum::<usize>() + EACH
}

pub(crate) fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => EACH,
        Value::String(text) => text.as_str().len() + EACH,
        Value::Array(array) => array.iter().map(size_of_value).sum::<usize>() + EACH,
        Value::Object(object) => size_of_object(object),
    }
}

/// How much larger a record can be by a diff at most.
pub(crate) fn growth_by(diff: &ObjectDiff) -> usize {
    let by = |(key, op): (&crate::Key, &ValueOp)| match op {
        ValueOp::Put(value) => key.len() + size_of_value(value),
        ValueOp::Patch(diff) => growth_by(diff),
        ValueOp::AppendText { suffix, .. } => suffix.as_str().len(),
        ValueOp::AppendItems { items, .. } => items.iter().map(size_of_value).sum(),
        ValueOp::Delete => 0,
    };
    diff.iter().map(by).sum()
}
