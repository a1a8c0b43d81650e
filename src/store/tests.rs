use super::*;
use alloc::format;
use alloc::string::{String, ToString};

fn schema() -> Schema {
    Schema::from_json(r#"{"types":{"note":{"scope":"document"},"cam":{"scope":"session"}}}"#)
        .unwrap()
}

fn note(id: &str, extra: &str) -> Object {
    format!(r#"{{"id":"{id}","typeName":"note"{extra}}}"#).parse().unwrap()
}

fn put(store: &mut Store, id: &str, extra: &str) {
    let mut edit = store.edit();
    edit.put(&id.into(), note(id, extra));
    edit.commit();
}

fn remove(store: &mut Store, id: &str) {
    let mut edit = store.edit();
    edit.remove(&id.into());
    edit.commit();
}

fn since(store: &Store, clock: u64) -> String {
    let name = |(id, record): (&RecordId, Option<&Object>)| {
        if record.is_some() { format!("+{id}") } else { format!("-{id}") }
    };
    store.changes_since(clock).map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_clock_moves_once_for_each_step_that_changed_something() {
    let mut store = Store::default();
    let mut edit = store.edit();
    edit.put(&"a".into(), note("a", ""));
    edit.put(&"b".into(), note("b", ""));
    edit.commit();
    assert_eq!(store.clock(), 1);
    put(&mut store, "a", "");
    remove(&mut store, "missing");
    assert_eq!(store.clock(), 1);
}

#[test]
fn changes_since_a_clock_are_the_last_of_each_record() {
    let mut store = Store::default();
    put(&mut store, "a", "");
    put(&mut store, "b", "");
    put(&mut store, "a", r#","x":1"#);
    remove(&mut store, "b");
    assert_eq!(since(&store, 0), "+a -b");
    assert_eq!(since(&store, 2), "+a -b");
    assert_eq!(since(&store, 3), "-b");
    assert_eq!(since(&store, 4), "");
    put(&mut store, "b", "");
    assert_eq!(since(&store, 3), "+b");
}

#[test]
fn a_step_that_is_dropped_leaves_the_store_as_it_was() {
    let mut store = Store::default();
    put(&mut store, "a", r#","text":"a text that is too long to stand inline","list":[1]"#);
    put(&mut store, "b", "");
    put(&mut store, "c", "");
    remove(&mut store, "c");
    let before = (store.snapshot(), since(&store, 0));
    let patch = r#"{"text":["append","!",39],"list":["append",[2],1],"new":["put",1]}"#;
    let mut edit = store.edit();
    assert!(edit.patch(&"a".into(), &patch.parse().unwrap(), |_| Some(())).is_some());
    assert!(edit.remove(&"b".into()).is_some());
    assert!(edit.put(&"c".into(), note("c", "")).is_some());
    drop(edit);
    assert_eq!((store.snapshot(), since(&store, 0)), before);
    remove(&mut store, "b");
    assert_eq!(since(&store, 4), "-b");
}

#[test]
fn a_step_reports_what_really_happened() {
    let mut store = Store::default();
    put(&mut store, "a", r#","x":1,"y":1"#);
    let mut edit = store.edit();
    let diff = r#"{"x":["put",1],"y":["put",2]}"#.parse().unwrap();
    assert!(edit.patch(&"a".into(), &diff, |_| None::<()>).is_none());
    let (is_known, patched) =
        edit.patch(&"a".into(), &diff, |it| Some(it.get("x").is_some())).unwrap();
    assert!(is_known);
    assert_eq!(patched.effective, r#"{"y":["put",2]}"#.parse().unwrap());
    assert!(edit.patch(&"missing".into(), &"{}".parse().unwrap(), |_| Some(())).is_none());
    let op = edit.put(&"a".into(), note("a", r#","x":1,"y":3"#));
    assert_eq!(op, Some(&RecordOp::Patch(r#"{"y":["put",3]}"#.parse().unwrap())));
}

#[test]
fn tombstones_are_pruned_over_the_limit_and_never_within_a_clock() {
    let mut store = Store::default();
    let all = |range: core::ops::Range<u32>, store: &mut Store, remove: bool| {
        let mut edit = store.edit();
        for number in range {
            let id = RecordId::from(number.to_string());
            if remove {
                edit.remove(&id);
            } else {
                edit.put(&id, note(&id, ""));
            }
        }
        edit.commit();
    };
    all(0..40, &mut store, false);
    all(0..8, &mut store, true);
    all(8..10, &mut store, true);
    assert_eq!(store.prune_tombstones(10), []);
    all(10..11, &mut store, true);
    // One too many and two more would do, but the eight of clock 2 go together.
    assert_eq!(store.prune_tombstones(10).len(), 8);
    assert_eq!((store.tombstones.len(), store.tombstone_history_starts_at()), (3, 2));
    assert!(store.knows_since(2) && !store.knows_since(1) && !store.knows_since(5));
}

#[test]
fn a_snapshot_opens_as_the_store_that_it_was_taken_of() {
    let mut store = Store::default();
    put(&mut store, "a", "");
    put(&mut store, "b", "");
    remove(&mut store, "a");
    let snapshot = store.snapshot();
    let text = snapshot.to_value().to_string();
    let read = RoomSnapshot::from_json(&text).unwrap();
    assert_eq!(read, snapshot);
    let opened = Store::restore(read, &schema(), 40).unwrap();
    assert_eq!((opened.snapshot(), since(&opened, 0)), (snapshot, since(&store, 0)));
}

#[test]
fn a_damaged_snapshot_is_refused_by_name() {
    let error = |documents: &str, tombstones: &str| {
        let json = format!(
            r#"{{"documentClock":5,"documents":[{documents}],"tombstones":{{{tombstones}}}}}"#
        );
        Store::restore(RoomSnapshot::from_json(&json).unwrap(), &schema(), 40).unwrap_err()
    };
    let a = r#"{"state":{"id":"a","typeName":"note"},"lastChangedClock":1}"#;
    assert_eq!(error(&format!("{a},{a}"), ""), RestoreError::RepeatedId("a".into()));
    assert_eq!(error(a, r#""a":1"#), RestoreError::RepeatedId("a".into()));
    assert_eq!(error("", r#""a":6"#), RestoreError::ClockInFuture("a".into()));
    let late = a.replace(":1}", ":6}");
    assert_eq!(error(&late, ""), RestoreError::ClockInFuture("a".into()));
    let unknown = a.replace("note", "other");
    assert_eq!(error(&unknown, ""), RestoreError::InvalidRecord("a".into()));
    assert_eq!(error(r#"{"state":{"id":"a"},"lastChangedClock":1}"#, ""), RestoreError::NotARecord);
}

/// One at the end of what a storage holds was opened, and then every write failed.
#[test]
fn a_clock_goes_as_far_as_javascript_counts() {
    let restore = |set: fn(&mut RoomSnapshot, u64), clock| {
        let mut snapshot = RoomSnapshot::default();
        set(&mut snapshot, clock);
        Store::restore(snapshot, &schema(), 40).map(drop)
    };
    let applied = |snapshot: &mut RoomSnapshot, order| {
        let client = PushClient { identity: None, client: "a".into() };
        snapshot.applied_pushes.push(AppliedPush { client, client_clock: 1, order });
    };
    for set in [
        |snapshot: &mut RoomSnapshot, clock| snapshot.clock = clock,
        |snapshot: &mut RoomSnapshot, clock| snapshot.tombstone_history_starts_at = clock,
        applied,
    ] {
        assert_eq!(restore(set, (1 << 53) - 1), Ok(()));
        assert_eq!(restore(set, 1 << 53), Err(RestoreError::ClockTooLarge));
    }
}

#[test]
fn records_of_other_scopes_are_left_out() {
    let json =
        r#"{"clock":1,"documents":[{"state":{"id":"c","typeName":"cam"},"lastChangedClock":1}]}"#;
    let store = Store::restore(RoomSnapshot::from_json(json).unwrap(), &schema(), 40).unwrap();
    assert!(store.is_empty());
}

#[test]
fn a_transaction_sees_its_own_writes_and_checks_them() {
    use crate::error::TransactError as E;
    let (schema, mut store) = (schema(), Store::default());
    put(&mut store, "a", "");
    put(&mut store, "b", "");
    let mut tx = Transaction::new(&store, &schema, &[Scope::Document], 3);
    tx.update("a", |record| drop(record.insert("x", 1))).unwrap();
    tx.remove("b").unwrap();
    tx.put(note("c", "")).unwrap();
    assert_eq!(tx.record("a").and_then(|record| record.get("x")), Some(&1.into()));
    let ids: Vec<_> = tx.records().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
    let rename = |record: &mut Object| drop(record.insert("id", "z"));
    assert_eq!(tx.update("a", rename), Err(E::IdentityChanged("a".into())));
    assert_eq!(tx.update("b", |_| ()), Err(E::Missing("b".into())));
    assert_eq!(tx.remove("b"), Err(E::Missing("b".into())));
    assert_eq!(tx.put(Object::new()), Err(E::NotARecord));
    let camera: Object = r#"{"id":"c","typeName":"cam"}"#.parse().unwrap();
    assert_eq!(tx.put(camera), Err(E::WrongType("c".into())));
    tx.put(note("d", r#","x":[[1]]"#)).unwrap();
    assert_eq!(tx.put(note("e", r#","x":[[[1]]]"#)), Err(E::TooDeep("e".into())));
}

#[test]
fn records_are_packed_until_somebody_looks_and_again_once_too_many_are_not() {
    let mut store = Store::default();
    let ids: Vec<String> = (0..100).map(|number| format!("n:{number:03}")).collect();
    ids.iter().for_each(|id| put(&mut store, id, r#","text":"as it was""#));
    let unpacked =
        |store: &Store| store.records.values().filter(|stored| stored.record.is_unpacked()).count();
    let mut store = Store::restore(store.snapshot(), &schema(), 40).unwrap();
    assert_eq!(unpacked(&store), 0);
    for id in ids.iter().take(12) {
        assert_eq!(store.get(id), Some(&note(id, r#","text":"as it was""#)));
    }
    store.pack_idle();
    assert_eq!(unpacked(&store), 12);
    let mut edit = store.edit();
    let diff = r#"{"text":["append","!",9]}"#.parse().unwrap();
    edit.patch(&"n:050".into(), &diff, |_| Some(()));
    edit.commit();
    assert_eq!(unpacked(&store), 13);
    store.pack_idle();
    assert_eq!(unpacked(&store), 0);
    assert_eq!(store.snapshot().documents.len(), 100);
    assert_eq!(unpacked(&store), 0);
    assert_eq!(store.get("n:050"), Some(&note("n:050", r#","text":"as it was!""#)));
}

#[test]
fn what_a_step_unpacks_is_packed_again_later() {
    let unpacked =
        |store: &Store| store.records.values().filter(|stored| stored.record.is_unpacked()).count();
    let ids: Vec<String> = (0..13).map(|number| format!("n:{number:03}")).collect();
    // What is put.
    let mut store = Store::default();
    ids.iter().for_each(|id| put(&mut store, id, ""));
    assert_eq!(unpacked(&store), 13);
    store.pack_idle();
    assert_eq!(unpacked(&store), 0);
    // What was taken out and comes back, since the step is dropped.
    let mut edit = store.edit();
    for id in &ids {
        edit.remove(&id.as_str().into());
    }
    drop(edit);
    assert_eq!(unpacked(&store), 13);
    store.pack_idle();
    assert_eq!(unpacked(&store), 0);
}

#[test]
fn a_client_of_pushes_is_read_as_it_was_written() {
    for identity in [None, Some("ann".into())] {
        let client = PushClient { identity, client: "me".into() };
        assert_eq!(PushClient::from_value(&client.to_value()), Some(client));
    }
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Note {
    id: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<u8>,
    props: Props,
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Props {
    w: u8,
}

impl crate::Record for Note {
    const TYPE_NAME: &'static str = "note";
}

#[test]
fn a_record_is_read_and_changed_as_an_applications_type() {
    let (schema, mut store) = (schema(), Store::default());
    let fields = r#","text":"a","mark":1,"props":{"w":1,"h":5},"rest":[1]"#;
    put(&mut store, "a", fields);
    put(&mut store, "odd", "");
    let mut tx = Transaction::new(&store, &schema, &[Scope::Document], 9);
    let read = tx.get::<Note>("a").unwrap().unwrap();
    assert_eq!((read.id.as_str(), read.text.as_str(), read.props.w), ("a", "a", 1));
    assert!(tx.get::<Note>("odd").is_err());
    assert_eq!(tx.get::<Note>("missing"), Ok(None));
    tx.edit("a", |note: &mut Note| {
        (note.mark, note.props.w) = (None, 2);
        note.text.push('b');
    })
    .unwrap();
    // What the type does not know stays.
    let edited = note("a", r#","text":"ab","props":{"w":2,"h":5},"rest":[1]"#);
    assert_eq!(tx.record("a"), Some(&edited));
}

#[test]
fn rooms_and_clients_read_a_record_as_an_applications_type() {
    let schema = Schema::builder().record_type("note", crate::RecordType::new(Scope::Document));
    let schema = alloc::sync::Arc::new(schema.sequence("notes", 1).build().unwrap());
    let record = note("a", r#","text":"a","props":{"w":1}"#);
    let now = crate::Instant::ZERO;
    let config = crate::RoomConfig::default();
    let mut room = crate::Room::new(config, alloc::sync::Arc::clone(&schema)).unwrap();
    room.transact(now, |tx| tx.put(record.clone())).unwrap();
    let mut client = crate::Client::new(now, crate::ClientConfig::default(), schema).unwrap();
    client.transact(now, |tx| tx.put(record)).unwrap();
    let notes = [room.get::<Note>("a"), client.get::<Note>("a")];
    assert!(notes.iter().all(|note| note.as_ref().unwrap().as_ref().unwrap().text == "a"));
    assert_eq!((room.get::<Note>("b"), client.get::<Note>("b")), (Ok(None), Ok(None)));
}
