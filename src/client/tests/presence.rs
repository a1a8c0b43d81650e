//! Presence: this client's, and that of others.

use super::together::World;
use super::*;

fn cursor(x: u32) -> Object {
    format!(r#"{{"id":"cursor:me","typeName":"cursor","x":{x}}}"#).parse().unwrap()
}

fn show(probe: &mut Probe, x: u32) {
    probe.client.set_presence(probe.now, Some(cursor(x))).unwrap();
}

#[test]
fn presence_is_put_then_patched_and_not_repeated() {
    let mut probe = Probe::online();
    show(&mut probe, 1);
    let put = format!(r#"{{"type":"push","clientClock":1,"presence":["put",{}]}}"#, cursor(1));
    assert_eq!(probe.done().sent, [put]);
    probe.data(&result(1, 0, COMMIT));
    probe.pass(100);
    show(&mut probe, 1);
    assert_eq!(probe.done().sent, [""; 0]);
    show(&mut probe, 2);
    let patch = r#"{"type":"push","clientClock":2,"presence":["patch",{"x":["put",2]}]}"#;
    assert_eq!(probe.done().sent, [patch]);
    // There and back within one interval is nothing.
    show(&mut probe, 3);
    show(&mut probe, 2);
    assert_eq!(probe.sleep(100).sent, [""; 0]);
}

#[test]
fn presence_is_put_again_after_a_reconnect() {
    let mut probe = Probe::online();
    show(&mut probe, 1);
    probe.pass(100);
    show(&mut probe, 2);
    probe.done();
    let sent = probe.reconnect("wipe_presence", "{}", 0).sent;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(&format!(r#""presence":["put",{}]"#, cursor(2))));
}

#[test]
fn presence_rides_with_documents() {
    let mut probe = Probe::online();
    probe.put(note("0", ""));
    probe.done();
    probe.put(note("a", ""));
    show(&mut probe, 1);
    let sent = probe.sleep(100).sent;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""diff":{"note:a""#) && sent[0].contains(r#""presence":["put""#));
}

#[test]
fn presence_is_not_sent_in_solo_mode() {
    let mut probe = Probe::online();
    probe.client.set_presence_mode(probe.now, PresenceMode::Solo);
    show(&mut probe, 1);
    assert_eq!(probe.sleep(3000).sent, [""; 0]);
    probe.client.set_presence_mode(probe.now, PresenceMode::Full);
    assert_eq!(probe.done().sent.len(), 1);
}

#[test]
fn presence_alone_does_not_unsettle() {
    let mut probe = Probe::online();
    show(&mut probe, 1);
    assert_eq!(probe.done().sent.len(), 1);
    assert!(probe.client.is_settled());
    probe.data(&result(1, 0, COMMIT));
    assert_eq!(probe.done().settled, 0);
}

#[test]
fn presence_that_is_taken_back_is_not_sent_any_more() {
    let mut probe = Probe::online();
    show(&mut probe, 1);
    probe.done();
    probe.client.set_presence(probe.now, None).unwrap();
    assert_eq!(probe.sleep(1000).sent, [""; 0]);
    assert_eq!(probe.reconnect("wipe_presence", "{}", 0).sent, [""; 0]);
    // Shown again on the connection that has seen it, it is a patch.
    let mut probe = Probe::online();
    show(&mut probe, 1);
    probe.pass(100);
    probe.client.set_presence(probe.now, None).unwrap();
    show(&mut probe, 2);
    assert!(probe.done().sent[1].contains(r#""presence":["patch""#));
}

#[test]
fn only_a_record_of_the_presence_type_can_be_shown() {
    let mut probe = Probe::online();
    let mut set = |json: &str| probe.client.set_presence(Instant::ZERO, json.parse().ok());
    let wrong = set(r#"{"id":"note:a","typeName":"note"}"#);
    assert_eq!(wrong, Err(TransactError::WrongType("note:a".into())));
    assert_eq!(set(r#"{"typeName":"cursor"}"#), Err(TransactError::NotARecord));
    assert_eq!(probe.done().sent, [""; 0]);
}

#[test]
fn others_presence_is_apart_from_documents_and_leaves_with_the_connection() {
    let mut probe = Probe::online();
    let other = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor","x":1}]}"#;
    probe.data(&patch(other, 0));
    let done = probe.done();
    assert_eq!((done.changes.len(), done.presence.len()), (0, 1));
    assert_eq!(probe.client.record("cursor:1"), None);
    probe.data(&patch(r#"{"cursor:1":["patch",{"x":["put",2]}]}"#, 0));
    let (id, record) = probe.client.presence().next().unwrap();
    assert_eq!((id.as_str(), record.get("x")), ("cursor:1", Some(&Value::from(2))));
    probe.done();
    probe.cut();
    let gone = r#"cursor:1 {"id":"cursor:1","typeName":"cursor","x":2} -> none"#;
    assert_eq!(probe.done().presence, [gone]);
    assert_eq!(probe.client.presence().count(), 0);
}

#[test]
fn presence_that_the_room_removes_is_gone() {
    let mut probe = Probe::online();
    let other = r#"{"cursor:1":["put",{"id":"cursor:1","typeName":"cursor"}]}"#;
    probe.data(&patch(other, 0));
    probe.data(&patch(r#"{"cursor:1":["remove"]}"#, 0));
    assert_eq!(probe.client.presence().count(), 0);
    assert_eq!(probe.done().presence.len(), 2);
}

/// The `x` of those whom the second member sees.
fn seen_by_the_other(world: &World) -> Vec<Value> {
    let presence = world.members[1].client.presence();
    presence.map(|(_, it)| it.get("x").unwrap().clone()).collect()
}

#[test]
fn others_see_a_presence_until_the_room_lets_the_session_go() {
    let mut world = World::new(1, 2);
    let now = world.now;
    world.members[0].client.set_presence(now, Some(cursor(1))).unwrap();
    world.quiesce();
    assert_eq!(seen_by_the_other(&world), [1.into()]);
    // Taken back, and cut for less than the grace: the room has it still.
    let now = world.now;
    world.members[0].client.set_presence(now, None).unwrap();
    world.cut(0);
    world.quiesce();
    assert_eq!(world.members[0].client.status(), &Status::Online);
    assert_eq!(seen_by_the_other(&world), [1.into()]);
    // Cut for more, it is gone, and does not come back.
    world.cut(0);
    world.pass(Duration::from_secs(6));
    world.quiesce();
    assert_eq!(seen_by_the_other(&world), []);
}
