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
fn a_schema_that_knows_more_is_too_new_and_one_that_knows_less_too_old() {
    let own = serialized(r#"{"schemaVersion":2,"sequences":{"a":2,"b":2}}"#).unwrap();
    let cases = [
        (r#"{"a":2,"b":2}"#, Ok(())),
        (r#"{"a":1,"b":2}"#, Err(SchemaMismatch::TooOld)),
        (r#"{"a":2}"#, Err(SchemaMismatch::TooOld)),
        (r#"{"a":3,"b":2}"#, Err(SchemaMismatch::TooNew)),
        (r#"{"a":2,"b":2,"c":0}"#, Err(SchemaMismatch::TooNew)),
        (r#"{"a":1,"b":3}"#, Err(SchemaMismatch::TooNew)),
    ];
    for (sequences, expected) in cases {
        let json = alloc::format!(r#"{{"schemaVersion":2,"sequences":{sequences}}}"#);
        assert_eq!(own.accept(&serialized(&json).unwrap()), expected, "{sequences}");
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
}
