//! Applying a diff as the rules say it, with no thought of cost: everything is built anew.

use roomsync::{Array, Object, ObjectDiff, Value, ValueOp};

/// What `diff` makes of `object`.
pub(crate) fn patched_object(object: &Object, diff: &ObjectDiff) -> Object {
    let mut keys: Vec<&str> = object.iter().map(|(key, _)| &**key).collect();
    keys.extend(diff.iter().map(|(key, _)| &**key));
    let entries = keys.into_iter().filter_map(|key| {
        let value = match (diff.get(key), object.get(key)) {
            (Some(ValueOp::Delete), _) => None,
            (Some(ValueOp::Put(value)), _) => Some(value.clone()),
            (Some(op), Some(before)) => Some(changed(before, op)),
            (_, before) => before.cloned(),
        };
        Some((key, value?))
    });
    entries.collect()
}

fn patched_array(array: &Array, diff: &ObjectDiff) -> Array {
    let item = |(index, before): (usize, &Value)| match diff.get(&index.to_string()) {
        None | Some(ValueOp::Delete) => before.clone(),
        Some(op) => changed(before, op),
    };
    array.iter().enumerate().map(item).collect()
}

fn changed(before: &Value, op: &ValueOp) -> Value {
    match (op, before) {
        (ValueOp::Put(value), _) => value.clone(),
        (ValueOp::AppendText { suffix, offset }, Value::String(text))
            if text.encode_utf16().count() == *offset =>
        {
            Value::from(format!("{}{}", text.as_str(), suffix.as_str()))
        }
        (ValueOp::AppendItems { items, offset }, Value::Array(array)) if array.len() == *offset => {
            Value::from(array.iter().chain(items.iter()).cloned().collect::<Array>())
        }
        (ValueOp::Patch(diff), Value::Object(object)) => patched_object(object, diff).into(),
        (ValueOp::Patch(diff), Value::Array(array)) => patched_array(array, diff).into(),
        (op, before) => {
            assert!(!matches!(op, ValueOp::Delete), "only keys are deleted");
            before.clone()
        }
    }
}
