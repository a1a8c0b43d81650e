//! A client that is restored with a newer schema than it had.

use super::persist::Kept;
use super::*;
use crate::schema::{Migration, MigrationFailed, MigrationSequence, StoredRecords};

/// The schema after [`schema`] of which the migrations of the store are these.
fn restocked(
    restock: impl Fn(&mut StoredRecords) -> Result<(), MigrationFailed> + Send + Sync + 'static,
) -> Arc<Schema> {
    let first = Migration::record("com.example.note/1", |_| Err(MigrationFailed));
    let second = Migration::store("com.example.note/2", restock);
    let notes = MigrationSequence::new("com.example.note").then(first).then(second);
    let note = RecordType::new(Scope::Document);
    Arc::new(Schema::builder().record_type("note", note).migrations(notes).build().unwrap())
}

#[test]
fn a_record_that_a_migration_adds_is_kept_though_the_room_only_repeats_it() {
    let mut kept = Kept::online(&put_note("a", ""));
    let schema = restocked(|records| {
        records.delete("note:a");
        records.set(note("b", "")).map(drop)
    });
    let restore = |store: &ClientSnapshot| {
        let config = ClientConfig::default();
        let client = Client::restore(Instant::ZERO, config, Arc::clone(&schema), store).unwrap();
        assert_eq!(client.records().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["note:b"]);
        client
    };
    kept.probe.client = restore(&kept.store);
    kept.done();
    kept.probe.connect();
    kept.done();
    kept.probe.answer("wipe_all", &put_note("b", ""), 6);
    kept.done();
    assert_eq!(restore(&kept.store).server_clock(), Some(6), "so the room need not say it again");
}

fn ids(client: &Client) -> Vec<&str> {
    client.records().map(|(id, _)| id.as_str()).collect()
}

fn restore(kept: &Kept, schema: &Arc<Schema>) -> Client {
    let config = ClientConfig::default();
    Client::restore(Instant::ZERO, config, Arc::clone(schema), &kept.store).unwrap()
}

/// A refusal as text.
fn told(refusals: &[Refusal]) -> Vec<String> {
    refusals.iter().map(|it| format!("{} {}", it.id, it.asked.to_value())).collect()
}

#[test]
fn unconfirmed_changes_outlive_a_migration_of_the_store() {
    let two = |a: &str, z: &str| {
        format!(r#""note:a":["put",{}],"note:z":["put",{}]"#, note("a", a), note("z", z))
    };
    let mut kept = Kept::online(&format!("{{{}}}", two(r#","x":1"#, "")));
    kept.probe.set("note:a", "x", 2);
    kept.done();
    kept.probe.cut();
    kept.probe.set("note:a", "x", 3);
    kept.probe.put(note("mine", ""));
    kept.done();
    // Each note has the number of notes in it, and one is made of that alone.
    let schema = restocked(|records| {
        let count = records.entries().count() as i64;
        let notes: Vec<Object> = records.entries().map(|(_, note)| note.clone()).collect();
        for mut note in notes {
            note.insert("of", count);
            records.set(note)?;
        }
        records.set(note("count", &format!(r#","of":{count}"#))).map(drop)
    });
    let mut client = restore(&kept, &schema);
    assert_eq!(ids(&client), ["note:a", "note:count", "note:mine", "note:z"]);
    assert_eq!(client.record("note:a"), Some(&note("a", r#","x":3,"of":3"#)));
    let done = drain(&mut client);
    assert_eq!(told(&done.given_up), [""; 0]);
    done.persisted.iter().for_each(|commit| kept.store.apply(commit));
    let again = restore(&kept, &schema);
    assert!(again.records().eq(client.records()));
    // The room did not take the push, and has migrated what it had.
    let mut probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
    probe.connect();
    probe.done();
    let count = note("count", r#","of":2"#);
    let migrated = two(r#","x":1,"of":2"#, r#","of":2"#);
    probe.answer("wipe_all", &format!(r#"{{{migrated},"note:count":["put",{count}]}}"#), 1);
    let of = r#"["patch",{"of":["put",3]}]"#;
    let mine = note("mine", r#","of":3"#);
    assert_eq!(
        pushed(&probe.done().sent[0]).to_string(),
        format!(
            r#"{{"note:a":["patch",{{"of":["put",3],"x":["put",3]}}],"note:count":{of},"note:mine":["put",{mine}],"note:z":{of}}}"#
        )
    );
}

#[test]
fn only_the_change_that_cannot_be_migrated_is_given_up_and_told() {
    let mut kept = Kept::online(&put_note("a", r#","x":1"#));
    kept.probe.cut();
    kept.probe.set("note:a", "x", 2);
    kept.probe.put(note("stuck", r#","text":"stuck""#));
    kept.probe.put(note("new", ""));
    kept.done();
    let is_stuck = |note: &Object| note.get("text").is_some();
    let each = Migration::record("com.example.note/2", move |note| {
        if is_stuck(note) { Err(MigrationFailed) } else { Ok(()) }
    });
    let first = Migration::record("com.example.note/1", |_| Err(MigrationFailed));
    let notes = MigrationSequence::new("com.example.note").then(first).then(each);
    let note_type = RecordType::new(Scope::Document);
    let by_record = Schema::builder().record_type("note", note_type).migrations(notes).build();
    let of_store = restocked(move |records| {
        let mut notes = records.entries().map(|(_, note)| note);
        if notes.any(is_stuck) { Err(MigrationFailed) } else { Ok(()) }
    });
    for schema in [Arc::new(by_record.unwrap()), of_store] {
        let mut client = restore(&kept, &schema);
        assert_eq!(ids(&client), ["note:a", "note:new"]);
        assert_eq!(client.record("note:a"), Some(&note("a", r#","x":2"#)));
        let done = drain(&mut client);
        assert_eq!(done.given_up.len(), 1);
        assert_eq!(done.given_up[0].id, "note:stuck".into());
        assert!(done.given_up[0].asked.to_value().to_string().starts_with(r#"["put""#));
        // And that only once.
        let mut store = kept.store.clone();
        done.persisted.iter().for_each(|commit| store.apply(commit));
        let again = Client::restore(Instant::ZERO, ClientConfig::default(), schema, &store);
        assert_eq!(drain(&mut again.unwrap()).given_up.len(), 0);
    }
}

#[test]
fn what_could_not_be_read_does_not_spoil_the_migration_of_the_rest() {
    let mut kept = Kept::online(&format!(
        r#"{{"note:a":["put",{}],"note:bad":["put",{}]}}"#,
        note("a", r#","text":"t""#),
        note("bad", r#","text":"bad""#)
    ));
    assert_eq!(kept.keys(), ["aside/note:bad", "meta", "record/note:a", "schema"]);
    let schema = restocked(|records| {
        let is_bad = |note: &Object| note.get("text").and_then(Value::as_str) == Some("bad");
        let mut notes = records.entries().map(|(_, note)| note);
        if notes.any(is_bad) { Err(MigrationFailed) } else { Ok(()) }
    });
    kept.probe.client = restore(&kept, &schema);
    kept.done();
    assert_eq!((ids(&kept.probe.client), kept.keys().len()), (["note:a"].into(), 3));
    // The room says what has become of it.
    kept.probe.connect();
    kept.done();
    let both = format!(
        r#"{{"note:a":["put",{}],"note:bad":["put",{}]}}"#,
        note("a", r#","text":"t""#),
        note("bad", r#","text":"good""#)
    );
    kept.probe.answer("wipe_all", &both, 6);
    kept.done();
    assert_eq!(ids(&restore(&kept, &schema)), ["note:a", "note:bad"]);
}

#[test]
fn what_could_not_be_read_is_there_once_the_client_is_updated() {
    let mut kept = Kept::online(&put_note("a", r#","text":"bad""#));
    // Where others have made it readable, it is kept as what it is.
    kept.probe.data(&patch(&put_note("b", r#","text":"bad""#), 1));
    kept.probe.data(&patch(r#"{"note:b":["patch",{"text":["put","good"]}]}"#, 2));
    kept.done();
    assert_eq!(kept.keys(), ["aside/note:a", "meta", "record/note:b", "schema"]);
    let renamed = |note: &mut Object| {
        note.insert("text", "good");
        Ok(())
    };
    let first = Migration::record("com.example.note/1", |_| Err(MigrationFailed));
    let second = Migration::record("com.example.note/2", renamed);
    let notes = MigrationSequence::new("com.example.note").then(first).then(second);
    let note_type = RecordType::new(Scope::Document);
    let schema = Schema::builder().record_type("note", note_type).migrations(notes).build();
    let client = restore(&kept, &Arc::new(schema.unwrap()));
    assert_eq!((ids(&client).len(), client.unreadable().count()), (2, 0));
}

/// A schema of the same migrations and these types.
fn of_types(types: &[(&str, RecordType)]) -> Arc<Schema> {
    let mut schema = Schema::builder();
    for (name, record_type) in types {
        schema = schema.record_type(name, record_type.clone());
    }
    Arc::new(schema.sequence("com.example.note", 2).build().unwrap())
}

#[test]
fn changes_of_a_kept_record_that_cannot_be_read_any_more_are_given_up_and_told() {
    let mut kept = Kept::online(&put_note("a", ""));
    kept.probe.set("note:a", "x", 1);
    kept.done();
    kept.probe.cut();
    kept.probe.set("note:a", "x", 2);
    kept.done();
    let schema = of_types(&[("page", RecordType::new(Scope::Document))]);
    let mut client = restore(&kept, &schema);
    assert_eq!((client.records().count(), client.unreadable().count()), (0, 1));
    assert!(client.is_settled(), "what was changed of it is given up");
    let done = drain(&mut client);
    let op = |x| format!(r#"note:a ["patch",{{"x":["put",{x}]}}]"#);
    assert_eq!(told(&done.given_up), [op(1), op(2)]);
    done.persisted.iter().for_each(|commit| kept.store.apply(commit));
    assert!(!kept.keys().contains(&"edit/note:a"));
}

#[test]
fn a_new_record_that_is_not_valid_any_more_is_given_up_and_told() {
    let mut kept = Kept::online(&put_note("a", ""));
    kept.probe.put(note("pushed", r#","x":1"#));
    kept.done();
    kept.probe.cut();
    kept.probe.set("note:a", "x", 1);
    kept.probe.put(note("b", r#","x":1"#));
    kept.probe.put(note("c", ""));
    kept.done();
    let strict = RecordType::new(Scope::Document)
        .with_validator(|note| if note.get("x").is_some() { Err(InvalidRecord) } else { Ok(()) });
    let schema = of_types(&[("note", strict)]);
    kept.probe.client = restore(&kept, &schema);
    assert_eq!(ids(&kept.probe.client), ["note:a", "note:c"]);
    assert_eq!(kept.probe.client.record("note:a"), Some(&note("a", "")));
    let done = kept.done();
    let given_up: Vec<&str> = done.given_up.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(given_up, ["note:pushed", "note:a", "note:b"]);
    assert_eq!(kept.keys(), ["edit/note:c", "meta", "push/1", "record/note:a", "schema"]);
    kept.probe.connect();
    kept.done();
    kept.probe.answer("wipe_all", &put_note("a", ""), 1);
    let push = pushed(&kept.done().sent[0]).to_string();
    assert_eq!(push, put_note("c", ""), "what is given up does not go to the room again");
    assert_eq!(kept.keys(), ["meta", "push/2", "record/note:a", "schema"]);
}
