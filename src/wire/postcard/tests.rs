//! What is read and what is refused. That all messages are read back as they were is held by
//! `proptests/tests/codecs.rs`.

mod same;

use super::known::{MOST_KEY_LISTS, MOST_TEXT_BYTES, MOST_TEXTS};
use super::tag;
use crate::error::Malformed;
use crate::value::bytes::{Input, signed_len, write_signed, write_str, write_varint};
use crate::wire::{ClientMessage, Codec, ServerMessage};
use crate::{NetworkDiff, RecordOp, Value};
use alloc::string::String;
use alloc::vec::Vec;

const DEPTH: usize = 40;

fn custom(value: &[u8]) -> Result<Value, Malformed> {
    let message = [&[super::kind::CUSTOM], value].concat();
    let message = ClientMessage::decode(&message, DEPTH)?;
    let ClientMessage::Custom(value) = message else { panic!("{message:?}") };
    Ok(value)
}

/// The diff of a push.
fn diff(section: &[u8]) -> Result<NetworkDiff, Malformed> {
    let message = [&[super::kind::PUSH, 1, 1], section, &[0]].concat();
    let message = ClientMessage::decode(&message, DEPTH)?;
    let ClientMessage::Push(push) = message else { panic!("{message:?}") };
    Ok(push.diff.unwrap())
}

fn text(text: &str) -> Vec<u8> {
    [&[tag::TEXTS.start + u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

#[track_caller]
fn assert_value(bytes: &[u8], json: &str) {
    assert_eq!(custom(bytes), Ok(json.parse().unwrap()));
}

#[test]
fn numbers_and_texts_are_written_as_the_postcard_crate_does() {
    for shift in 0..64 {
        for number in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift, 0x55 << shift] {
            let mut out = Vec::new();
            write_varint(&mut out, number);
            assert_eq!(postcard::from_bytes(&out), Ok(number));
            assert_eq!(postcard::to_allocvec(&number).unwrap(), out);
            assert_eq!(Input::new(&out).varint(), Ok(number));
            let (mut out, signed) = (Vec::new(), number.cast_signed());
            write_signed(&mut out, signed);
            assert_eq!(postcard::to_allocvec(&signed).unwrap(), out);
            assert_eq!(Input::new(&out).signed(), Ok(signed));
            assert_eq!(signed_len(signed) as usize, out.len());
        }
    }
    let mut out = Vec::new();
    write_str(&mut out, "ink 🖋");
    assert_eq!(postcard::to_allocvec("ink 🖋").unwrap(), out);
    // Fields of messages: options, booleans and the number of a variant.
    let ping = ClientMessage::Push(crate::Push { client_clock: 300, diff: None, presence: None });
    let fields = postcard::to_allocvec(&(300_u64, None::<u8>, None::<u8>)).unwrap();
    assert_eq!(ping.encode(Codec::Postcard).to_bytes()[1..], fields);
}

#[test]
fn a_varint_is_read_in_its_shortest_form_only() {
    let read = |bytes: &[u8]| Input::new(bytes).varint();
    assert_eq!(read(&[0]), Ok(0));
    assert_eq!(read(&[0x80, 0x01]), Ok(128));
    assert_eq!(read(&[0x80, 0x00]), Err(Malformed));
    assert_eq!(read(&[0xFF, 0x80, 0x00]), Err(Malformed));
    assert_eq!(read(&[0x80]), Err(Malformed));
    assert_eq!(read(&[&[0xFF; 9][..], &[0x01]].concat()), Ok(u64::MAX));
    assert_eq!(read(&[&[0xFF; 9][..], &[0x02]].concat()), Err(Malformed));
    assert_eq!(read(&[0xFF; 11]), Err(Malformed));
}

#[test]
fn a_message_ends_where_it_ends() {
    let push = br#"{"type":"push","clientClock":5,"diff":{"a:1":["put",{"id":"a:1","x":[1,2.5]}],"a:2":["patch",{"t":["append","more",4]}],"b":["remove"]},"presence":["patch",{"x":["put",0.1]}]}"#;
    let message = ClientMessage::decode(push, DEPTH).unwrap();
    let frame = message.encode(Codec::Postcard);
    assert_eq!(ClientMessage::decode(&frame.to_bytes(), DEPTH), Ok(message));
    for len in 0..frame.len() {
        assert_eq!(ClientMessage::decode(&frame.to_bytes()[..len], DEPTH), Err(Malformed), "{len}");
    }
    for trailing in [0, 1, 0x82] {
        let longer = [&frame.to_bytes()[..], &[trailing][..]].concat();
        assert_eq!(ClientMessage::decode(&longer, DEPTH), Err(Malformed));
    }
    for (message, longer) in [(&[0x83][..], &[0x83, 0][..]), (&[0x81], &[0x84])] {
        assert_eq!(ClientMessage::decode(message, DEPTH).is_ok(), message == [0x83]);
        assert!(ClientMessage::decode(longer, DEPTH).is_err());
    }
    assert_eq!(ServerMessage::decode(&[0x93], DEPTH), Ok(ServerMessage::Pong));
    assert_eq!(ServerMessage::decode(&[0x93, 0], DEPTH), Err(Malformed));
    // What the one says, the other does not.
    assert_eq!(ServerMessage::decode(&[0x83], DEPTH), Err(Malformed));
    assert_eq!(ClientMessage::decode(&[0x93], DEPTH), Err(Malformed));
}

#[test]
fn every_form_of_a_number_is_read_by_value() {
    for (bytes, json) in [
        (&[20][..], "0"),
        (&[31], "11"),
        (&[tag::INT, 0], "0"),
        (&[tag::INT, 24], "12"),
        (&[tag::INT, 1], "-1"),
        (&[tag::HUNDREDTHS, 50], "0.25"),
        (&[tag::HUNDREDTHS, 200, 1], "1"),
        (&[tag::SINGLE, 0, 0, 0x80, 0x3F], "1"),
        (&[tag::DOUBLE, 0, 0, 0, 0, 0, 0, 0, 0x80], "0"),
        (&[tag::DOUBLE, 0x9A, 0x99, 0x99, 0x99, 0x99, 0x99, 0xB9, 0x3F], "0.1"),
    ] {
        assert_value(bytes, json);
    }
}

#[test]
fn numbers_take_the_shortest_form_that_is_exact() {
    let len = |json: &str| {
        let value: Value = json.parse().unwrap();
        let frame = ClientMessage::Custom(value.clone()).encode(Codec::Postcard);
        assert_eq!(custom(&frame.to_bytes()[1..]), Ok(value));
        frame.len() - 1
    };
    for (json, bytes) in [
        ("0", 1),
        ("11", 1),
        ("12", 2),
        ("-1", 2),
        ("1748212345678", 7),
        ("9223372036854775807", 11),
        ("0.1", 2),
        ("-1234.56", 4),
        ("512.4296875", 5),
        ("1e300", 9),
        ("0.30000000000000004", 9),
    ] {
        assert_eq!(len(json), bytes, "{json}");
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(custom(&[&[tag::DOUBLE], &float.to_le_bytes()[..]].concat()).is_err());
    }
    for float in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(custom(&[&[tag::SINGLE], &float.to_le_bytes()[..]].concat()).is_err());
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_wherever_it_stands() {
    // The last is what a lone surrogate would be.
    for bad in [&[0xFF, 0x41, 0x41][..], &[0xC3, 0x28, 0x41], &[0xED, 0xA0, 0x80]] {
        let written = [&[tag::TEXTS.start + 3], bad].concat();
        assert!(custom(&written).is_err());
        assert!(custom(&[&[tag::NEW_TEXT, 3], bad].concat()).is_err());
        assert!(custom(&[&[tag::NEW_OBJECT, 1], &written[..], &[tag::NULL]].concat()).is_err());
        assert!(diff(&[&[1, 0, 3], bad, &[tag::REMOVE]].concat()).is_err());
        assert!(
            diff(&[&[1, 0, 1, b'a', tag::PATCH, 1], &written[..], &[tag::NULL]].concat()).is_err()
        );
    }
    // Half of a character is shared by two ids, which is as good as all of it.
    let ids = [&[2, 0, 2], "é".as_bytes(), &[tag::REMOVE, 1, 1, 0xAA, tag::REMOVE]].concat();
    assert_eq!(diff(&ids).unwrap().iter().map(|(id, _)| id.as_str()).collect::<String>(), "éê");
    let ids = [&[2, 0, 2], "é".as_bytes(), &[tag::REMOVE, 1, 1, b'z', tag::REMOVE]].concat();
    assert_eq!(diff(&ids), Err(Malformed));
}

#[test]
fn keys_and_ids_stand_in_order_and_once() {
    let (a, b) = (text("a"), text("b"));
    for (first, second, is_good) in [(&a, &b, true), (&b, &a, false), (&a, &a, false)] {
        let keys = [&first[..], second].concat();
        let object = [&[tag::NEW_OBJECT, 2], &keys[..], &[tag::NULL, tag::NULL]].concat();
        assert_eq!(custom(&object).is_ok(), is_good);
        let op = |key: &[u8]| [key, &[tag::DELETE]].concat();
        let patch = [&[1, 0, 1, b'x', tag::PATCH, 2], &op(first)[..], &op(second)[..]].concat();
        assert_eq!(diff(&patch).is_ok(), is_good);
        let ids = [&[2, 0, 1, first[1], tag::REMOVE, 0, 1], &[second[1], tag::REMOVE][..]].concat();
        assert_eq!(diff(&ids).is_ok(), is_good);
    }
    // No keys have a tag of their own.
    assert_value(&[tag::EMPTY_OBJECT], "{}");
    assert!(custom(&[tag::NEW_OBJECT, 0]).is_err());
}

#[test]
fn proto_is_dropped_wherever_it_stands() {
    let keys = [text("__proto__"), text("a")].concat();
    let first = [&[tag::NEW_OBJECT, 2], &keys[..], &[tag::TRUE, tag::FALSE]].concat();
    assert_value(&first, r#"{"a":false}"#);
    // Also where its list of keys is known.
    let again = [&[tag::ARRAYS.start + 2], &first[..], &[tag::KNOWN_OBJECTS.start]].concat();
    assert_value(&[&again[..], &[20, 21]].concat(), r#"[{"a":false},{"a":1}]"#);
    assert!(custom(&[&again[..], &[20]].concat()).is_err());
    let alone = [&[tag::NEW_OBJECT, 1], &text("__proto__")[..], &[tag::TRUE]].concat();
    assert_value(&alone, "{}");
    let id = [&[1, 0, 9], &b"__proto__"[..], &[tag::REMOVE]].concat();
    assert_eq!(diff(&id), Ok(NetworkDiff::default()));
    let patch = [&[1, 0, 1, b'x', tag::PATCH, 1], &text("__proto__")[..], &[tag::DELETE]].concat();
    assert_eq!(diff(&patch), Ok(r#"{"x":["patch",{}]}"#.parse().unwrap()));
}

#[test]
fn values_and_diffs_nest_to_the_cap_and_no_deeper_as_in_json() {
    let arrays = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let objects = |levels: usize| "{\"a\":".repeat(levels - 1) + "{}" + &"}".repeat(levels - 1);
    let patches =
        |levels: usize| "[\"patch\",{\"a\":".repeat(levels) + "[\"delete\"]" + &"}]".repeat(levels);
    let messages = |levels: usize| {
        [
            alloc::format!(r#"{{"type":"custom","data":{}}}"#, arrays(levels)),
            alloc::format!(r#"{{"type":"custom","data":{}}}"#, objects(levels)),
            alloc::format!(
                r#"{{"type":"push","clientClock":1,"diff":{{"a":["put",{}]}}}}"#,
                objects(levels)
            ),
            alloc::format!(
                r#"{{"type":"push","clientClock":1,"diff":{{"a":{}}}}}"#,
                patches(levels)
            ),
            alloc::format!(r#"{{"type":"push","clientClock":1,"presence":{}}}"#, patches(levels)),
        ]
    };
    for (good, bad) in messages(5).iter().zip(messages(6)) {
        let binary = |json: &str| {
            ClientMessage::decode(json.as_bytes(), 48).unwrap().encode(Codec::Postcard)
        };
        assert!(ClientMessage::decode(good.as_bytes(), 5).is_ok(), "{good}");
        assert!(ClientMessage::decode(bad.as_bytes(), 5).is_err(), "{bad}");
        assert!(ClientMessage::decode(&binary(good).to_bytes(), 5).is_ok(), "{good}");
        assert!(ClientMessage::decode(&binary(&bad).to_bytes(), 5).is_err(), "{bad}");
    }
    // Far deeper than the stack would bear.
    let deep = [tag::ARRAYS.start + 1].repeat(1_000_000);
    assert_eq!(custom(&deep), Err(Malformed));
    let deep = [&[tag::NEW_OBJECT, 1], &text("a")[..]].concat().repeat(1_000_000);
    assert_eq!(custom(&deep), Err(Malformed));
    let deep = [&[tag::PATCH, 1], &text("a")[..]].concat().repeat(1_000_000);
    assert_eq!(diff(&[&[1, 0, 1, b'x'], &deep[..]].concat()), Err(Malformed));
}

#[test]
fn a_count_that_there_are_no_bytes_for_is_refused() {
    let many = |count: u64| {
        let mut out = Vec::new();
        write_varint(&mut out, count);
        out
    };
    for count in [2, 1 << 20, 1 << 40, u64::MAX] {
        let count = many(count);
        for tag in [tag::ARRAY, tag::NEW_OBJECT, tag::TEXT, tag::NEW_TEXT] {
            assert!(custom(&[&[tag], &count[..], &[tag::NULL]].concat()).is_err());
        }
        assert!(diff(&count).is_err());
        assert!(diff(&[&[1, 0], &count[..]].concat()).is_err());
        assert!(diff(&[&[1, 0, 1, b'x', tag::PATCH], &count[..]].concat()).is_err());
    }
    assert!(custom(&[tag::ARRAY, 1, tag::NULL]).is_ok());
    // Each of these claims all that follows, and there is as much.
    let claims = [&[tag::ARRAY], &many(1 << 20)[..]].concat().repeat(DEPTH);
    assert!(custom(&[&claims[..], &[tag::NULL; 1 << 20]].concat()).is_err());
}

#[test]
fn what_is_not_known_cannot_be_named() {
    assert!(custom(&[tag::KNOWN_TEXTS.start]).is_err());
    assert!(custom(&[tag::KNOWN_TEXT, 0]).is_err());
    assert!(custom(&[tag::KNOWN_OBJECTS.start]).is_err());
    assert!(custom(&[tag::KNOWN_OBJECT, 0]).is_err());
    let two = [tag::ARRAYS.start + 2, tag::NEW_TEXT, 1, b'a'];
    assert_value(&[&two[..], &[tag::KNOWN_TEXTS.start]].concat(), r#"["a","a"]"#);
    assert_value(&[&two[..], &[tag::KNOWN_TEXT, 0]].concat(), r#"["a","a"]"#);
    assert!(custom(&[&two[..], &[tag::KNOWN_TEXT, 1]].concat()).is_err());
    // A text that is not said to be known is not, nor is one of another section.
    assert!(custom(&[tag::ARRAYS.start + 2, tag::TEXTS.start, tag::KNOWN_TEXTS.start]).is_err());
    let put = [1, 0, 1, b'x', tag::NEW_OBJECT, 1, tag::NEW_TEXT, 1, b'k', tag::NULL];
    for (op, is_good) in [(&[tag::NEW_OBJECT, 1, 33, b'k', 0][..], true), (&[96, 0], false)] {
        let push = [&[super::kind::PUSH, 1, 1], &put[..], &[1], op].concat();
        assert_eq!(ClientMessage::decode(&push, DEPTH).is_ok(), is_good);
    }
}

#[test]
fn so_much_is_known_and_no_more() {
    let new_text =
        |len: usize| [&[tag::NEW_TEXT, u8::try_from(len).unwrap()], &b"x".repeat(len)[..]].concat();
    assert!(custom(&new_text(MOST_TEXT_BYTES)).is_ok());
    assert!(custom(&new_text(MOST_TEXT_BYTES + 1)).is_err());
    let array = |count: usize, items: &[u8]| {
        let mut out = Vec::from([tag::ARRAY]);
        write_varint(&mut out, count as u64);
        [&out[..], items].concat()
    };
    assert!(custom(&array(MOST_TEXTS, &new_text(1).repeat(MOST_TEXTS))).is_ok());
    assert!(custom(&array(MOST_TEXTS + 1, &new_text(1).repeat(MOST_TEXTS + 1))).is_err());
    let objects = [&[tag::NEW_OBJECT, 1], &text("k")[..], &[tag::NULL]].concat();
    for (number, is_known) in [(MOST_KEY_LISTS - 1, true), (MOST_KEY_LISTS, false)] {
        let mut last = Vec::from([tag::KNOWN_OBJECT]);
        write_varint(&mut last, number as u64);
        last.push(tag::NULL);
        let items = [&objects.repeat(MOST_KEY_LISTS + 1)[..], &last].concat();
        assert_eq!(custom(&array(MOST_KEY_LISTS + 2, &items)).is_ok(), is_known);
    }
}

#[test]
fn ids_share_64_bytes_at_most() {
    let long = b"x".repeat(100);
    let ids = |shared: u8| {
        [&[2, 0, 100], &long[..], &[tag::REMOVE, shared, 1, b'y', tag::REMOVE]].concat()
    };
    assert!(diff(&ids(64)).is_ok());
    assert!(diff(&ids(65)).is_err());
    // Nor more than there are.
    assert!(diff(&[2, 0, 1, b'a', tag::REMOVE, 2, 1, b'b', tag::REMOVE]).is_err());
    let diff: NetworkDiff = ["a", "b"]
        .map(|end| ("x".repeat(100) + end, RecordOp::Remove))
        .map(|(id, op)| (id.into(), op))
        .into_iter()
        .collect();
    let push = crate::Push { client_clock: 1, diff: Some(diff), presence: None };
    let frame = ClientMessage::Push(push.clone()).encode(Codec::Postcard);
    assert_eq!(ClientMessage::decode(&frame.to_bytes(), DEPTH), Ok(ClientMessage::Push(push)));
}

#[test]
fn the_own_id_is_that_of_the_record_around_it() {
    let record = [&[1, 0, 3], &b"a:1"[..], &[tag::NEW_OBJECT, 1], &text("id"), &[tag::OWN_ID]];
    assert_eq!(diff(&record.concat()), Ok(r#"{"a:1":["put",{"id":"a:1"}]}"#.parse().unwrap()));
    assert!(custom(&[tag::OWN_ID]).is_err());
    let patch = [&[1, 0, 3], &b"a:1"[..], &[tag::PATCH, 1], &text("id"), &[tag::OWN_ID]];
    assert!(diff(&patch.concat()).is_err());
}

#[test]
fn clocks_are_as_large_as_javascript_counts_and_offsets_as_json_carries() {
    let clock = |number: u64| {
        let mut push = Vec::from([super::kind::PUSH]);
        write_varint(&mut push, number);
        ClientMessage::decode(&[&push[..], &[0, 0]].concat(), DEPTH)
    };
    assert!(clock((1 << 53) - 1).is_ok());
    assert!(clock(1 << 53).is_err());
    let offset = |number: u64| {
        let mut append = Vec::from([1, 0, 1, b'x', tag::PATCH, 1, 33, b'k', tag::APPEND_TEXT]);
        write_varint(&mut append, number);
        append.push(tag::TEXTS.start);
        diff(&append)
    };
    assert!(offset(u64::MAX >> 1).is_ok());
    assert!(offset((u64::MAX >> 1) + 1).is_err());

    // An offset that 32 bits cannot hold ended the session there, and nowhere else.
    assert!(offset(1 << 40).is_ok());
}

#[test]
fn ops_stand_where_ops_are() {
    for tag in [tag::PATCH, tag::APPEND_TEXT, tag::APPEND_ITEMS, tag::DELETE, tag::REMOVE] {
        assert!(custom(&[tag, 0, tag::ARRAYS.start]).is_err());
        assert!(custom(&[tag]).is_err());
    }
    let patch = |op: &[u8]| diff(&[&[1, 0, 1, b'x', tag::PATCH, 1, 33, b'k'], op].concat());
    assert!(patch(&[tag::APPEND_TEXT, 0, tag::TEXTS.start]).is_ok());
    assert!(patch(&[tag::APPEND_TEXT, 0, tag::ARRAYS.start]).is_err());
    assert!(patch(&[tag::APPEND_ITEMS, 0, tag::ARRAYS.start]).is_ok());
    assert!(patch(&[tag::APPEND_ITEMS, 0, tag::TEXTS.start]).is_err());
    assert!(patch(&[tag::REMOVE]).is_err());
    for op in [tag::DELETE, tag::NULL, tag::ARRAYS.start, tag::TEXTS.start] {
        assert!(diff(&[1, 0, 1, b'x', op]).is_err(), "{op} is no op on a record");
    }
    for tag in 128..=255 {
        assert!(custom(&[tag]).is_err());
    }
}

#[test]
fn what_comes_again_is_written_by_number() {
    let value = |json: &str| {
        let frame = ClientMessage::Custom(json.parse().unwrap()).encode(Codec::Postcard);
        let written = frame.to_bytes()[1..].to_vec();
        assert_value(&written, json);
        written
    };
    let twice = [&text("ab")[..], &[tag::NEW_TEXT, 2, b'a', b'b']].concat();
    let three = [&[tag::ARRAYS.start + 3], &twice[..], &[tag::KNOWN_TEXTS.start]].concat();
    assert_eq!(value(r#"["ab","ab","ab"]"#), three);
    // A key is a text, too.
    let keys = [&[tag::NEW_OBJECT, 1], &text("k")[..]].concat();
    let first = [&[tag::ARRAYS.start + 3], &keys[..], &text("v")].concat();
    let others = [tag::KNOWN_OBJECTS.start, tag::NEW_TEXT, 1, b'v', tag::KNOWN_OBJECTS.start];
    let all = [&first[..], &others, &[tag::KNOWN_TEXTS.start]].concat();
    assert_eq!(value(r#"[{"k":"v"},{"k":"v"},{"k":"v"}]"#), all);
    // What is long never is, nor what is empty.
    for text in [String::new(), "x".repeat(MOST_TEXT_BYTES + 1)] {
        let written = value(&alloc::format!("[{text:?},{text:?},{text:?}]"));
        assert_eq!((written.len() - 1) % 3, 0);
    }
    let long = "x".repeat(MOST_TEXT_BYTES);
    assert!(value(&alloc::format!("[{long:?},{long:?},{long:?}]")).len() < 3 * MOST_TEXT_BYTES);
}

#[test]
fn more_than_can_be_known_is_written_out() {
    let texts: String = (0..9000).map(|n| alloc::format!(r#","t{}""#, n % 4500)).collect();
    let objects: String = (0..900).map(|n| alloc::format!(r#",{{"k{}":1}}"#, n % 300)).collect();
    let value: Value = alloc::format!("[0{texts}{objects}]").parse().unwrap();
    let frame = ClientMessage::Custom(value.clone()).encode(Codec::Postcard);
    assert_eq!(custom(&frame.to_bytes()[1..]), Ok(value));
}

#[test]
fn a_record_names_its_own_id_by_a_tag() {
    let push = crate::Push {
        client_clock: 1,
        diff: r#"{"":["remove"],"a:1":["put",{"id":"a:1"}]}"#.parse().ok(),
        presence: None,
    };
    let section = [&[2, 0, 0, tag::REMOVE, 0, 3], &b"a:1"[..], &[tag::NEW_OBJECT, 1], &text("id")];
    let section = [&section.concat()[..], &[tag::OWN_ID]].concat();
    let written = ClientMessage::Push(push.clone()).encode(Codec::Postcard);
    assert_eq!(written.to_bytes()[..], [&[super::kind::PUSH, 1, 1], &section[..], &[0]].concat());
    assert_eq!(diff(&section), Ok(push.diff.unwrap()));
}

#[test]
fn what_a_room_says_is_read_as_it_was_written() {
    let answers = ["wipe_all", "wipe_presence"].map(|hydration| {
        alloc::format!(
            r#"{{"type":"connect","connectRequestId":"r","hydrationType":"{hydration}","protocolVersion":8,"schema":{{"schemaVersion":2,"sequences":{{"a":1}}}},"diff":{{}},"serverClock":3,"isReadonly":true,"objectAccess":"read"}}"#
        )
    });
    let reasons = ["clientTooOld", "serverTooOld", "invalidRecord", "invalidOperation"];
    let refusals = reasons
        .map(|reason| alloc::format!(r#"{{"type":"incompatibility_error","reason":"{reason}"}}"#));
    for json in answers.iter().chain(&refusals) {
        let message = ServerMessage::decode(json.as_bytes(), DEPTH).unwrap();
        let written = message.encode(Codec::Postcard);
        assert_eq!(ServerMessage::decode(&written.to_bytes(), DEPTH), Ok(message));
    }
}
