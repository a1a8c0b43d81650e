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
    let origin = Origin::Session { session: "a".into(), identity: None, client_clock: 7 };
    assert_eq!((commits.len(), commits[0].clock, &commits[0].origin), (1, 1, &origin));
    let p: Object = page("p", "").parse().unwrap();
    let [change] = &commits[0].changes[..] else { panic!("one change") };
    assert_eq!((&*change.id, change.before(), &change.after), ("p", None, &Some(p.clone())));
    assert_eq!(change.op, crate::diff::RecordOp::Put(p));
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

#[test]
fn a_commit_tells_what_was_before() {
    let mut world = World::new();
    let a = world.join("a");
    let pushes = [
        put_page("p", r#","x":1,"t":"he","meta":{"l":[1,{"y":1}]}"#),
        r#"{"p":["patch",{"x":["put",2],"t":["append","llo",2],"z":["put",1]}]}"#.into(),
        r#"{"p":["patch",{"meta":["patch",{"l":["patch",{"1":["patch",{"y":["put",2]}]}]}]}]}"#
            .into(),
        put_page("p", r#","x":7"#),
        r#"{"p":["remove"]}"#.into(),
        put_page("p", ""),
    ];
    for (clock, push) in pushes.iter().enumerate() {
        let before = world.room.record("p").cloned();
        world.persisted();
        world.push(a, clock as u64, push);
        let commits = world.persisted();
        assert_eq!(commits[0].changes[0].before(), before, "{push}");
        assert_eq!(commits[0].changes[0].after, world.room.record("p").cloned());
    }
    let remove = |tx: &mut crate::Transaction<'_>| tx.remove("p");
    world.act(|room, now| room.transact(now, remove)).unwrap();
    let commits = world.persisted();
    assert_eq!(commits[0].changes[0].before(), Some(page("p", "").parse().unwrap()));
}

#[test]
fn a_shutdown_tells_that_presence_is_gone_before_its_session_has_left() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{}]"#);
    world.heard(b);
    world.events();
    world.act(Room::shutdown);
    let left = |session: &str| RoomEvent::Left {
        session: session.into(),
        reason: CloseReason::ShuttingDown,
    };
    let gone = RoomEvent::Presence { session: "a".into(), record: None };
    assert_eq!(world.events(), [gone, left("a"), left("b"), RoomEvent::Empty]);
    // Nobody is left to be told.
    world.assert_silence(b);
}

#[test]
fn what_happens_is_counted() {
    let mut world = World::new();
    let a = world.join("a");
    let hello = connect(-1, "8", SCHEMA).len();
    world.push(a, 1, &put_page("p", r#","x":1"#));
    world.push(a, 2, r#"{"p":["remove"],"q":["remove"]}"#);
    world.push(a, 3, r#"{"q":["remove"]}"#);
    let b = world.open("b");
    world.say(b, r#"{"type":"ping"}"#);
    world.say(ConnectionId(99), "whatever");
    world.push(a, 4, r#"{"p":["put",{"id":"p","typeName":"camera"}]}"#);
    let bye = CloseReason::Custom("bye".into());
    world.act(|room, now| room.close_session(now, b, bye)).unwrap();
    let sent = |action: &RoomAction| match action {
        RoomAction::Send { frame, .. } => Some(frame.len() as u64),
        RoomAction::Close { .. } | RoomAction::Persist(_) | RoomAction::Event(_) => None,
    };
    let sent: Vec<u64> = world.actions.iter().filter_map(sent).collect();
    // The answer to the `connect` was looked at and is gone.
    assert_eq!(sent.len(), 3);
    let counters = world.room.counters();
    assert_eq!(counters.frames_out, 4);
    assert!(counters.bytes_out > sent.iter().sum());
    assert_eq!(counters.messages_in, 6);
    assert!(counters.bytes_in > hello as u64);
    assert_eq!((counters.ignored_unknown_connection, counters.ignored_not_connected), (1, 1));
    assert_eq!((counters.pushes_committed, counters.pushes_discarded), (1, 1));
    assert_eq!((counters.pushes_rebased, counters.pushes_rejected), (1, 1));
    assert_eq!((counters.commits, counters.joined), (2, 1));
    assert_eq!(counters.closes, [("INVALID_RECORD", 1), ("CUSTOM", 1)].into());
}
