//! What a schema says of its sequences, what can be wrong with them, and the order of migrations.

use super::*;
use alloc::vec::Vec;

/// The fault of a schema of these sequences.
#[track_caller]
fn fault(sequences: impl IntoIterator<Item = MigrationSequence>) -> SchemaError {
    schema(sequences).unwrap_err()
}

/// The order of all migrations of these sequences.
#[track_caller]
fn order(sequences: impl IntoIterator<Item = MigrationSequence>) -> Vec<Key> {
    let schema = schema(sequences).unwrap();
    let path = schema.migration_path(&SerializedSchema::default()).unwrap();
    path.ids().cloned().collect()
}

#[test]
fn the_version_of_a_sequence_is_the_number_of_its_last_migration() {
    let app = sequence("app", ["app/1", "app/2"].map(only_up));
    let schema = Schema::builder().migrations(app).migrations(MigrationSequence::new("new"));
    let schema = schema.sequence("elsewhere", 7).build().unwrap();
    let expected = versions([("app", 2), ("elsewhere", 7), ("new", 0)]);
    assert_eq!(schema.serialized(), Some(&expected));
}

#[test]
fn numbers_begin_at_1_and_have_no_gaps_and_ids_are_those_of_their_sequence() {
    let cases = [
        (&["app/2"] as &[_], "app/1", "app/2"),
        (&["app/0"], "app/1", "app/0"),
        (&["app/01"], "app/1", "app/01"),
        (&["other/1"], "app/1", "other/1"),
        (&["app"], "app/1", "app"),
        (&["app/1", "app/3"], "app/2", "app/3"),
        (&["app/1", "app/1"], "app/2", "app/1"),
    ];
    for (ids, expected, found) in cases {
        let fault = fault([sequence("app", ids.iter().map(|id| only_up(id)))]);
        let (expected, found) = (expected.into(), found.into());
        assert_eq!(fault, SchemaError::WrongMigrationId { expected, found }, "{ids:?}");
    }
}

#[test]
fn the_id_of_a_sequence_is_some_text_without_a_slash_and_stands_once() {
    for id in ["", "a/b", "/"] {
        assert_eq!(fault([MigrationSequence::new(id)]), SchemaError::BadSequenceId(id.into()));
    }
    let twice = ["app", "app"].map(MigrationSequence::new);
    assert_eq!(fault(twice), SchemaError::RepeatedSequence("app".into()));
    let both = Schema::builder().migrations(MigrationSequence::new("app")).sequence("app", 0);
    assert_eq!(both.build().unwrap_err(), SchemaError::RepeatedSequence("app".into()));
    let twice = Schema::builder().sequence("app", 1).serialized(versions([("app", 1)]));
    assert_eq!(twice.build().unwrap_err(), SchemaError::RepeatedSequence("app".into()));
}

#[test]
fn what_a_migration_depends_on_must_be_there() {
    let x = || sequence("x", [only_up("x/1")]);
    for missing in ["x/2", "y/1", "x", ""] {
        let app = sequence("app", [only_up("app/1").depends_on("x/1").depends_on(missing)]);
        let (migration, dependency) = ("app/1".into(), missing.into());
        let expected = SchemaError::MissingDependency { migration, dependency };
        assert_eq!(fault([app, x()]), expected);
    }
    // Of a plain version nobody knows how it came about.
    let app = sequence("app", [only_up("app/1").depends_on("z/1")]);
    let plain = Schema::builder().migrations(app).sequence("z", 1).build();
    assert!(matches!(plain, Err(SchemaError::MissingDependency { .. })));
}

#[test]
fn no_migration_comes_before_itself() {
    let cycle = |id: &str| SchemaError::Cycle(id.into());
    assert_eq!(fault([sequence("a", [only_up("a/1").depends_on("a/1")])]), cycle("a/1"));
    let later = sequence("a", [only_up("a/1").depends_on("a/2"), only_up("a/2")]);
    assert!(matches!(fault([later]), SchemaError::Cycle(_)));
    // What only needs those on the cycle is not to blame.
    let fault = fault([
        sequence("a", [only_up("a/1").depends_on("b/1")]),
        sequence("b", [only_up("b/1").depends_on("c/1")]),
        sequence("c", [only_up("c/1").depends_on("b/1")]),
    ]);
    assert!(fault == cycle("b/1") || fault == cycle("c/1"), "{fault:?}");
}

#[test]
fn only_migrations_of_single_records_have_filters() {
    let store = || Migration::store("app/1", |_| Ok(()));
    for filtered in [store().for_type("note"), store().with_filter(|_| true)] {
        let fault = fault([sequence("app", [filtered])]);
        assert_eq!(fault, SchemaError::FilterOfAllRecords("app/1".into()));
    }
}

#[test]
fn a_schema_that_adopts_has_no_sequences_of_its_own() {
    let builder = || Schema::builder().adopt();
    assert!(builder().build().unwrap().serialized().is_none());
    for adopting in [builder().sequence("a", 0), builder().migrations(MigrationSequence::new("a"))]
    {
        assert_eq!(adopting.build().unwrap_err(), SchemaError::AdoptsAndHasSequences);
    }
}

#[test]
fn migrations_come_after_what_they_depend_on_and_in_their_sequences_order() {
    let a = || {
        let [first, second, third] = ["a/1", "a/2", "a/3"].map(only_up);
        sequence("a", [first, second.depends_on("b/1"), third])
    };
    let b = || sequence("b", ["b/1", "b/2"].map(only_up));
    let c = || sequence("c", [only_up("c/1").depends_on("a/2").depends_on("b/2")]);
    assert_eq!(order([a(), b()]), ["a/1", "b/1", "a/2", "a/3", "b/2"].map(Key::from));
    assert_eq!(order([c(), a(), b()]), ["a/1", "b/1", "a/2", "a/3", "b/2", "c/1"].map(Key::from));
}

#[test]
fn what_may_come_next_comes_by_its_id_however_the_schema_was_put_together() {
    let a = || sequence("a", ["a/1", "a/2"].map(only_up));
    let b = || sequence("b", (1..12).map(|number| only_up(&alloc::format!("b/{number}"))));
    let expected = order([a(), b()]);
    assert_eq!(order([b(), a()]), expected);
    assert_eq!(expected[..4], ["a/1", "a/2", "b/1", "b/2"].map(Key::from));
    // By number, not by text.
    assert_eq!(expected[11..], ["b/10", "b/11"].map(Key::from));
}
