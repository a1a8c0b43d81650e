//! How the difference of two objects is found: the smallest that stock peers would send.

use super::{ObjectDiff, ValueOp};
use crate::ids::Key;
use crate::value::{Array, Object, Text, Value};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Whether strings may be told as appends. Peers before protocol 8 do not know those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringAppend {
    /// A string that grew is an append.
    Allowed,
    /// A string that differs is put whole.
    Legacy,
}

/// The keys whose objects are diffed inside. Other objects are put whole.
pub(crate) const DIFFED_INSIDE: [&str; 2] = ["props", "meta"];

impl ObjectDiff {
    /// What turns the record `prev` into `next`, or `None` when they are equal.
    #[must_use]
    pub fn between(prev: &Object, next: &Object, strings: StringAppend) -> Option<Self> {
        diff_object(prev, next, |key, prev, next| match (prev, next) {
            (Value::Object(prev), Value::Object(next)) if DIFFED_INSIDE.contains(&key) => {
                diff_object(prev, next, |_, prev, next| diff_value(prev, next, strings))
                    .map(ValueOp::Patch)
            }
            _ => diff_value(prev, next, strings),
        })
    }
}

/// The difference of two objects; `diff_shared` decides on keys that stand in both.
fn diff_object(
    prev: &Object,
    next: &Object,
    diff_shared: impl Fn(&str, &Value, &Value) -> Option<ValueOp>,
) -> Option<ObjectDiff> {
    if prev.ptr_eq(next) {
        return None;
    }
    let ops: Vec<(Key, ValueOp)> = if prev.keys_eq(next) {
        let mut ops = Vec::new();
        for ((key, before), after) in prev.iter().zip(next.values()) {
            if !before.is_evidently(after)
                && let Some(op) = diff_shared(key, before, after)
            {
                ops.push((key.clone(), op));
            }
        }
        ops
    } else {
        merge_keys(prev, next, diff_shared)
    };
    (!ops.is_empty()).then(|| ObjectDiff(ops.into()))
}

/// Walks two sorted lists of keys side by side.
fn merge_keys(
    prev: &Object,
    next: &Object,
    diff_shared: impl Fn(&str, &Value, &Value) -> Option<ValueOp>,
) -> Vec<(Key, ValueOp)> {
    // Where keys differ most of them do: records that come from one another share theirs.
    let mut ops: Vec<(Key, ValueOp)> = Vec::with_capacity(prev.len().max(next.len()));
    let (mut old, mut new) = (prev.iter().peekable(), next.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some((old_key, _)), Some((new_key, _))) => old_key.cmp(new_key),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let op = match order {
            Ordering::Less => old.next().map(|(key, _)| (key, Some(ValueOp::Delete))),
            Ordering::Greater => {
                new.next().map(|(key, value)| (key, Some(ValueOp::Put(value.clone()))))
            }
            Ordering::Equal => old
                .next()
                .zip(new.next())
                .map(|((key, before), (_, after))| (key, diff_shared(key, before, after))),
        };
        if let Some((key, Some(op))) = op {
            ops.push((key.clone(), op));
        }
    }
    ops
}

fn diff_value(prev: &Value, next: &Value, strings: StringAppend) -> Option<ValueOp> {
    match (prev, next) {
        (Value::String(prev), Value::String(next)) => diff_text(prev, next, strings),
        (Value::Array(prev), Value::Array(next)) => diff_array(prev, next, strings),
        _ => (prev != next).then(|| ValueOp::Put(next.clone())),
    }
}

fn diff_text(prev: &Text, next: &Text, strings: StringAppend) -> Option<ValueOp> {
    if prev.ptr_eq(next) {
        return None;
    }
    match (next.strip_prefix(prev.as_str()), strings) {
        (Some(""), _) => None,
        (Some(suffix), StringAppend::Allowed) => {
            Some(ValueOp::AppendText { suffix: suffix.into(), offset: prev.utf16_len() })
        }
        (Some(_), StringAppend::Legacy) | (None, _) => {
            Some(ValueOp::Put(Value::String(next.clone())))
        }
    }
}

fn diff_array(prev: &Array, next: &Array, strings: StringAppend) -> Option<ValueOp> {
    if prev.ptr_eq(next) {
        return None;
    }
    if prev.len() == next.len() {
        return diff_items(prev, next, strings);
    }
    let grown = next.split_at_checked(prev.len()).filter(|(head, _)| *head == &prev[..]);
    Some(match grown {
        Some((_, tail)) => {
            ValueOp::AppendItems { items: tail.iter().cloned().collect(), offset: prev.len() }
        }
        None => ValueOp::Put(Value::Array(next.clone())),
    })
}

/// The difference of two arrays of one length: by index when few items changed.
fn diff_items(prev: &Array, next: &Array, strings: StringAppend) -> Option<ValueOp> {
    let most = (prev.len() / 5).max(1);
    let mut changed = Vec::new();
    for (index, (before, after)) in prev.iter().zip(next.iter()).enumerate() {
        if before == after {
            continue;
        }
        if changed.len() == most {
            return Some(ValueOp::Put(Value::Array(next.clone())));
        }
        changed.push((index, before, after));
    }
    let ops: Vec<_> = changed
        .into_iter()
        .filter_map(|(index, before, after)| {
            Some((Key::from(index.to_string()), diff_item(before, after, strings)?))
        })
        .collect();
    (!ops.is_empty()).then(|| ValueOp::Patch(ops.into_iter().collect()))
}

/// An item that stays an object or array is diffed inside; any other is put, so that an item
/// which turns from object to array never keeps its old kind.
fn diff_item(prev: &Value, next: &Value, strings: StringAppend) -> Option<ValueOp> {
    match (prev, next) {
        (Value::Object(prev), Value::Object(next)) => {
            diff_object(prev, next, |_, prev, next| diff_value(prev, next, strings))
                .map(ValueOp::Patch)
        }
        (Value::Array(prev), Value::Array(next)) => diff_array(prev, next, strings),
        _ => (prev != next).then(|| ValueOp::Put(next.clone())),
    }
}
