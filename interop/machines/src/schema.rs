//! The schemas of the tables. `interop/lib/table/schema.mjs` says the same to stock peers.

use roomsync::{
    InvalidRecord, Migration, MigrationFailed, MigrationSequence, Number, Object, RecordType,
    Schema, SchemaBuilder, SchemaError, Scope, StoredRecords, Value,
};

/// One version that clients must have, too.
pub(crate) fn schema() -> Result<Schema, SchemaError> {
    types().sequence("com.example.note", 2).sequence("com.example.pin", 1).build()
}

/// One that has come a long way.
pub(crate) fn migrating_schema() -> Result<Schema, SchemaError> {
    let extra = Migration::record("com.example.extra/1", |note| set(note, "extra", 1));
    types()
        .migrations(notes())
        .migrations(MigrationSequence::new("com.example.pin").then(
            Migration::record("com.example.pin/1", |pin| set(pin, "sharp", true)).for_type("pin"),
        ))
        .migrations(
            MigrationSequence::new("com.example.cursor").then(
                Migration::reversible_record(
                    "com.example.cursor/1",
                    |cursor| set(cursor, "shape", "arrow"),
                    |cursor| {
                        cursor.remove("shape");
                        Ok(())
                    },
                )
                .for_type("cursor"),
            ),
        )
        .migrations(
            MigrationSequence::new("com.example.trash")
                .then(Migration::store("com.example.trash/1", throw_away)),
        )
        .migrations(
            MigrationSequence::new("com.example.extra")
                .then(extra.for_type("note"))
                .not_retroactive(),
        )
        .build()
}

fn types() -> SchemaBuilder {
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
}

fn notes() -> MigrationSequence {
    let has_props = |note: &Object| note.get("props").and_then(Value::as_object).is_some();
    MigrationSequence::new("com.example.note")
        .then(
            Migration::reversible_record(
                "com.example.note/1",
                |note| rename(note, "title", "text"),
                |note| rename(note, "text", "title"),
            )
            .for_type("note"),
        )
        .then(
            Migration::reversible_record(
                "com.example.note/2",
                |note| {
                    with_props(note, |props| {
                        if props.get("color").is_none() {
                            props.insert("color", "black");
                        }
                    })
                },
                |note| {
                    with_props(note, |props| {
                        props.remove("color");
                    })
                },
            )
            .for_type("note")
            .with_filter(has_props),
        )
        .then(
            Migration::reversible_record(
                "com.example.note/3",
                |note| scale(note, 10.0),
                |note| scale(note, 0.1),
            )
            .for_type("note"),
        )
}

fn throw_away(records: &mut StoredRecords) -> Result<(), MigrationFailed> {
    let is_trash = |record: &Object| record.get("trash").and_then(Value::as_bool) == Some(true);
    let trash = records.entries().filter(|(_, record)| is_trash(record));
    let trash: Vec<_> = trash.map(|(id, _)| id.clone()).collect();
    for id in trash {
        records.delete(&id);
    }
    Ok(())
}

fn set(record: &mut Object, field: &str, value: impl Into<Value>) -> Result<(), MigrationFailed> {
    record.insert(field, value);
    Ok(())
}

fn rename(record: &mut Object, from: &str, to: &str) -> Result<(), MigrationFailed> {
    if let Some(value) = record.remove(from) {
        record.insert(to, value);
    }
    Ok(())
}

fn with_props(record: &mut Object, change: fn(&mut Object)) -> Result<(), MigrationFailed> {
    let mut props =
        record.get("props").and_then(Value::as_object).cloned().ok_or(MigrationFailed)?;
    change(&mut props);
    set(record, "props", props)
}

fn scale(record: &mut Object, factor: f64) -> Result<(), MigrationFailed> {
    let x = record.get("x").and_then(Value::as_number).map(Number::as_f64);
    match x {
        Some(x) => set(record, "x", (x * factor).round()),
        None => Ok(()),
    }
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
