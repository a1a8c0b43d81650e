//! What a room would not take, and how to go on without it.

use super::persist::Kept;
use super::*;
use crate::room::RoomConfig;

fn put(probe: &mut Probe, record: Object) -> Result<(), TransactError> {
    probe.client.transact(probe.now, |tx| tx.put(record))
}

#[test]
fn the_id_of_a_new_document_is_one_that_a_room_takes() {
    let mut config = ClientConfig::default();
    config.limits.id_bytes = "note:long".len();
    let shown = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}],
        "note:from-the-host":["put",{"id":"note:from-the-host","typeName":"note"}]}"#;
    let mut probe = Probe::online_with(config, shown);
    assert_eq!(put(&mut probe, note("long", "")), Ok(()));
    let bad = |id: &str| Err(TransactError::BadId(id.into()));
    assert_eq!(put(&mut probe, note("longe", "")), bad("note:longe"));
    for id in ["", "cursor:1"] {
        let record = format!(r#"{{"id":"{id}","typeName":"note"}}"#).parse().unwrap();
        assert_eq!(put(&mut probe, record), bad(id));
    }
    // What is there can be changed, and what never leaves may be called anything.
    assert_eq!(put(&mut probe, note("from-the-host", r#","x":1"#)), Ok(()));
    let camera = r#"{"id":"camera:of-mine","typeName":"camera"}"#.parse().unwrap();
    assert_eq!(put(&mut probe, camera), Ok(()));
}

#[test]
fn a_document_has_so_many_bytes() {
    let mut config = ClientConfig::default();
    // The id, the type, three keys and four values.
    config.limits.record_bytes = 6 + 4 + (2 + 8 + 4) + 4 * 8 + 10;
    let mut probe = Probe::online_with(config, "{}");
    let long = |length| note("a", &format!(r#","text":"{}""#, "x".repeat(length)));
    assert_eq!(put(&mut probe, long(10)), Ok(()));
    assert_eq!(put(&mut probe, long(11)), Err(TransactError::TooLarge("note:a".into())));
    assert_eq!(probe.client.record("note:a"), Some(&long(10)));
}

#[test]
fn a_presence_has_so_many_bytes_with_the_id_that_the_room_gives_it() {
    let mut config = ClientConfig::default();
    config.limits.presence_bytes = ("cursor".len() + 21) + 6 + (2 + 8 + 4) + 4 * 8 + 10;
    let mut probe = Probe::online_with(config, "{}");
    let long = |length| -> Object {
        let text = "x".repeat(length);
        format!(r#"{{"id":"cursor:me","typeName":"cursor","text":"{text}"}}"#).parse().unwrap()
    };
    assert_eq!(probe.client.set_presence(probe.now, Some(long(10))), Ok(()));
    let over = probe.client.set_presence(probe.now, Some(long(11)));
    assert_eq!(over, Err(TransactError::TooLarge("cursor:me".into())));
}

#[test]
fn what_is_discarded_is_undone_told_and_not_kept() {
    let mut kept = Kept::online(&put_note("a", r#","x":0"#));
    kept.probe.set("note:a", "x", 1);
    kept.done();
    kept.probe.cut();
    kept.probe.set("note:a", "x", 2);
    kept.probe.put(note("b", ""));
    let point = kept.probe.client.checkpoint();
    kept.done();
    kept.probe.client.discard_unconfirmed(kept.probe.now);
    let done = kept.done();
    assert_eq!(
        done.changes,
        [
            format!("Local note:a {} -> {}", note("a", r#","x":2"#), note("a", r#","x":0"#)),
            format!("Local note:b {} -> none", note("b", "")),
        ]
    );
    let given_up: Vec<&str> = done.given_up.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(given_up, ["note:a", "note:a", "note:b"]);
    assert_eq!((done.settled, done.confirmed), (1, [point].into()));
    assert_eq!(kept.keys(), ["meta", "record/note:a", "schema"]);
    assert!(!kept.probe.client.can_undo());
    // A point that was passed stays so, and there is nothing to give up any more.
    kept.probe.put(note("c", ""));
    assert!(kept.probe.client.is_confirmed(point));
    kept.probe.remove("note:c");
    kept.done();
    kept.probe.client.discard_unconfirmed(kept.probe.now);
    let done = kept.done();
    assert_eq!((done.changes.len(), done.given_up.len(), done.dials), (0, 0, 0));
}

#[test]
fn what_was_pushed_and_is_discarded_may_have_arrived_which_the_next_answer_tells() {
    for (diff, records) in [("{}".into(), 0), (put_note("a", ""), 1)] {
        let mut probe = Probe::online();
        probe.put(note("a", ""));
        probe.done();
        probe.client.discard_unconfirmed(probe.now);
        let done = probe.done();
        assert_eq!((done.closed, done.dials), ([CloseReason::Reset].into(), 1));
        probe.connect();
        probe.done();
        probe.answer("wipe_presence", &diff, 1);
        assert_eq!((probe.done().sent.len(), probe.client.records().count()), (0, records));
        assert_eq!(probe.client.status(), &Status::Online);
    }
    // With nothing on its way there is nothing to find out.
    let mut probe = Probe::online();
    probe.put(note("a", ""));
    probe.data(&result(1, 1, COMMIT));
    probe.put(note("b", ""));
    probe.done();
    probe.client.discard_unconfirmed(probe.now);
    let done = probe.done();
    assert_eq!((done.closed.len(), done.changes.len()), (0, 1));
    assert_eq!(probe.sleep(100).sent, [""; 0]);
}

#[test]
fn a_client_that_a_stricter_room_refuses_is_let_in_once_it_discards() {
    let strict = RecordType::new(Scope::Document)
        .with_validator(|note| if note.get("x").is_some() { Err(InvalidRecord) } else { Ok(()) });
    let strict = Schema::builder().record_type("note", strict).sequence("com.example.note", 1);
    let mut room = Room::new(RoomConfig::default(), Arc::new(strict.build().unwrap())).unwrap();
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), schema()).unwrap();
    let put = |client: &mut Client, id: &str, fields: &str| {
        client.transact(Instant::ZERO, |tx| tx.put(note(id, fields))).unwrap();
    };
    put(&mut client, "a", r#","x":1"#);
    meet(&mut client, &mut room, at(0));
    assert_eq!(client.status(), &Status::Refused(CloseReason::InvalidRecord));
    client.discard_unconfirmed(at(5_000));
    assert_eq!(drain(&mut client).dials, 1);
    put(&mut client, "b", "");
    meet(&mut client, &mut room, at(5_000));
    assert_eq!((client.status(), room.records().count()), (&Status::Online, 1));
}

#[test]
fn a_client_that_was_closed_stays_closed() {
    let mut probe = Probe::online();
    probe.client.close(probe.now);
    probe.put(note("a", ""));
    probe.done();
    probe.client.discard_unconfirmed(probe.now);
    let done = probe.done();
    assert_eq!((done.dials, done.changes.len()), (0, 1));
    assert_eq!(probe.client.status(), &Status::Closed);
}
