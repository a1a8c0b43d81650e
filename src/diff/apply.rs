//! How a diff changes an object in place, and what of it really did.
//!
//! In two passes: the first only looks and finds what has an effect, the second carries that out.
//! So nothing shared is copied for an op without effect, and each op is looked at once a pass.

use super::undo::{ObjectUndo, ValueUndo};
use super::{ObjectDiff, ValueOp};
use crate::ids::Key;
use crate::value::{Array, Edits, Object, Value};
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
        self.apply_noting(object, None)
    }

    /// Applies the diff to `object` and notes in `undo` how to take it back.
    ///
    /// One undo may gather several diffs that are applied to an object in turn.
    pub(crate) fn apply_with_undo(&self, object: &mut Object, undo: &mut ObjectUndo) -> Effect {
        self.apply_noting(object, Some(undo))
    }

    fn apply_noting(&self, object: &mut Object, undo: Option<&mut ObjectUndo>) -> Effect {
        let effect = self.effect_on_object(object);
        match &effect {
            Effect::None => {}
            Effect::Whole => self.carry_out(object, undo),
            Effect::Part(part) => part.carry_out(object, undo),
        }
        effect
    }

    fn effect_on_object(&self, object: &Object) -> Effect {
        self.effect(|key, op| match (op, object.get(key)) {
            (ValueOp::Put(_), None) => Effect::Whole,
            (_, None) => Effect::None,
            (op, Some(target)) => op.effect_on(target),
        })
    }

    fn effect_on_array(&self, array: &Array) -> Effect {
        self.effect(|key, op| match (op, item_index(key).and_then(|index| array.get(index))) {
            (ValueOp::Delete, _) | (_, None) => Effect::None,
            (op, Some(item)) => op.effect_on(item),
        })
    }

    /// Sums up the effects of the ops, which touch different keys. Builds a diff only when a part
    /// has none.
    fn effect(&self, effect_of: impl Fn(&Key, &ValueOp) -> Effect) -> Effect {
        let mut part: Option<Vec<(Key, ValueOp)>> = None;
        for (index, (key, op)) in self.0.iter().enumerate() {
            let effect = effect_of(key, op);
            if effect != Effect::Whole && part.is_none() {
                part = Some(self.0.iter().take(index).cloned().collect());
            }
            let Some(part) = &mut part else { continue };
            match effect {
                Effect::None => {}
                Effect::Whole => part.push((key.clone(), op.clone())),
                Effect::Part(inner) => part.push((key.clone(), ValueOp::Patch(inner))),
            }
        }
        match part {
            None if self.is_empty() => Effect::None,
            None => Effect::Whole,
            Some(part) if part.is_empty() => Effect::None,
            Some(part) => Effect::Part(Self(part.into())),
        }
    }

    /// Applies a diff of which every op has an effect.
    fn carry_out(&self, object: &mut Object, mut undo: Option<&mut ObjectUndo>) {
        for (key, op) in self.0.iter() {
            if matches!(op, ValueOp::Put(_) | ValueOp::Delete) {
                continue;
            }
            let Some(target) = object.get_mut(key) else { continue };
            let inside = op.carry_out(target, undo.is_some());
            if let Some(undo) = &mut undo {
                undo.note_inside(key, inside);
            }
        }
        let edits = self.0.iter().filter_map(|(key, op)| match op {
            ValueOp::Put(value) => Some((key.clone(), Some(value.clone()))),
            ValueOp::Delete => Some((key.clone(), None)),
            ValueOp::Patch(_) | ValueOp::AppendText { .. } | ValueOp::AppendItems { .. } => None,
        });
        let Some(undo) = undo else { return object.edit(edits, |_, _| {}) };
        let mut back = Edits::new();
        object.edit(edits, |key, before| back.push((key, before)));
        undo.note_edits(back);
    }
}

impl ValueOp {
    /// What of the op has an effect where `target` stands.
    fn effect_on(&self, target: &Value) -> Effect {
        let fits = match (self, target) {
            (Self::Patch(diff), Value::Object(object)) => return diff.effect_on_object(object),
            (Self::Patch(diff), Value::Array(array)) => return diff.effect_on_array(array),
            (Self::Put(value), target) => value != target,
            (Self::Delete, _) => true,
            (Self::AppendText { suffix, offset }, Value::String(text)) => {
                !suffix.is_empty() && text.utf16_len() == *offset
            }
            (Self::AppendItems { items, offset }, Value::Array(array)) => {
                !items.is_empty() && array.len() == *offset
            }
            (Self::AppendText { .. } | Self::AppendItems { .. } | Self::Patch(_), _) => false,
        };
        if fits { Effect::Whole } else { Effect::None }
    }

    /// Applies an op all of which has an effect on `target`, without taking `target` away. What is
    /// returned takes it back only if `notes`.
    fn carry_out(&self, target: &mut Value, notes: bool) -> ValueUndo {
        match (self, target) {
            (Self::Put(value), target) => {
                ValueUndo::Restore(core::mem::replace(target, value.clone()))
            }
            (Self::AppendText { suffix, .. }, Value::String(text)) => {
                let len = text.len();
                text.push_str(suffix);
                ValueUndo::TruncateText(len)
            }
            (Self::AppendItems { items, .. }, Value::Array(array)) => {
                let len = array.len();
                array.extend(items.iter().cloned());
                ValueUndo::TruncateItems(len)
            }
            (Self::Patch(diff), Value::Object(object)) => {
                let mut undo = ObjectUndo::default();
                diff.carry_out(object, notes.then_some(&mut undo));
                ValueUndo::Inside(undo)
            }
            (Self::Patch(diff), Value::Array(array)) => {
                let items = diff.iter().filter_map(|(key, op)| {
                    let index = item_index(key)?;
                    Some((index, op.carry_out(array.get_mut(index)?, notes)))
                });
                ValueUndo::Items(if notes {
                    items.collect()
                } else {
                    items.for_each(drop);
                    Vec::new()
                })
            }
            (
                Self::Delete | Self::AppendText { .. } | Self::AppendItems { .. } | Self::Patch(_),
                _,
            ) => {
                debug_assert!(false, "only what has an effect is carried out");
                ValueUndo::Items(Vec::new())
            }
        }
    }
}

/// The index that a key of an array's patch names: decimal, without sign or leading zeros.
fn item_index(key: &str) -> Option<usize> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|_| canonical)
}
