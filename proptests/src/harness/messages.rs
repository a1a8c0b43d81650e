//! What peers made of bytes say: messages that mostly fit what is there.

use crate::edit::{new_record, presence, record_id, serialized_schema};
use crate::tape::Tape;
use roomsync::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, Frame, HydrationType,
    IncompatibilityReason, Key, NetworkDiff, Object, ObjectAccess, ObjectDiff, PresenceOp, Push,
    PushAction, RecordId, RecordOp, SerializedSchema, ServerMessage, Value,
};

/// What a peer knows of who it talks to.
pub(super) struct Known<'a> {
    /// The record of an id.
    pub(super) record: &'a dyn Fn(&str) -> Option<Object>,
    /// The clock of the room.
    pub(super) clock: u64,
    /// What a client has asked and not heard of: to be let in, and its pushes.
    pub(super) request: Key,
    pub(super) pushes: &'a [u64],
}

/// What a client knows, which is asked nothing.
pub(super) fn known<'a>(record: &'a dyn Fn(&str) -> Option<Object>, clock: u64) -> Known<'a> {
    Known { record, clock, request: Key::from(""), pushes: &[] }
}

/// What a client that means no good says.
pub(super) fn client_message(tape: &mut Tape, known: &Known<'_>) -> ClientMessage {
    match tape.choose(8) {
        0 => ClientMessage::Ping,
        1 => ClientMessage::Custom(tape.new_value()),
        2 | 3 => ClientMessage::Connect(request(tape, known)),
        _ => ClientMessage::Push(Push {
            client_clock: clock(tape, known),
            diff: (tape.choose(6) > 0).then(|| network_diff(tape, known)),
            presence: (tape.choose(3) == 1).then(|| presence_op(tape)),
        }),
    }
}

/// A request to be let in, mostly one that works.
pub(super) fn request(tape: &mut Tape, known: &Known<'_>) -> ConnectRequest {
    let version = [Some(8), Some(8), Some(7), Some(6), Some(5), Some(4), Some(9), None];
    ConnectRequest {
        connect_request_id: Key::from(format!("r{}", tape.choose(4))),
        last_server_clock: (tape.choose(3) == 1).then(|| clock(tape, known)),
        protocol_version: version[tape.choose(version.len())],
        schema: (tape.choose(16) != 15).then(|| schema(tape)),
        client_id: [None, Some("phone".into()), Some("evil".into())][tape.choose(3)].clone(),
        last_acked_push: (tape.choose(3) == 1).then(|| clock(tape, known)),
        codecs: if tape.choose(2) == 1 { vec![Codec::Postcard] } else { Vec::new() },
    }
}

/// What a room that means no good says.
pub(super) fn server_message(tape: &mut Tape, known: &Known<'_>) -> ServerMessage {
    match tape.choose(12) {
        0 => ServerMessage::Pong,
        1 => ServerMessage::Custom(tape.new_value()),
        2 if tape.choose(8) == 1 => {
            let reason = [
                IncompatibilityReason::ClientTooOld,
                IncompatibilityReason::ServerTooOld,
                IncompatibilityReason::InvalidRecord,
                IncompatibilityReason::InvalidOperation,
            ];
            ServerMessage::Incompatible(reason[tape.choose(4)])
        }
        2..6 => ServerMessage::Connect(answer(tape, known)),
        _ => ServerMessage::Data((0..=tape.choose(3)).map(|_| entry(tape, known)).collect()),
    }
}

fn answer(tape: &mut Tape, known: &Known<'_>) -> ConnectAnswer {
    let is_own = tape.choose(8) != 7;
    ConnectAnswer {
        connect_request_id: if is_own { known.request.clone() } else { Key::from("r0") },
        hydration_type: match tape.choose(2) {
            0 => HydrationType::WipeAll,
            _ => HydrationType::WipePresence,
        },
        protocol_version: [8, 8, 8, 7, 6, 5, 4, 9][tape.choose(8)],
        schema: schema(tape),
        diff: network_diff(tape, known),
        server_clock: clock(tape, known),
        is_readonly: tape.choose(4) == 1,
        object_access: [None, Some(ObjectAccess::Read), Some(ObjectAccess::Write)][tape.choose(3)],
        last_applied_push: (tape.choose(2) == 1).then(|| clock(tape, known)),
    }
}

fn entry(tape: &mut Tape, known: &Known<'_>) -> DataEntry {
    if tape.choose(2) == 0 {
        return DataEntry::Patch {
            diff: network_diff(tape, known),
            server_clock: clock(tape, known),
        };
    }
    DataEntry::PushResult {
        client_clock: match (tape.choose(8), known.pushes.first()) {
            (7, _) | (_, None) => clock(tape, known),
            (_, Some(first)) => *first,
        },
        server_clock: clock(tape, known),
        action: match tape.choose(4) {
            0 => PushAction::Commit,
            1 => PushAction::Discard,
            _ => PushAction::RebaseWithDiff(network_diff(tape, known)),
        },
    }
}

/// Something that counts up: mostly what would be next.
fn clock(tape: &mut Tape, known: &Known<'_>) -> u64 {
    match tape.choose(8) {
        0..3 => known.clock,
        3..5 => known.clock + 1,
        5 => tape.choose(256) as u64,
        6 => (1 << 53) - 1,
        _ => u64::MAX >> 1,
    }
}

fn schema(tape: &mut Tape) -> SerializedSchema {
    let mut schema = serialized_schema();
    match tape.choose(16) {
        13 => schema.insert("sim.page", 4),
        14 => schema.insert("sim.other", 1),
        15 => return SerializedSchema::default(),
        _ => {}
    }
    schema
}

/// Changes of a few records.
pub(super) fn network_diff(tape: &mut Tape, known: &Known<'_>) -> NetworkDiff {
    (0..tape.choose(4)).map(|_| op(tape, known)).collect()
}

fn op(tape: &mut Tape, known: &Known<'_>) -> (RecordId, RecordOp) {
    let raw = tape.choose(256) as u16;
    let id = match raw {
        200 => String::new(),
        201 => "page:".repeat(60),
        202 => "camera:a".into(),
        203..208 => "cursor:1".into(),
        208 => "__proto__".into(),
        _ => record_id(raw).0.into(),
    };
    let (before, salt) = ((known.record)(&id), tape.choose(256) as u16);
    let op = match (tape.choose(8), before) {
        (0, _) => RecordOp::Remove,
        (1, _) => RecordOp::Put(tape.make_record()),
        (2..7, Some(record)) => RecordOp::Patch(diff_for(tape, &record)),
        (2, None) => RecordOp::Patch(tape.diff_for_object(&new_record(raw, salt))),
        _ => {
            let mut record =
                if id.starts_with("cursor") { presence(salt) } else { new_record(raw, salt) };
            record.insert("id", &*id);
            if tape.choose(2) == 1 {
                record = tape.edit_object(&record);
            }
            if tape.choose(16) == 15 {
                record.insert("bad", true);
            }
            RecordOp::Put(record)
        }
    };
    (RecordId::from(id), op)
}

/// A diff that mostly leaves alone who the record is.
fn diff_for(tape: &mut Tape, record: &Object) -> ObjectDiff {
    let is_bold = tape.choose(8) == 7;
    let diff = tape.diff_for_object(record);
    let ops = diff.iter().filter(|(key, _)| is_bold || !matches!(key.as_str(), "id" | "typeName"));
    ops.map(|(key, op)| (key.clone(), op.clone())).collect()
}

fn presence_op(tape: &mut Tape) -> PresenceOp {
    let record = presence(tape.choose(256) as u16);
    match tape.choose(3) {
        0 => PresenceOp::Put(record),
        1 => PresenceOp::Put(tape.make_record()),
        _ => PresenceOp::Patch(diff_for(tape, &record)),
    }
}

/// The bytes that a peer sends instead of a frame: mostly the frame, sometimes with something else
/// at a place or two, and sometimes any.
pub(super) fn sent(tape: &mut Tape, frame: &Frame) -> Vec<u8> {
    let mut bytes = frame.to_bytes().to_vec();
    match tape.choose(6) {
        4 => {
            for _ in 0..=tape.choose(2) {
                let at = tape.choose(256) * 7 % bytes.len().max(1);
                match tape.choose(3) {
                    0 if at < bytes.len() => bytes[at] = tape.choose(256) as u8,
                    1 => bytes.insert(at, tape.choose(256) as u8),
                    _ => bytes.truncate(at),
                }
            }
        }
        5 => {
            let most = tape.choose(64);
            bytes = tape.take(most);
        }
        _ => {}
    }
    bytes
}

/// A text in pieces, as a stock peer sends a long one.
pub(super) fn pieces(tape: &mut Tape, text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && pieces.len() < 6 {
        let at = rest.ceil_char_boundary(1 + tape.choose(64));
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    let numbers = (0..pieces.len()).rev();
    numbers.zip(pieces).map(|(number, piece)| format!("{number}_{piece}")).collect()
}

/// How large a value is, as limits count.
pub(super) fn size_of(value: &Value) -> usize {
    8 + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + size_of(value)).sum(),
    }
}
