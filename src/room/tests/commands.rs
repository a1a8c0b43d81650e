//! What the host does to a room.

use super::*;
use crate::error::{OpenError, TransactError, UnknownConnection};
use crate::store::Transaction;

fn transact<T>(
    world: &mut World,
    f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError>,
) -> Result<T, TransactError> {
    world.act(|room, now| room.transact(now, f))
}

fn record(id: &str, fields: &str) -> Object {
    page(id, fields).parse().unwrap()
}

fn load(world: &mut World, snapshot: RoomSnapshot) -> Result<(), RestoreError> {
    world.act(|room, now| room.load_snapshot(now, snapshot))
}

/// A snapshot of clock 9 with these pages.
fn snapshot(pages: &[Object]) -> RoomSnapshot {
    let documents = pages.iter().map(|page| (page.clone(), 9)).collect();
    RoomSnapshot { clock: 9, documents, ..RoomSnapshot::default() }
}

#[test]
fn a_transaction_is_one_step_that_all_sessions_hear() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    transact(&mut world, |tx| tx.put(record("p", r#","x":1"#))).unwrap();
    world.actions.clear();
    let seen = transact(&mut world, |tx| {
        tx.update("p", |page| drop(page.insert("x", 2)))?;
        tx.put(record("q", ""))?;
        Ok(tx.record("p").map(ToString::to_string))
    });
    assert_eq!(seen, Ok(Some(page("p", r#","x":2"#))));
    let q = page("q", "");
    let diff = format!(r#"{{"p":["patch",{{"x":["put",2]}}],"q":["put",{q}]}}"#);
    for session in [a, b] {
        world.assert_data(session, &[patch(2, &diff)]);
    }
    let commits = world.persisted();
    assert_eq!((commits.len(), &commits[0].origin), (1, &Origin::Host));
    assert_eq!(world.events(), [RoomEvent::Committed(Arc::clone(&commits[0]))]);
}

#[test]
fn a_transaction_that_fails_changes_nothing() {
    let mut world = World::new();
    let a = world.join("a");
    transact(&mut world, |tx| tx.put(record("p", ""))).unwrap();
    world.actions.clear();
    let before = world.room.snapshot();
    let aborted: Result<(), _> = transact(&mut world, |tx| {
        tx.remove("p")?;
        Err(TransactError::Aborted)
    });
    assert_eq!(aborted, Err(TransactError::Aborted));
    let refused = |world: &mut World, record: &str| {
        let record: Object = record.parse().unwrap();
        transact(world, |tx| tx.put(record)).unwrap_err()
    };
    let invalid = refused(&mut world, &page("p", r#","bad":1"#));
    assert_eq!(invalid, TransactError::InvalidRecord("p".into()));
    assert_eq!(refused(&mut world, r#"{"id":"p"}"#), TransactError::NotARecord);
    let proto = r#"{"id":"__proto__","typeName":"page"}"#;
    assert_eq!(refused(&mut world, proto), TransactError::NotARecord);
    for type_name in ["camera", "cursor", "robot"] {
        let wrong = refused(&mut world, &format!(r#"{{"id":"c","typeName":"{type_name}"}}"#));
        assert_eq!(wrong, TransactError::WrongType("c".into()));
    }
    let other_type = r#"{"id":"p","typeName":"shape"}"#;
    assert_eq!(refused(&mut world, other_type), TransactError::IdentityChanged("p".into()));
    assert_eq!(transact(&mut world, |tx| tx.remove("z")), Err(TransactError::Missing("z".into())));
    assert_eq!(world.room.snapshot(), before);
    world.assert_silence(a);
    assert!(world.actions.is_empty());
}

#[test]
fn a_transaction_without_effect_moves_nothing() {
    let mut world = World::new();
    let a = world.join("a");
    transact(&mut world, |tx| tx.put(record("p", ""))).unwrap();
    world.actions.clear();
    transact(&mut world, |tx| tx.put(record("p", ""))).unwrap();
    transact(&mut world, |tx| {
        tx.put(record("q", ""))?;
        tx.remove("q")
    })
    .unwrap();
    assert_eq!((world.room.clock(), world.actions.len()), (1, 0));
    world.assert_silence(a);
}

#[test]
fn a_host_cannot_give_a_document_the_id_of_a_presence() {
    let mut world = World::new();
    world.join("a");
    let before = world.room.snapshot();
    let put = transact(&mut world, |tx| tx.put(record("cursor:0", "")));
    assert_eq!(put, Err(TransactError::WrongType("cursor:0".into())));
    let loaded = load(&mut world, snapshot(&[record("cursor:0", "")]));
    assert_eq!(loaded, Err(RestoreError::RepeatedId("cursor:0".into())));
    assert_eq!(world.room.snapshot(), before);
}

#[test]
fn a_closed_session_is_removed_at_once_with_its_reason() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(b, 1, &put_page("p", ""));
    world.actions.clear();
    world.push(b, 2, &put_page("q", ""));
    let close = |world: &mut World, connection, reason| {
        world.act(|room, now| room.close_session(now, connection, reason))
    };
    let reason = CloseReason::Custom("on vacation".into());
    assert_eq!(close(&mut world, a, reason.clone()), Ok(()));
    // What was collected for it came first.
    world.assert_data(a, &[patch(2, &put_page("q", ""))]);
    assert_eq!((world.closed(a), world.room.session_count()), (Some(reason.clone()), 1));
    let left = RoomEvent::Left { session: "a".into(), reason };
    assert_eq!(world.events().last(), Some(&left));
    assert_eq!(close(&mut world, a, CloseReason::Idle), Err(UnknownConnection(a)));
    // One that waits to be let in can be closed too.
    let c = world.open("c");
    assert_eq!(close(&mut world, c, CloseReason::Forbidden), Ok(()));
    assert_eq!(world.closed(c), Some(CloseReason::Forbidden));
}

#[test]
fn an_old_client_is_told_of_its_end_in_its_own_way() {
    let mut world = World::new();
    let a = world.join_as(SessionParams::new("a"), 6);
    let b = world.join_as(SessionParams::new("b"), 6);
    world.act(|room, now| room.close_session(now, a, CloseReason::Forbidden)).unwrap();
    let told = r#"{"type":"incompatibility_error","reason":"invalidOperation"}"#;
    assert_eq!(world.heard(a), [told]);
    assert_eq!(world.closed(a), Some(CloseReason::Disconnected));
    // A close that is not fatal needs no words.
    world.act(|room, now| room.close_session(now, b, CloseReason::Reset)).unwrap();
    world.assert_silence(b);
    assert_eq!(world.closed(b), Some(CloseReason::Reset));
}

#[test]
fn a_shutdown_flushes_closes_everybody_and_lets_nobody_in() {
    let mut world = World::timed(|_| ());
    let (a, b, c) = (world.join("a"), world.join("b"), world.open("c"));
    world.present(a, 1, r#"["put",{}]"#);
    world.push(a, 2, &put_page("p", ""));
    world.disconnect(b);
    world.actions.clear();
    world.act(Room::shutdown);
    world.assert_data(a, &[commit(2, 1)]);
    for connection in [a, c] {
        assert_eq!(world.closed(connection), Some(CloseReason::ShuttingDown));
    }
    assert!(!CloseReason::ShuttingDown.is_fatal());
    let left =
        |name: &str| RoomEvent::Left { session: name.into(), reason: CloseReason::ShuttingDown };
    let gone = RoomEvent::Presence { session: "a".into(), record: None };
    assert_eq!(world.events(), [gone, left("a"), left("b"), RoomEvent::Empty]);
    let refused = world.act(|room, now| room.handle_connect(now, SessionParams::new("d")));
    assert_eq!(refused, Err(OpenError::ShutDown));
    world.push(a, 3, &put_page("q", ""));
    world.act(Room::shutdown);
    world.tick(millis(60_000));
    assert_eq!((world.events(), world.room.clock()), (Vec::new(), 1));
    assert_eq!(world.room.poll_timeout(), None);
}

#[test]
fn a_loaded_snapshot_reaches_sessions_as_what_differs_in_one_step() {
    let mut world = World::new();
    let a = world.join("a");
    for (n, id) in ["same", "changed", "gone"].iter().enumerate() {
        world.push(a, n as u64, &put_page(id, r#","x":1"#));
    }
    world.actions.clear();
    let pages = [
        record("same", r#","x":1"#),
        record("changed", r#","x":2"#),
        record("new", ""),
        r#"{"id":"c","typeName":"camera"}"#.parse().unwrap(),
    ];
    load(&mut world, snapshot(&pages)).unwrap();
    let new = page("new", "");
    let diff = format!(
        r#"{{"changed":["patch",{{"x":["put",2]}}],"gone":["remove"],"new":["put",{new}]}}"#
    );
    world.assert_data(a, &[patch(4, &diff)]);
    let stored = world.room.snapshot();
    assert_eq!((stored.clock, &*stored.tombstones), (4, &[("gone".into(), 4)][..]));
    let clocks: Vec<_> = stored.documents.iter().map(|(_, clock)| *clock).collect();
    assert_eq!(clocks, [4, 4, 1], "changed, new, same");
    let commits = world.persisted();
    assert_eq!((commits.len(), commits[0].changes.len()), (1, 3));
}

#[test]
fn loading_a_snapshot_twice_changes_nothing_the_second_time() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    let own = world.room.snapshot();
    world.actions.clear();
    load(&mut world, own).unwrap();
    assert!(world.actions.is_empty());
    let other = snapshot(&[record("q", "")]);
    load(&mut world, other.clone()).unwrap();
    world.actions.clear();
    let before = world.room.snapshot();
    load(&mut world, other).unwrap();
    assert!(world.actions.is_empty());
    assert_eq!(world.room.snapshot(), before);
}

#[test]
fn a_snapshot_that_cannot_be_loaded_changes_nothing() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    let before = world.room.snapshot();
    let twice = snapshot(&[record("q", ""), record("q", "")]);
    assert_eq!(load(&mut world, twice), Err(RestoreError::RepeatedId("q".into())));
    let bad = snapshot(&[record("q", ""), record("r", r#","bad":1"#)]);
    assert_eq!(load(&mut world, bad), Err(RestoreError::InvalidRecord("r".into())));
    let nothing = snapshot(&[Object::new()]);
    assert_eq!(load(&mut world, nothing), Err(RestoreError::NotARecord));
    let mut newer = SerializedSchema::default();
    newer.insert("com.test", 3);
    let other = RoomSnapshot { schema: Some(newer), ..snapshot(&[]) };
    assert_eq!(load(&mut world, other), Err(RestoreError::SchemaTooNew));
    assert_eq!(world.room.snapshot(), before);
    assert!(world.actions.is_empty());
}

#[test]
fn a_fresh_room_adopts_the_schema_of_a_snapshot_in_the_same_commit() {
    let mut world =
        World::of(Room::new(RoomConfig::default(), Arc::new(Schema::tldraw())).unwrap());
    let mut schema = SerializedSchema::default();
    schema.insert("com.test", 2);
    let full = RoomSnapshot { schema: Some(schema.clone()), ..snapshot(&[record("p", "")]) };
    load(&mut world, full).unwrap();
    let commits = world.persisted();
    assert_eq!((commits.len(), &commits[0].schema), (1, &Some(schema.clone())));
    assert_eq!((commits[0].clock, commits[0].changes.len()), (1, 1));
    assert_eq!(world.room.snapshot().schema, Some(schema.clone()));
    // Emptied, it takes another, and one that tells none leaves it.
    load(&mut world, snapshot(&[])).unwrap();
    assert_eq!(world.room.snapshot().schema, Some(schema.clone()));
    schema.insert("com.test", 7);
    load(&mut world, RoomSnapshot { schema: Some(schema.clone()), ..snapshot(&[]) }).unwrap();
    assert_eq!(world.persisted().last().unwrap().schema, Some(schema.clone()));
    assert_eq!(world.room.snapshot().schema, Some(schema));
}

/// A room kept the schema of its first client for good, so that it did not outlive the first
/// version of tldraw that knows more.
#[test]
fn a_room_that_adopts_goes_on_to_the_newer_schema_of_a_snapshot() {
    let schema = |versions: &[(&str, u64)]| {
        let mut schema = SerializedSchema::default();
        versions.iter().for_each(|(id, version)| schema.insert(id, *version));
        schema
    };
    let load_as = |world: &mut World, schema: &SerializedSchema| {
        load(world, RoomSnapshot { schema: Some(schema.clone()), ..snapshot(&[record("p", "")]) })
    };
    for newer in [schema(&[("com.test", 3)]), schema(&[("com.test", 2), ("com.new", 1)])] {
        let mut world =
            World::of(Room::new(RoomConfig::default(), Arc::new(Schema::tldraw())).unwrap());
        let a = world.join("a");
        world.push(a, 1, &put_page("p", r#","old":1"#));
        world.actions.clear();
        load_as(&mut world, &newer).unwrap();
        // Who is of the old schema hears nothing of the new records, and may ask again.
        world.assert_silence(a);
        assert_eq!(world.closed(a), Some(CloseReason::Reset));
        let commits = world.persisted();
        assert_eq!((commits.len(), &commits[0].schema), (1, &Some(newer.clone())));
        let a = world.open("a");
        world.say(a, &connect(-1, "8", SCHEMA));
        assert_eq!(world.closed(a), Some(CloseReason::ClientTooOld));
        let b = world.open("b");
        world.say(b, &connect(-1, "8", &newer.to_value().to_string()));
        assert!(world.heard(b)[0].contains(r#""p":["put""#));
        // Not back again, which would take away what the new one has made.
        let old = schema(&[("com.test", 2)]);
        assert_eq!(load_as(&mut world, &old), Err(RestoreError::SchemaTooOld));
        assert_eq!(world.closed(b), None);
    }
}

#[test]
fn a_room_goes_back_to_an_older_schema_only_while_there_is_nothing_in_it() {
    for (has_document, has_session) in [(true, true), (true, false), (false, true), (false, false)]
    {
        let of_version = |version, pages: &[Object]| {
            let mut schema = SerializedSchema::default();
            schema.insert("com.test", version);
            RoomSnapshot { schema: Some(schema), ..snapshot(pages) }
        };
        let mut world =
            World::of(Room::new(RoomConfig::default(), Arc::new(Schema::tldraw())).unwrap());
        let pages = [record("p", "")];
        load(&mut world, of_version(3, if has_document { &pages } else { &[] })).unwrap();
        if has_session {
            let a = world.open("a");
            world.say(a, &connect(-1, "8", &SCHEMA.replace(":2}", ":3}")));
            assert_eq!(world.closed(a), None);
        }
        let back = load(&mut world, of_version(2, &[]));
        let is_empty = !has_document && !has_session;
        assert_eq!(back, if is_empty { Ok(()) } else { Err(RestoreError::SchemaTooOld) });
    }
}
