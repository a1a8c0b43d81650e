//! A byte says that a value is the same as in the last object of the same keys.

use super::{DEPTH, assert_value, custom, diff, text};
use crate::Value;
use crate::error::Malformed;
use crate::wire::postcard::known::MOST_SAME_SIZE;
use crate::wire::postcard::tag;
use crate::wire::{ClientMessage, Codec};
use alloc::string::String;
use alloc::vec::Vec;

/// An object of the first list of keys, which is met for the first time, and what else.
fn after(first: &[u8], others: &[&[u8]]) -> Vec<u8> {
    let count = tag::ARRAYS.start + u8::try_from(others.len() + 1).unwrap();
    let new = [&[count, tag::NEW_OBJECT, 1], &text("k")[..], first].concat();
    [&new[..], &others.concat()].concat()
}

/// An object of the first list of keys, that has the same value.
const SAME: &[u8] = &[tag::KNOWN_OBJECTS.start, tag::SAME];

fn written(json: &str) -> Vec<u8> {
    let frame = ClientMessage::Custom(json.parse().unwrap()).encode(Codec::Postcard);
    let written = frame.to_bytes()[1..].to_vec();
    assert_value(&written, json);
    written
}

#[test]
fn a_value_that_stands_there_again_is_a_byte_and_shares_memory() {
    for (value, tagged) in [
        ("[1]", &[tag::ARRAYS.start + 1, 21][..]),
        (r#"{"o":1}"#, &[tag::NEW_OBJECT, 1, 33, b'o', 21]),
        ("12", &[tag::INT, 24]),
        ("0.5", &[tag::HUNDREDTHS, 100]),
    ] {
        // Of another text each time, so that they are read apart.
        let json = alloc::format!(r#"[{{"k":{value}}},{{"k": {value}}},{{"k":  {value}}}]"#);
        assert_eq!(written(&json), after(tagged, &[SAME, SAME]), "{json}");
    }
    let same: Value = custom(&after(&[tag::ARRAYS.start + 1, 21], &[SAME])).unwrap();
    let arrays = same.as_array().unwrap().iter();
    let arrays: Vec<_> = arrays.map(|item| item.as_object().unwrap().get("k").unwrap()).collect();
    assert!(arrays[0].as_array().unwrap().ptr_eq(arrays[1].as_array().unwrap()));
}

#[test]
fn what_is_nearly_the_same_is_written_out() {
    let values =
        ["[1]", "[1,2]", "[2]", r#"{"o":1}"#, r#"{"p":1}"#, r#"{"o":2}"#, r#"{"o":1,"p":1}"#];
    for (first, then) in values.iter().flat_map(|a| values.map(|b| (a, b))) {
        let json = alloc::format!(r#"[{{"k":{first}}},{{"k": {then}}}]"#);
        assert_eq!(written(&json).ends_with(SAME), *first == then, "{json}");
    }
}

#[test]
fn what_takes_a_byte_is_written_as_it_is() {
    for value in ["null", "true", "false", "11", "[]", "{}", r#""text""#] {
        let json = alloc::format!(r#"[{{"k":{value}}},{{"k":{value}}}]"#);
        assert_ne!(written(&json).last(), Some(&tag::SAME), "{json}");
    }
}

/// That is the one which ended last, be it inside of the one that is under way.
#[test]
fn the_last_object_is_the_last_that_ended() {
    let inner = [&[tag::NEW_OBJECT, 2][..], &text("k"), &text("l")].concat();
    // {"k":{"k":12,"l":13},"l":13}
    let values = [tag::KNOWN_OBJECTS.start, tag::INT, 24, tag::INT, 26, tag::SAME];
    let nested = [&inner[..], &values].concat();
    assert_value(&nested, r#"{"k":{"k":12,"l":13},"l":13}"#);
    assert_eq!(written(r#"{"k":{"k":12,"l":13},"l":13}"#), nested);
    let again = r#"[{"k":12},{"k":13},{"k":12},{"k":12}]"#;
    let others: [&[u8]; 3] = [&[96, tag::INT, 26], &[96, tag::INT, 24], SAME];
    assert_eq!(written(again), after(&[tag::INT, 24], &others));
}

#[test]
fn what_is_the_same_may_stand_inside_of_what_is_not() {
    let object = |n: u8| alloc::format!(r#"{{"a":{n},"b":{{"k":[1],"l":{n}}},"c":[2]}}"#);
    let both = written(&alloc::format!("[{},{}]", object(5), object(6)));
    let second = [96, 26, 97, tag::SAME, 26, tag::SAME];
    assert!(both.ends_with(&second), "{both:?}");
}

#[test]
fn records_of_a_diff_have_the_same_values() {
    let json = r#"{"a":["put",{"k":[1]}],"b":["put",{"k":[1]}]}"#;
    let a = [&[2, 0, 1, b'a', tag::NEW_OBJECT, 1], &text("k")[..], &[113, 21]].concat();
    let both = [&a[..], &[0, 1, b'b'], SAME].concat();
    assert_eq!(diff(&both), Ok(json.parse().unwrap()));
}

#[test]
fn the_same_as_nothing_is_refused() {
    let key = &text("k")[..];
    for nothing in [
        // Not in an object, not before one of its list has ended, and not of another value.
        &[tag::SAME][..],
        &[tag::ARRAYS.start + 1, tag::SAME],
        &[&[tag::NEW_OBJECT, 1], key, &[tag::SAME]].concat(),
        &[&[tag::NEW_OBJECT, 1], key, SAME].concat(),
        &after(&[21], &[&[tag::SAME]]),
    ] {
        assert_eq!(custom(nothing), Err(Malformed), "{nothing:?}");
    }
    let patch = |op: u8| [&[1, 0, 1, b'x', tag::PATCH, 1], key, &[op]].concat();
    assert!(diff(&patch(tag::DELETE)).is_ok());
    assert!(diff(&patch(tag::SAME)).is_err());
    // The value of a key that no object stores is nobody's.
    let proto = [&[113, tag::NEW_OBJECT, 1], &text("__proto__")[..], &[21]].concat();
    assert!(custom(&proto).is_ok());
    let two = [&[114, tag::NEW_OBJECT, 1], &text("__proto__")[..], &[21], SAME].concat();
    assert!(custom(&two).is_err());
}

/// So that a few bytes never stand for much.
#[test]
fn the_same_is_small() {
    let size = |text: usize| 8 + 1 + 8 + text;
    for (text, is_small) in
        [(MOST_SAME_SIZE - size(0), true), (MOST_SAME_SIZE - size(0) + 1, false)]
    {
        // {"k":{"o":"xx…"}}
        let mut value = [&[tag::NEW_OBJECT, 1, 33, b'o', tag::TEXT][..]].concat();
        value.push(u8::try_from(text).unwrap());
        value.extend("x".repeat(text).bytes());
        assert_eq!(custom(&after(&value, &[SAME])).is_ok(), is_small);
        let value = alloc::format!(r#"{{"o":"{}"}}"#, "x".repeat(text));
        let json = alloc::format!(r#"[{{"k":{value}}},{{"k":{value}}}]"#);
        assert_eq!(written(&json).last() == Some(&tag::SAME), is_small);
    }
    // A look at one that is large takes no longer.
    let items: String = "[],".repeat(1000) + "1";
    let json = alloc::format!(r#"[{{"k":[{items}]}},{{"k":[{items}]}}]"#);
    assert!(written(&json).len() > 2000);
}

#[test]
fn the_same_nests_no_deeper_than_anything() {
    // At levels 3 and 4, and then so many deeper.
    let deep = |more: usize| {
        let wrapped = [&[tag::ARRAYS.start + 1].repeat(more)[..], SAME].concat();
        custom(&after(&[tag::ARRAYS.start + 1, tag::ARRAYS.start], &[&wrapped]))
    };
    assert!(deep(DEPTH - 4).is_ok());
    assert!(deep(DEPTH - 3).is_err());
}

#[test]
fn objects_of_more_lists_than_have_a_number_are_read_back() {
    let lists: String = (0..300).map(|n| alloc::format!(r#"{{"k{n}":[1]}},"#)).collect();
    let once = written(&alloc::format!("[{lists}0]")).len();
    assert!(written(&alloc::format!("[{lists}{lists}0]")).len() < once * 2 - 200);
}
