//! Who is let in: protocol versions and schemas.

use super::*;
use crate::ids::Key;

/// What a `connect` with these fields led to: the answer, or the close and what was said before.
fn try_connect(
    world: &mut World,
    version: &str,
    schema: &str,
) -> (Vec<String>, Option<CloseReason>) {
    let connection = world.open("a");
    world.say(connection, &connect(-1, version, schema));
    (world.heard(connection), world.closed(connection))
}

fn rejection(version: &str, schema: &str) -> Option<CloseReason> {
    let mut world = World::new();
    let (heard, closed) = try_connect(&mut world, version, schema);
    assert_eq!(heard.is_empty(), closed.is_some());
    assert_eq!(world.room.is_empty(), closed.is_some());
    closed
}

#[test]
fn versions_5_to_8_are_served() {
    for version in ["5", "6", "7", "8"] {
        assert_eq!(rejection(version, SCHEMA), None, "{version}");
    }
}

#[test]
fn older_versions_and_none_are_too_old() {
    for version in ["4", "0", "-1", "null"] {
        assert_eq!(rejection(version, SCHEMA), Some(CloseReason::ClientTooOld), "{version}");
    }
    let mut world = World::new();
    let a = world.open("a");
    let no_version = format!(
        r#"{{"type":"connect","connectRequestId":"r","lastServerClock":0,"schema":{SCHEMA}}}"#
    );
    world.say(a, &no_version);
    assert_eq!(world.closed(a), Some(CloseReason::ClientTooOld));
}

#[test]
fn newer_versions_are_for_a_newer_server() {
    for version in ["9", "100", "4294967295", "4294967296", "9007199254740991"] {
        assert_eq!(rejection(version, SCHEMA), Some(CloseReason::ServerTooOld), "{version}");
    }
}

#[test]
fn a_version_that_is_no_number_breaks_the_protocol() {
    for version in [r#""8""#, "8.5", "[8]", "{}"] {
        assert_eq!(rejection(version, SCHEMA), Some(CloseReason::UnknownError), "{version}");
    }
}

#[test]
fn the_same_schema_is_let_in_in_either_form() {
    let config = RoomConfig::default();
    let schema = Schema::builder().sequence("com.tldraw.store", 4).sequence("com.tldraw.page", 1);
    let schema = Arc::new(schema.build().unwrap());
    for form in [
        r#"{"schemaVersion":2,"sequences":{"com.tldraw.store":4,"com.tldraw.page":1}}"#,
        r#"{"schemaVersion":1,"storeVersion":4,"recordVersions":{"page":{"version":1}}}"#,
    ] {
        let mut world = World::of(Room::new(config.clone(), Arc::clone(&schema)).unwrap());
        let (heard, closed) = try_connect(&mut world, "8", form);
        assert_eq!((heard.len(), closed), (1, None), "{form}");
    }
}

#[test]
fn a_schema_that_is_missing_or_behind_makes_a_client_too_old() {
    for schema in [
        "null",
        r#"{"schemaVersion":2,"sequences":{}}"#,
        r#"{"schemaVersion":2,"sequences":{"com.test":1}}"#,
    ] {
        assert_eq!(rejection("8", schema), Some(CloseReason::ClientTooOld), "{schema}");
    }
}

#[test]
fn a_schema_that_is_ahead_or_unknown_makes_a_server_too_old() {
    for schema in [
        r#"{"schemaVersion":2,"sequences":{"com.test":3}}"#,
        r#"{"schemaVersion":2,"sequences":{"com.test":2,"com.other":0}}"#,
        r#"{"schemaVersion":2,"sequences":{"com.other":1}}"#,
    ] {
        assert_eq!(rejection("8", schema), Some(CloseReason::ServerTooOld), "{schema}");
    }
}

#[test]
fn a_schema_that_is_none_breaks_the_protocol() {
    for schema in [r#""x""#, "{}", r#"{"schemaVersion":3,"sequences":{}}"#] {
        assert_eq!(rejection("8", schema), Some(CloseReason::UnknownError), "{schema}");
    }
}

#[test]
fn versions_5_and_6_are_rejected_by_a_message_and_a_plain_close() {
    for version in ["5", "6"] {
        let mut world = World::new();
        let old = r#"{"schemaVersion":2,"sequences":{}}"#;
        let (heard, closed) = try_connect(&mut world, version, old);
        assert_eq!(heard, [r#"{"type":"incompatibility_error","reason":"clientTooOld"}"#]);
        assert_eq!(closed, Some(CloseReason::Disconnected));
        let new = r#"{"schemaVersion":2,"sequences":{"com.test":3}}"#;
        let mut world = World::new();
        let (heard, _) = try_connect(&mut world, version, new);
        assert_eq!(heard, [r#"{"type":"incompatibility_error","reason":"serverTooOld"}"#]);
        let mut world = World::new();
        let a = world.join_as(SessionParams::new("a"), version.parse().unwrap());
        world.push(a, 1, &put_page("p", r#","bad":1"#));
        let invalid = r#"{"type":"incompatibility_error","reason":"invalidRecord"}"#;
        assert_eq!(world.heard(a), [invalid]);
        let a = world.join_as(SessionParams::new("a"), version.parse().unwrap());
        world.say(a, r#"{"type":"nonsense"}"#);
        let invalid = r#"{"type":"incompatibility_error","reason":"invalidOperation"}"#;
        assert_eq!(world.heard(a), [invalid]);
        assert_eq!(world.closed(a), Some(CloseReason::Disconnected));
    }
}

#[test]
fn version_7_is_rejected_by_a_fatal_close() {
    let mut world = World::new();
    let a = world.join_as(SessionParams::new("a"), 7);
    world.push(a, 1, &put_page("p", r#","bad":1"#));
    world.assert_silence(a);
    assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord));
}

#[test]
fn every_version_is_answered_in_version_8_with_its_request_id_and_the_rooms_schema() {
    for version in 5..=8 {
        let mut world = World::new();
        let a = world.open("a");
        let answer = world.hello_as(a, -1, version);
        let expected = format!(
            r#"{{"type":"connect","connectRequestId":"r","hydrationType":"wipe_all","protocolVersion":8,"schema":{SCHEMA},"diff":{{}},"serverClock":0,"isReadonly":false,"objectAccess":"write"}}"#
        );
        assert_eq!(answer, expected);
    }
}

fn adopting() -> World {
    World::of(Room::new(RoomConfig::default(), Arc::new(Schema::tldraw())).unwrap())
}

#[test]
fn an_empty_room_adopts_the_schema_of_its_first_client_and_keeps_it() {
    let mut world = adopting();
    assert_eq!(world.room.snapshot().schema, None);
    let a = world.open("a");
    assert!(world.hello(a, -1).contains(SCHEMA));
    let commits = world.persisted();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].schema, world.room.snapshot().schema);
    assert_eq!((commits[0].clock, &*commits[0].changes), (0, &[][..]));
    let b = world.open("b");
    world.say(b, &connect(-1, "8", r#"{"schemaVersion":2,"sequences":{"com.test":3}}"#));
    assert_eq!(world.closed(b), Some(CloseReason::ServerTooOld));
    let c = world.open("c");
    world.hello(c, -1);
    assert_eq!(world.persisted(), []);
}

#[test]
fn the_adopted_schema_is_made_durable_before_the_answer() {
    let mut world = adopting();
    let a = world.open("a");
    world.say(a, &connect(-1, "8", SCHEMA));
    let position = |is: fn(&RoomAction) -> bool| world.actions.iter().position(is).unwrap();
    let persist = position(|action| matches!(action, RoomAction::Persist(_)));
    assert!(persist < position(|action| matches!(action, RoomAction::Send { .. })));
}

#[test]
fn a_client_that_is_refused_leaves_no_schema_behind() {
    let mut world = adopting();
    let a = world.open("a");
    world.say(a, &connect(-1, "4", SCHEMA));
    world.say(a, &connect(-1, "8", "null"));
    assert_eq!((world.room.snapshot().schema, world.persisted()), (None, Vec::new()));
}

#[test]
fn a_room_that_is_opened_again_has_the_schema_that_it_had() {
    let mut world = adopting();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    let snapshot = world.room.snapshot();
    let schema = Arc::new(Schema::tldraw());
    let room = Room::restore(RoomConfig::default(), schema, snapshot).unwrap();
    let mut world = World::of(room);
    let b = world.open("b");
    world.say(b, &connect(-1, "8", r#"{"schemaVersion":2,"sequences":{}}"#));
    assert_eq!(world.closed(b), Some(CloseReason::ClientTooOld));
    world.join("c");
    assert_eq!(world.persisted(), []);
}

#[test]
fn a_visitor_who_leaves_an_untouched_room_does_not_lock_out_others() {
    let odd = r#"{"schemaVersion":2,"sequences":{}}"#;
    let mut world = adopting();
    let a = world.open("a");
    world.say(a, &connect(-1, "8", odd));
    let b = world.open("b");
    world.say(b, &connect(-1, "8", SCHEMA));
    assert_eq!(world.closed(b), Some(CloseReason::ServerTooOld), "while the visitor is there");
    world.room.close_session(world.now, a, CloseReason::Closed).unwrap();
    world.persisted();
    let c = world.join("c");
    assert_eq!(world.persisted().len(), 1);
    world.push(c, 1, &put_page("p", ""));
    world.room.close_session(world.now, c, CloseReason::Closed).unwrap();
    let d = world.open("d");
    world.say(d, &connect(-1, "8", odd));
    assert_eq!(world.closed(d), Some(CloseReason::ClientTooOld), "since there was a document");
}

fn reader(name: &str) -> SessionParams {
    let mut params = SessionParams::new(name);
    params.readonly = true;
    params
}

const ODD: &str = r#"{"schemaVersion":2,"sequences":{"com.odd":1}}"#;

/// A reader fixed the schema of a room that nobody had written in yet, and locked all others out.
#[test]
fn who_may_not_write_does_not_decide_on_the_schema() {
    let mut world = adopting();
    let [odd, plain] = [("odd", ODD), ("plain", SCHEMA)].map(|(name, schema)| {
        let connection = world.open_as(reader(name));
        world.say(connection, &connect(-1, "8", schema));
        assert!(world.heard(connection)[0].contains(schema), "it is told its own");
        connection
    });
    assert_eq!((world.room.snapshot().schema, world.persisted()), (None, Vec::new()));
    let writer = world.join("writer");
    assert_eq!((world.closed(writer), world.persisted().len()), (None, 1));
    // Of the readers one finds the schema that it came with, and the other has to ask again.
    assert_eq!((world.closed(plain), world.closed(odd)), (None, Some(CloseReason::Reset)));
    world.push(writer, 1, &put_page("p", ""));
    world.assert_data(plain, &[patch(1, &put_page("p", ""))]);
    let odd = world.open_as(reader("odd"));
    world.say(odd, &connect(-1, "8", ODD));
    assert_eq!(world.closed(odd), Some(CloseReason::ServerTooOld));
}

#[test]
fn a_reader_waits_in_a_room_of_odd_schema_that_nobody_wrote_in() {
    let mut world = adopting();
    let visitor = world.open("visitor");
    world.say(visitor, &connect(-1, "8", ODD));
    world.room.close_session(world.now, visitor, CloseReason::Closed).unwrap();
    let plain = world.join_as(reader("plain"), 8);
    // The visitor comes again, and it is the visitor's room.
    let visitor = world.open("visitor");
    world.say(visitor, &connect(-1, "8", ODD));
    assert_eq!((world.closed(visitor), world.closed(plain)), (None, Some(CloseReason::Reset)));
}

#[test]
fn a_reader_of_the_schema_before_asks_again_when_another_is_decided_on() {
    let mut world = adopting();
    let visitor = world.join("visitor");
    let plain = world.join_as(reader("plain"), 8);
    world.room.close_session(world.now, visitor, CloseReason::Closed).unwrap();
    let writer = world.open("writer");
    world.say(writer, &connect(-1, "8", ODD));
    assert_eq!((world.closed(writer), world.closed(plain)), (None, Some(CloseReason::Reset)));
    // Who says it once more is in as before.
    world.say(writer, &connect(-1, "8", SCHEMA));
    assert_eq!(world.closed(writer), None);
    assert!(world.heard(writer).last().unwrap().contains(SCHEMA));
}

#[test]
fn who_may_write_objects_decides_where_there_are_objects() {
    for (types, decides) in [(&[][..], false), (&["page"], true)] {
        let object_types = types.iter().copied().map(Key::from).collect();
        let config = RoomConfig { object_types, ..RoomConfig::default() };
        let schema = Schema::from_json(r#"{"types":{"page":{"scope":"document"}}}"#).unwrap();
        let mut world = World::of(Room::new(config, Arc::new(schema)).unwrap());
        world.join_as(reader("a"), 8);
        assert_eq!(world.room.snapshot().schema.is_some(), decides);
    }
}

#[test]
fn a_reader_who_waits_for_a_schema_can_be_kept_and_resumed() {
    let mut world = adopting();
    let plain = world.join_as(reader("plain"), 8);
    let kept = world.room.session_snapshot(plain).unwrap();
    let mut world = adopting();
    world.join("writer");
    let resumed = world.act(|room, now| room.handle_resume(now, kept, Meta::default())).unwrap();
    assert_eq!(world.closed(resumed), None);
}

#[test]
fn a_schema_that_was_never_stored_goes_with_the_first_commit() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.push(a, 2, &put_page("q", ""));
    let schemas: Vec<_> = world.persisted().iter().map(|commit| commit.schema.clone()).collect();
    assert_eq!(schemas, [world.room.snapshot().schema, None]);
    // A snapshot without one is opened as the room's own, which then is new to the store.
    let snapshot = RoomSnapshot { schema: None, ..world.room.snapshot() };
    let room = Room::restore(RoomConfig::default(), Arc::new(schema()), snapshot).unwrap();
    let mut world = World::of(room);
    let a = world.join("a");
    world.push(a, 1, &put_page("r", ""));
    assert_eq!(world.persisted()[0].schema, world.room.snapshot().schema);
}

#[test]
fn a_snapshot_of_another_schema_is_not_opened() {
    let open = |version| {
        let mut snapshot = RoomSnapshot::default();
        let mut sequences = SerializedSchema::default();
        sequences.insert("com.test", version);
        snapshot.schema = Some(sequences);
        Room::restore(RoomConfig::default(), Arc::new(schema()), snapshot).map(drop)
    };
    assert_eq!(open(1), Err(RestoreError::SchemaTooOld));
    assert_eq!(open(2), Ok(()));
    assert_eq!(open(3), Err(RestoreError::SchemaTooNew));
}

/// Whoever comes back with what was there then would not be understood.
#[test]
fn a_room_in_which_there_was_something_keeps_its_schema() {
    let mut emptied = adopting();
    let a = emptied.join("a");
    emptied.push(a, 1, &put_page("p", ""));
    emptied.push(a, 2, r#"{"p":["remove"]}"#);
    emptied.room.close_session(emptied.now, a, CloseReason::Closed).unwrap();
    assert_eq!((emptied.room.records().count(), emptied.room.session_count()), (0, 0));
    // What others have stored need not begin to count at one.
    let mut stored = emptied.room.snapshot();
    stored.documents.push((page("p", "").parse().unwrap(), 0));
    (stored.clock, stored.tombstone_history_starts_at) = (0, 0);
    stored.tombstones.clear();
    let room = Room::restore(RoomConfig::default(), Arc::new(Schema::tldraw()), stored).unwrap();
    for mut world in [emptied, World::of(room)] {
        let odd = world.open("odd");
        world.say(odd, &connect(-1, "8", ODD));
        assert_eq!(world.closed(odd), Some(CloseReason::ServerTooOld));
        world.join("b");
    }
}

#[test]
fn nothing_is_heard_from_a_session_before_its_connect() {
    let mut world = World::new();
    let a = world.open("a");
    let push = format!(r#"{{"type":"push","clientClock":1,"diff":{}}}"#, put_page("p", ""));
    let custom = r#"{"type":"custom","data":1}"#;
    for (count, text) in [(1, push.as_str()), (2, r#"{"type":"ping"}"#), (3, custom)] {
        world.say(a, text);
        assert_eq!(world.room.counters().ignored_not_connected, count, "{text}");
    }
    world.assert_silence(a);
    assert_eq!(
        (world.record("p"), world.events().len(), world.closed(a)),
        (String::new(), 0, None)
    );
}

#[test]
fn a_clock_that_is_no_whole_number_is_as_none_unless_it_is_too_large() {
    for (clock, is_good) in [("1.5", true), ("-1.5", true), ("-1e300", true), ("1e300", false)] {
        let mut world = World::new();
        let a = world.open("a");
        let acked = format!(r#""lastAckedPush":{clock},"schema""#);
        world.say(a, &connect(-1, "8", SCHEMA).replace(r#""schema""#, &acked));
        assert_eq!(world.closed(a).is_none(), is_good, "{clock}");
    }
}
