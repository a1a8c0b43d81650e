//! How a change that was made in place is taken back.
//!
//! Not an inverse diff: that would hold the old text of a string that grew, and a shared text can
//! no longer grow in place. A length is enough to take an append back.

use super::apply::item_index;
use crate::ids::Key;
use crate::value::{Object, Value};
use alloc::vec::Vec;

/// What to do with an object's keys, or an array's items, in reverse order.
#[derive(Debug, Default)]
pub(crate) struct ObjectUndo(Vec<(Key, ValueUndo)>);

#[derive(Debug)]
pub(super) enum ValueUndo {
    Absent,
    Restore(Value),
    /// Back to so many bytes.
    TruncateText(usize),
    /// Back to so many items.
    TruncateItems(usize),
    Inside(ObjectUndo),
}

impl ObjectUndo {
    pub(super) fn push(&mut self, key: &Key, undo: ValueUndo) {
        self.0.push((key.clone(), undo));
    }

    /// Makes `object` what it was before.
    pub(crate) fn revert(self, object: &mut Object) {
        for (key, undo) in self.0.into_iter().rev() {
            match undo {
                ValueUndo::Absent => {
                    object.remove(&key);
                }
                ValueUndo::Restore(value) => {
                    object.insert(key, value);
                }
                ValueUndo::TruncateText(_) | ValueUndo::TruncateItems(_) | ValueUndo::Inside(_) => {
                    if let Some(value) = object.get_mut(&key) {
                        undo.revert_inside(value);
                    }
                }
            }
        }
    }
}

impl ValueUndo {
    fn revert_inside(self, target: &mut Value) {
        match (self, target) {
            (Self::Restore(value), target) => *target = value,
            (Self::TruncateText(len), Value::String(text)) => text.truncate(len),
            (Self::TruncateItems(len), Value::Array(array)) => array.truncate(len),
            (Self::Inside(undo), Value::Object(object)) => undo.revert(object),
            (Self::Inside(undo), Value::Array(array)) => {
                for (key, undo) in undo.0.into_iter().rev() {
                    if let Some(item) = item_index(&key).and_then(|index| array.get_mut(index)) {
                        undo.revert_inside(item);
                    }
                }
            }
            (
                Self::Absent | Self::TruncateText(_) | Self::TruncateItems(_) | Self::Inside(_),
                _,
            ) => {
                debug_assert!(false, "an undo meets what its change left");
            }
        }
    }
}
