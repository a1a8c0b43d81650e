//! Schemas and their migrations, made of bytes: some sound, some that fail, some that never fit.

use super::messages::{client_message, known};
use super::room::{read, room_config};
use crate::edit::{new_record, types};
use crate::tape::Tape;
use roomsync::{
    Client, ClientConfig, ClientMessage, ClientSnapshot, Codec, Instant, Key, Migration,
    MigrationFailed, MigrationPath, MigrationSequence, Object, Room, RoomAction, RoomSnapshot,
    Schema, SerializedSchema, SessionParams, StoredRecords, Value,
};
use std::sync::Arc;

const SEQUENCES: [&str; 3] = ["sim.page", "alpha", "beta"];
const FIELDS: [&str; 4] = ["x", "props", "meta", "note"];

/// Makes a schema of `bytes`, and takes records of an older one to it in every way there is.
pub fn migrations(bytes: &[u8]) {
    let mut tape = Tape::new(bytes.to_vec(), Vec::new());
    let is_lossless = tape.choose(2) == 1;
    let Some(schema) = make_schema(&mut tape, is_lossless) else { return };
    let from = older(&mut tape, &schema);
    let records: Vec<Object> = (0..=tape.choose(4))
        .map(|at| {
            let record = new_record(at as u16, tape.choose(256) as u16);
            if tape.choose(2) == 1 { tape.edit_object(&record) } else { record }
        })
        .collect();
    if let Ok(path) = schema.migration_path(&from) {
        goes_up_and_down(&path, &records, is_lossless);
    }
    restores_a_client(&schema, &from, &records);
    serves_the_older(&schema, &from, records, &mut tape);
}

fn make_schema(tape: &mut Tape, is_lossless: bool) -> Option<Arc<Schema>> {
    let mut builder = types();
    let mut known: Vec<String> = Vec::new();
    for name in SEQUENCES {
        let mut sequence = MigrationSequence::new(name);
        if tape.choose(4) == 3 {
            sequence = sequence.not_retroactive();
        }
        for version in 1..=tape.choose(4) {
            // A number that is not the next is refused, as is a need of what is unknown or later.
            let id = format!("{name}/{}", if tape.choose(64) == 63 { 7 } else { version });
            let mut migration = migration(tape, &id, is_lossless);
            match tape.choose(8) {
                6 => migration = migration.depends_on("beta/2"),
                7 if !known.is_empty() => {
                    migration = migration.depends_on(&known[tape.choose(known.len())]);
                }
                _ => {}
            }
            sequence = sequence.then(migration);
            known.push(id);
        }
        builder = builder.migrations(sequence);
    }
    builder.build().ok().map(Arc::new)
}

/// What a migration does. The first few lose nothing and can be taken back.
fn migration(tape: &mut Tape, id: &str, is_lossless: bool) -> Migration {
    let at = tape.choose(FIELDS.len());
    let (one, other) = (FIELDS[at], FIELDS[(at + 1) % FIELDS.len()]);
    let swap = move |record: &mut Object| {
        let (first, second) = (record.remove(one), record.remove(other));
        first.map(|value| record.insert(other, value));
        second.map(|value| record.insert(one, value));
        Ok(())
    };
    let wrap = move |record: &mut Object| {
        if let Some(value) = record.remove(one) {
            record.insert(one, [("was", value)].into_iter().collect::<Object>());
        }
        Ok(())
    };
    let unwrap = move |record: &mut Object| {
        let Some(value) = record.remove(one) else { return Ok(()) };
        let was = value.as_object().and_then(|wrapped| wrapped.get("was"));
        record.insert(one, was.ok_or(MigrationFailed)?.clone());
        Ok(())
    };
    match tape.choose(if is_lossless { 4 } else { 12 }) {
        0 => Migration::reversible_record(id, swap, swap),
        1 => Migration::reversible_record(id, wrap, unwrap),
        2 => Migration::reversible_record(id, wrap, unwrap)
            .with_filter(move |record| record.get(one).is_some()),
        3 => Migration::reversible_record(id, swap, swap).for_type("widget"),
        4 => Migration::record(id, move |record| {
            record.insert(one, Value::Null);
            Ok(())
        }),
        5 => Migration::record(id, move |record| match record.get(one) {
            Some(Value::Object(_)) => Err(MigrationFailed),
            _ => Ok(()),
        }),
        6 => Migration::record(id, |record| {
            record.remove("id");
            Ok(())
        }),
        7 => Migration::reversible_record(id, wrap, |_| Err(MigrationFailed)),
        8 => Migration::reversible_record(id, wrap, |record| {
            record.insert("typeName", "camera");
            Ok(())
        }),
        9 => Migration::store(id, |records| {
            let first = records.entries().next().map(|(id, _)| id.clone());
            first.map(|id| records.delete(&id));
            records.set(new_record(1, 1)).map(drop)
        }),
        10 => Migration::reversible_store(id, |_| Ok(()), |_| Ok(())),
        _ => Migration::record(id, |record| {
            record.insert("bad", true);
            Ok(())
        }),
    }
}

/// Versions from before: mostly such as lead to those of the schema.
fn older(tape: &mut Tape, schema: &Schema) -> SerializedSchema {
    let mut from = SerializedSchema::default();
    let own: Vec<(Key, u64)> = schema
        .serialized()
        .map(|own| own.iter().map(|(id, version)| (id.clone(), version)).collect())
        .unwrap_or_default();
    for (id, version) in own {
        match tape.choose(8) {
            0 => {}
            7 if tape.choose(8) == 7 => from.insert(&id, version + 1),
            _ => from.insert(&id, tape.choose(version as usize + 1) as u64),
        }
    }
    if tape.choose(16) == 15 {
        from.insert("gamma", 1);
    }
    from
}

fn goes_up_and_down(path: &MigrationPath, records: &[Object], is_lossless: bool) {
    let all: StoredRecords = records.iter().cloned().collect();
    let all_up = path.migrate_all_up(all.clone());
    let texts: Vec<String> = records.iter().map(Object::to_string).collect();
    for record in records {
        let Ok(up) = path.migrate_up(record.clone()) else {
            assert!(!is_lossless, "nothing fails");
            continue;
        };
        let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
        if let Ok(all_up) = &all_up {
            assert_eq!(all_up.get(id), Some(&up));
        }
        let down = path.migrate_down(up);
        assert!(!is_lossless || down.as_ref() == Ok(record), "{down:?}");
    }
    if let Ok(all_up) = all_up {
        let all_down = path.migrate_all_down(all_up);
        assert!(!is_lossless || all_down.as_ref() == Ok(&all), "{all_down:?}");
    }
    assert!(records.iter().map(Object::to_string).eq(texts), "a record changed that others hold");
}

/// A client goes on with what it kept under the older schema, or says why not.
fn restores_a_client(schema: &Arc<Schema>, from: &SerializedSchema, records: &[Object]) {
    let mut kept: Vec<(Key, Value)> = vec![
        ("meta".into(), r#"{"format":1,"serverClock":3,"lastPush":1}"#.parse().expect("JSON")),
        ("schema".into(), from.to_value()),
        ("push/1".into(), r#"{"page:a":["patch",{"x":["put",9]}]}"#.parse().expect("JSON")),
    ];
    for record in records {
        let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
        kept.push((format!("record/{id}").into(), record.clone().into()));
        let op: Value = r#"["patch",{"note":["put","edited"]}]"#.parse().expect("JSON");
        kept.push((format!("edit/{id}").into(), op));
    }
    let kept: ClientSnapshot = kept.into_iter().collect();
    let restore = |kept: &ClientSnapshot| {
        Client::restore(Instant::ZERO, ClientConfig::default(), Arc::clone(schema), kept)
    };
    let Ok(mut client) = restore(&kept) else { return };
    let mut kept = kept;
    client.handle_connected(Instant::ZERO);
    while let Some(action) = client.poll_action() {
        if let roomsync::ClientAction::Persist(commit) = action {
            kept.apply(&commit);
        }
    }
    let again = restore(&kept).expect("what a client keeps");
    assert!(again.records().eq(client.records()), "{kept:?}");
}

/// A room of the schema opens what the older one has left, and serves a client of it.
fn serves_the_older(
    schema: &Arc<Schema>,
    from: &SerializedSchema,
    records: Vec<Object>,
    tape: &mut Tape,
) {
    let mut snapshot = RoomSnapshot::default();
    snapshot.clock = 3;
    snapshot.schema = Some(from.clone());
    snapshot.documents = records.into_iter().map(|record| (record, 2)).collect();
    let restored = Room::restore(room_config(0), Arc::clone(schema), snapshot);
    let mut room = match restored {
        Ok(room) => room,
        Err(_) => Room::new(room_config(0), Arc::clone(schema)).expect("a good config"),
    };
    let kept = room.snapshot();
    let again = Room::restore(room_config(0), Arc::clone(schema), kept.clone());
    assert_eq!(again.expect("what a room has").snapshot(), kept);

    let connection = room.handle_connect(Instant::ZERO, SessionParams::new("older"));
    let connection = connection.expect("there is room");
    let text = format!(
        r#"{{"type":"connect","connectRequestId":"r","lastServerClock":-1,"protocolVersion":8,"schema":{}}}"#,
        from.to_value()
    );
    room.handle_message(Instant::ZERO, connection, text.as_bytes());
    while !tape.is_spent() {
        let record = |id: &str| room.record(id).cloned();
        let message = client_message(tape, &known(&record, room.clock()));
        if !matches!(message, ClientMessage::Connect(_)) {
            let frame = message.encode(Codec::Json);
            room.handle_message(Instant::ZERO, connection, &frame.to_bytes());
        }
        while let Some(action) = room.poll_action() {
            if let RoomAction::Send { frame, .. } = action {
                read(&frame);
            }
        }
        for (id, record) in room.records() {
            let name = record.get("typeName").and_then(Value::as_str).unwrap_or_default();
            assert!(schema.validate(name, record).is_ok(), "{id} is {record}");
        }
    }
}
