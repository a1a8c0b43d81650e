//! Messages of `postcard-1` as they were once written: they are read for ever.
//!
//! `tests/postcard-1/{client,room}/NAME.bin` says what `NAME.json` beside it says. A file is never
//! changed; one for which there is only the JSON yet is written by this test, and then fails it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, as it should"
)]

use roomsync::{ClientMessage, Codec, Frame, ServerMessage};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The JSON and the binary of each message of a side.
fn files(side: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postcard-1").join(side);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let stems: BTreeSet<PathBuf> = entries.map(|path| path.with_extension("")).collect();
    stems
        .into_iter()
        .map(|stem| (stem.clone(), fs::read(stem.with_extension("json")).unwrap()))
        .collect()
}

fn golden(stem: &Path, written: &Frame) -> Vec<u8> {
    let path = stem.with_extension("bin");
    fs::read(&path).unwrap_or_else(|_| {
        fs::write(&path, written.to_bytes()).unwrap();
        panic!("{} was missing and is written now: commit it", path.display());
    })
}

#[test]
fn messages_of_clients_are_read_for_ever() {
    let files = files("client");
    assert_eq!(files.len(), 13);
    for (stem, json) in files {
        let message = ClientMessage::decode(&json, 40).unwrap();
        let golden = golden(&stem, &message.encode(Codec::Postcard));
        assert_eq!(ClientMessage::decode(&golden, 40), Ok(message), "{}", stem.display());
    }
}

#[test]
fn messages_of_rooms_are_read_for_ever() {
    let files = files("room");
    assert_eq!(files.len(), 12);
    for (stem, json) in files {
        let message = ServerMessage::decode(&json, 40).unwrap();
        let golden = golden(&stem, &message.encode(Codec::Postcard));
        assert_eq!(ServerMessage::decode(&golden, 40), Ok(message), "{}", stem.display());
    }
}
