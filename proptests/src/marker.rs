//! Whether what a client edits reaches the room.
//!
//! Some edits leave a mark that is made once and at a key that nobody else writes: so it must stand
//! in some commit, unless the client takes it back or somebody removes the record.

use crate::edit::{RECORDS, record_id};
use crate::invariant::{EDITS, Verdict, fail};
use crate::world::World;
use roomsync::{Client, Commit, Object, RecordId, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What has reached the room.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    made: u64,
    durable: BTreeSet<u64>,
    /// The clock at which a record was last removed.
    removed_at: BTreeMap<RecordId, u64>,
}

/// A mark that a client has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(crate) mark: u64,
    /// The clock of the room that the client had heard of.
    heard: u64,
}

pub(crate) fn key(client: usize) -> String {
    format!("mark{client}")
}

pub(crate) fn mark_of(record: Option<&Object>, key: &str) -> Option<u64> {
    let mark = record?.get(key).and_then(Value::as_number)?.as_i64()?;
    u64::try_from(mark).ok()
}

impl Marks {
    /// A new mark.
    pub const fn make(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// The host has refused what left these.
    pub(crate) fn excuse(&mut self, marks: impl Iterator<Item = u64>) {
        self.durable.extend(marks);
    }

    /// A commit is durable.
    pub fn persisted(&mut self, commit: &Commit) {
        for change in &commit.changes {
            match &change.after {
                Some(record) => {
                    let marks = record.iter().filter(|(key, _)| key.starts_with("mark"));
                    let marks = marks.filter_map(|(key, _)| mark_of(Some(record), key));
                    self.durable.extend(marks);
                }
                None => {
                    self.removed_at.insert(change.id.clone(), commit.clock);
                }
            }
        }
    }
}

/// The marks that a record has, or that a patch gives it.
pub(crate) fn marks_in(asked: &Object) -> impl Iterator<Item = u64> {
    let marks = asked.iter().filter(|(key, _)| key.starts_with("mark"));
    marks.filter_map(|(_, value)| {
        let put = value.as_array().and_then(|op| op.get(1)).unwrap_or(value);
        u64::try_from(put.as_number()?.as_i64()?).ok()
    })
}

/// Leaves a mark on a record.
pub(crate) fn leave(record: &mut Object, client: usize, mark: u64) {
    record.insert(key(client), mark);
}

/// The marks of a client on all records, as its application sees them.
pub(crate) fn seen(client: usize, machine: &Client) -> Vec<Option<u64>> {
    let key = key(client);
    (0..RECORDS).map(|raw| mark_of(machine.record(record_id(raw).0), &key)).collect()
}

impl World {
    /// An edit is made: the marks before it are given, those after it are expected from now on.
    pub(crate) fn expect_marks(&mut self, client: usize, before: &[Option<u64>]) {
        let own = &mut self.clients[client];
        if own.readonly {
            return;
        }
        let after = seen(client, &own.client);
        for (raw, (before, after)) in (0..RECORDS).zip(before.iter().zip(after)) {
            if *before == after {
                continue;
            }
            let (id, _) = record_id(raw);
            own.expected.remove(id);
            // A record that the room does not have may be one that was removed, and one of another
            // type in the room stays as it is.
            let type_name = |record: &Object| record.get("typeName").cloned();
            let known = self.oracle.documents().get(id).and_then(type_name);
            if let Some(mark) = after
                && known.is_some()
                && known == own.client.record(id).and_then(type_name)
            {
                let heard = own.client.server_clock().unwrap_or(0);
                own.expected.insert(id.into(), Expected { mark, heard });
            }
        }
    }

    /// All that is expected has reached the room.
    pub(crate) fn check_marks(&self) -> Verdict {
        let marks = &self.oracle.marks;
        for (index, own) in self.clients.iter().enumerate().filter(|(_, own)| !own.is_closed) {
            for (id, expected) in &own.expected {
                let removed_at = marks.removed_at.get(id).copied().unwrap_or(0);
                if removed_at <= expected.heard && !marks.durable.contains(&expected.mark) {
                    let mark = expected.mark;
                    return fail(EDITS, format!("mark {mark} of client {index} on {id} is lost"));
                }
            }
        }
        Ok(())
    }
}
