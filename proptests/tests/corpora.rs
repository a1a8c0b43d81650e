//! What fuzzers have found worth keeping, on any compiler.

use roomsync_proptests::harness::{Reached, TARGETS, client_reach, room_reach};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

/// The names in a folder, sorted.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(FUZZ).join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_input_of_the_corpora_keeps_the_laws() {
    for (target, run) in TARGETS {
        let corpus = names(&format!("corpus/{target}"));
        assert!(!corpus.is_empty(), "{target} has no corpus");
        for name in corpus {
            let file = format!("fuzz/corpus/{target}/{name}");
            let input = fs::read(Path::new(FUZZ).join("..").join(&file)).unwrap();
            assert!(catch_unwind(|| run(&input)).is_ok(), "{file} breaks a law");
        }
    }
}

/// What the inputs of a target meet.
fn met(target: &str, reach: fn(&[u8]) -> Reached) -> Reached {
    let corpus = Path::new(FUZZ).join("corpus").join(target);
    let files = fs::read_dir(corpus).unwrap();
    files.flat_map(|file| reach(&fs::read(file.unwrap().path()).unwrap())).collect()
}

/// Corpora that never go somewhere prove nothing about it.
#[test]
fn the_corpora_of_live_machines_meet_what_those_are_about() {
    let room = met("room", room_reach);
    for what in [
        "WipeAll",
        "WipePresence",
        "in JSON",
        "in postcard",
        "patch",
        "commit",
        "discard",
        "rebase",
        "pong",
        "incompatible",
        "pruned",
        "forgotten",
        "taken in vain",
        "custom of a client",
        "sleep",
        "a room that is full",
        "closed: BAD_CHUNK",
        "closed: UNKNOWN_ERROR",
        "closed: INVALID_RECORD",
        "closed: CLIENT_TOO_OLD",
        "closed: SERVER_TOO_OLD",
        "closed: REPLACED",
        "closed: START_TIMEOUT",
        "closed: IDLE",
        "closed: RESET",
    ] {
        assert!(room.contains(what), "no input of a room meets {what}: {room:#?}");
    }
    let client = met("client", client_reach);
    for what in [
        "Status",
        "Changed",
        "Presence",
        "Query",
        "Confirmed",
        "Settled",
        "Refused",
        "Access",
        "Unreadable",
        "Custom",
        "undone",
        "redone",
        "closed: RESET",
        "closed: IDLE",
        "closed: DIAL_TIMEOUT",
    ] {
        assert!(client.contains(what), "no input of a client meets {what}: {client:#?}");
    }
}

#[test]
fn every_target_is_built_and_listed() {
    let listed: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
    let files: Vec<String> = listed.iter().map(|target| format!("{target}.rs")).collect();
    assert_eq!(names("fuzz_targets"), files);
    let manifest = fs::read_to_string(Path::new(FUZZ).join("Cargo.toml")).unwrap();
    let built: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    assert_eq!(built, listed);
    for target in listed {
        let file = Path::new(FUZZ).join(format!("fuzz_targets/{target}.rs"));
        let source = fs::read_to_string(file).unwrap();
        assert!(source.contains(&format!("harness::{target}(bytes)")), "{target} runs another");
    }
}
