//! How a change that was made in place is taken back.
//!
//! Not an inverse diff: that would hold the old text of a string that grew, and a shared text can
//! no longer grow in place. A length is enough to take an append back.

use crate::ids::Key;
use crate::value::{Edits, Object, Value};
use alloc::vec::Vec;

/// What was done to an object, to be taken back in reverse order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectUndo(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    /// The edits that take back what was put and deleted.
    Edits(Edits),
    /// The value at this key was changed inside.
    Inside(Key, ValueUndo),
}

#[derive(Clone, Debug)]
pub(super) enum ValueUndo {
    Restore(Value),
    /// Back to so many bytes.
    TruncateText(usize),
    /// Back to so many items.
    TruncateItems(usize),
    /// An object was changed inside.
    Inside(ObjectUndo),
    /// These items of an array were changed, each at its index.
    Items(Vec<(usize, Self)>),
}

impl ObjectUndo {
    pub(super) fn note_edits(&mut self, edits: Edits) {
        if !edits.is_empty() {
            self.0.push(Step::Edits(edits));
        }
    }

    pub(super) fn note_inside(&mut self, key: &Key, undo: ValueUndo) {
        self.0.push(Step::Inside(key.clone(), undo));
    }

    /// Makes `object`, which is as the changes left it, what it was before.
    pub(crate) fn revert(self, object: &mut Object) {
        for step in self.0.into_iter().rev() {
            match step {
                Step::Edits(edits) => {
                    object.edit(edits, |_, _| {});
                }
                Step::Inside(key, undo) => {
                    if let Some(value) = object.get_mut(&key) {
                        undo.revert(value);
                    }
                }
            }
        }
    }
}

impl ValueUndo {
    fn revert(self, target: &mut Value) {
        match (self, target) {
            (Self::Restore(value), target) => *target = value,
            (Self::TruncateText(len), Value::String(text)) => text.truncate(len),
            (Self::TruncateItems(len), Value::Array(array)) => array.truncate(len),
            (Self::Inside(undo), Value::Object(object)) => undo.revert(object),
            (Self::Items(items), Value::Array(array)) => {
                for (index, undo) in items {
                    if let Some(item) = array.get_mut(index) {
                        undo.revert(item);
                    }
                }
            }
            (
                Self::TruncateText(_) | Self::TruncateItems(_) | Self::Inside(_) | Self::Items(_),
                _,
            ) => {
                debug_assert!(false, "an undo meets what its change left");
            }
        }
    }
}
