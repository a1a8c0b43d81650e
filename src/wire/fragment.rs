//! Parts of messages, which are encoded once and stand in the messages of many.

use super::encode::{DATA_BEGIN, DATA_END, write_connect_answer, write_data_entry, write_patch};
use super::message::{Codec, ConnectAnswer, DataEntry};
use super::ops::{write_put_of, write_put_or_remove};
use super::postcard;
use crate::diff::RecordOp;
use crate::frame::Frame;
use crate::ids::RecordId;
use crate::value::Object;
use alloc::vec::Vec;
use bytes::Bytes;

/// A part of a hydration in JSON: the records that are written so. No id may come twice.
pub(crate) fn json_records<'a>(
    records: impl Iterator<Item = (&'a RecordId, impl FnOnce(&mut Vec<u8>))>,
) -> Bytes {
    let mut out = Vec::new();
    for (id, write) in records {
        if !out.is_empty() {
            out.push(b',');
        }
        write_put_of(&mut out, id, write);
    }
    Bytes::from(out)
}

/// Most fragments are no longer than this.
const SHORT: usize = 512;

/// What `write` writes, in no more memory than that takes.
fn fragment(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(SHORT);
    write(&mut out);
    if out.len() <= SHORT { Bytes::copy_from_slice(&out) } else { Bytes::from(out) }
}

impl Codec {
    /// An entry of a data message.
    pub(crate) fn entry(self, entry: &DataEntry) -> Bytes {
        fragment(|out| match self {
            Self::Json => write_data_entry(out, entry),
            Self::Postcard => postcard::write_data_entry(out, entry),
        })
    }

    /// An entry of a data message that tells what changed, in order of the ids.
    pub(crate) fn patch(self, ops: &[(RecordId, RecordOp)], server_clock: u64) -> Bytes {
        debug_assert!(ops.is_sorted_by(|(a, _), (b, _)| a < b), "ids are sorted and distinct");
        let ops = ops.iter().map(|(id, op)| (id, op));
        fragment(|out| match self {
            Self::Json => write_patch(out, ops, server_clock),
            Self::Postcard => postcard::write_patch(out, ops, server_clock),
        })
    }

    /// A data message of those entries that are not empty, or `None` when all are.
    pub(crate) fn join<'a>(
        self,
        entries: impl Iterator<Item = &'a Bytes> + Clone,
    ) -> Option<Frame> {
        let (begin, between, end) = match self {
            Self::Json => (DATA_BEGIN, &b","[..], DATA_END),
            Self::Postcard => (postcard::DATA_BEGIN, &b""[..], &b""[..]),
        };
        let entries = entries.filter(|entry| !entry.is_empty());
        let lengths = entries.clone().map(|entry| between.len() + entry.len());
        let len = lengths.sum::<usize>() + begin.len() + end.len() - between.len();
        let mut out = Vec::with_capacity(len);
        for entry in entries {
            out.extend_from_slice(if out.is_empty() { begin } else { between });
            out.extend_from_slice(entry);
        }
        (!out.is_empty()).then(|| {
            out.extend_from_slice(end);
            Frame::new(out)
        })
    }

    /// A part of a hydration: these records are like this, or gone. No id may come twice.
    pub(crate) fn records<'a>(
        self,
        records: impl Iterator<Item = (&'a RecordId, Option<&'a Object>)>,
    ) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Json => {
                for (id, record) in records {
                    if !out.is_empty() {
                        out.push(b',');
                    }
                    write_put_or_remove(&mut out, id, record);
                }
            }
            Self::Postcard => {
                let mut records: Vec<_> = records.collect();
                records.sort_unstable_by_key(|(id, _)| *id);
                if !records.is_empty() {
                    postcard::write_records(&mut out, &records);
                }
            }
        }
        Bytes::from(out)
    }

    /// An answer whose diff is made of `parts` instead of its own. They are not copied: all who are
    /// told them share them.
    pub(crate) fn connect_answer(self, answer: &ConnectAnswer, parts: Vec<Bytes>) -> Frame {
        let mut head = Vec::with_capacity(2048);
        let mut tail = Vec::new();
        let between = match self {
            Self::Json => {
                // What stands before the diff and what after it.
                let mut diff_at = 0;
                write_connect_answer(&mut head, answer, |out| {
                    out.push(b'{');
                    diff_at = out.len();
                    out.push(b'}');
                });
                tail = head.split_off(diff_at);
                Bytes::from_static(b",")
            }
            Self::Postcard => {
                postcard::write_connect_answer(&mut head, answer);
                Bytes::new()
            }
        };
        let mut message = Vec::with_capacity(2 * parts.len() + 2);
        message.push(Bytes::from(head));
        for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            if index > 0 && !between.is_empty() {
                message.push(between.clone());
            }
            message.push(part);
        }
        message.push(Bytes::from(tail));
        Frame::of_parts(message)
    }
}
