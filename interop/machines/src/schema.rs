//! The schemas of the tables. `interop/lib/table/schema.mjs` says the same to stock peers.

use roomsync::{InvalidRecord, Object, RecordType, Schema, SchemaError, Scope, Value};

pub(crate) fn schema() -> Result<Schema, SchemaError> {
    let note = RecordType::new(Scope::Document).with_validator(|note| {
        check(note, "x", is_number).and_then(|()| check(note, "text", is_string))
    });
    let cursor = RecordType::new(Scope::Presence).with_validator(|cursor| {
        cursor.get("name").filter(|name| is_string(name)).map(|_| ()).ok_or(InvalidRecord)
    });
    Schema::builder()
        .record_type("note", note)
        .record_type("pin", RecordType::new(Scope::Document))
        .record_type("tool", RecordType::new(Scope::Session))
        .record_type("cursor", cursor)
        .sequence("com.example.note", 2)
        .sequence("com.example.pin", 1)
        .build()
}

/// Whether the field is absent or as `is` says.
fn check(record: &Object, field: &str, is: fn(&Value) -> bool) -> Result<(), InvalidRecord> {
    if record.get(field).is_none_or(is) { Ok(()) } else { Err(InvalidRecord) }
}

fn is_number(value: &Value) -> bool {
    value.as_number().is_some()
}

fn is_string(value: &Value) -> bool {
    value.as_str().is_some()
}
