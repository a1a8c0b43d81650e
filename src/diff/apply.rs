//! How a diff changes an object in place, and what of it really did.

use super::undo::{ObjectUndo, ValueUndo};
use super::{ObjectDiff, ValueOp};
use crate::ids::Key;
use crate::value::{Array, Object, Value};
use alloc::vec::Vec;

/// What of a diff had an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the value is the very same.
    None,
    /// All of it.
    Whole,
    /// Only this part.
    Part(ObjectDiff),
}

impl ObjectDiff {
    /// Applies the diff to `object`.
    ///
    /// Never fails: an op that does not fit what is there, or would change nothing, is ignored.
    /// Whoever shares the object sees no change, and children that are not touched stay shared.
    pub fn apply(&self, object: &mut Object) -> Effect {
        self.apply_with_undo(object, &mut ObjectUndo::default())
    }

    /// Applies the diff to `object` and notes in `undo` how to take it back.
    pub(crate) fn apply_with_undo(&self, object: &mut Object, undo: &mut ObjectUndo) -> Effect {
        apply_ops(self, |key, op| match op {
            ValueOp::Put(value) => {
                if object.get(key) == Some(value) || !Object::stores(key) {
                    return Effect::None;
                }
                let before = object.insert(key.clone(), value.clone());
                undo.push(key, before.map_or(ValueUndo::Absent, ValueUndo::Restore));
                Effect::Whole
            }
            ValueOp::Delete => match object.remove(key) {
                Some(before) => {
                    undo.push(key, ValueUndo::Restore(before));
                    Effect::Whole
                }
                None => Effect::None,
            },
            ValueOp::Patch(_) | ValueOp::AppendText { .. } | ValueOp::AppendItems { .. } => {
                // A look first: an op without effect must not copy what is shared.
                if !object.get(key).is_some_and(|target| op.fits(target)) {
                    return Effect::None;
                }
                let Some(target) = object.get_mut(key) else { return Effect::None };
                let (effect, change) = op.apply_inside(target);
                undo.push(key, change);
                effect
            }
        })
    }
}

impl ObjectDiff {
    /// Applies the diff to the items of `array` that its keys name by index.
    fn apply_to_items(&self, array: &mut Array, undo: &mut ObjectUndo) -> Effect {
        apply_ops(self, |key, op| {
            let fitting = item_index(key).filter(|index| {
                !matches!(op, ValueOp::Delete)
                    && array.get(*index).is_some_and(|item| op.fits(item))
            });
            let Some(item) = fitting.and_then(|index| array.get_mut(index)) else {
                return Effect::None;
            };
            if let ValueOp::Put(value) = op {
                undo.push(key, ValueUndo::Restore(core::mem::replace(item, value.clone())));
                return Effect::Whole;
            }
            let (effect, change) = op.apply_inside(item);
            undo.push(key, change);
            effect
        })
    }
}

impl ValueOp {
    /// Whether applying could change `target`. Decides without touching it.
    fn fits(&self, target: &Value) -> bool {
        match (self, target) {
            (Self::Put(value), _) => value != target,
            (Self::Delete, _) => true,
            (Self::AppendText { suffix, offset }, Value::String(text)) => {
                !suffix.is_empty() && text.utf16_len() == *offset
            }
            (Self::AppendItems { items, offset }, Value::Array(array)) => {
                !items.is_empty() && array.len() == *offset
            }
            (Self::Patch(diff), Value::Object(object)) => {
                diff.iter().any(|(key, op)| match object.get(key) {
                    Some(target) => op.fits(target),
                    None => matches!(op, Self::Put(_)) && Object::stores(key),
                })
            }
            (Self::Patch(diff), Value::Array(array)) => diff.iter().any(|(key, op)| {
                item_index(key)
                    .and_then(|index| array.get(index))
                    .is_some_and(|item| !matches!(op, Self::Delete) && op.fits(item))
            }),
            (Self::AppendText { .. } | Self::AppendItems { .. } | Self::Patch(_), _) => false,
        }
    }

    /// Applies an op that changes `target` from inside. Only called when the op fits.
    fn apply_inside(&self, target: &mut Value) -> (Effect, ValueUndo) {
        let mut inner = ObjectUndo::default();
        let effect = match (self, target) {
            (Self::AppendText { suffix, .. }, Value::String(text)) => {
                let len = text.len();
                text.push_str(suffix);
                return (Effect::Whole, ValueUndo::TruncateText(len));
            }
            (Self::AppendItems { items, .. }, Value::Array(array)) => {
                let len = array.len();
                array.extend(items.iter().cloned());
                return (Effect::Whole, ValueUndo::TruncateItems(len));
            }
            (Self::Patch(diff), Value::Object(object)) => diff.apply_with_undo(object, &mut inner),
            (Self::Patch(diff), Value::Array(array)) => diff.apply_to_items(array, &mut inner),
            _ => Effect::None,
        };
        (effect, ValueUndo::Inside(inner))
    }
}

/// Applies op by op and sums up what had an effect. Builds a diff only when a part had none.
fn apply_ops(diff: &ObjectDiff, mut apply: impl FnMut(&Key, &ValueOp) -> Effect) -> Effect {
    let mut part: Option<Vec<(Key, ValueOp)>> = None;
    for (index, (key, op)) in diff.0.iter().enumerate() {
        let effect = apply(key, op);
        if effect != Effect::Whole && part.is_none() {
            part = Some(diff.0.iter().take(index).cloned().collect());
        }
        let Some(part) = &mut part else { continue };
        match effect {
            Effect::None => {}
            Effect::Whole => part.push((key.clone(), op.clone())),
            Effect::Part(inner) => part.push((key.clone(), ValueOp::Patch(inner))),
        }
    }
    match part {
        None if diff.is_empty() => Effect::None,
        None => Effect::Whole,
        Some(part) if part.is_empty() => Effect::None,
        Some(part) => Effect::Part(ObjectDiff(part)),
    }
}

/// The index that a key of an array's patch names: decimal, without sign or leading zeros.
pub(super) fn item_index(key: &str) -> Option<usize> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|_| canonical)
}
