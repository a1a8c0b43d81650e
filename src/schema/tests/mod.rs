use super::*;
use crate::value::Value;

fn serialized(json: &str) -> Result<SerializedSchema, SchemaError> {
    let value: Value = json.parse().map_err(SchemaError::Json)?;
    SerializedSchema::from_value(&value)
}

#[test]
fn a_version_1_schema_is_understood_as_sequences() {
    let schema = serialized(
        r#"{"schemaVersion":1,"storeVersion":4,"recordVersions":{
            "page":{"version":1},
            "shape":{"version":3,"subTypeVersions":{"geo":8,"draw":2},"subTypeKey":"type"}}}"#,
    )
    .unwrap();
    let expected = [
        ("com.tldraw.store", 4),
        ("com.tldraw.page", 1),
        ("com.tldraw.shape", 3),
        ("com.tldraw.shape.geo", 8),
        ("com.tldraw.shape.draw", 2),
    ];
    for (sequence, version) in expected {
        assert_eq!(schema.version(sequence), Some(version), "{sequence}");
    }
}

#[test]
fn what_is_no_serialized_schema_is_refused() {
    for json in [
        "1",
        "{}",
        r#"{"schemaVersion":3,"sequences":{}}"#,
        r#"{"schemaVersion":2}"#,
        r#"{"schemaVersion":2,"sequences":{"a":-1}}"#,
        r#"{"schemaVersion":2,"sequences":{"a":"1"}}"#,
        r#"{"schemaVersion":1,"storeVersion":1}"#,
        r#"{"schemaVersion":1,"storeVersion":1,"recordVersions":{"a":{}}}"#,
    ] {
        assert_eq!(serialized(json), Err(SchemaError::NotASchema), "{json}");
    }
}

#[test]
fn a_schema_file_names_its_fault() {
    let error = |json| Schema::from_json(json).unwrap_err();
    assert!(matches!(error("{"), SchemaError::Json(_)));
    assert_eq!(error("{}"), SchemaError::NoTypes);
    assert_eq!(error(r#"{"types":{"a":{}}}"#), SchemaError::BadScope("a".into()));
    assert_eq!(error(r#"{"types":{"a":{"scope":"x"}}}"#), SchemaError::BadScope("a".into()));
    assert_eq!(error(r#"{"types":{},"schema":{}}"#), SchemaError::NotASchema);
    let two = r#"{"types":{"a":{"scope":"presence"},"b":{"scope":"presence"}}}"#;
    assert_eq!(error(two), SchemaError::TwoPresenceTypes);
    assert!(Schema::from_json(r#"{"types":{}}"#).unwrap().serialized().is_none());
    let versions = r#"{"types":{},"schema":{"schemaVersion":2,"sequences":{"a":2}}}"#;
    let schema = Schema::from_json(versions).unwrap();
    assert_eq!(schema.serialized().and_then(|schema| schema.version("a")), Some(2));
}

mod building;
mod migrating;

/// The migration of that id, which only up does nothing.
fn only_up(id: &str) -> Migration {
    Migration::record(id, |_| Ok(()))
}

fn sequence(id: &str, migrations: impl IntoIterator<Item = Migration>) -> MigrationSequence {
    migrations.into_iter().fold(MigrationSequence::new(id), MigrationSequence::then)
}

fn versions<const N: usize>(versions: [(&str, u64); N]) -> SerializedSchema {
    let mut schema = SerializedSchema::default();
    for (sequence, version) in versions {
        schema.insert(sequence, version);
    }
    schema
}

fn schema(sequences: impl IntoIterator<Item = MigrationSequence>) -> Result<Schema, SchemaError> {
    sequences.into_iter().fold(Schema::builder(), SchemaBuilder::migrations).build()
}
