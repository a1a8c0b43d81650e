//! Which migrations lie between two schemas, and what they do to records.

use super::*;
use alloc::string::ToString;
use alloc::vec::Vec;

/// `a` at 2, `b` at 1 and not retroactive, `c` at 1, and `plain` at 3 without known migrations.
fn current() -> Schema {
    Schema::builder()
        .migrations(sequence("a", ["a/1", "a/2"].map(only_up)))
        .migrations(sequence("b", [only_up("b/1")]).not_retroactive())
        .migrations(sequence("c", [only_up("c/1")]))
        .sequence("plain", 3)
        .build()
        .unwrap()
}

#[test]
fn migrations_since_a_schema_are_those_after_its_versions() {
    let all = [("a", 2), ("b", 1), ("c", 1), ("plain", 3)];
    let with = |changed: &[(&str, u64)]| {
        let mut schema = versions(all);
        changed.iter().for_each(|(id, version)| schema.insert(id, *version));
        schema
    };
    let cases: [(_, &[&str]); 7] = [
        (with(&[]), &[]),
        (with(&[("a", 1)]), &["a/2"]),
        (with(&[("a", 0), ("c", 0)]), &["a/1", "a/2", "c/1"]),
        (with(&[("b", 0)]), &["b/1"]),
        // What a schema lacks applies if it is retroactive, and else does not.
        (versions([("b", 1), ("c", 1), ("plain", 3)]), &["a/1", "a/2"]),
        (versions([("a", 2), ("c", 1), ("plain", 3)]), &[]),
        (versions([("plain", 3)]), &["a/1", "a/2", "c/1"]),
    ];
    for (from, expected) in cases {
        let path = current().migration_path(&from).unwrap();
        assert!(path.ids().map(Key::as_str).eq(expected.iter().copied()), "{from:?}");
        assert_eq!(path.is_empty(), expected.is_empty());
    }
}

#[test]
fn a_schema_that_is_ahead_or_unknown_is_too_new_and_one_without_known_migrations_too_old() {
    use SchemaMismatch::{TooNew, TooOld};
    let cases = [
        (versions([("a", 3), ("b", 1), ("c", 1), ("plain", 3)]), TooNew),
        (versions([("a", 2), ("b", 1), ("c", 1), ("plain", 4)]), TooNew),
        (versions([("a", 2), ("b", 1), ("c", 1), ("plain", 3), ("d", 0)]), TooNew),
        (versions([("a", 1), ("plain", 2), ("d", 1)]), TooNew),
        (versions([("a", 2), ("b", 1), ("c", 1), ("plain", 2)]), TooOld),
        (versions([("a", 2), ("b", 1), ("c", 1)]), TooOld),
    ];
    for (from, expected) in cases {
        assert_eq!(current().migration_path(&from).unwrap_err(), expected, "{from:?}");
    }
    assert_eq!(Schema::tldraw().migration_path(&versions([])).unwrap_err(), TooNew);
}

#[test]
fn both_forms_of_serialized_schemas_lead_to_the_same_migrations() {
    let note = sequence("com.tldraw.note", ["com.tldraw.note/1", "com.tldraw.note/2"].map(only_up));
    let store = sequence("com.tldraw.store", [only_up("com.tldraw.store/1")]);
    let schema = schema([note, store]).unwrap();
    let new = r#"{"schemaVersion":2,"sequences":{"com.tldraw.note":1,"com.tldraw.store":0}}"#;
    let old = r#"{"schemaVersion":1,"storeVersion":0,"recordVersions":{"note":{"version":1}}}"#;
    for from in [new, old] {
        let path = schema.migration_path(&serialized(from).unwrap()).unwrap();
        let expected = ["com.tldraw.note/2", "com.tldraw.store/1"];
        assert!(path.ids().map(Key::as_str).eq(expected), "{from}");
    }
}

fn object(json: &str) -> Object {
    json.parse().unwrap()
}

fn put(key: &'static str, value: i64) -> impl Fn(&mut Object) -> Result<(), MigrationFailed> {
    move |record| {
        record.insert(key, value);
        Ok(())
    }
}

fn drop_key(key: &'static str) -> impl Fn(&mut Object) -> Result<(), MigrationFailed> {
    move |record| {
        record.remove(key);
        Ok(())
    }
}

/// Version 1 of notes gains `a`; in version 2 it is doubled; version 3 is for small ones only.
fn notes() -> Schema {
    let double = |by: fn(i64) -> Option<i64>| {
        move |note: &mut Object| {
            let value = note.get("a").and_then(Value::as_number).and_then(|number| number.as_i64());
            note.insert("a", value.and_then(by).ok_or(MigrationFailed)?);
            Ok(())
        }
    };
    let is_small = |note: &Object| note.get("small").is_some();
    let sequence = sequence(
        "note",
        [
            Migration::reversible_record("note/1", put("a", 1), drop_key("a")).for_type("note"),
            Migration::reversible_record(
                "note/2",
                double(|value| value.checked_mul(2)),
                double(|value| (value % 2 == 0).then_some(value / 2)),
            )
            .for_type("note"),
            Migration::reversible_record("note/3", put("b", 3), drop_key("b"))
                .with_filter(is_small)
                .for_type("note"),
        ],
    );
    schema([sequence]).unwrap()
}

#[test]
fn a_record_goes_up_in_order_and_down_in_reverse() {
    let path = notes().migration_path(&versions([])).unwrap();
    assert!(path.is_reversible());
    let old = object(r#"{"id":"1","typeName":"note"}"#);
    let new = path.migrate_up(old.clone()).unwrap();
    assert_eq!(new, object(r#"{"id":"1","typeName":"note","a":2}"#));
    assert_eq!(path.migrate_down(new).unwrap(), old);
}

#[test]
fn a_migration_sees_only_the_records_of_its_type_and_filter_in_both_directions() {
    let path = notes().migration_path(&versions([("note", 2)])).unwrap();
    let small = object(r#"{"id":"1","typeName":"note","small":1}"#);
    assert!(path.migrate_up(small).unwrap().get("b").is_some());
    for unseen in [r#"{"id":"1","typeName":"note","b":9}"#, r#"{"typeName":"tag","small":1,"b":9}"#]
    {
        let record = object(unseen);
        assert!(path.migrate_up(record.clone()).unwrap().ptr_eq(&record));
        assert!(path.migrate_down(record.clone()).unwrap().ptr_eq(&record));
    }
}

#[test]
fn a_migration_that_fails_is_named_and_gives_nothing_back() {
    let path = notes().migration_path(&versions([])).unwrap();
    let error = |result: Result<Object, MigrationError>| result.unwrap_err();
    let odd = object(r#"{"id":"1","typeName":"note","a":3}"#);
    let failed = MigrationError { migration: "note/2".into(), fault: MigrationFault::Failed };
    assert_eq!(error(path.migrate_down(odd.clone())), failed);
    assert!(failed.to_string().contains("note/2"));
    let records: StoredRecords = [odd].into_iter().collect();
    assert_eq!(path.migrate_all_down(records).unwrap_err(), failed);
}

#[test]
fn a_record_stays_the_one_that_it_is() {
    for key in ["id", "typeName"] {
        let change = put(key, 1);
        let schema = schema([sequence("a", [Migration::record("a/1", change)])]).unwrap();
        let path = schema.migration_path(&versions([])).unwrap();
        let record = object(r#"{"id":"1","typeName":"note"}"#);
        let error = path.migrate_up(record.clone()).unwrap_err();
        assert_eq!(error.fault, MigrationFault::IdentityChanged);
        let all = path.migrate_all_up([record].into_iter().collect()).unwrap_err();
        assert_eq!(all.fault, MigrationFault::IdentityChanged);
    }
}

#[test]
fn only_reversible_migrations_of_single_records_are_reversible() {
    let record = || object(r#"{"id":"1","typeName":"note"}"#);
    let store = Migration::reversible_store("a/1", |_| Ok(()), |_| Ok(()));
    let cases = [
        (only_up("a/1"), Ok(()), Err(MigrationFault::OnlyUp), Err(MigrationFault::OnlyUp)),
        (store, Err(MigrationFault::NeedsAllRecords), Err(MigrationFault::NeedsAllRecords), Ok(())),
        (
            Migration::store("a/1", |_| Ok(())),
            Err(MigrationFault::NeedsAllRecords),
            Err(MigrationFault::NeedsAllRecords),
            Err(MigrationFault::OnlyUp),
        ),
    ];
    for (migration, up, down, all_down) in cases {
        let schema = schema([sequence("a", [migration])]).unwrap();
        let path = schema.migration_path(&versions([])).unwrap();
        assert!(!path.is_reversible());
        let all: StoredRecords = [record()].into_iter().collect();
        assert_eq!(path.migrate_up(record()).map(drop).map_err(|error| error.fault), up);
        assert_eq!(path.migrate_down(record()).map(drop).map_err(|error| error.fault), down);
        let back = path.migrate_all_down(all.clone()).map(drop).map_err(|error| error.fault);
        assert_eq!(back, all_down);
        assert_eq!(path.migrate_all_up(all.clone()), Ok(all));
    }
}

#[test]
fn a_store_migration_may_look_at_add_and_remove_any_record() {
    let split = |records: &mut StoredRecords| {
        let notes: Vec<Object> = records.entries().map(|(_, record)| record.clone()).collect();
        for mut note in notes {
            let id = note.get("id").and_then(Value::as_str).ok_or(MigrationFailed)?;
            let (id, tag) = (Key::from(id), alloc::format!("tag:{id}"));
            let text = note.remove("tag").ok_or(MigrationFailed)?;
            let tag =
                [("id", Value::from(tag.as_str())), ("typeName", "tag".into()), ("text", text)];
            records.set(tag.into_iter().collect())?;
            if note.get("keep").is_some() {
                records.set(note)?;
            } else {
                records.delete(&id);
            }
        }
        Ok(())
    };
    let schema = schema([sequence("a", [Migration::store("a/1", split)])]).unwrap();
    let path = schema.migration_path(&versions([])).unwrap();
    let records: StoredRecords = [
        object(r#"{"id":"1","typeName":"note","tag":"x","keep":1}"#),
        object(r#"{"id":"2","typeName":"note","tag":"y"}"#),
    ]
    .into_iter()
    .collect();
    let migrated = path.migrate_all_up(records).unwrap();
    let ids: Vec<&str> = migrated.entries().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["1", "tag:1", "tag:2"]);
    assert!(migrated.get("1").unwrap().get("tag").is_none());
    let text = migrated.get("tag:2").unwrap().get("text").cloned();
    assert_eq!(text, Some("y".into()));
}

#[test]
fn what_is_no_record_cannot_be_stored() {
    let mut records = StoredRecords::default();
    for json in [r#"{"id":"1"}"#, r#"{"typeName":"a"}"#, r#"{"id":1,"typeName":"a"}"#] {
        assert_eq!(records.set(object(json)), Err(MigrationFailed), "{json}");
    }
    assert_eq!(records.entries().len(), 0);
}
