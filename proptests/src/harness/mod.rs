//! What a fuzzer runs: one function of raw bytes for each target. None of them may panic, whatever
//! the bytes.
//!
//! - `decode`: every decoder, on bytes as they come.
//! - `room`, `client`: a live machine and peers made of the bytes; `messages`: what those say.
//! - `snapshots`, `migrations`: what is kept and how it becomes newer, made of the bytes.

mod client;
mod decode;
mod messages;
mod migrations;
mod room;
mod snapshots;

pub use client::{client, client_reach};
pub use decode::{
    decode_client_snapshot, decode_commit, decode_message, decode_ops, decode_room_snapshot,
    decode_schema, decode_session_snapshot, decode_value,
};
pub use migrations::migrations;
pub use room::{Reached, chunks, room, room_reach};
pub use snapshots::snapshots;

use crate::laws;
use crate::report::{Report, run};
use crate::script::Script;
use crate::tape::Tape;

/// A fuzz target: its name, which is that of its file in `fuzz/fuzz_targets` and of its corpus, and
/// what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("chunks", chunks),
    ("client", client),
    ("decode_client_snapshot", decode_client_snapshot),
    ("decode_commit", decode_commit),
    ("decode_message", decode_message),
    ("decode_ops", decode_ops),
    ("decode_room_snapshot", decode_room_snapshot),
    ("decode_schema", decode_schema),
    ("decode_session_snapshot", decode_session_snapshot),
    ("decode_value", decode_value),
    ("diff_laws", diff_laws),
    ("migrations", migrations),
    ("room", room),
    ("script", script),
    ("snapshots", snapshots),
];

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

/// Runs the script that `bytes` are, under all invariants.
///
/// # Panics
///
/// With a report, when one is broken.
pub fn script(bytes: &[u8]) {
    let script = Script::from_bytes(bytes);
    if let Some(failure) = &run(&script).failure {
        panic!("\n{}", Report { seed: None, script: &script, failure, file: None });
    }
}
