//! How diffs are read from JSON, with a cap on depth, and written to it.

use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::error::{JsonError, JsonProblem};
use crate::ids::{Key, RecordId};
use crate::value::{Object, Reader, Value, write_object, write_string, write_value};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// How deep records may nest when nobody asks for less.
const DEFAULT_DEPTH: usize = crate::Limits::MAX_VALUE_DEPTH;

/// Reads a diff whose records nest at most so deep, whatever it is applied to.
pub(crate) fn read_network_diff(
    reader: &mut Reader<'_>,
    depth: usize,
) -> Result<NetworkDiff, JsonError> {
    let mut ops: Vec<(RecordId, RecordOp)> = Vec::new();
    reader.members(|reader, id| {
        let id = RecordId::from(&*id);
        ops.push((id, read_record_op(reader, depth)?));
        Ok::<_, JsonError>(())
    })?;
    Ok(ops.into_iter().collect())
}

pub(crate) fn read_record_op(reader: &mut Reader<'_>, depth: usize) -> Result<RecordOp, JsonError> {
    read_op(reader, |reader, name| match name {
        "put" => Ok(RecordOp::Put(argument(reader, |reader| reader.object(depth))?)),
        "patch" => Ok(RecordOp::Patch(argument(reader, |reader| read_object_diff(reader, depth))?)),
        "remove" => Ok(RecordOp::Remove),
        _ => Err(reader.error(JsonProblem::Expected("an op on a record"))),
    })
}

fn read_object_diff(reader: &mut Reader<'_>, levels: usize) -> Result<ObjectDiff, JsonError> {
    let inner = reader.inside(levels)?;
    let mut ops: Vec<(Key, ValueOp)> = Vec::new();
    reader.members(|reader, key| {
        ops.push((Key::from(&*key), read_value_op(reader, inner)?));
        Ok::<_, JsonError>(())
    })?;
    Ok(ops.into_iter().collect())
}

fn read_value_op(reader: &mut Reader<'_>, levels: usize) -> Result<ValueOp, JsonError> {
    read_op(reader, |reader, name| match name {
        "put" => Ok(ValueOp::Put(argument(reader, |reader| reader.value(levels))?)),
        "patch" => Ok(ValueOp::Patch(argument(reader, |reader| read_object_diff(reader, levels))?)),
        "append" => match argument(reader, |reader| reader.value(levels))? {
            Value::String(suffix) => {
                Ok(ValueOp::AppendText { suffix, offset: argument(reader, read_offset)? })
            }
            Value::Array(items) => {
                Ok(ValueOp::AppendItems { items, offset: argument(reader, read_offset)? })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                Err(reader.error(JsonProblem::Expected("a string or an array to append")))
            }
        },
        "delete" => Ok(ValueOp::Delete),
        _ => Err(reader.error(JsonProblem::Expected("an op on a value"))),
    })
}

/// An array whose first item is the name of an op and whose others `read` reads.
fn read_op<T>(
    reader: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>, &str) -> Result<T, JsonError>,
) -> Result<T, JsonError> {
    reader.expect(b'[', "an op")?;
    let name = reader.string()?;
    let op = read(reader, &name)?;
    reader.expect(b']', "the end of an op")?;
    Ok(op)
}

fn argument<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, JsonError>,
) -> Result<T, JsonError> {
    reader.expect(b',', "a comma")?;
    read(reader)
}

fn read_offset(reader: &mut Reader<'_>) -> Result<usize, JsonError> {
    let offset = reader.number()?.as_i64().and_then(|offset| u64::try_from(offset).ok());
    let offset = offset.map(fitting_offset);
    offset.ok_or_else(|| reader.error(JsonProblem::Expected("an offset, a whole number")))
}

/// An offset that is more than memory holds fits nothing, on any machine.
pub(super) fn fitting_offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

macro_rules! text {
    ($value:ty, $read:ident, $write:ident) => {
        impl FromStr for $value {
            type Err = JsonError;

            /// Reads the JSON that the wire carries.
            fn from_str(text: &str) -> Result<Self, JsonError> {
                Reader::read(text, |reader| $read(reader, DEFAULT_DEPTH))
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

text!(NetworkDiff, read_network_diff, write_network_diff);
text!(ObjectDiff, read_object_diff, write_object_diff);

/// Appends the JSON of `diff`.
pub(crate) fn write_network_diff(out: &mut Vec<u8>, diff: &NetworkDiff) {
    write_entries(out, diff.iter(), write_record_op);
}

/// Appends the JSON of `op`.
pub(crate) fn write_record_op(out: &mut Vec<u8>, op: &RecordOp) {
    match op {
        RecordOp::Put(record) => write_put(out, |out| write_object(out, record)),
        RecordOp::Patch(diff) => write_patch(out, diff),
        RecordOp::Remove => out.extend_from_slice(REMOVE),
    }
}

/// Appends the entry of a diff that puts `record`, or removes what is gone.
pub(crate) fn write_put_or_remove(out: &mut Vec<u8>, id: &str, record: Option<&Object>) {
    write_string(out, id);
    out.push(b':');
    match record {
        Some(record) => write_put(out, |out| write_object(out, record)),
        None => out.extend_from_slice(REMOVE),
    }
}

/// Appends the entry of a diff that puts the record that `write` writes.
pub(crate) fn write_put_of(out: &mut Vec<u8>, id: &str, write: impl FnOnce(&mut Vec<u8>)) {
    write_string(out, id);
    out.push(b':');
    write_put(out, write);
}

const REMOVE: &[u8] = b"[\"remove\"]";

fn write_put(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"[\"put\",");
    write(out);
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
