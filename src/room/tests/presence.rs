//! What sessions show of themselves.

use super::*;

fn shown(n: u32, fields: &str) -> String {
    format!(r#"{{"cursor:{n}":["put",{{"id":"cursor:{n}","typeName":"cursor"{fields}}}]}}"#)
}

#[test]
fn a_first_presence_is_told_as_a_put_without_moving_the_clock() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.assert_data(a, &[commit(1, 0)]);
    world.assert_data(b, &[patch(0, &shown(0, r#","x":1"#))]);
    assert_eq!(world.room.clock(), 0);
}

#[test]
fn presence_is_never_stored() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.persisted();
    let before = world.room.snapshot();
    world.present(a, 2, r#"["put",{"x":1}]"#);
    assert_eq!((world.room.snapshot(), world.persisted()), (before, Vec::new()));
    assert_eq!(world.room.record("cursor:0"), None);
}

#[test]
fn the_id_and_type_of_presence_are_the_rooms() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"id":"p","typeName":"page","x":1}]"#);
    world.assert_data(b, &[patch(0, &shown(0, r#","x":1"#))]);
    let patched = r#"["patch",{"id":["put","q"],"typeName":["delete"],"x":["put",2]}]"#;
    world.present(a, 2, patched);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["patch",{"x":["put",2]}]}"#)]);
    world.present(a, 3, r#"["patch",{"id":["put","q"]}]"#);
    world.assert_silence(b);
    assert_eq!(world.heard(a).last(), Some(&data(&[commit(3, 0)])));
}

#[test]
fn a_later_put_and_a_patch_are_told_as_what_changed() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"chat":"he","x":1}]"#);
    world.heard(b);
    world.present(a, 2, r#"["put",{"chat":"hey","y":1}]"#);
    let diff = r#"{"cursor:0":["patch",{"chat":["append","y",2],"x":["delete"],"y":["put",1]}]}"#;
    world.assert_data(b, &[patch(0, diff)]);
    world.present(a, 3, r#"["patch",{"chat":["append","!",3],"y":["put",1],"z":["delete"]}]"#);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["patch",{"chat":["append","!",3]}]}"#)]);
}

#[test]
fn presence_without_effect_is_a_commit_that_nobody_hears_of() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["patch",{"x":["put",1]}]"#);
    world.assert_data(a, &[commit(1, 0)]);
    world.assert_silence(b);
    assert_eq!(world.room.presence().count(), 0);
    world.present(a, 2, r#"["put",{"x":1}]"#);
    world.actions.clear();
    for op in [r#"["put",{"x":1.0}]"#, r#"["patch",{"x":["put",1]}]"#, r#"["patch",{}]"#] {
        world.present(a, 3, op);
        world.assert_data(a, &[commit(3, 0)]);
    }
    world.assert_silence(b);
    assert_eq!(world.events(), []);
}

#[test]
fn documents_and_presence_of_one_push_are_one_patch() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    let p = put_page("p", "");
    let push = |clock: u32, diff: &str, op: &str| {
        format!(r#"{{"type":"push","clientClock":{clock},"diff":{diff},"presence":{op}}}"#)
    };
    world.say(a, &push(1, &p, r#"["put",{}]"#));
    world.assert_data(a, &[commit(1, 1)]);
    let both = format!(
        r#"{{"cursor:0":["put",{{"id":"cursor:0","typeName":"cursor"}}],{}"#,
        p.strip_prefix('{').unwrap()
    );
    world.assert_data(b, &[patch(1, &both)]);
    // The result is about documents only, also when it tells what happened.
    world.say(a, &push(2, &put_page("p", r#","x":1"#), r#"["put",{"x":1}]"#));
    world.assert_data(a, &[rebase(2, 2, r#"{"p":["patch",{"x":["put",1]}]}"#)]);
    world.say(a, &push(3, "{}", r#"["put",{"x":2}]"#));
    world.assert_data(a, &[discard(3, 2)]);
    assert_eq!(world.heard(b).len(), 2);
}

#[test]
fn an_invalid_presence_rejects_the_session_and_its_whole_push() {
    for (first, op) in [
        ("[\"put\",{}]", r#"["put",{"bad":1}]"#),
        ("[\"put\",{}]", r#"["patch",{"bad":["put",1]}]"#),
        ("null", r#"["put",{"bad":1}]"#),
    ] {
        let mut world = World::new();
        let a = world.join("a");
        world.present(a, 1, first);
        let p = put_page("p", "");
        world.say(a, &format!(r#"{{"type":"push","clientClock":2,"diff":{p},"presence":{op}}}"#));
        assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord));
        assert!(world.room.is_empty(), "rejected, not cut");
        assert_eq!((world.room.clock(), world.record("p")), (0, String::new()));
        assert_eq!(world.persisted(), []);
    }
}

#[test]
fn proto_is_ignored_in_presence() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"__proto__":{"x":1},"meta":{"__proto__":2}}]"#);
    let stored = r#"{"cursor:0":["put",{"id":"cursor:0","meta":{},"typeName":"cursor"}]}"#;
    world.assert_data(b, &[patch(0, stored)]);
    world.present(a, 2, r#"["patch",{"__proto__":["put",1]}]"#);
    world.assert_silence(b);
}

#[test]
fn presence_goes_when_its_session_is_removed() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{}]"#);
    world.push(a, 2, &put_page("p", ""));
    world.actions.clear();
    world.act(|room, now| room.close_session(now, a, CloseReason::Forbidden)).unwrap();
    world.assert_data(b, &[patch(1, r#"{"cursor:0":["remove"]}"#)]);
    assert_eq!(world.room.presence().count(), 0);
    // One that showed nothing leaves without a word.
    world.join("c");
    world.actions.clear();
    let c = world.join("c");
    world.act(|room, now| room.close_session(now, c, CloseReason::Forbidden)).unwrap();
    world.assert_silence(b);
}

#[test]
fn a_room_whose_schema_has_no_presence_ignores_it() {
    let schema = Schema::builder().record_type("page", RecordType::new(Scope::Document));
    let schema = Arc::new(schema.sequence("com.test", 2).build().unwrap());
    let mut world = World::of(Room::new(RoomConfig::default(), schema).unwrap());
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.assert_data(a, &[commit(1, 0)]);
    world.assert_silence(b);
}
