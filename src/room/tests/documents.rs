//! Which records a push may make: types, access, identity, validity.

use super::*;
use crate::wire::ObjectAccess;

/// What stands in the room before a refused push, and must stand there after it.
fn furnished() -> (World, ConnectionId, ConnectionId) {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    let fields = r#","list":[1],"meta":{"x":1},"text":"a text that is too long to stand inline""#;
    world.push(a, 1, &put_page("p", fields));
    world.push(a, 2, &put_page("q", ""));
    world.push(a, 3, &put_page("r", ""));
    world.push(a, 4, r#"{"r":["remove"]}"#);
    world.present(a, 5, r#"["put",{"x":1}]"#);
    world.actions.clear();
    (world, a, b)
}

/// `diff` gets its session rejected, and nothing of it is kept.
#[track_caller]
fn assert_rejected(diff: &str) {
    let (mut world, a, b) = furnished();
    let before = world.room.snapshot();
    world.push(a, 6, diff);
    assert_eq!(world.closed(a), Some(CloseReason::InvalidRecord), "{diff}");
    assert_eq!(world.room.snapshot(), before, "{diff}");
    assert_eq!(world.persisted(), [], "{diff}");
    world.assert_silence(a);
    // All that others notice is that the session is gone.
    world.assert_data(b, &[patch(4, r#"{"cursor:0":["remove"]}"#)]);
    world.push(b, 1, r#"{"q":["remove"]}"#);
    world.assert_data(b, &[commit(1, 5)]);
}

#[test]
fn a_put_of_a_type_that_is_no_document_type_is_rejected() {
    for type_name in [r#""robot""#, r#""camera""#, r#""cursor""#, "5", "null"] {
        assert_rejected(&format!(r#"{{"new":["put",{{"id":"new","typeName":{type_name}}}]}}"#));
        assert_rejected(&format!(r#"{{"p":["put",{{"id":"p","typeName":{type_name}}}]}}"#));
    }
    assert_rejected(r#"{"new":["put",{"id":"new"}]}"#);
    assert_rejected(r#"{"new":["put",{}]}"#);
}

#[test]
fn a_put_whose_key_is_not_its_id_is_rejected() {
    assert_rejected(r#"{"new":["put",{"id":"other","typeName":"page"}]}"#);
    assert_rejected(r#"{"new":["put",{"id":"q","typeName":"page"}]}"#);
    assert_rejected(r#"{"p":["put",{"id":"q","typeName":"page"}]}"#);
    assert_rejected(r#"{"new":["put",{"typeName":"page"}]}"#);
    assert_rejected(r#"{"new":["put",{"id":7,"typeName":"page"}]}"#);
}

#[test]
fn a_patch_that_changes_who_a_record_is_is_rejected() {
    assert_rejected(r#"{"p":["patch",{"id":["put","z"]}]}"#);
    assert_rejected(r#"{"p":["patch",{"id":["delete"]}]}"#);
    assert_rejected(r#"{"p":["patch",{"id":["append","z",1]}]}"#);
    assert_rejected(r#"{"p":["patch",{"typeName":["put","shape"]}]}"#);
    assert_rejected(r#"{"p":["patch",{"typeName":["delete"]}]}"#);
}

#[test]
fn a_record_that_fails_validation_rejects_the_session() {
    assert_rejected(&put_page("new", r#","bad":1"#));
    assert_rejected(&put_page("p", r#","bad":1"#));
    assert_rejected(r#"{"p":["patch",{"bad":["put",1]}]}"#);
}

#[test]
fn a_rejected_push_leaves_no_trace_of_its_other_ops() {
    let invalid = format!(r#""z":["put",{}]"#, page("z", r#","bad":1"#));
    for others in [
        format!(r#""n":["put",{}]"#, page("n", "")),
        r#""p":["patch",{"text":["append"," and on",39]}]"#.into(),
        r#""p":["patch",{"list":["append",[2,3],1]}]"#.into(),
        r#""p":["patch",{"meta":["patch",{"x":["delete"],"y":["put",2]}],"text":["delete"]}]"#
            .into(),
        format!(r#""p":["put",{}]"#, page("p", r#","x":2"#)),
        r#""p":["remove"],"q":["remove"]"#.into(),
        format!(r#""r":["put",{}]"#, page("r", "")),
    ] {
        assert_rejected(&format!("{{{others},{invalid}}}"));
    }
}

#[test]
fn a_rejected_push_keeps_nothing_of_its_presence() {
    let (mut world, a, b) = furnished();
    let diff = put_page("z", r#","bad":1"#);
    let push =
        format!(r#"{{"type":"push","clientClock":6,"diff":{diff},"presence":["put",{{"x":2}}]}}"#);
    world.say(a, &push);
    world.assert_data(b, &[patch(4, r#"{"cursor:0":["remove"]}"#)]);
    assert_eq!(world.room.presence().count(), 0);
}

#[test]
fn a_document_cannot_take_the_id_of_a_presence() {
    assert_rejected(&put_page("cursor:0", ""));
    assert_rejected(&put_page("cursor:1", ""));
    // An id that no presence has is free, and the next session steps aside.
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("cursor:1", ""));
    world.assert_data(a, &[commit(1, 1)]);
    let b = world.join("b");
    world.present(b, 1, r#"["put",{}]"#);
    let shown = r#"{"cursor:2":["put",{"id":"cursor:2","typeName":"cursor"}]}"#;
    world.assert_data(a, &[patch(1, shown)]);
}

fn readonly(name: &str) -> SessionParams {
    SessionParams { readonly: true, ..SessionParams::new(name) }
}

#[test]
fn all_that_a_readonly_session_asks_of_documents_is_skipped_unseen() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    let reader = world.open_as(readonly("r"));
    assert!(world.hello(reader, -1).contains(r#""isReadonly":true,"objectAccess":"write""#));
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    for (at, diff) in [
        put_page("new", ""),
        put_page("new", r#","bad":1"#),
        put_page("p", r#","x":1"#),
        r#"{"new":["put",{"id":"new","typeName":"robot"}]}"#.into(),
        r#"{"new":["put",{}]}"#.into(),
        r#"{"p":["patch",{"x":["put",1]}]}"#.into(),
        r#"{"p":["remove"]}"#.into(),
    ]
    .iter()
    .enumerate()
    {
        world.push(reader, at as u64, diff);
        world.assert_data(reader, &[discard(at as u64, 1)]);
    }
    world.assert_silence(b);
    assert_eq!((world.record("p"), world.room.clock()), (page("p", ""), 1));
    world.present(reader, 9, r#"["put",{"x":1}]"#);
    world.assert_data(reader, &[commit(9, 1)]);
    assert_eq!(world.heard(b).len(), 1);
}

#[test]
fn object_types_go_by_object_access_and_other_types_by_readonly() {
    let mut world = World::with(|config| {
        config.object_types.insert("shape".into());
    });
    let may = |world: &mut World, readonly, object_access, diff: &str| {
        let name = format!("{readonly}{object_access:?}");
        let params = SessionParams { readonly, object_access, ..SessionParams::new(name) };
        let connection = world.join_as(params, 8);
        world.push(connection, 1, diff);
        let heard = world.heard(connection);
        heard[0].contains("commit")
    };
    let shape = |n: u32| format!(r#"{{"s{n}":["put",{{"id":"s{n}","typeName":"shape"}}]}}"#);
    use ObjectAccess::{Read, Write};
    assert!(may(&mut world, false, Write, &shape(1)));
    assert!(!may(&mut world, false, Read, &shape(2)));
    assert!(may(&mut world, true, Write, &shape(3)));
    assert!(!may(&mut world, true, Read, &shape(4)));
    assert!(may(&mut world, false, Read, &put_page("p1", "")));
    assert!(!may(&mut world, true, Write, &put_page("p2", "")));
    for diff in [r#"{"s1":["patch",{"x":["put",1]}]}"#, r#"{"s1":["remove"]}"#] {
        assert!(!may(&mut world, false, Read, diff));
        assert!(may(&mut world, true, Write, diff));
    }
}

#[test]
fn the_answer_says_what_the_session_may_do_to_object_types() {
    let mut world = World::new();
    let params = SessionParams { object_access: ObjectAccess::Read, ..SessionParams::new("a") };
    let a = world.open_as(params);
    assert!(world.hello(a, -1).contains(r#""isReadonly":false,"objectAccess":"read""#));
}

#[test]
fn a_patch_may_name_the_identity_that_there_is() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    let same = r#""id":["put","p"],"typeName":["put","page"]"#;
    world.push(a, 2, &format!(r#"{{"p":["patch",{{{same},"x":["put",1]}}]}}"#));
    world.assert_data(a, &[rebase(2, 2, r#"{"p":["patch",{"x":["put",1]}]}"#)]);
}
