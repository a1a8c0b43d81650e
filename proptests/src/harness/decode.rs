//! Every decoder: what is read is written and read again the same, and can be used.

use super::room::{read, room_config};
use crate::edit::{new_record, schema};
use crate::laws;
use crate::oracle::records_of;
use roomsync::{
    Client, ClientCommit, ClientConfig, ClientMessage, ClientSnapshot, Commit, Instant, Limits,
    Meta, NetworkDiff, Object, ObjectDiff, Room, RoomAction, RoomConfig, RoomSnapshot, Schema,
    SerializedSchema, ServerMessage, SessionSnapshot, Value,
};
use std::sync::Arc;

/// How deep records may nest at most.
const DEPTH: usize = Limits::MAX_VALUE_DEPTH;

/// Reads `bytes` as a value, and as an object. Another reader, which reads each object by itself, reads
/// the same.
pub fn decode_value(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let value = text.parse::<Value>();
    // That one knows no halves of surrogate pairs.
    if !text.contains("\\u") {
        assert_eq!(value.clone().ok(), serde_json::from_str(text).ok(), "{text}");
    }
    if let Ok(value) = &value {
        laws::read_back(value);
    }
    let object = text.parse::<Object>().ok().map(Value::from);
    assert_eq!(value.ok().filter(|value| value.as_object().is_some()), object);
}

/// Reads `bytes` as diffs: what is read nests within the cap.
pub fn decode_ops(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(diff) = text.parse::<ObjectDiff>() {
        laws::read_back(&diff);
        let mut object = Object::new();
        diff.apply(&mut object);
        assert!(Value::Object(object).is_within_depth(DEPTH));
    }
    if let Ok(diff) = text.parse::<NetworkDiff>() {
        laws::read_back(&diff);
    }
}

/// Reads `bytes` as a message of either side, written in each codec and read again. A lower cap of
/// depth refuses it, or changes nothing.
pub fn decode_message(bytes: &[u8]) {
    if let Ok(message) = ClientMessage::decode(bytes, DEPTH) {
        laws::client_message(&message, DEPTH);
        let mut lower = (0..6).map(|depth| ClientMessage::decode(bytes, depth));
        assert!(lower.all(|read| read.is_err() || read.as_ref() == Ok(&message)));
    }
    if let Ok(message) = ServerMessage::decode(bytes, DEPTH) {
        laws::server_message(&message, DEPTH);
        let mut lower = (0..6).map(|depth| ServerMessage::decode(bytes, depth));
        assert!(lower.all(|read| read.is_err() || read.as_ref() == Ok(&message)));
    }
}

/// Reads `bytes` as what a peer says of its schema, and as a schema file.
pub fn decode_schema(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(value) = text.parse::<Value>()
        && let Ok(serialized) = SerializedSchema::from_value(&value)
    {
        let written = serialized.to_value();
        assert_eq!(SerializedSchema::from_value(&written).as_ref(), Ok(&serialized));
        // One without migrations can open what is of the very same versions.
        let plain = Schema::builder().serialized(serialized.clone()).build().expect("no types");
        let path = plain.migration_path(&serialized).expect("the same versions");
        assert!(path.is_empty());
    }
    if let Ok(schema) = Schema::from_json(text) {
        let room = Room::new(RoomConfig::default(), Arc::new(schema)).expect("a good config");
        assert_eq!(room.records().count(), 0);
    }
}

/// Reads `bytes` as a room's snapshot. A room that can be restored from it has just that.
pub fn decode_room_snapshot(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(snapshot) = RoomSnapshot::from_json(text) else { return };
    assert_eq!(RoomSnapshot::from_json(&snapshot.to_value().to_string()).as_ref(), Ok(&snapshot));
    opens(snapshot);
}

/// Restores a room from the snapshot, if that can be, and another from what that one has.
pub(super) fn opens(snapshot: RoomSnapshot) {
    let (config, schema) = (room_config(0), schema(true));
    let (clock, applied) = (snapshot.clock, snapshot.applied_pushes.len());
    let mut documents: Vec<Object> =
        snapshot.documents.iter().map(|(record, _)| record.clone()).collect();
    let Ok(room) = Room::restore(config.clone(), Arc::clone(&schema), snapshot) else { return };
    let kept = room.snapshot();
    assert_eq!((kept.clock, kept.applied_pushes.len()), (clock, applied));
    // Only documents are taken over, in order of their ids.
    documents.retain(|record| {
        let name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
        schema.scope(name) == Some(roomsync::Scope::Document)
    });
    documents.sort_by_key(|record| record.get("id").cloned());
    assert!(documents.iter().eq(kept.documents.iter().map(|(record, _)| record)));
    let again = Room::restore(config.clone(), Arc::clone(&schema), kept.clone());
    assert_eq!(again.expect("what a room has").snapshot(), kept);

    // A room that has other documents takes these on, and then has them.
    let mut other = Room::new(config, schema).expect("a good config");
    let put = other.transact(Instant::ZERO, |tx| tx.put(new_record(1, 3)));
    put.expect("a good record");
    if other.load_snapshot(Instant::ZERO, kept).is_ok() {
        assert!(other.records().map(|(_, record)| record).eq(room.records().map(|(_, it)| it)));
    }
}

/// Reads `bytes` as lines that a client has kept. A client that can be restored from them is the
/// same when it is restored again from what it keeps.
pub fn decode_client_snapshot(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut snapshot = ClientSnapshot::default();
    for line in text.lines() {
        let Ok(commit) = line.parse::<ClientCommit>() else { continue };
        laws::read_back(&commit);
        snapshot.apply(&commit);
        for (key, value) in commit.iter() {
            let kept = snapshot.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
            assert_eq!(kept, value, "{key}");
        }
    }
    goes_on(&snapshot);
}

/// Restores a client, if that can be. What that one keeps restores another like it.
pub(super) fn goes_on(snapshot: &ClientSnapshot) {
    let (now, config, schema) = (Instant::ZERO, ClientConfig::default(), schema(false));
    let restore =
        |kept: &ClientSnapshot| Client::restore(now, config.clone(), Arc::clone(&schema), kept);
    let Ok(mut client) = restore(snapshot) else { return };
    let mut kept = snapshot.clone();
    // Something of its own, so that it has reason to say what it keeps.
    // It may have something of another type there.
    drop(client.transact(now, |tx| tx.put(new_record(2, 1))));
    client.handle_connected(now);
    while let Some(action) = client.poll_action() {
        if let roomsync::ClientAction::Persist(commit) = action {
            kept.apply(&commit);
        }
    }
    let is_valid = |record: &Object| {
        let name = record.get("typeName").and_then(Value::as_str);
        name.is_some_and(|name| schema.validate(name, record).is_ok())
    };
    if !client.records().all(|(_, record)| is_valid(record)) {
        // No client has left that: what was put is of another schema.
        return;
    }
    let again = restore(&kept).expect("what a client keeps");
    assert_eq!(records_of(again.records()), records_of(client.records()));
    assert_eq!(again.server_clock(), client.server_clock());
    assert!(again.pending().eq(client.pending()), "{kept:?}");
}

/// Reads `bytes` as what a room keeps of a session while it sleeps, and takes the session up.
pub fn decode_session_snapshot(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(value) = text.parse::<Value>() else { return };
    let Ok(snapshot) = SessionSnapshot::from_value(&value) else { return };
    let written = snapshot.to_value();
    assert_eq!(SessionSnapshot::from_value(&written).as_ref(), Ok(&snapshot));
    resumes(snapshot);
}

/// Takes the session up in a room. If it is let in, it is who it was.
pub(super) fn resumes(snapshot: SessionSnapshot) {
    let mut room = Room::new(room_config(0), schema(false)).expect("a good config");
    for salt in 0..3 {
        let put = room.transact(Instant::ZERO, |tx| tx.put(new_record(salt, salt)));
        put.expect("a good record");
    }
    let resumed = room.handle_resume(Instant::ZERO, snapshot.clone(), Meta::default());
    let Ok(connection) = resumed else { return };
    while let Some(action) = room.poll_action() {
        if let RoomAction::Send { frame, .. } = action {
            read(&frame);
        }
    }
    let Some(kept) = room.session_snapshot(connection) else { return };
    assert_eq!((&kept.session, &kept.identity), (&snapshot.session, &snapshot.identity));
    assert_eq!(kept.protocol_version, snapshot.protocol_version);
    assert_eq!(kept.codec, snapshot.codec);
    assert_eq!(kept.client, snapshot.client);
    assert_eq!(kept.told_clock, room.clock(), "it was told the state");
    assert!(kept.unanswered.is_empty(), "all of its pushes were answered");
    room.handle_message(Instant::ZERO, connection, br#"{"type":"ping"}"#);
    assert!(room.poll_action().is_some(), "a ping is answered");
}

/// Reads `bytes` as a line of a trail of commits.
pub fn decode_commit(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(value) = text.parse::<Value>() else { return };
    if let Ok(commit) = Commit::from_value(&value) {
        let line = commit.to_value().to_string();
        assert!(!line.contains('\n'), "more than a line");
        let read = Commit::from_value(&line.parse().expect("it was written"));
        assert_eq!(read.as_ref(), Ok(&commit));
    }
}
