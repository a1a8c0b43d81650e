//! Sessions of both codecs in one room.

use super::*;
use crate::{ClientMessage, Value};

/// Says `connect` with an offer of codecs, and gives back the answer as it was sent.
fn hello_offering(world: &mut World, connection: ConnectionId, codecs: &str) -> Frame {
    world.say(connection, &offering(&connect(-1, "8", SCHEMA), codecs));
    frames(world, connection).pop().unwrap()
}

/// What was sent to `connection` so far, as it was sent.
fn frames(world: &World, connection: ConnectionId) -> Vec<Frame> {
    let sent = |action: &RoomAction| match action {
        RoomAction::Send { to, frame } if to.contains(&connection) => Some(frame.clone()),
        RoomAction::Send { .. }
        | RoomAction::Close { .. }
        | RoomAction::Persist(_)
        | RoomAction::Event(_) => None,
    };
    world.actions.iter().filter_map(sent).collect()
}

fn join_offering(world: &mut World, name: &str, codecs: &str) -> ConnectionId {
    let connection = world.open(name);
    hello_offering(world, connection, codecs);
    world.heard(connection);
    connection
}

#[test]
fn a_client_that_offers_a_codec_is_answered_in_it() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", r#","x":1.5,"list":[1,"é"]"#));
    world.present(a, 2, r#"["put",{"x":1}]"#);
    let (b, c) = (world.open("b"), world.open("c"));
    let answer = hello_offering(&mut world, b, POSTCARD);
    assert!(answer.is_binary());
    assert_eq!(to_json(&answer), world.hello(c, -1));
    // Again, and with a clock.
    let connect = offering(&connect(1, "8", SCHEMA), POSTCARD);
    world.say(b, &connect);
    assert!(frames(&world, b).pop().unwrap().is_binary());
    assert_eq!(world.heard(b).pop().unwrap(), world.hello(c, 1));
}

#[test]
fn a_client_that_offers_nothing_known_is_answered_in_json() {
    let mut world = World::new();
    let a = world.open("a");
    for codecs in ["[]", r#"["zip"]"#, r#"["postcard-2","json"]"#, "7", "{}", "null"] {
        assert!(!hello_offering(&mut world, a, codecs).is_binary(), "{codecs}");
    }
    let answer = hello_offering(&mut world, a, r#"[7,"postcard-2","postcard-1","json"]"#);
    assert!(answer.is_binary());
    // The latest `connect` counts.
    assert!(!hello_offering(&mut world, a, "[]").is_binary());
    world.say(a, r#"{"type":"ping"}"#);
    assert!(!frames(&world, a).pop().unwrap().is_binary());
}

#[test]
fn a_host_can_have_all_in_json() {
    let mut world = World::with(|config| config.postcard = false);
    let a = world.open("a");
    assert!(!hello_offering(&mut world, a, POSTCARD).is_binary());
}

#[test]
fn sessions_of_both_codecs_hear_the_same() {
    let mut world = World::new();
    let a = join_offering(&mut world, "a", POSTCARD);
    let (b, c) = (world.join("b"), join_offering(&mut world, "c", POSTCARD));
    for (number, diff) in [
        put_page("p", r#","x":1,"text":"a""#),
        r#"{"p":["patch",{"x":["put",2],"text":["append","b",1],"y":["delete"]}]}"#.into(),
        r#"{"p":["remove"],"q":["remove"]}"#.into(),
    ]
    .iter()
    .enumerate()
    {
        let client_clock = number as u64;
        let pusher = if client_clock == 1 { b } else { a };
        world.push(pusher, client_clock, diff);
        let heard = [a, b, c].map(|connection| {
            let binary: Vec<bool> =
                frames(&world, connection).iter().map(Frame::is_binary).collect();
            assert_eq!(binary, [connection != b]);
            world.heard(connection)
        });
        let others = if pusher == a { [&heard[1], &heard[2]] } else { [&heard[0], &heard[2]] };
        assert_eq!(others[0], others[1]);
        assert!(heard[usize::from(pusher == b)][0].contains("push_result"));
    }
}

#[test]
fn every_message_goes_in_the_codec_of_its_session() {
    let mut world = World::new();
    let a = world.open("a");
    world.say(a, &offering(&connect(-1, "6", SCHEMA), POSTCARD));
    world.say(a, r#"{"type":"ping"}"#);
    world.act(|room, now| room.send_custom(now, a, Value::from("hi"))).unwrap();
    world.push(a, 1, r#"{"camera:1":["put",{"id":"camera:1","typeName":"camera"}]}"#);
    assert_eq!(frames(&world, a).iter().filter(|frame| frame.is_binary()).count(), 4);
    let heard = world.heard(a);
    assert_eq!(heard[1], r#"{"type":"pong"}"#);
    assert_eq!(heard[2], r#"{"type":"custom","data":"hi"}"#);
    assert_eq!(heard[3], r#"{"type":"incompatibility_error","reason":"invalidRecord"}"#);
}

#[test]
fn clients_of_old_protocols_hear_no_appends_in_either_codec() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", r#","text":"a""#));
    let b = world.open("b");
    world.say(b, &offering(&connect(-1, "7", SCHEMA), POSTCARD));
    world.heard(b);
    world.push(a, 2, r#"{"p":["patch",{"text":["append","b",1]}]}"#);
    assert!(frames(&world, b)[0].is_binary());
    world.assert_data(b, &[patch(2, r#"{"p":["patch",{"text":["put","ab"]}]}"#)]);
}

#[test]
fn sessions_of_a_codec_that_hear_the_same_share_one_frame() {
    let mut world = World::new();
    let a = world.join("a");
    let others: Vec<_> =
        (0..3).map(|n| join_offering(&mut world, &format!("b{n}"), POSTCARD)).collect();
    world.push(a, 1, &put_page("p", ""));
    let bytes: Vec<_> =
        others.iter().map(|other| frames(&world, *other)[0].to_bytes().as_ptr()).collect();
    assert_eq!(bytes, [bytes[0]; 3]);
}

#[test]
fn clients_that_enter_share_what_they_are_told_of_documents() {
    for codecs in ["[]", POSTCARD] {
        let mut world = World::new();
        let a = world.join("a");
        world.push(a, 1, &put_page("p", ""));
        let told = ["b", "c"].map(|name| {
            let connection = world.open(name);
            hello_offering(&mut world, connection, codecs)
        });
        let [b, c] = told.each_ref().map(|frame| frame.parts().get(1).map(|part| part.as_ptr()));
        assert!(b.is_some() && b == c, "{codecs}");
        assert_eq!(told[0].len(), told[1].len());
    }
}

#[test]
fn a_session_that_fell_off_the_log_is_told_the_state_in_its_codec() {
    let mut world = World::with(|config| config.limits.log_bytes = 100);
    let (a, b) = (world.join("a"), join_offering(&mut world, "b", POSTCARD));
    world.writable(b, false);
    for x in 0..20 {
        world.push(a, x, &put_page("p", &format!(r#","x":{x}"#)));
    }
    world.writable(b, true);
    assert!(frames(&world, b)[0].is_binary());
    let record = sorted(&page("p", r#","x":19"#));
    world.assert_data(b, &[patch(20, &format!(r#"{{"p":["put",{record}]}}"#))]);
}

#[test]
fn binary_messages_do_what_their_json_does_whoever_sends_them() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    let binary = |json: &str| {
        let message = ClientMessage::decode(json.as_bytes(), 48).unwrap();
        message.encode(Codec::Postcard)
    };
    let diff = put_page("p", r#","x":1"#);
    let push = format!(r#"{{"type":"push","clientClock":1,"diff":{diff}}}"#);
    world.say_bytes(a, &binary(&push).to_bytes());
    world.assert_data(a, &[commit(1, 1)]);
    world.assert_data(b, &[patch(1, &sorted(&diff))]);
    world.say_bytes(a, &binary(r#"{"type":"ping"}"#).to_bytes());
    assert_eq!(world.heard(a), [r#"{"type":"pong"}"#]);
    // Even the first message.
    let c = world.open("c");
    let connect = offering(&connect(-1, "8", SCHEMA), POSTCARD);
    world.say_bytes(c, &binary(&connect).to_bytes());
    assert!(frames(&world, c)[0].is_binary());
}

#[test]
fn binary_that_is_no_message_breaks_the_protocol() {
    for bytes in [&[0x80][..], &[0x83, 0], &[0x82, 1, 1, 9], &[0x93], &[0xBF; 20]] {
        let mut world = World::new();
        let a = world.join("a");
        world.say_bytes(a, bytes);
        assert_eq!(world.closed(a), Some(CloseReason::UnknownError), "{bytes:?}");
    }
    // In between two pieces of a message it is out of order, whatever it is.
    let mut world = World::new();
    let a = world.join("a");
    world.say(a, "1_a");
    world.say_bytes(a, &[0x83]);
    assert_eq!(world.closed(a), Some(CloseReason::BadChunk));
}

#[test]
fn a_binary_message_has_so_many_bytes_and_levels_as_a_text() {
    let mut world = World::with(|config| {
        config.limits.message_bytes = 1000;
        config.limits.value_depth = 3;
    });
    let custom = |value: Value| ClientMessage::Custom(value).encode(Codec::Postcard);
    for (len, is_good) in [(1000 - 4, true), (1000 - 3, false)] {
        let a = world.join("a");
        world.say_bytes(a, &custom("x".repeat(len).into()).to_bytes());
        assert_eq!(world.closed(a).is_none(), is_good);
    }
    for (json, is_good) in [("[[[1]]]", true), ("[[[[1]]]]", false)] {
        let a = world.join("a");
        world.say_bytes(a, &custom(json.parse().unwrap()).to_bytes());
        assert_eq!(world.closed(a).is_none(), is_good, "{json}");
    }
}

#[test]
fn the_codec_of_a_session_outlives_the_rooms_memory() {
    let mut world = World::new();
    let a = join_offering(&mut world, "a", POSTCARD);
    let kept = world.room.session_snapshot(a).unwrap();
    assert_eq!(SessionSnapshot::from_value(&kept.to_value()), Ok(kept.clone()));
    for (allowed, is_binary) in [(true, true), (false, false)] {
        let config = RoomConfig { postcard: allowed, ..RoomConfig::default() };
        let room = Room::restore(config, Arc::new(schema()), world.room.snapshot()).unwrap();
        let mut again = World { now: world.now, ..World::of(room) };
        let resumed = |room: &mut Room, now| room.handle_resume(now, kept.clone(), Meta::default());
        let a = again.act(resumed).unwrap();
        let b = again.join("b");
        again.push(b, 1, &put_page("p", ""));
        assert_eq!(frames(&again, a).pop().map(|frame| frame.is_binary()), Some(is_binary));
    }
}
