//! Records of the room that this client cannot read.

use super::*;

const NEWER: &str = r#"{"gadget:a":["put",{"id":"gadget:a","typeName":"gadget","x":1}],
    "note:bad":["put",{"id":"note:bad","typeName":"note","text":"bad"}],
    "camera:a":["put",{"id":"camera:a","typeName":"camera"}],
    "note:good":["put",{"id":"note:good","typeName":"note"}]}"#;

fn aside(probe: &Probe) -> Vec<&str> {
    probe.client.unreadable().map(|(id, _)| id.as_str()).collect()
}

fn seen(probe: &Probe) -> Vec<&str> {
    probe.client.records().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn what_cannot_be_read_is_told_and_kept_aside_and_the_rest_is_there() {
    let mut probe = Probe::new();
    probe.connect();
    probe.answer("wipe_all", NEWER, 3);
    let done = probe.done();
    assert_eq!(done.unreadable, ["camera:a".into(), "gadget:a".into(), "note:bad".into()]);
    assert_eq!(aside(&probe), ["camera:a", "gadget:a", "note:bad"]);
    assert_eq!((seen(&probe), done.changes.len()), (["note:good"].into(), 1));
    assert_eq!(probe.client.status(), &Status::Online);
    // It is told once.
    let done = probe.reconnect("wipe_all", NEWER, 4);
    assert_eq!((done.unreadable.len(), done.changes.len()), (0, 0));
    probe.reconnect("wipe_all", "{}", 5);
    assert_eq!((aside(&probe).len(), seen(&probe).len()), (0, 0));
}

#[test]
fn what_is_said_of_it_later_counts() {
    let mut probe = Probe::online_with(ClientConfig::default(), NEWER);
    probe.data(&patch(r#"{"gadget:a":["patch",{"x":["put",2]}]}"#, 1));
    let gadget = probe.client.unreadable().find(|(id, _)| id.as_str() == "gadget:a").unwrap().1;
    assert_eq!(gadget.get("x"), Some(&Value::from(2)));
    // A patch or a put makes it one that can be read.
    probe.data(&patch(r#"{"note:bad":["patch",{"text":["put","good"]}]}"#, 2));
    probe.data(&patch(r#"{"camera:a":["put",{"id":"camera:a","typeName":"note"}]}"#, 3));
    let done = probe.done();
    assert_eq!(
        (seen(&probe), done.changes.len()),
        (["camera:a", "note:bad", "note:good"].into(), 2)
    );
    assert_eq!(probe.text("note:bad"), Some("good"));
    probe.data(&patch(r#"{"gadget:a":["remove"]}"#, 4));
    assert_eq!(aside(&probe), [""; 0]);
    // And one that could be read may turn into one that cannot.
    probe.data(&patch(r#"{"note:bad":["patch",{"text":["put","bad"]}]}"#, 5));
    let done = probe.done();
    assert_eq!((done.unreadable, aside(&probe)), (["note:bad".into()].into(), ["note:bad"].into()));
    assert_eq!(done.changes.len(), 1);
    assert_eq!((done.closed.len(), probe.client.status()), (0, &Status::Online));
}

#[test]
fn own_changes_never_touch_it() {
    let mut probe = Probe::online_with(ClientConfig::default(), NEWER);
    let put = probe.client.transact(probe.now, |tx| tx.put(note("bad", "")));
    assert_eq!(put, Err(TransactError::SetAside("note:bad".into())));
    assert_eq!(probe.client.transact(probe.now, |tx| tx.put(note("new", ""))), Ok(()));
    // What was changed of a record before it could not be read any more is given up.
    probe.cut();
    probe.set("note:good", "x", 1);
    probe.connect();
    probe.done();
    let bad = r#"{"note:good":["put",{"id":"note:good","typeName":"note","text":"bad"}]}"#;
    probe.answer("wipe_presence", bad, 9);
    let push = pushed(&probe.done().sent[0]);
    assert_eq!(push.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["note:new"]);
}

#[test]
fn what_is_under_way_counts_again_once_it_can_be_read() {
    let mut probe = Probe::online_with(ClientConfig::default(), &put_note("a", ""));
    probe.set("note:a", "x", 1);
    probe.data(&patch(r#"{"note:a":["patch",{"text":["put","bad"]}]}"#, 1));
    assert_eq!(seen(&probe), [""; 0]);
    probe.done();
    probe.data(&patch(r#"{"note:a":["patch",{"text":["put","good"]}]}"#, 2));
    assert_eq!(probe.done().changes.len(), 1);
    let both = note("a", r#","text":"good","x":1"#);
    assert_eq!(probe.client.record("note:a"), Some(&both));
    probe.data(&result(1, 3, COMMIT));
    assert_eq!(probe.client.record("note:a"), Some(&both));
    assert!(probe.client.is_settled());
}

#[test]
fn presence_that_cannot_be_read_is_not_shown() {
    let picky = RecordType::new(Scope::Presence).with_validator(|record| {
        if record.get("x").is_some() { Ok(()) } else { Err(InvalidRecord) }
    });
    let schema = Schema::builder().record_type("cursor", picky).sequence("a", 1).build().unwrap();
    let client = Client::new(Instant::ZERO, ClientConfig::default(), Arc::new(schema)).unwrap();
    let mut probe = Probe { client, link: LinkId(0), now: Instant::ZERO };
    probe.connect();
    probe.answer("wipe_all", r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}]}"#, 0);
    assert_eq!((probe.client.presence().count(), aside(&probe).len()), (0, 0));
    let shown = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor","x":1}]}"#;
    probe.data(&patch(shown, 0));
    assert_eq!(probe.client.presence().count(), 1);
    probe.data(&patch(r#"{"cursor:1":["patch",{"x":["delete"]}]}"#, 0));
    assert_eq!(probe.client.presence().count(), 0);
    assert_eq!(probe.client.status(), &Status::Online);
}
