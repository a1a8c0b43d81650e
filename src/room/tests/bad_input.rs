//! What broken and hostile peers send: their session ends, and nobody else notices.

use super::*;

/// `bytes` end the session of whoever sends them, before and after its connect.
#[track_caller]
fn assert_closed(bytes: &[u8], reason: &CloseReason) {
    for is_in in [false, true] {
        let mut world = World::new();
        let b = world.join("b");
        world.push(b, 1, &put_page("p", ""));
        let a = world.open("a");
        if is_in {
            world.hello(a, -1);
        }
        world.actions.clear();
        world.say_bytes(a, bytes);
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        assert_eq!(world.closed(a).as_ref(), Some(reason), "{text} {is_in}");
        world.assert_silence(a);
        world.assert_silence(b);
        world.push(b, 2, r#"{"p":["remove"]}"#);
        world.assert_data(b, &[commit(2, 2)]);
    }
}

/// `text` breaks the protocol.
#[track_caller]
fn assert_broken(text: &str) {
    assert_closed(text.as_bytes(), &CloseReason::UnknownError);
}

#[test]
fn what_is_no_message_at_all_is_a_plain_close() {
    for text in
        ["garbage", "", "[1]", "null", "12", r#""x""#, " {\"type\":\"ping\"}", "x_x", "-1_x"]
    {
        assert_closed(text.as_bytes(), &CloseReason::BadChunk);
    }
    assert!(!CloseReason::BadChunk.is_fatal());
}

#[test]
fn bytes_that_are_not_utf_8_are_a_plain_close() {
    assert_closed(b"\xff\xfe", &CloseReason::BadChunk);
    assert_closed(b"{\"type\":\"ping\xff\"}", &CloseReason::BadChunk);
}

#[test]
fn a_chunk_out_of_order_is_a_plain_close() {
    for texts in [["2_{", "0_x"], ["2_{", "2_x"], ["1_{", r#"{"type":"ping"}"#], ["1_{", "0_"]] {
        let mut world = World::new();
        let a = world.join("a");
        for text in texts {
            assert_eq!(world.closed(a), None);
            world.say(a, text);
        }
        assert_eq!(world.closed(a), Some(CloseReason::BadChunk), "{texts:?}");
        // Its session has the grace of any other that was cut.
        assert_eq!(world.room.session_count(), 1);
        let a = world.join("a");
        world.say(a, r#"{"type":"ping"}"#);
        assert_eq!(world.heard(a), [r#"{"type":"pong"}"#]);
    }
}

#[test]
fn a_message_in_chunks_is_one_message() {
    let mut world = World::new();
    let a = world.join("a");
    let push = format!(
        r#"{{"type":"push","clientClock":1,"diff":{}}}"#,
        put_page("p", r#","text":"_ 1_{ 🖋""#)
    );
    let mut rest = push.as_str();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.ceil_char_boundary(7));
        pieces.push(piece);
        rest = tail;
    }
    for (index, piece) in pieces.iter().enumerate() {
        world.assert_silence(a);
        world.say(a, &format!("{}_{piece}", pieces.len() - 1 - index));
    }
    world.assert_data(a, &[commit(1, 1)]);
}

#[test]
fn chunks_of_two_connections_do_not_mix() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.say(a, r#"1_{"type":"#);
    world.say(b, r#"{"type":"ping"}"#);
    world.say(a, r#"0_"ping"}"#);
    assert_eq!((world.heard(a).len(), world.heard(b).len()), (1, 1));
}

#[test]
fn what_begins_like_json_and_is_none_breaks_the_protocol() {
    for text in ["{", r#"{"type":"#, r#"{"type":"ping"}x"#, r#"{"type":"ping"}{}"#, "{'type':1}"] {
        assert_broken(text);
    }
}

#[test]
fn an_unknown_message_breaks_the_protocol() {
    for text in
        ["{}", r#"{"type":null}"#, r#"{"type":"dance"}"#, r#"{"type":7}"#, r#"{"type":"pong"}"#]
    {
        assert_broken(text);
    }
}

#[test]
fn fields_of_the_wrong_type_break_the_protocol() {
    for fields in [
        r#""diff":{}"#,
        r#""clientClock":"1","diff":{}"#,
        r#""clientClock":-1,"diff":{}"#,
        r#""clientClock":1.5,"diff":{}"#,
        r#""clientClock":1,"diff":[]"#,
        r#""clientClock":1,"diff":7"#,
        r#""clientClock":1,"diff":{"p":7}"#,
        r#""clientClock":1,"diff":{"p":[]}"#,
        r#""clientClock":1,"diff":{"p":["zap"]}"#,
        r#""clientClock":1,"diff":{"p":["put"]}"#,
        r#""clientClock":1,"diff":{"p":["put",5]}"#,
        r#""clientClock":1,"diff":{"p":["put",null]}"#,
        r#""clientClock":1,"diff":{"p":["patch"]}"#,
        r#""clientClock":1,"diff":{"p":["patch",{"x":7}]}"#,
        r#""clientClock":1,"diff":{"p":["patch",{"x":["append",7,0]}]}"#,
        r#""clientClock":1,"diff":{"p":["patch",{"x":["append","a",-1]}]}"#,
        r#""clientClock":1,"presence":7"#,
        r#""clientClock":1,"presence":["remove"]"#,
        r#""clientClock":1,"presence":["put",null]"#,
    ] {
        assert_broken(&format!(r#"{{"type":"push",{fields}}}"#));
    }
    let hello = connect(-1, "8", SCHEMA);
    assert_broken(&hello.replace(r#""r""#, "7"));
    assert_broken(&hello.replace(r#""connectRequestId":"r","#, ""));
}

#[test]
fn a_clock_that_nobody_counts_to_breaks_the_protocol() {
    for clock in ["9007199254740992", "9223372036854775807", "1e300"] {
        assert_broken(&format!(r#"{{"type":"push","clientClock":{clock},"diff":{{}}}}"#));
    }
    let mut world = World::new();
    let a = world.join("a");
    let most = (1 << 53) - 1;
    world.push(a, most, &put_page("p", ""));
    world.assert_data(a, &[commit(most, 1)]);
}

#[test]
fn json_of_10000_levels_breaks_the_protocol() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let arrays = deep("[", "]");
    let objects = deep(r#"{"a":"#, "}");
    assert_broken(&deep(r#"{"type":"#, "}"));
    for value in [arrays, objects] {
        assert_broken(&format!(r#"{{"type":"custom","data":{value}}}"#));
        assert_broken(&format!(r#"{{"type":"push","clientClock":{value}}}"#));
        assert_broken(&format!(
            r#"{{"type":"push","clientClock":1,"presence":["put",{{"x":{value}}}]}}"#
        ));
        assert_broken(&format!(
            r#"{{"type":"push","clientClock":1,"diff":{{"p":["patch",{{"x":["put",{value}]}}]}}}}"#
        ));
        assert_broken(&connect(-1, "8", &value));
    }
    let patches = deep(r#"{"a":["patch","#, "]}");
    assert_broken(&format!(
        r#"{{"type":"push","clientClock":1,"diff":{{"p":["patch",{patches}]}}}}"#
    ));
}

#[test]
fn deep_json_in_a_field_that_no_message_has_is_ignored() {
    let mut world = World::new();
    let a = world.join("a");
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    world.say(a, &format!(r#"{{"type":"ping","more":{deep}}}"#));
    assert_eq!(world.heard(a), [r#"{"type":"pong"}"#]);
}

#[test]
fn bytes_after_a_close_are_ignored() {
    let mut world = World::new();
    let (a, b) = (world.join("a"), world.join("b"));
    world.say(a, "garbage");
    assert_eq!(world.closed(a), Some(CloseReason::BadChunk));
    world.actions.clear();
    world.push(a, 1, &put_page("p", ""));
    world.say(a, &connect(-1, "8", SCHEMA));
    world.say(a, "more garbage");
    assert!(world.actions.is_empty());
    assert_eq!(world.room.clock(), 0);
    world.assert_silence(b);
}

#[test]
fn messages_of_an_unknown_connection_are_ignored() {
    let mut world = World::new();
    let unknown = ConnectionId::from_u64(99);
    world.say(unknown, &connect(-1, "8", SCHEMA));
    world.writable(unknown, true);
    world.disconnect(unknown);
    assert!(world.actions.is_empty() && world.room.is_empty());
}

#[test]
fn a_lone_surrogate_is_read_as_a_replacement_of_one_unit() {
    let mut world = World::new();
    let a = world.join("a");
    world.push(a, 1, &put_page("p", r#","text":"a\ud83d""#));
    world.push(a, 2, r#"{"p":["patch",{"text":["append","b",2]}]}"#);
    assert_eq!(world.heard(a), [data(&[commit(1, 1)]), data(&[commit(2, 2)])]);
    assert_eq!(world.record("p"), sorted(&page("p", ",\"text\":\"a\u{FFFD}b\"")));
}
