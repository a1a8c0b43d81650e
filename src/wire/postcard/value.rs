//! Values: a tag, then what it says.

use super::known::{
    MOST_KEY_LISTS, MOST_TEXT_BYTES, MOST_TEXTS, Seen, hash_keys, hash_text, is_small_and_same,
};
use super::tag::{self, number, short};
use crate::error::Malformed;
use crate::ids::Key;
use crate::value::bytes::{Input, signed_len, write_signed, write_varint};
use crate::value::{Array, Number, Object, Text, Value};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Room for so many items is made at once; for more as they come, since a count is only a claim.
const TRUSTED_COUNT: usize = 256;

/// Writes one section.
#[derive(Debug)]
pub(super) struct SectionWriter<'a, 'o> {
    pub(super) out: &'o mut Vec<u8>,
    texts: Seen<&'a str>,
    key_lists: Seen<&'a [Key]>,
    /// The last object of each numbered list of keys.
    last: Vec<Option<&'a Object>>,
    /// The id of the record that is written.
    pub(super) own_id: Option<&'a str>,
}

impl<'a, 'o> SectionWriter<'a, 'o> {
    pub(super) const fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, texts: Seen::new(), key_lists: Seen::new(), last: Vec::new(), own_id: None }
    }

    pub(super) fn value(&mut self, value: &'a Value) {
        match value {
            Value::Null => self.out.push(tag::NULL),
            Value::Bool(false) => self.out.push(tag::FALSE),
            Value::Bool(true) => self.out.push(tag::TRUE),
            Value::Number(number) => write_number(self.out, *number),
            Value::String(text) if self.own_id == Some(text) => self.out.push(tag::OWN_ID),
            Value::String(text) => self.text(text),
            Value::Array(array) => self.array(array),
            Value::Object(object) => self.object(object),
        }
    }

    /// A text or a key.
    pub(super) fn text(&mut self, text: &'a str) {
        if (1..=MOST_TEXT_BYTES).contains(&text.len()) {
            let hash = hash_text(text);
            match self.texts.note(hash, text) {
                Some(Some(number)) => {
                    return self.numbered(&tag::KNOWN_TEXTS, tag::KNOWN_TEXT, number);
                }
                Some(None) if self.texts.number(hash, text, MOST_TEXTS).is_some() => {
                    self.out.push(tag::NEW_TEXT);
                    write_varint(self.out, text.len() as u64);
                    return self.out.extend_from_slice(text.as_bytes());
                }
                Some(None) | None => {}
            }
        }
        self.numbered(&tag::TEXTS, tag::TEXT, text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn array(&mut self, array: &'a Array) {
        self.numbered(&tag::ARRAYS, tag::ARRAY, array.len());
        for item in array.iter() {
            self.value(item);
        }
    }

    pub(super) fn object(&mut self, object: &'a Object) {
        let keys = object.keys();
        if keys.is_empty() {
            return self.out.push(tag::EMPTY_OBJECT);
        }
        let hash = hash_keys(keys);
        let number = match self.key_lists.note(hash, keys) {
            Some(Some(number)) => {
                self.numbered(&tag::KNOWN_OBJECTS, tag::KNOWN_OBJECT, number);
                Some(number)
            }
            Some(None) | None => {
                let number = self.key_lists.number(hash, keys, MOST_KEY_LISTS);
                self.out.push(tag::NEW_OBJECT);
                write_varint(self.out, keys.len() as u64);
                for key in keys {
                    self.text(key);
                }
                number
            }
        };
        for (at, value) in object.values().iter().enumerate() {
            if self.is_same_again(number, at, value) {
                self.out.push(tag::SAME);
            } else {
                self.value(value);
            }
        }
        if let Some(number) = number {
            if self.last.len() <= number {
                self.last.resize(number + 1, None);
            }
            if let Some(last) = self.last.get_mut(number) {
                *last = Some(object);
            }
        }
    }

    /// Whether the last object of the list of keys had that value there, which takes more than a byte.
    fn is_same_again(&self, list: Option<usize>, at: usize, value: &Value) -> bool {
        let is_short = match value {
            Value::Null | Value::Bool(_) | Value::String(_) => true,
            Value::Number(number) => is_one_byte(*number),
            Value::Array(array) => array.is_empty(),
            Value::Object(object) => object.is_empty(),
        };
        let last = || self.last.get(list?).copied().flatten()?.values().get(at);
        !is_short && last().is_some_and(|last| is_small_and_same(value, last))
    }

    /// A number in the tag, or after `long`.
    fn numbered(&mut self, range: &core::ops::Range<u8>, long: u8, number: usize) {
        match short(range, number) {
            Some(tag) => self.out.push(tag),
            None => {
                self.out.push(long);
                write_varint(self.out, number as u64);
            }
        }
    }
}

/// The tag that says the number, if one does.
fn tag_of_int(int: i64) -> Option<u8> {
    usize::try_from(int).ok().and_then(|int| short(&tag::INTS, int))
}

fn is_one_byte(number: Number) -> bool {
    number.as_i64().and_then(tag_of_int).is_some()
}

fn write_number(out: &mut Vec<u8>, number: Number) {
    let Some(int) = number.as_i64() else { return write_float(out, number.as_f64()) };
    match tag_of_int(int) {
        Some(tag) => out.push(tag),
        None => {
            out.push(tag::INT);
            write_signed(out, int);
        }
    }
}

/// The shortest of the forms that are exact.
fn write_float(out: &mut Vec<u8>, float: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "compared below")]
    let single = float as f32;
    let single = Some(single).filter(|single| f64::from(*single) == float);
    let longest = if single.is_some() { 4 } else { 8 };
    match hundredths(float).filter(|hundredths| signed_len(*hundredths) <= longest) {
        Some(hundredths) => {
            out.push(tag::HUNDREDTHS);
            write_signed(out, hundredths);
        }
        None => match single {
            Some(single) => {
                out.push(tag::SINGLE);
                out.extend_from_slice(&single.to_le_bytes());
            }
            None => {
                out.push(tag::DOUBLE);
                out.extend_from_slice(&float.to_le_bytes());
            }
        },
    }
}

/// The whole number of hundredths that `float` is the nearest double to.
fn hundredths(float: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "compared below")]
    let nearest = (float * 100.0 + 0.5_f64.copysign(float)) as i64;
    (from_hundredths(nearest) == float).then_some(nearest)
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 it is as good a double as any")]
fn from_hundredths(number: i64) -> f64 {
    number as f64 / 100.0
}

/// Reads one section.
#[derive(Debug)]
pub(super) struct SectionReader<'a, 'i> {
    pub(super) input: &'i mut Input<'a>,
    texts: Vec<(&'a str, Text)>,
    key_lists: Vec<KeyList>,
    /// The last object of each list of keys.
    last: Vec<Object>,
    /// The values of all arrays and objects that are under way, so that each is allocated once, in its
    /// size.
    values: Vec<Value>,
    /// The id of the record that is read.
    pub(super) own_id: Option<Text>,
}

/// The keys of an object.
#[derive(Clone, Debug)]
struct KeyList {
    /// Those that an object stores.
    keys: Arc<[Key]>,
    /// Where the one stands that it does not store.
    dropped: Option<usize>,
}

impl<'a, 'i> SectionReader<'a, 'i> {
    pub(super) const fn new(input: &'i mut Input<'a>) -> Self {
        Self {
            input,
            texts: Vec::new(),
            key_lists: Vec::new(),
            last: Vec::new(),
            values: Vec::new(),
            own_id: None,
        }
    }

    /// A value of at most so many nested arrays and objects.
    pub(super) fn value(&mut self, levels: usize) -> Result<Value, Malformed> {
        let tag = self.input.byte()?;
        self.tagged_value(tag, levels)
    }

    pub(super) fn tagged_value(&mut self, tag: u8, levels: usize) -> Result<Value, Malformed> {
        if let Some(int) = number(&tag::INTS, tag) {
            return Ok(Value::from(int as u64));
        }
        match tag {
            tag::NULL => Ok(Value::Null),
            tag::FALSE => Ok(Value::Bool(false)),
            tag::TRUE => Ok(Value::Bool(true)),
            tag::INT => Ok(Value::from(self.input.signed()?)),
            tag::DOUBLE => float(f64::from_le_bytes(self.input.array()?)),
            tag::SINGLE => float(f64::from(f32::from_le_bytes(self.input.array()?))),
            tag::HUNDREDTHS => float(from_hundredths(self.input.signed()?)),
            tag::OWN_ID => self.own_id.clone().map(Value::String).ok_or(Malformed),
            _ if is_array(tag) => self.array(tag, levels).map(Value::Array),
            _ if is_object(tag) => self.object(tag, levels).map(Value::Object),
            _ => self.text(tag).map(Value::String),
        }
    }

    pub(super) fn text(&mut self, tag: u8) -> Result<Text, Malformed> {
        match self.known_text(tag)? {
            Some(number) => self.texts.get(number).map(|(_, text)| text.clone()).ok_or(Malformed),
            None => self.written_text(tag).map(Text::from),
        }
    }

    pub(super) fn key(&mut self) -> Result<Key, Malformed> {
        let tag = self.input.byte()?;
        match self.known_text(tag)? {
            Some(number) => {
                self.texts.get(number).map(|(text, _)| Key::from(*text)).ok_or(Malformed)
            }
            None => self.written_text(tag).map(Key::from),
        }
    }

    pub(super) fn array(&mut self, tag: u8, levels: usize) -> Result<Array, Malformed> {
        let levels = levels.checked_sub(1).ok_or(Malformed)?;
        let count = match number(&tag::ARRAYS, tag) {
            Some(count) => count,
            None => self.input.count()?,
        };
        let first = self.values.len();
        for _ in 0..count {
            let item = self.value(levels)?;
            self.values.push(item);
        }
        Ok(self.values.drain(first..).collect())
    }

    pub(super) fn object(&mut self, tag: u8, levels: usize) -> Result<Object, Malformed> {
        let levels = levels.checked_sub(1).ok_or(Malformed)?;
        let number = match tag {
            tag::EMPTY_OBJECT => return Ok(Object::new()),
            tag::NEW_OBJECT => None,
            _ => Some(match number(&tag::KNOWN_OBJECTS, tag) {
                Some(number) => number,
                None => self.number()?,
            }),
        };
        let (number, list) = match number {
            Some(number) => (number, self.key_lists.get(number).cloned().ok_or(Malformed)?),
            None => (self.key_lists.len(), self.new_key_list()?),
        };
        let KeyList { keys, dropped } = list;
        let first = self.values.len();
        for at in 0..keys.len() + usize::from(dropped.is_some()) {
            if dropped == Some(at) {
                self.value(levels)?;
                continue;
            }
            let value = match self.input.byte()? {
                tag::SAME => self.same(number, self.values.len() - first, levels)?,
                tag => self.tagged_value(tag, levels)?,
            };
            self.values.push(value);
        }
        let object = Object::from_sorted(keys, self.values.drain(first..));
        if let Some(last) = self.last.get_mut(number) {
            *last = object.clone();
        }
        Ok(object)
    }

    /// What stands there in the last object of the list of keys.
    fn same(&self, list: usize, at: usize, levels: usize) -> Result<Value, Malformed> {
        let last = self.last.get(list).and_then(|last| last.values().get(at));
        let is_small = |value: &&Value| is_small_and_same(value, value);
        let last = last.filter(is_small).filter(|last| last.is_within_depth(levels));
        last.cloned().ok_or(Malformed)
    }

    /// Keys, each greater than the one before.
    fn new_key_list(&mut self) -> Result<KeyList, Malformed> {
        let count = self.input.count()?;
        let mut keys: Vec<Key> = Vec::with_capacity(count.min(TRUSTED_COUNT));
        let mut dropped = None;
        for at in 0..count {
            let key = self.key()?;
            if keys.last().is_some_and(|last| *last >= key) {
                return Err(Malformed);
            }
            if Object::stores(&key) {
                keys.push(key);
            } else if dropped.replace(at).is_some() {
                return Err(Malformed);
            }
        }
        if count == 0 {
            return Err(Malformed);
        }
        let list = KeyList { keys: keys.into(), dropped };
        if self.key_lists.len() < MOST_KEY_LISTS {
            self.key_lists.push(list.clone());
            self.last.push(Object::new());
        }
        Ok(list)
    }

    /// The number of the text that `tag` names, if it names one.
    fn known_text(&mut self, tag: u8) -> Result<Option<usize>, Malformed> {
        if tag == tag::KNOWN_TEXT {
            return self.number().map(Some);
        }
        Ok(number(&tag::KNOWN_TEXTS, tag))
    }

    /// A text that is written out.
    fn written_text(&mut self, tag: u8) -> Result<&'a str, Malformed> {
        if let Some(len) = number(&tag::TEXTS, tag) {
            return self.input.text(len);
        }
        match tag {
            tag::TEXT => self.input.str(),
            tag::NEW_TEXT => {
                let text = self.input.str()?;
                if text.len() > MOST_TEXT_BYTES || self.texts.len() >= MOST_TEXTS {
                    return Err(Malformed);
                }
                self.texts.push((text, Text::from(text)));
                Ok(text)
            }
            _ => Err(Malformed),
        }
    }

    fn number(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.input.varint()?).map_err(|_| Malformed)
    }
}

pub(super) fn is_array(tag: u8) -> bool {
    tag == tag::ARRAY || tag::ARRAYS.contains(&tag)
}

pub(super) fn is_object(tag: u8) -> bool {
    matches!(tag, tag::NEW_OBJECT | tag::KNOWN_OBJECT | tag::EMPTY_OBJECT)
        || tag::KNOWN_OBJECTS.contains(&tag)
}

fn float(float: f64) -> Result<Value, Malformed> {
    Number::from_f64(float).map(Value::Number).ok_or(Malformed)
}
