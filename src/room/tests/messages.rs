//! Messages beside the data: pings, and what host and application tell each other.

use super::*;
use crate::error::SendError;
use crate::value::Value;

const PING: &str = r#"{"type":"ping"}"#;
const PONG: &str = r#"{"type":"pong"}"#;

fn send_custom<D: Into<Value>>(
    world: &mut World,
    connection: ConnectionId,
    data: D,
) -> Result<(), SendError> {
    world.act(|room, now| room.send_custom(now, connection, data.into()))
}

#[test]
fn a_ping_is_answered_once_the_session_is_connected() {
    let mut world = World::new();
    let a = world.open("a");
    world.say(a, PING);
    world.assert_silence(a);
    world.hello(a, -1);
    world.say(a, PING);
    assert_eq!(world.heard(a), [PONG]);
}

#[test]
fn a_pong_overtakes_what_is_collected() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    world.push(a, 2, &put_page("q", ""));
    world.say(b, PING);
    assert_eq!(world.heard(b), [PONG]);
    world.tick(millis(17));
    world.assert_data(b, &[patch(2, &put_page("q", ""))]);
}

#[test]
fn a_custom_message_of_the_host_first_flushes_what_is_collected() {
    let mut world = World::timed(|_| ());
    let (a, b) = (world.join("a"), world.join("b"));
    world.push(a, 1, &put_page("p", ""));
    world.actions.clear();
    world.push(a, 2, &put_page("q", ""));
    send_custom(&mut world, b, [("x", 1)].into_iter().collect::<Object>()).unwrap();
    let custom = r#"{"type":"custom","data":{"x":1}}"#;
    assert_eq!(world.heard(b), [&data(&[patch(2, &put_page("q", ""))]), custom]);
    // Only that session is hurried.
    world.assert_silence(a);
    world.tick(millis(17));
    world.assert_data(a, &[commit(2, 2)]);
    world.assert_silence(b);
    send_custom(&mut world, b, ()).unwrap();
    assert_eq!(world.heard(b), [r#"{"type":"custom","data":null}"#]);
}

#[test]
fn a_custom_message_reaches_only_sessions_that_are_in_and_read() {
    let mut world = World::new();
    let a = world.open("a");
    assert_eq!(send_custom(&mut world, a, 1), Err(SendError::UnknownConnection));
    world.hello(a, -1);
    assert_eq!(send_custom(&mut world, a, 1), Ok(()));
    world.heard(a);
    world.writable(a, false);
    assert_eq!(send_custom(&mut world, a, 1), Err(SendError::NotWritable));
    world.writable(a, true);
    world.disconnect(a);
    assert_eq!(send_custom(&mut world, a, 1), Err(SendError::UnknownConnection));
    world.assert_silence(a);
    let never = ConnectionId::from_u64(77);
    assert_eq!(send_custom(&mut world, never, 1), Err(SendError::UnknownConnection));
}

#[test]
fn a_custom_message_of_a_client_reaches_the_host() {
    let mut world = World::new();
    let a = world.open("a");
    let custom = r#"{"type":"custom","data":{"x":1}}"#;
    world.say(a, custom);
    assert_eq!(world.events(), []);
    world.hello(a, -1);
    world.events();
    world.say(a, custom);
    world.say(a, r#"{"type":"custom"}"#);
    let event = |data: &str| RoomEvent::Custom { connection: a, data: data.parse().unwrap() };
    assert_eq!(world.events(), [event(r#"{"x":1}"#), event("null")]);
    world.assert_silence(a);
}

#[test]
fn fields_that_a_message_does_not_have_are_ignored() {
    let mut world = World::new();
    let a = world.open("a");
    let more = r#"{"clientId":"c","lastAckedPush":3,"deep":[[{}]],"#;
    world.say(a, &connect(-1, "8", SCHEMA).replacen('{', more, 1));
    assert_eq!(world.heard(a).len(), 1);
    world.say(a, &PING.replacen('{', more, 1));
    assert_eq!(world.heard(a), [PONG]);
    world.say(a, r#"{"x":1,"clientClock":1,"diff":{},"type":"push"}"#);
    world.assert_data(a, &[discard(1, 0)]);
}
