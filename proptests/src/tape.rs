//! Choices made from bytes: which parts of a value change, and how.
//!
//! The bytes are read in order, and when they are used up every further choice is 0, which always
//! means to leave things alone. So fewer and smaller bytes make a smaller change, and a failing
//! case shrinks well.

use roomsync::{Array, Object, ObjectDiff, Text, Value, ValueOp};
use std::collections::BTreeSet;

/// Bytes to choose by, and values to put where something new is wanted.
#[derive(Clone, Debug)]
pub struct Tape {
    bytes: std::vec::IntoIter<u8>,
    pool: Vec<Value>,
}

/// How deep a value made of bytes nests at most.
const LEVELS: usize = 4;

impl Tape {
    /// A tape of `bytes` that takes new values from `pool`, or makes them of bytes when it is empty.
    #[must_use]
    pub fn new(bytes: Vec<u8>, pool: Vec<Value>) -> Self {
        Self { bytes: bytes.into_iter(), pool }
    }

    /// A number below `bound`, and 0 when the bytes are used up.
    pub fn choose(&mut self, bound: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % bound.max(1)
    }

    /// Whether the bytes are used up.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.bytes.len() == 0
    }

    /// The next few bytes as they are.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        self.bytes.by_ref().take(most).collect()
    }

    /// A value made of bytes.
    pub fn new_value(&mut self) -> Value {
        let at = self.choose(self.pool.len());
        self.pool.get(at).cloned().unwrap_or_else(|| self.make_value(LEVELS))
    }

    /// A record made of bytes.
    #[must_use]
    pub fn make_record(&mut self) -> Object {
        let mut record = self.make_object(LEVELS);
        for (key, value) in [("id", "thing:1"), ("typeName", "thing")] {
            record.insert(key, value);
        }
        for key in ["props", "meta"] {
            if self.choose(4) > 0 {
                record.insert(key, self.make_object(LEVELS));
            }
        }
        record
    }

    fn make_object(&mut self, levels: usize) -> Object {
        let mut object = Object::new();
        for _ in 0..self.choose(6) {
            object.insert(self.new_key(), self.make_value(levels.saturating_sub(1)));
        }
        object
    }

    fn make_value(&mut self, levels: usize) -> Value {
        match self.choose(if levels == 0 { 6 } else { 9 }) {
            1 => Value::from(self.choose(2) == 1),
            2 => Value::from(i64::from(self.choose(256) as u8 as i8)),
            3 => {
                let bytes: [u8; 8] = std::array::from_fn(|_| self.bytes.next().unwrap_or(0));
                Value::from(f64::from_le_bytes(bytes))
            }
            4 => Value::from(self.suffix()),
            5 => Value::from(self.suffix().repeat(self.choose(32))),
            6 => (0..self.choose(5)).map(|_| self.make_value(levels - 1)).collect::<Array>().into(),
            7 => {
                // Nearly flat: what repeats what repeats is more than a machine has memory for.
                let item = self.make_value(levels.min(2) - 1);
                std::iter::repeat_n(item, self.choose(16)).collect::<Array>().into()
            }
            8 => self.make_object(levels).into(),
            _ => Value::Null,
        }
    }

    fn new_key(&mut self) -> String {
        ["a", "b", "new", "0", "props", "__proto__"][self.choose(6)].into()
    }

    fn suffix(&mut self) -> &'static str {
        ["!", "é", "🖋", "", "a suffix that is long enough to leave the inline form"][self.choose(5)]
    }

    /// A changed `object`: some keys changed inside, some gone, some new. Identity is kept.
    #[must_use]
    pub fn edit_object(&mut self, object: &Object) -> Object {
        let mut edited = object.clone();
        for (key, value) in object.iter().filter(|(key, _)| !matches!(&***key, "id" | "typeName")) {
            match self.choose(8) {
                1 => drop(edited.remove(key)),
                2 | 3 => drop(edited.insert(key.clone(), self.edit_value(value))),
                _ => {}
            }
        }
        if self.choose(4) == 1 {
            edited.insert(self.new_key(), self.new_value());
        }
        edited
    }

    fn edit_value(&mut self, value: &Value) -> Value {
        if self.choose(8) == 1 {
            return self.new_value();
        }
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.new_value(),
            Value::String(text) => (text.to_string() + self.suffix()).into(),
            Value::Array(array) => self.edit_array(array).into(),
            Value::Object(object) => self.edit_object(object).into(),
        }
    }

    fn edit_array(&mut self, array: &Array) -> Array {
        let mut items: Vec<Value> = array.to_vec();
        // Each once: edits of what was edited nest deeper than records may.
        let places: BTreeSet<usize> =
            (0..self.choose(4)).map(|_| self.choose(items.len())).collect();
        for at in places {
            if let Some(item) = items.get(at).cloned() {
                items[at] = self.edit_value(&item);
            }
        }
        match self.choose(6) {
            1 | 2 => items.push(self.new_value()),
            3 => drop(items.pop()),
            _ => {}
        }
        items.into()
    }

    /// A diff whose ops mostly fit `object`, and nest as deep as it does.
    #[must_use]
    pub fn diff_for_object(&mut self, object: &Object) -> ObjectDiff {
        let mut ops = Vec::new();
        for (key, value) in object.iter() {
            if self.choose(3) == 1 {
                ops.push((key.to_string(), self.op_for(value)));
            }
        }
        if self.choose(4) == 1 {
            let key = self.new_key();
            ops.push((key, self.op_for(&Value::Null)));
        }
        ops.into_iter().collect()
    }

    fn op_for(&mut self, value: &Value) -> ValueOp {
        // Off by one now and then, to either side, so that an append does not fit.
        let off = self.choose(6);
        let offset = |len: usize| match off {
            1 => len + 1,
            2 => len.saturating_sub(1),
            _ => len,
        };
        match (self.choose(6), value) {
            (1, _) => ValueOp::Delete,
            (2, _) => ValueOp::Put(value.clone()),
            (3 | 4, Value::String(text)) => ValueOp::AppendText {
                suffix: Text::from(self.suffix()),
                offset: offset(text.utf16_len()),
            },
            (3, Value::Array(array)) => ValueOp::AppendItems {
                items: (0..self.choose(3)).map(|_| self.new_value()).collect(),
                offset: offset(array.len()),
            },
            (4 | 5, Value::Array(array)) => ValueOp::Patch(self.diff_for_array(array)),
            (3..=5, Value::Object(object)) => ValueOp::Patch(self.diff_for_object(object)),
            _ => ValueOp::Put(self.new_value()),
        }
    }

    fn diff_for_array(&mut self, array: &Array) -> ObjectDiff {
        let mut ops = Vec::new();
        for _ in 0..self.choose(4) {
            // One beyond the end now and then.
            let at = self.choose(array.len() + 1);
            let op = self.op_for(array.get(at).unwrap_or(&Value::Null));
            let key = if self.choose(4) == 1 { format!("0{at}") } else { at.to_string() };
            ops.push((key, op));
        }
        ops.into_iter().collect()
    }
}
