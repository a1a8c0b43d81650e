//! The laws on raw bytes, as a fuzzer makes them. None of these may panic, whatever the bytes.

use crate::laws;
use crate::tape::Tape;
use roomsync::{ClientMessage, Limits, NetworkDiff, ObjectDiff, ServerMessage, Value};

/// How deep records may nest at most.
const DEPTH: usize = Limits::MAX_VALUE_DEPTH;

/// Makes records and diffs of `bytes`, and holds the laws of diffs against them.
pub fn diff_laws(bytes: &[u8]) {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    let before = tape.make_record();
    let after = tape.edit_object(&before);
    laws::computing(&before, &after);

    let first = tape.diff_for_object(&before);
    laws::application(&before, &first);
    // Made for another object, so it fits in some places and not in others.
    let then = tape.diff_for_object(&after);
    laws::application(&before, &then);
    laws::composition(&before, &first, &then);
}

/// Reads `bytes` as a value: what is read is written and read again the same.
pub fn decode_value(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(value) = text.parse::<Value>()
    {
        laws::read_back(&value);
    }
}

/// Reads `bytes` as diffs: what is read nests within the cap, and is written and read again the
/// same.
pub fn decode_ops(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(diff) = text.parse::<ObjectDiff>() {
        laws::read_back(&diff);
        let mut object = roomsync::Object::new();
        diff.apply(&mut object);
        assert!(Value::Object(object).is_within_depth(Limits::MAX_VALUE_DEPTH));
    }
    if let Ok(diff) = text.parse::<NetworkDiff>() {
        laws::read_back(&diff);
    }
}

/// Whatever is read as a message of either side is written in each codec and read again the same.
pub fn decode_message(bytes: &[u8]) {
    if let Ok(message) = ClientMessage::decode(bytes, DEPTH) {
        laws::client_message(&message, DEPTH);
    }
    if let Ok(message) = ServerMessage::decode(bytes, DEPTH) {
        laws::server_message(&message, DEPTH);
    }
}
