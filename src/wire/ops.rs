//! How diffs are read from JSON, with a cap on depth, and written to it.

use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::error::JsonError;
use crate::ids::{Key, RecordId};
use crate::value::{Object, ObjectSeed, Value, ValueSeed, write_object, write_string, write_value};
use crate::wire::json;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep records may nest when nobody asks for less.
const DEFAULT_DEPTH: usize = crate::Limits::MAX_VALUE_DEPTH;

/// Reads a diff whose records nest at most so deep, whatever it is applied to.
#[derive(Clone, Copy)]
pub(crate) struct NetworkDiffSeed(pub(crate) usize);

#[derive(Clone, Copy)]
pub(crate) struct ObjectDiffSeed(pub(crate) usize);

#[derive(Clone, Copy)]
pub(crate) struct RecordOpSeed(pub(crate) usize);

#[derive(Clone, Copy)]
struct ValueOpSeed(usize);

/// The name of an op, the first item of its array.
enum Tag {
    Put,
    Patch,
    Append,
    Delete,
    Remove,
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TagVisitor)
    }
}

struct TagVisitor;

impl Visitor<'_> for TagVisitor {
    type Value = Tag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an op")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Tag, E> {
        match name {
            "put" => Ok(Tag::Put),
            "patch" => Ok(Tag::Patch),
            "append" => Ok(Tag::Append),
            "delete" => Ok(Tag::Delete),
            "remove" => Ok(Tag::Remove),
            _ => Err(E::custom("unknown op")),
        }
    }
}

fn next<'de, A: SeqAccess<'de>, S: DeserializeSeed<'de>>(
    items: &mut A,
    seed: S,
) -> Result<S::Value, A::Error> {
    items.next_element_seed(seed)?.ok_or_else(|| A::Error::custom("an op is too short"))
}

fn end<'de, A: SeqAccess<'de>, T>(items: &mut A, op: T) -> Result<T, A::Error> {
    match items.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(op),
        Some(_) => Err(A::Error::custom("an op is too long")),
    }
}

fn tag<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<Tag, A::Error> {
    next(items, core::marker::PhantomData)
}

fn inner<E: Error>(levels: usize) -> Result<usize, E> {
    levels.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
}

impl<'de> Visitor<'de> for NetworkDiffSeed {
    type Value = NetworkDiff;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from record id to op")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NetworkDiff, A::Error> {
        let mut ops: Vec<(RecordId, RecordOp)> = Vec::new();
        while let Some(id) = entries.next_key()? {
            ops.push((id, entries.next_value_seed(RecordOpSeed(self.0))?));
        }
        Ok(ops.into_iter().collect())
    }
}

impl<'de> Visitor<'de> for RecordOpSeed {
    type Value = RecordOp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an op on a record")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RecordOp, A::Error> {
        let op = match tag(&mut items)? {
            Tag::Put => RecordOp::Put(next(&mut items, ObjectSeed(self.0))?),
            Tag::Patch => RecordOp::Patch(next(&mut items, ObjectDiffSeed(self.0))?),
            Tag::Remove => RecordOp::Remove,
            Tag::Append | Tag::Delete => return Err(A::Error::custom("not an op on a record")),
        };
        end(&mut items, op)
    }
}

impl<'de> Visitor<'de> for ObjectDiffSeed {
    type Value = ObjectDiff;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from key to op")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ObjectDiff, A::Error> {
        let seed = ValueOpSeed(inner(self.0)?);
        let mut ops: Vec<(Key, ValueOp)> = Vec::new();
        while let Some(key) = entries.next_key()? {
            ops.push((key, entries.next_value_seed(seed)?));
        }
        Ok(ops.into_iter().collect())
    }
}

impl<'de> Visitor<'de> for ValueOpSeed {
    type Value = ValueOp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an op on a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ValueOp, A::Error> {
        let op = match tag(&mut items)? {
            Tag::Put => ValueOp::Put(next(&mut items, ValueSeed(self.0))?),
            Tag::Patch => ValueOp::Patch(next(&mut items, ObjectDiffSeed(self.0))?),
            Tag::Append => match next(&mut items, ValueSeed(self.0))? {
                Value::String(suffix) => {
                    ValueOp::AppendText { suffix, offset: offset(&mut items)? }
                }
                Value::Array(added) => {
                    ValueOp::AppendItems { items: added, offset: offset(&mut items)? }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                    return Err(A::Error::custom("only strings and arrays are appended"));
                }
            },
            Tag::Delete => ValueOp::Delete,
            Tag::Remove => return Err(A::Error::custom("not an op on a value")),
        };
        end(&mut items, op)
    }
}

fn offset<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<usize, A::Error> {
    let offset = next(items, ValueSeed(0))?;
    let offset = offset.as_number().and_then(crate::Number::as_i64);
    offset
        .and_then(|offset| u64::try_from(offset).ok())
        .map(fitting_offset)
        .ok_or_else(|| A::Error::custom("an offset is a whole number"))
}

/// An offset that is more than memory holds fits nothing, on any machine.
pub(super) fn fitting_offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

macro_rules! seed {
    ($seed:ident, $value:ty, $deserialize:ident) => {
        impl<'de> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<$value, D::Error> {
                from.$deserialize(self)
            }
        }
    };
}

seed!(NetworkDiffSeed, NetworkDiff, deserialize_map);
seed!(RecordOpSeed, RecordOp, deserialize_seq);
seed!(ObjectDiffSeed, ObjectDiff, deserialize_map);
seed!(ValueOpSeed, ValueOp, deserialize_seq);

macro_rules! text {
    ($value:ty, $seed:ident, $write:ident) => {
        impl FromStr for $value {
            type Err = JsonError;

            /// Reads the JSON that the wire carries.
            fn from_str(text: &str) -> Result<Self, JsonError> {
                json::read(&json::without_lone_surrogates(text), $seed(DEFAULT_DEPTH))
            }
        }

        impl fmt::Display for $value {
            /// Writes the JSON that the wire carries.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut out = Vec::new();
                $write(&mut out, self);
                f.write_str(&String::from_utf8(out).unwrap_or_default())
            }
        }
    };
}

text!(NetworkDiff, NetworkDiffSeed, write_network_diff);
text!(ObjectDiff, ObjectDiffSeed, write_object_diff);

/// Appends the JSON of `diff`.
pub(crate) fn write_network_diff(out: &mut Vec<u8>, diff: &NetworkDiff) {
    write_entries(out, diff.iter(), write_record_op);
}

/// Appends the JSON of `op`.
pub(crate) fn write_record_op(out: &mut Vec<u8>, op: &RecordOp) {
    match op {
        RecordOp::Put(record) => write_put(out, record),
        RecordOp::Patch(diff) => write_patch(out, diff),
        RecordOp::Remove => out.extend_from_slice(REMOVE),
    }
}

/// Appends the entry of a diff that puts `record`, or removes what is gone.
pub(crate) fn write_put_or_remove(out: &mut Vec<u8>, id: &str, record: Option<&Object>) {
    write_string(out, id);
    out.push(b':');
    match record {
        Some(record) => write_put(out, record),
        None => out.extend_from_slice(REMOVE),
    }
}

const REMOVE: &[u8] = b"[\"remove\"]";

fn write_put(out: &mut Vec<u8>, record: &Object) {
    out.extend_from_slice(b"[\"put\",");
    write_object(out, record);
    out.push(b']');
}

fn write_object_diff(out: &mut Vec<u8>, diff: &ObjectDiff) {
    write_entries(out, diff.iter(), write_value_op);
}

fn write_patch(out: &mut Vec<u8>, diff: &ObjectDiff) {
    out.extend_from_slice(b"[\"patch\",");
    write_object_diff(out, diff);
    out.push(b']');
}

fn write_value_op(out: &mut Vec<u8>, op: &ValueOp) {
    match op {
        ValueOp::Put(value) => {
            out.extend_from_slice(b"[\"put\",");
            write_value(out, value);
            out.push(b']');
        }
        ValueOp::Patch(diff) => write_patch(out, diff),
        ValueOp::AppendText { suffix, offset } => {
            write_append(out, *offset, |out| write_string(out, suffix));
        }
        ValueOp::AppendItems { items, offset } => {
            write_append(out, *offset, |out| write_value(out, &Value::Array(items.clone())));
        }
        ValueOp::Delete => out.extend_from_slice(b"[\"delete\"]"),
    }
}

fn write_append(out: &mut Vec<u8>, offset: usize, write_tail: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"[\"append\",");
    write_tail(out);
    out.push(b',');
    out.extend_from_slice(itoa::Buffer::new().format(offset).as_bytes());
    out.push(b']');
}

/// Appends a JSON object of `entries`.
pub(crate) fn write_entries<'a, K: core::ops::Deref<Target = str> + 'a, T: 'a>(
    out: &mut Vec<u8>,
    entries: impl Iterator<Item = (&'a K, &'a T)>,
    write: impl Fn(&mut Vec<u8>, &T),
) {
    out.push(b'{');
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, key);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}
