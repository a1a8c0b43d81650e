//! What older snapshots become, and the schema that these tests share with those of older clients.

use super::*;
use crate::error::RestoreError;
use crate::schema::{Migration, MigrationFailed, MigrationFault, MigrationSequence};
use crate::store::RoomSnapshot;

fn rename(record: &mut Object, from: &str, to: &str) -> Result<(), MigrationFailed> {
    if let Some(value) = record.remove(from) {
        record.insert(to, value);
    }
    Ok(())
}

/// Fails on a record with the key `stop`, and else makes `key` be `value`.
fn set(
    record: &mut Object,
    stop: &str,
    key: &str,
    value: Option<&str>,
) -> Result<(), MigrationFailed> {
    if record.get(stop).is_some() {
        return Err(MigrationFailed);
    }
    match value {
        Some(value) => record.insert(key, value),
        None => record.remove(key),
    };
    Ok(())
}

/// Version 3. Pages have had a `title` that became their `name`, then got a `color`; the `c` of
/// cursors became `at`. Of a page with the key `stuck` the second migration fails upwards, of one
/// with the key `modern` downwards. Shapes never changed.
pub(super) fn version_3() -> Schema {
    let app = MigrationSequence::new("app")
        .then(
            Migration::reversible_record(
                "app/1",
                |page| rename(page, "title", "name"),
                |page| rename(page, "name", "title"),
            )
            .for_type("page"),
        )
        .then(
            Migration::reversible_record(
                "app/2",
                |page| set(page, "stuck", "color", Some("red")),
                |page| set(page, "modern", "color", None),
            )
            .for_type("page"),
        )
        .then(
            Migration::reversible_record(
                "app/3",
                |cursor| rename(cursor, "c", "at"),
                |cursor| rename(cursor, "at", "c"),
            )
            .for_type("cursor"),
        );
    let good = |record: &Object| match record.get("bad") {
        None => Ok(()),
        Some(_) => Err(InvalidRecord),
    };
    Schema::builder()
        .record_type("page", RecordType::new(Scope::Document).with_validator(good))
        .record_type("shape", RecordType::new(Scope::Document))
        .record_type("camera", RecordType::new(Scope::Session))
        .record_type("cursor", RecordType::new(Scope::Presence))
        .migrations(app)
        .build()
        .unwrap()
}

/// What a client of that version says of its schema.
pub(super) fn older(version: u64) -> String {
    format!(r#"{{"schemaVersion":2,"sequences":{{"app":{version}}}}}"#)
}

pub(super) fn room_of_version_3(configure: impl FnOnce(&mut RoomConfig)) -> World {
    let mut config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
    configure(&mut config);
    World::of(Room::new(config, Arc::new(version_3())).unwrap())
}

/// Says `connect` with that schema and protocol version, and gives back the answer.
pub(super) fn enter(
    world: &mut World,
    connection: ConnectionId,
    schema: &str,
    version: u32,
) -> String {
    world.say(connection, &connect(-1, &version.to_string(), schema));
    world.heard(connection).concat()
}

/// A snapshot at clock 5 of records that were last changed at clock 2.
fn snapshot(schema: &str, records: &[&str]) -> RoomSnapshot {
    let document = |record: &&str| format!(r#"{{"state":{record},"lastChangedClock":2}}"#);
    let documents: Vec<String> = records.iter().map(document).collect();
    let json = format!(
        r#"{{"documentClock":5,"tombstoneHistoryStartsAtClock":1,"documents":[{}],"tombstones":{{"gone":4}},"schema":{schema}}}"#,
        documents.join(",")
    );
    RoomSnapshot::from_json(&json).unwrap()
}

fn restore(schema: Schema, snapshot: RoomSnapshot) -> Result<Room, RestoreError> {
    let config = RoomConfig { flush_interval: Duration::ZERO, ..RoomConfig::default() };
    Room::restore(config, Arc::new(schema), snapshot)
}

const OLD_PAGE: &str = r#"{"id":"p","typeName":"page","title":"x"}"#;
const NEW_PAGE: &str = r#"{"color":"red","id":"p","name":"x","typeName":"page"}"#;
const SHAPE: &str = r#"{"id":"s","typeName":"shape","x":1}"#;

#[test]
fn what_was_stored_is_migrated_and_made_durable_as_the_first_action() {
    let mut world =
        World::of(restore(version_3(), snapshot(&older(0), &[OLD_PAGE, SHAPE])).unwrap());
    assert_eq!((world.record("p"), world.room.clock()), (NEW_PAGE.to_string(), 6));
    assert!(matches!(world.room.poll_action(), Some(RoomAction::Persist(commit))
        if commit.clock == 6 && commit.origin == Origin::Host && commit.applied.is_none()
            && commit.changes.len() == 1 && commit.changes[0].after.as_ref().map(ToString::to_string).as_deref() == Some(NEW_PAGE)
            && commit.schema.as_ref() == version_3().serialized()));
    // Whoever knows the room from before hears of what was migrated, and of nothing else.
    let connection = world.open("back");
    world.say(connection, &connect(5, "8", &older(3)));
    let answer = world.heard(connection).concat();
    assert!(answer.contains("wipe_presence") && answer.contains(NEW_PAGE), "{answer}");
    assert!(!answer.contains("shape"), "{answer}");
}

#[test]
fn what_was_migrated_once_is_not_migrated_again() {
    let room = restore(version_3(), snapshot(&older(0), &[OLD_PAGE])).unwrap();
    let kept = room.snapshot();
    let mut again = restore(version_3(), kept.clone()).unwrap();
    assert_eq!((again.poll_action(), again.snapshot()), (None, kept));
}

#[test]
fn a_snapshot_that_no_migration_touches_opens_at_its_clock() {
    let mut room = restore(version_3(), snapshot(&older(0), &[SHAPE])).unwrap();
    assert_eq!((room.poll_action(), room.clock()), (None, 5));
    assert_eq!(room.snapshot().schema.as_ref(), version_3().serialized());
}

#[test]
fn records_that_are_no_documents_are_migrated_and_then_removed() {
    let camera = r#"{"id":"c","typeName":"camera"}"#;
    let cursor = r#"{"id":"m","typeName":"cursor","c":1}"#;
    let mut room = restore(version_3(), snapshot(&older(0), &[OLD_PAGE, camera, cursor])).unwrap();
    assert_eq!(room.records().count(), 1);
    let Some(RoomAction::Persist(commit)) = room.poll_action() else { panic!("a commit") };
    let removed: Vec<&str> = commit
        .changes
        .iter()
        .filter(|change| change.after.is_none())
        .map(|change| change.id.as_str())
        .collect();
    assert_eq!(removed, ["c", "m"]);
    let tombstones: Vec<_> = room.snapshot().tombstones;
    assert_eq!(tombstones, [("c".into(), 6), ("gone".into(), 4), ("m".into(), 6)]);
}

#[test]
fn a_store_migration_adds_and_removes_records_of_what_was_stored() {
    let swap = MigrationSequence::new("app").then(Migration::store("app/1", |records| {
        records.delete("p").ok_or(MigrationFailed)?;
        records.set([("id", "gone"), ("typeName", "page")].into_iter().collect())?;
        Ok(())
    }));
    let page = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("page", page).migrations(swap).build().unwrap();
    let room = restore(schema, snapshot(&older(0), &[OLD_PAGE])).unwrap();
    let kept = room.snapshot();
    assert_eq!((kept.clock, kept.documents.len(), kept.documents[0].1), (6, 1, 6));
    // The record that came back is no longer removed, and the other one is.
    assert_eq!(kept.tombstones, [("p".into(), 6)]);
}

#[test]
fn a_snapshot_that_cannot_be_migrated_is_not_opened() {
    let error = |schema: &str, record: &str| {
        restore(version_3(), snapshot(schema, &[SHAPE, record])).map(drop).unwrap_err()
    };
    let stuck = error(&older(0), r#"{"id":"p","typeName":"page","stuck":1}"#);
    assert!(matches!(&stuck, RestoreError::Migration(error)
        if error.migration == "app/2".into() && error.fault == MigrationFault::Failed));
    assert!(stuck.to_string().contains("app/2"));
    assert_eq!(error(&older(4), OLD_PAGE), RestoreError::SchemaTooNew);
    let unknown = r#"{"schemaVersion":2,"sequences":{"app":0,"x":0}}"#;
    assert_eq!(error(unknown, OLD_PAGE), RestoreError::SchemaTooNew);
    assert_eq!(error(&older(0), SHAPE), RestoreError::RepeatedId("s".into()));
    assert_eq!(error(&older(0), r#"{"typeName":"page"}"#), RestoreError::NotARecord);
    // What comes out has to be valid, whatever went in.
    let bad = r#"{"id":"p","typeName":"page","bad":1}"#;
    assert_eq!(error(&older(0), bad), RestoreError::InvalidRecord("p".into()));
    let plain = Schema::builder().record_type("page", RecordType::new(Scope::Document));
    let plain = plain.sequence("app", 1).build().unwrap();
    let error = restore(plain, snapshot(&older(0), &[OLD_PAGE])).map(drop).unwrap_err();
    assert_eq!(error, RestoreError::SchemaTooOld);
}

#[test]
fn an_older_snapshot_is_loaded_over_a_live_room_as_what_differs() {
    let mut world = room_of_version_3(|_| ());
    let connection = world.open("a");
    enter(&mut world, connection, &older(3), 8);
    world.push(
        connection,
        1,
        r#"{"p":["put",{"color":"blue","id":"p","name":"x","typeName":"page"}]}"#,
    );
    world.actions.clear();
    let load = |room: &mut Room, now, schema: &str, records: &[&str]| {
        room.load_snapshot(now, snapshot(schema, records))
    };
    world.act(|room, now| load(room, now, &older(0), &[OLD_PAGE, SHAPE])).unwrap();
    let put = format!(r#""s":["put",{}]"#, sorted(SHAPE));
    let diff = format!(r#"{{"p":["patch",{{"color":["put","red"]}}],{put}}}"#);
    world.assert_data(connection, &[patch(2, &diff)]);
    // Loaded again it is the same, whichever version it is told in.
    world.act(|room, now| load(room, now, &older(3), &[NEW_PAGE, SHAPE])).unwrap();
    world.assert_silence(connection);
    let kept = world.room.snapshot();
    let stuck = r#"{"id":"p","typeName":"page","stuck":1}"#;
    let failed = world.act(|room, now| load(room, now, &older(0), &[SHAPE, stuck])).unwrap_err();
    assert!(matches!(failed, RestoreError::Migration(_)));
    let twice = world.act(|room, now| load(room, now, &older(0), &[SHAPE, SHAPE])).unwrap_err();
    assert_eq!(twice, RestoreError::RepeatedId("s".into()));
    assert_eq!(world.room.snapshot(), kept);
}
