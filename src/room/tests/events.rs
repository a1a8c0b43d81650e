//! What the host hears.

use super::*;

#[test]
fn a_session_joins_once_and_leaves_once() {
    let mut world = World::new();
    let a = world.open("a");
    assert_eq!(world.events(), []);
    world.hello(a, -1);
    assert_eq!(world.events(), [RoomEvent::Joined { connection: a, session: "a".into() }]);
    world.hello(a, -1);
    let again = world.open("a");
    world.hello(again, -1);
    assert_eq!(world.events(), []);
    world.act(|room, now| room.close_session(now, again, CloseReason::Forbidden)).unwrap();
    let left = RoomEvent::Left { session: "a".into(), reason: CloseReason::Forbidden };
    assert_eq!(world.events(), [left, RoomEvent::Empty]);
}

#[test]
fn a_session_that_never_joined_does_not_leave() {
    let mut world = World::new();
    let b = world.join("b");
    world.events();
    let a = world.open("a");
    world.disconnect(a);
    assert_eq!((world.events(), world.room.session_count()), (Vec::new(), 1));
    world.disconnect(b);
    assert_eq!(world.events(), []);
    let a = world.open("a");
    world.tick(millis(5000));
    world.events();
    // A room is empty only when nobody waits to be let in either.
    world.disconnect(a);
    assert_eq!(world.events(), [RoomEvent::Empty]);
}

#[test]
fn a_change_of_documents_is_told_as_the_commit_that_was_persisted() {
    let mut world = World::new();
    let a = world.join("a");
    world.events();
    world.persisted();
    let push = format!(
        r#"{{"type":"push","clientClock":7,"diff":{},"presence":["put",{{}}]}}"#,
        put_page("p", "")
    );
    world.say(a, &push);
    let commits = world.persisted();
    let shown = r#"{"id":"cursor:0","typeName":"cursor"}"#.parse().unwrap();
    let presence = RoomEvent::Presence { session: "a".into(), record: Some(shown) };
    assert_eq!(world.events(), [RoomEvent::Committed(Arc::clone(&commits[0])), presence]);
    let origin = Origin::Session { session: "a".into(), client_clock: 7 };
    assert_eq!((commits.len(), commits[0].clock, &commits[0].origin), (1, 1, &origin));
    let p: Object = page("p", "").parse().unwrap();
    let change =
        Change { id: "p".into(), after: Some(p.clone()), op: crate::diff::RecordOp::Put(p) };
    assert_eq!(commits[0].changes, [change]);
}

#[test]
fn a_commit_tells_what_really_happened() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", r#","x":1,"y":1"#));
    world.persisted();
    world.push(a, 2, r#"{"p":["patch",{"x":["put",1],"y":["put",2]}],"q":["remove"]}"#);
    world.push(a, 3, r#"{"p":["remove"]}"#);
    let seen: Vec<String> = world
        .persisted()
        .iter()
        .flat_map(|commit| commit.changes.clone())
        .map(|change| {
            let diff: crate::NetworkDiff = [(change.id, change.op)].into_iter().collect();
            format!("{diff} {:?}", change.after.map(|record| record.to_string()))
        })
        .collect();
    let first =
        format!(r#"{{"p":["patch",{{"y":["put",2]}}]}} {:?}"#, Some(page("p", r#","x":1,"y":2"#)));
    assert_eq!(seen, [first, r#"{"p":["remove"]} None"#.into()]);
}

#[test]
fn what_changes_nothing_is_no_event() {
    let mut world = World::new();
    let a = world.join("a");
    world.events();
    world.push(a, 1, "{}");
    world.push(a, 2, r#"{"p":["remove"]}"#);
    world.say(a, r#"{"type":"ping"}"#);
    assert_eq!((world.events(), world.persisted().len()), (Vec::new(), 0));
}
