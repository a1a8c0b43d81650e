//! A client that only follows the wire: what a stock one would know of the room.

use super::*;
use crate::diff::{NetworkDiff, ObjectDiff, RecordOp, ValueOp};
use crate::wire::{DataEntry, HydrationType, PushAction, ServerMessage};
use alloc::collections::VecDeque;

/// What a client knows, and the pushes that it waits for.
#[derive(Default)]
pub(super) struct Replica {
    version: u32,
    records: BTreeMap<RecordId, Object>,
    pending: VecDeque<(u64, NetworkDiff)>,
    pub(super) clock: Option<u64>,
    is_connected: bool,
    /// The request of a `connect` that waits for its answer.
    asking: Option<String>,
}

impl Replica {
    pub(super) fn new(version: u32) -> Self {
        Self { version, ..Self::default() }
    }

    /// Notes that a `connect` was said. Until its answer nothing else counts.
    pub(super) fn asks(&mut self, request: String) {
        self.asking = Some(request);
    }

    /// Whether it is in, and not about to start afresh.
    pub(super) const fn may_push(&self) -> bool {
        self.is_connected && self.asking.is_none()
    }

    pub(super) fn lost_connection(&mut self) {
        (self.is_connected, self.asking) = (false, None);
        self.pending.clear();
    }

    /// Notes a push that was sent.
    pub(super) fn pushed(&mut self, client_clock: u64, diff: &str) {
        self.pending.push_back((client_clock, diff.parse().unwrap()));
    }

    /// Takes a message of the room, in either codec.
    pub(super) fn hear(&mut self, message: impl AsRef<[u8]>) {
        match ServerMessage::decode(message.as_ref(), 48)
            .expect("a message of the room can be read")
        {
            ServerMessage::Connect(answer) => {
                self.is_connected = true;
                if self.asking.as_ref().is_some_and(|asked| **asked != *answer.connect_request_id) {
                    return;
                }
                self.pending.clear();
                self.records.retain(|_, record| {
                    answer.hydration_type == HydrationType::WipePresence && !is_presence(record)
                });
                self.apply_heard(&answer.diff);
                self.clock = Some(answer.server_clock);
                self.asking = None;
            }
            ServerMessage::Data(entries) => {
                assert!(self.is_connected, "data before the answer to a connect");
                assert!(!entries.is_empty());
                if self.asking.is_none() {
                    entries.into_iter().for_each(|entry| self.hear_entry(entry));
                }
            }
            ServerMessage::Pong | ServerMessage::Custom(_) | ServerMessage::Incompatible(_) => {}
        }
    }

    fn hear_entry(&mut self, entry: DataEntry) {
        let clock = match entry {
            DataEntry::Patch { diff, server_clock } => {
                assert!(!diff.is_empty(), "a patch of nothing");
                self.apply_heard(&diff);
                server_clock
            }
            DataEntry::PushResult { client_clock, server_clock, action } => {
                let (pushed, asked) = self.pending.pop_front().expect("a push that was not sent");
                assert_eq!(pushed, client_clock, "results come in the order of the pushes");
                match action {
                    PushAction::Commit => self.apply(&asked),
                    PushAction::Discard => {}
                    PushAction::RebaseWithDiff(diff) => self.apply_heard(&diff),
                }
                server_clock
            }
        };
        assert!(Some(clock) >= self.clock, "the clock never goes back");
        self.clock = Some(clock);
    }

    fn apply_heard(&mut self, diff: &NetworkDiff) {
        for (_, op) in diff.iter() {
            let grows = matches!(op, RecordOp::Patch(diff) if appends_text(diff));
            assert!(self.version == 8 || !grows, "a string append for an old client");
        }
        self.apply(diff);
    }

    fn apply(&mut self, diff: &NetworkDiff) {
        for (id, op) in diff.iter() {
            match op {
                RecordOp::Put(record) => {
                    self.records.insert(id.clone(), record.clone());
                }
                RecordOp::Patch(diff) => {
                    let record =
                        self.records.get_mut(id).expect("a patch of a record that is known");
                    diff.apply(record);
                }
                RecordOp::Remove => {
                    self.records.remove(id);
                }
            }
        }
    }

    pub(super) fn has_answers(&self) -> bool {
        self.pending.is_empty()
    }

    /// The copy is the room's documents and the presence of all sessions but `own`.
    #[track_caller]
    pub(super) fn assert_equals(&self, room: &Room, own: &str) {
        let others = room.presence().filter(|(session, _)| session.as_str() != own);
        self.assert_sees(room, others.map(|(_, record)| record));
    }

    /// The copy is the room's documents and the presence that it is to see.
    #[track_caller]
    pub(super) fn assert_sees<'a>(&self, room: &Room, seen: impl Iterator<Item = &'a Object>) {
        let presence = seen.map(|record| {
            let id = record.get("id").and_then(crate::Value::as_str).unwrap();
            (RecordId::from(id), record.clone())
        });
        let documents = room.records().map(|(id, record)| (id.clone(), record.clone()));
        assert_eq!(self.records, documents.chain(presence).collect::<BTreeMap<_, _>>());
        assert!(self.clock <= Some(room.clock()));
    }
}

fn is_presence(record: &Object) -> bool {
    record.get("typeName").and_then(crate::Value::as_str) == Some("cursor")
}

fn appends_text(diff: &ObjectDiff) -> bool {
    diff.iter().any(|(_, op)| match op {
        ValueOp::AppendText { .. } => true,
        ValueOp::Patch(diff) => appends_text(diff),
        ValueOp::Put(_) | ValueOp::AppendItems { .. } | ValueOp::Delete => false,
    })
}
