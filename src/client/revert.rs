//! How one edit of a record is taken back out of what the record is now.
//!
//! The parts of a record are those that diffs tell of by themselves: its fields, and what stands in
//! its `props` and `meta`.

use super::action::RecordChange;
use crate::diff::DIFFED_INSIDE;
use crate::schema::identity;
use crate::value::{Object, Value};
use alloc::collections::BTreeMap;

/// What an edit made of a record. `None` where there is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    before: Option<Object>,
    after: Option<Object>,
}

impl Edit {
    pub(super) fn of(change: &RecordChange) -> Self {
        Self { before: change.before.clone(), after: change.after.clone() }
    }

    /// Whether there is a record only before, or only after.
    pub(super) const fn makes_or_removes(&self) -> bool {
        self.before.is_some() != self.after.is_some()
    }

    /// This edit and a later one of the same record as one: what others did in between is of
    /// neither. `None` when it comes to nothing.
    pub(super) fn then(&self, later: &Self) -> Option<Self> {
        let before = self.taken_back(later.before.as_ref());
        let after = later.after.clone();
        (before != after).then_some(Self { before, after })
    }

    /// What the record is without this edit, now that it is `current`.
    pub(super) fn taken_back(&self, current: Option<&Object>) -> Option<Object> {
        match (&self.before, &self.after) {
            (None, None) => current.cloned(),
            (None, Some(_)) => None,
            (Some(before), None) => Some(current.unwrap_or(before).clone()),
            (Some(before), Some(after)) => {
                let current = current?;
                if current == after {
                    return Some(before.clone());
                }
                // Of a record of another type no part is the same.
                let is_comparable = identity(before) == identity(after);
                Some(if is_comparable { without(current, before, after) } else { current.clone() })
            }
        }
    }
}

/// The record, where each part that the edit changed, and that is as it left it, is as before.
fn without(current: &Object, before: &Object, after: &Object) -> Object {
    part_without(current, before, after, |key, current, before, after| {
        match (current, before, after) {
            (Value::Object(current), Value::Object(before), Value::Object(after))
                if DIFFED_INSIDE.contains(&key) =>
            {
                Some(part_without(current, before, after, |_, _, _, _| None).into())
            }
            _ => None,
        }
    })
}

/// The same of one object. `inside` says what of a key that is in all three is taken back inside of
/// its value, and `None` when the value is one part.
fn part_without(
    current: &Object,
    before: &Object,
    after: &Object,
    inside: impl Fn(&str, &Value, &Value, &Value) -> Option<Value>,
) -> Object {
    let mut back = BTreeMap::new();
    for (key, _) in before.iter().chain(after.iter()) {
        let (is, was, made) = (current.get(key), before.get(key), after.get(key));
        if was == made {
            continue;
        }
        let nested = match (is, was, made) {
            (Some(is), Some(was), Some(made)) => inside(key, is, was, made),
            _ => None,
        };
        if nested.is_some() {
            back.insert(key.clone(), nested);
        } else if is == made {
            back.insert(key.clone(), was.cloned());
        }
    }
    let mut result = current.clone();
    result.edit(back, |_, _| {});
    result
}
