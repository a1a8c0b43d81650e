//! Diffs: how many, then each id or key with its op, in order.

use super::id::{read_id, write_id};
use super::read::whole;
use super::tag;
use super::value::{SectionReader, SectionWriter, is_array, is_object};
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::error::Malformed;
use crate::ids::{Key, RecordId};
use crate::value::bytes::{Input, write_varint};
use crate::value::{Object, Text, Value};
use crate::wire::message::PresenceOp;
use crate::wire::ops::fitting_offset;
use alloc::string::String;
use alloc::vec::Vec;

impl<'a> SectionWriter<'a, '_> {
    /// Ops in order of the ids.
    pub(super) fn ops(&mut self, ops: impl ExactSizeIterator<Item = (&'a RecordId, &'a RecordOp)>) {
        write_varint(self.out, ops.len() as u64);
        let mut before = "";
        for (id, op) in ops {
            write_id(self.out, before, id);
            before = id;
            match op {
                RecordOp::Put(record) => self.put(id, record),
                RecordOp::Patch(diff) => self.patch(diff),
                RecordOp::Remove => self.out.push(tag::REMOVE),
            }
        }
    }

    /// A diff that puts records, or removes those that are gone.
    pub(super) fn records(&mut self, records: &[(&'a RecordId, Option<&'a Object>)]) {
        write_varint(self.out, records.len() as u64);
        let mut before = "";
        for (id, record) in records {
            write_id(self.out, before, id);
            before = id;
            match record {
                Some(record) => self.put(id, record),
                None => self.out.push(tag::REMOVE),
            }
        }
    }

    fn put(&mut self, id: &'a str, record: &'a Object) {
        self.own_id = Some(id);
        self.object(record);
        self.own_id = None;
    }

    pub(super) fn presence(&mut self, op: &'a PresenceOp) {
        match op {
            PresenceOp::Put(record) => self.object(record),
            PresenceOp::Patch(diff) => self.patch(diff),
        }
    }

    fn patch(&mut self, diff: &'a ObjectDiff) {
        self.out.push(tag::PATCH);
        write_varint(self.out, diff.len() as u64);
        for (key, op) in diff.iter() {
            self.text(key);
            match op {
                ValueOp::Put(value) => self.value(value),
                ValueOp::Patch(diff) => self.patch(diff),
                ValueOp::AppendText { suffix, offset } => {
                    self.out.push(tag::APPEND_TEXT);
                    write_varint(self.out, *offset as u64);
                    self.text(suffix);
                }
                ValueOp::AppendItems { items, offset } => {
                    self.out.push(tag::APPEND_ITEMS);
                    write_varint(self.out, *offset as u64);
                    self.array(items);
                }
                ValueOp::Delete => self.out.push(tag::DELETE),
            }
        }
    }
}

impl SectionReader<'_, '_> {
    /// A diff of records that nest at most `depth` deep, into what was read of others before.
    pub(super) fn network_diff(
        &mut self,
        ops: &mut Vec<(RecordId, RecordOp)>,
        depth: usize,
    ) -> Result<(), Malformed> {
        let count = self.input.count()?;
        let mut id = String::new();
        for at in 0..count {
            let next = read_id(self.input, &id)?;
            if at > 0 && next <= id {
                return Err(Malformed);
            }
            id = next;
            let own_id = RecordId::from(&*id);
            let op = match self.input.byte()? {
                tag::PATCH => RecordOp::Patch(self.object_diff(depth)?),
                tag::REMOVE => RecordOp::Remove,
                tag => {
                    self.own_id = Some(Text::from(&*id));
                    let record = self.record(tag, depth)?;
                    self.own_id = None;
                    RecordOp::Put(record)
                }
            };
            ops.push((own_id, op));
        }
        Ok(())
    }

    pub(super) fn presence(&mut self, depth: usize) -> Result<PresenceOp, Malformed> {
        match self.input.byte()? {
            tag::PATCH => self.object_diff(depth).map(PresenceOp::Patch),
            tag => self.record(tag, depth).map(PresenceOp::Put),
        }
    }

    fn record(&mut self, tag: u8, depth: usize) -> Result<Object, Malformed> {
        if is_object(tag) { self.object(tag, depth) } else { Err(Malformed) }
    }

    fn object_diff(&mut self, levels: usize) -> Result<ObjectDiff, Malformed> {
        let levels = levels.checked_sub(1).ok_or(Malformed)?;
        let count = self.input.count()?;
        let mut ops: Vec<(Key, ValueOp)> = Vec::new();
        for _ in 0..count {
            let key = self.key()?;
            if ops.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Malformed);
            }
            ops.push((key, self.value_op(levels)?));
        }
        Ok(ops.into_iter().collect())
    }

    fn value_op(&mut self, levels: usize) -> Result<ValueOp, Malformed> {
        match self.input.byte()? {
            tag::PATCH => self.object_diff(levels).map(ValueOp::Patch),
            tag::DELETE => Ok(ValueOp::Delete),
            tag::APPEND_TEXT => {
                let offset = offset(self.input)?;
                let tag = self.input.byte()?;
                Ok(ValueOp::AppendText { suffix: self.text(tag)?, offset })
            }
            tag::APPEND_ITEMS => {
                let offset = offset(self.input)?;
                let tag = self.input.byte()?;
                if !is_array(tag) {
                    return Err(Malformed);
                }
                Ok(ValueOp::AppendItems { items: self.array(tag, levels)?, offset })
            }
            tag => self.tagged_value(tag, levels).map(ValueOp::Put),
        }
    }
}

fn offset(input: &mut Input<'_>) -> Result<usize, Malformed> {
    whole(input).map(fitting_offset)
}

/// A value in a section of its own.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    SectionWriter::new(out).value(value);
}

/// A diff in a section of its own.
pub(super) fn write_diff(out: &mut Vec<u8>, diff: &NetworkDiff) {
    write_ops(out, diff.iter());
}

/// A diff of these ops, which are in order of the ids, in a section of its own.
pub(super) fn write_ops<'a>(
    out: &mut Vec<u8>,
    ops: impl ExactSizeIterator<Item = (&'a RecordId, &'a RecordOp)>,
) {
    SectionWriter::new(out).ops(ops);
}

/// Reads a diff in a section of its own.
pub(super) fn read_diff(input: &mut Input<'_>, depth: usize) -> Result<NetworkDiff, Malformed> {
    let mut ops = Vec::new();
    SectionReader::new(input).network_diff(&mut ops, depth)?;
    Ok(ops.into_iter().collect())
}
