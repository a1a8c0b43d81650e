//! How a record that nobody looks at is kept small: as bytes, of which words and lists of keys that
//! many records have stand in a table.

use super::bytes::{Input, unzigzag, write_str, write_varint, zigzag};
use super::{KeyLists, Number, Object, Text, Value, write_string, write_value};
use crate::error::Malformed;
use crate::ids::Key;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

/// A record as bytes. They mean something only with the table that they were made with.
#[derive(Clone)]
pub(crate) struct Packed(Box<[u8]>);

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the packed records of a store have in common. It only grows, within bounds.
#[derive(Clone, Default)]
pub(crate) struct PackTable {
    pub(crate) key_lists: KeyLists,
    words: Vec<Text>,
    numbers: BTreeMap<Key, u64>,
    /// Hashes of words that were met once, each in the slot that it falls into. A word has to come
    /// again to get a number.
    met: Vec<u32>,
}

impl fmt::Debug for PackTable {
    /// What decides on what packed records mean.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PackTable").field(&self.key_lists).field(&self.words).finish()
    }
}

const MOST_WORDS: usize = 4096;
const WORD_BYTES: RangeInclusive<usize> = 2..=64;
const MET_SLOTS: usize = 1024;

/// What a value begins with.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const TEXT: u8 = 5;
    pub(super) const WORD: u8 = 6;
    /// The id of the record.
    pub(super) const ID: u8 = 7;
    pub(super) const ARRAY: u8 = 8;
    /// An object whose list of keys has a number.
    pub(super) const LISTED: u8 = 9;
    /// An object that tells its keys.
    pub(super) const LOOSE: u8 = 10;
    /// From here on a small number, or a word of a small number.
    pub(super) const SMALL_INT: u8 = 16;
    pub(super) const SMALL_WORD: u8 = 80;
}

const SMALL_INTS: u64 = (tag::SMALL_WORD - tag::SMALL_INT) as u64;
const SMALL_WORDS: u64 = 256 - tag::SMALL_WORD as u64;

impl PackTable {
    pub(crate) fn pack(&mut self, id: &str, record: &Object) -> Packed {
        let mut out = Vec::new();
        self.write_object(&mut out, id, record);
        Packed(out.into())
    }

    pub(crate) fn unpack(&self, id: &str, packed: &Packed) -> Object {
        let record = Unpacking::new(self, id, packed).value();
        let record = record.ok().and_then(|record| record.as_object().cloned());
        debug_assert!(record.is_some(), "what was packed can be unpacked");
        record.unwrap_or_default()
    }

    /// Appends the JSON text of a packed record, as that of the record itself.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>, id: &str, packed: &Packed) {
        let written = Unpacking::new(self, id, packed).json(out);
        debug_assert!(written.is_ok(), "what was packed can be written");
    }

    fn write_object(&mut self, out: &mut Vec<u8>, id: &str, object: &Object) {
        let node = self.key_lists.number_of(object.keys());
        match node {
            Some(node) => {
                out.push(tag::LISTED);
                write_varint(out, node as u64);
            }
            None => {
                out.push(tag::LOOSE);
                write_varint(out, object.len() as u64);
            }
        }
        for (key, value) in object.iter() {
            if node.is_none() {
                write_str(out, key);
            }
            self.write_value(out, id, value);
        }
    }

    fn write_value(&mut self, out: &mut Vec<u8>, id: &str, value: &Value) {
        match value {
            Value::Null => out.push(tag::NULL),
            Value::Bool(true) => out.push(tag::TRUE),
            Value::Bool(false) => out.push(tag::FALSE),
            Value::Number(number) => write_number(out, *number),
            Value::String(text) if **text == *id => out.push(tag::ID),
            Value::String(text) => match self.word(text) {
                Some(word) => write_small(out, word, tag::SMALL_WORD, SMALL_WORDS, tag::WORD),
                None => {
                    out.push(tag::TEXT);
                    write_str(out, text);
                }
            },
            Value::Array(array) => {
                out.push(tag::ARRAY);
                write_varint(out, array.len() as u64);
                array.iter().for_each(|item| self.write_value(out, id, item));
            }
            Value::Object(object) => self.write_object(out, id, object),
        }
    }

    /// The number of a word, if it has one or was met before.
    fn word(&mut self, text: &Text) -> Option<u64> {
        if !WORD_BYTES.contains(&text.as_str().len()) {
            return None;
        }
        if let Some(number) = self.numbers.get(text.as_str()) {
            return Some(*number);
        }
        if self.words.len() >= MOST_WORDS || !self.was_met(text) {
            return None;
        }
        let number = self.words.len() as u64;
        self.words.push(text.clone());
        self.numbers.insert(Key::from(text.as_str()), number);
        Some(number)
    }

    /// Whether the text was met before, as far as is remembered. Remembers it.
    fn was_met(&mut self, text: &str) -> bool {
        self.met.resize(MET_SLOTS, 0);
        // FNV-1a. Never nothing, which stands for an empty slot.
        let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = text.bytes().fold(0x811C_9DC5, mix) | 1;
        let slot = self.met.get_mut((hash >> 1) as usize % MET_SLOTS);
        slot.is_some_and(|slot| core::mem::replace(slot, hash) == hash)
    }
}

/// What is left of a record that is unpacked.
struct Unpacking<'a> {
    table: &'a PackTable,
    id: &'a str,
    input: Input<'a>,
    /// The values of all objects that are under way, so that each is allocated once, in its size.
    values: Vec<Value>,
}

impl<'a> Unpacking<'a> {
    const fn new(table: &'a PackTable, id: &'a str, packed: &'a Packed) -> Self {
        Self { table, id, input: Input::new(&packed.0), values: Vec::new() }
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        Ok(match self.input.byte()? {
            tag::TEXT => Value::from(self.input.str()?),
            tag::WORD => {
                let word = self.count()?;
                self.word(word)?.clone().into()
            }
            tag::ID => Value::from(self.id),
            tag::ARRAY => {
                let len = self.count()?;
                let mut items = Vec::with_capacity(len);
                for _ in 0..len {
                    items.push(self.value()?);
                }
                Value::from(items)
            }
            tag::LISTED => {
                let keys = self.table.key_lists.numbered(self.count()?).ok_or(Malformed)?;
                let first = self.values.len();
                self.values.reserve(keys.len());
                for _ in 0..keys.len() {
                    let value = self.value()?;
                    self.values.push(value);
                }
                Value::from(Object::from_sorted(keys, self.values.drain(first..)))
            }
            tag::LOOSE => {
                let len = self.count()?;
                let entries = (0..len).map(|_| Ok((self.input.str()?, self.value()?)));
                Value::from(entries.collect::<Result<Object, Malformed>>()?)
            }
            small @ tag::SMALL_WORD.. => {
                self.word(usize::from(small - tag::SMALL_WORD))?.clone().into()
            }
            tag => self.scalar(tag)?,
        })
    }

    /// The value of that tag that holds nothing and is no text.
    fn scalar(&mut self, tag: u8) -> Result<Value, Malformed> {
        Ok(match tag {
            tag::NULL => Value::Null,
            tag::TRUE => Value::Bool(true),
            tag::FALSE => Value::Bool(false),
            tag::INT => Value::from(self.input.signed()?),
            tag::FLOAT => Value::from(f64::from_le_bytes(self.input.array()?)),
            small @ tag::SMALL_INT..tag::SMALL_WORD => {
                Value::from(unzigzag(u64::from(small - tag::SMALL_INT)))
            }
            _ => return Err(Malformed),
        })
    }

    /// Appends the JSON text of the next value.
    fn json(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self.input.byte()? {
            tag::TEXT => write_string(out, self.input.str()?),
            tag::WORD => {
                let word = self.count()?;
                write_string(out, self.word(word)?);
            }
            small @ tag::SMALL_WORD.. => {
                write_string(out, self.word(usize::from(small - tag::SMALL_WORD))?);
            }
            tag::ID => write_string(out, self.id),
            tag::ARRAY => {
                let len = self.count()?;
                self.json_members(out, len, [b'[', b']'], |_, _, _| Ok(()))?;
            }
            tag::LISTED => {
                let keys = self.table.key_lists.numbered(self.count()?).ok_or(Malformed)?;
                self.json_members(out, keys.len(), [b'{', b'}'], |_, out, at| {
                    write_string(out, keys.get(at).ok_or(Malformed)?);
                    out.push(b':');
                    Ok(())
                })?;
            }
            tag::LOOSE => {
                let len = self.count()?;
                self.json_members(out, len, [b'{', b'}'], |this, out, _| {
                    write_string(out, this.input.str()?);
                    out.push(b':');
                    Ok(())
                })?;
            }
            tag => write_value(out, &self.scalar(tag)?),
        }
        Ok(())
    }

    /// Appends values between `around`, each after what `before` writes for its place.
    fn json_members(
        &mut self,
        out: &mut Vec<u8>,
        count: usize,
        around: [u8; 2],
        before: impl Fn(&mut Self, &mut Vec<u8>, usize) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let [open, close] = around;
        out.push(open);
        for at in 0..count {
            if at > 0 {
                out.push(b',');
            }
            before(self, out, at)?;
            self.json(out)?;
        }
        out.push(close);
        Ok(())
    }

    fn word(&self, number: usize) -> Result<&Text, Malformed> {
        self.table.words.get(number).ok_or(Malformed)
    }

    fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.input.varint()?).map_err(|_| Malformed)
    }
}

fn write_number(out: &mut Vec<u8>, number: Number) {
    match number.as_i64() {
        Some(int) => write_small(out, zigzag(int), tag::SMALL_INT, SMALL_INTS, tag::INT),
        None => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&number.as_f64().to_le_bytes());
        }
    }
}

/// A number in the tag itself, if it is one of the `count` smallest.
fn write_small(out: &mut Vec<u8>, number: u64, first: u8, count: u64, tag: u8) {
    match u8::try_from(number) {
        Ok(small) if number < count => out.push(first + small),
        Ok(_) | Err(_) => {
            out.push(tag);
            write_varint(out, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    #[track_caller]
    fn packed_len(table: &mut PackTable, json: &str) -> usize {
        let mut record: Object = json.parse().unwrap();
        table.key_lists.share(&mut record);
        let packed = table.pack("shape:a", &record);
        assert_eq!(table.unpack("shape:a", &packed), record);
        let mut written = Vec::new();
        table.write_json(&mut written, "shape:a", &packed);
        assert_eq!(String::from_utf8(written).unwrap(), record.to_string());
        packed.0.len()
    }

    #[test]
    fn every_kind_of_value_is_unpacked_and_written_as_it_was() {
        let long = "x".repeat(100);
        let json = format!(
            r#"{{"id":"shape:a","n":null,"t":true,"f":false,"e":{{}},"i":[0,-1,31,-32,32,-33,64,
            9223372036854775807,-9223372036854775808,9007199254740993],"d":[0.5,-1e300,5e-324],
            "s":["","a","é","shape:a","{long}"],"o":{{"x":[[],[[]]],"y":{{"z":"🖋"}}}}}}"#
        );
        packed_len(&mut PackTable::default(), &json);
    }

    #[test]
    fn words_and_keys_that_come_again_take_little() {
        let mut table = PackTable::default();
        let json =
            r#"{"id":"shape:a","type":"geo","props":{"color":"black","dash":"draw","w":20}}"#;
        let lens = [(); 3].map(|()| packed_len(&mut table, json));
        assert_eq!(lens, [24, 9, 9]);
    }

    #[test]
    fn words_have_so_many_bytes_and_are_so_many_and_others_are_written_out() {
        let mut table = PackTable::default();
        let mut of = |text: &str| {
            let json = format!(r#"{{"a":"{text}"}}"#);
            [(); 3].map(|()| packed_len(&mut table, &json))[2]
        };
        assert_eq!((of("1"), of("12"), of(&"3".repeat(64))), (5, 3, 3));
        assert_eq!(of(&"4".repeat(65)), 69);
        for number in 2..MOST_WORDS {
            assert!(of(&format!("word {number}")) <= 5, "{number}");
        }
        assert_eq!(of("one more"), 12);
        assert_eq!(of("12"), 3);
    }

    #[test]
    fn keys_without_a_list_are_written_out() {
        let mut table = PackTable::default();
        let keys: Vec<String> = (0..100).map(|key| format!(r#""key {key}":{key}"#)).collect();
        let json = format!("{{{}}}", keys.join(","));
        assert!(packed_len(&mut table, &json) > json.len() / 2);
        assert_eq!(json.parse::<Object>().unwrap().to_string().len(), json.len());
    }
}
