//! How long sessions last, and how they come back.

use super::*;
use crate::value::Value;

/// One microsecond.
const TICK: Duration = Duration::from_micros(1);

/// Ticks to just before `time` from now, checks, and ticks over it.
fn up_to(world: &mut World, time: Duration, before: impl FnOnce(&mut World)) {
    assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(time)));
    world.tick(time.saturating_sub(TICK));
    before(world);
    world.tick(TICK);
}

fn left(session: &str, reason: CloseReason) -> RoomEvent {
    RoomEvent::Left { session: session.into(), reason }
}

#[test]
fn a_connection_that_does_not_say_connect_is_removed_after_10_seconds() {
    let mut world = World::timed(|_| ());
    let a = world.open("a");
    up_to(&mut world, millis(10_000), |world| assert_eq!(world.closed(a), None));
    assert_eq!(world.closed(a), Some(CloseReason::StartTimeout));
    assert!(!CloseReason::StartTimeout.is_fatal());
    assert!(world.room.is_empty());
    assert_eq!(world.events(), [RoomEvent::Empty]);
}

#[test]
fn what_a_connection_says_before_connect_does_not_prolong_its_wait() {
    let mut world = World::timed(|_| ());
    let a = world.open("a");
    world.tick(millis(9000));
    world.say(a, r#"{"type":"ping"}"#);
    up_to(&mut world, millis(1000), |world| assert_eq!(world.closed(a), None));
    assert_eq!(world.closed(a), Some(CloseReason::StartTimeout));
}

#[test]
fn a_silent_session_is_cancelled_after_20_seconds_and_removed_after_5_more() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    world.present(a, 1, r#"["put",{}]"#);
    world.events();
    up_to(&mut world, millis(20_000), |world| assert_eq!(world.closed(a), None));
    assert_eq!(world.closed(a), Some(CloseReason::Idle));
    assert!(!CloseReason::Idle.is_fatal());
    assert_eq!((world.room.session_count(), world.events()), (1, Vec::new()));
    up_to(&mut world, millis(5000), |world| assert_eq!(world.room.presence().count(), 1));
    let gone = RoomEvent::Presence { session: "a".into(), record: None };
    assert_eq!(world.events(), [gone, left("a", CloseReason::Idle), RoomEvent::Empty]);
    assert_eq!(world.room.poll_timeout(), None);
}

#[test]
fn whatever_is_said_proves_that_a_session_is_alive() {
    let mut world = World::timed(|_| ());
    let a = world.join("a");
    for text in [r#"{"type":"ping"}"#, r#"{"type":"push","clientClock":1}"#, "1_{"] {
        world.tick(millis(19_999));
        world.say(a, text);
        assert_eq!(world.room.poll_timeout(), Some(world.now.saturating_add(millis(20_000))));
    }
    assert_eq!(world.closed(a), None);
}

#[test]
fn what_is_said_to_a_session_does_not_prove_that_it_is_alive() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.tick(millis(19_000));
    world.push(a, 1, &put_page("p", ""));
    world.tick(millis(1000));
    assert_eq!((world.closed(a), world.closed(b)), (None, Some(CloseReason::Idle)));
}

#[test]
fn no_idle_timeout_or_one_of_zero_lets_a_session_be_silent_for_ever() {
    for idle_timeout in [None, Some(Duration::ZERO)] {
        let mut world = World::timed(|config| config.idle_timeout = idle_timeout);
        let a = world.join("a");
        assert_eq!(world.room.poll_timeout(), None);
        world.tick(millis(1 << 40));
        assert_eq!(world.closed(a), None);
    }
}

#[test]
fn a_quick_reconnect_keeps_session_and_presence() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.disconnect(a);
    world.actions.clear();
    world.tick(millis(4999));
    let again = world.open("a");
    world.tick(millis(5000));
    assert!(!world.hello(again, 0).contains("cursor"));
    world.assert_silence(b);
    world.present(again, 1, r#"["put",{"x":1}]"#);
    world.assert_silence(b);
    world.present(again, 2, r#"["put",{"x":2}]"#);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["patch",{"x":["put",2]}]}"#)]);
    let joined_or_left = world.events().into_iter().filter(|event| match event {
        RoomEvent::Joined { .. } | RoomEvent::Left { .. } | RoomEvent::Empty => true,
        RoomEvent::Committed(_) | RoomEvent::Presence { .. } | RoomEvent::Custom { .. } => false,
    });
    assert_eq!(joined_or_left.count(), 0);
}

#[test]
fn a_session_that_does_not_come_back_in_5_seconds_is_gone_with_its_presence() {
    let mut world = World::timed(|config| config.idle_timeout = None);
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.tick(millis(100));
    world.disconnect(a);
    world.actions.clear();
    up_to(&mut world, millis(5000), |world| world.assert_silence(b));
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["remove"]}"#)]);
    let gone = RoomEvent::Presence { session: "a".into(), record: None };
    assert_eq!(world.events(), [gone, left("a", CloseReason::Disconnected)]);
    // Whoever comes by that name now is somebody else.
    let again = world.join("a");
    world.present(again, 1, r#"["put",{}]"#);
    world.tick(millis(17));
    assert!(world.heard(b)[0].contains("cursor:2"));
}

#[test]
fn a_session_that_comes_back_and_does_not_say_connect_is_removed_with_its_presence() {
    let mut world = World::timed(|config| config.idle_timeout = None);
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{}]"#);
    world.disconnect(a);
    world.tick(millis(1000));
    world.actions.clear();
    let again = world.open("a");
    up_to(&mut world, millis(10_000), |world| world.assert_silence(b));
    assert_eq!(world.closed(again), Some(CloseReason::StartTimeout));
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["remove"]}"#)]);
}

#[test]
fn a_session_that_comes_back_and_goes_before_connect_gets_another_grace() {
    let mut world = World::timed(|config| config.idle_timeout = None);
    let a = world.join("a");
    world.disconnect(a);
    world.tick(millis(4000));
    let again = world.open("a");
    world.disconnect(again);
    up_to(&mut world, millis(5000), |world| assert_eq!(world.room.session_count(), 1));
    assert!(world.room.is_empty());
}

#[test]
fn a_new_connection_of_a_live_session_closes_the_old_and_keeps_the_presence() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{"x":1}]"#);
    world.actions.clear();
    let again = world.join("a");
    assert_eq!(world.closed(a), Some(CloseReason::Replaced));
    assert!(!CloseReason::Replaced.is_fatal());
    assert_eq!((world.room.session_count(), world.closed(again)), (2, None));
    world.present(again, 2, r#"["put",{"x":2}]"#);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["patch",{"x":["put",2]}]}"#)]);
}

#[test]
fn late_input_of_a_replaced_connection_is_harmless() {
    let mut world = World::new();
    let a = world.join("a");
    let again = world.join("a");
    world.actions.clear();
    world.push(a, 1, &put_page("p", ""));
    world.say(a, "garbage");
    world.writable(a, false);
    world.disconnect(a);
    world.disconnect(a);
    assert_eq!((world.actions.len(), world.room.clock()), (0, 0));
    world.push(again, 1, &put_page("p", ""));
    world.assert_data(again, &[commit(1, 1)]);
}

#[test]
fn late_input_of_a_closed_connection_is_harmless() {
    let mut world = World::new();
    let a = world.join("a");
    world.act(|room, now| room.close_session(now, a, CloseReason::Forbidden)).unwrap();
    world.actions.clear();
    world.push(a, 1, &put_page("p", ""));
    world.writable(a, true);
    world.disconnect(a);
    assert!(world.actions.is_empty() && world.room.clock() == 0);
}

#[test]
fn a_connection_id_is_never_used_again() {
    let mut world = World::new();
    let a = world.join("a");
    world.act(|room, now| room.close_session(now, a, CloseReason::Forbidden)).unwrap();
    let b = world.join("a");
    assert!(a != b);
    // Nor is it by one that was refused.
    let refused = world.act(|room, now| room.handle_connect(now, SessionParams::new("")));
    assert!(refused.is_err());
    assert!(world.join("c") != b);
}

#[test]
fn a_connection_that_ended_by_itself_is_not_closed_again() {
    let mut world = World::new();
    let (a, b) = (world.open("a"), world.join("b"));
    world.disconnect(a);
    world.disconnect(b);
    world.tick(millis(60_000));
    assert_eq!((world.closed(a), world.closed(b)), (None, None));
}

#[test]
fn no_grace_removes_at_once() {
    let mut world = World::timed(|config| config.reconnect_grace = Duration::ZERO);
    let (a, b) = (world.join("a"), world.join("b"));
    world.present(a, 1, r#"["put",{}]"#);
    world.tick(millis(10_000));
    world.say(b, r#"{"type":"ping"}"#);
    world.actions.clear();
    world.tick(millis(10_000));
    assert_eq!(world.closed(a), Some(CloseReason::Idle));
    assert_eq!(world.room.session_count(), 1);
    world.assert_data(b, &[patch(0, r#"{"cursor:0":["remove"]}"#)]);
    assert!(world.room.poll_timeout() > Some(world.now));
}

#[test]
fn rights_are_those_of_the_latest_connection() {
    let mut world = World::new();
    world.join("a");
    let again = world.join_as(SessionParams { readonly: true, ..SessionParams::new("a") }, 8);
    world.push(again, 1, &put_page("p", ""));
    world.assert_data(again, &[discard(1, 0)]);
}

/// Whoever named another's session took over the presence that it showed.
#[test]
fn a_session_of_another_identity_is_another_session() {
    let params = |identity: Option<&str>| {
        let mut params = SessionParams::new("s");
        params.identity = identity.map(Into::into);
        params
    };
    for (first, second) in [(Some("ann"), Some("bob")), (None, Some("bob")), (Some("ann"), None)] {
        let mut world = World::new();
        let watcher = world.join("watcher");
        let ann = world.join_as(params(first), 8);
        world.present(ann, 1, r#"["put",{"id":"x","typeName":"cursor","name":"Ann"}]"#);
        let shown = world.room.session(ann).unwrap().presence.cloned().unwrap();
        let before = shown.get("id").and_then(Value::as_str).unwrap();
        world.heard(watcher);
        let bob = world.join_as(params(second), 8);
        assert_eq!(world.closed(ann), Some(CloseReason::Replaced));
        assert_eq!(world.room.session(bob).unwrap().presence, None);
        world.assert_data(watcher, &[patch(0, &format!(r#"{{"{before}":["remove"]}}"#))]);
        assert_eq!(world.room.session_count(), 2);
    }
}
