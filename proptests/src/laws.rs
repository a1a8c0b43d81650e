//! What holds for any value and any diff. Each function panics when a law is broken.

use crate::naive;
use roomsync::{
    Array, ClientMessage, Codec, Effect, Number, Object, ObjectDiff, ServerMessage, StringAppend,
    Text, Value, ValueOp,
};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// A copy that shares nothing with `object`.
fn unshared(object: &Object) -> Object {
    read_back(object)
}

/// What the text of `item` is read back as, once that was seen to be the same.
pub fn read_back<T: Display + FromStr + PartialEq + Debug>(item: &T) -> T
where
    T::Err: Debug,
{
    let text = item.to_string();
    let read: T = text.parse().expect("what was written can be read");
    assert_eq!(read, *item, "read back from {text}");
    assert_eq!(read.to_string(), text, "written again");
    read
}

/// The laws of computing: the diff of `a` and `b` leads from one to the other, and back.
pub fn computing(a: &Object, b: &Object) {
    let texts = [a.to_string(), b.to_string()];
    assert_eq!(ObjectDiff::between(a, &a.clone(), StringAppend::Allowed), None);
    assert_eq!(ObjectDiff::between(a, &unshared(a), StringAppend::Allowed), None);

    for strings in [StringAppend::Allowed, StringAppend::Legacy] {
        let Some(diff) = ObjectDiff::between(a, b, strings) else {
            assert_eq!(a, b, "no diff, yet they differ");
            continue;
        };
        assert_ne!(a, b, "equal, yet there is a diff {diff}");
        let mut patched = a.clone();
        assert_eq!(diff.apply(&mut patched), Effect::Whole, "a needless op in {diff}");
        assert_eq!(patched, *b, "{diff}");
        if strings == StringAppend::Legacy {
            assert!(!appends_text(&diff), "a string append in {diff}");
        }
        application(a, &diff);
        let back = diff.invert(a).expect("what has an effect has a way back");
        assert_eq!(back.apply(&mut patched), Effect::Whole);
        assert_eq!(patched, *a, "{diff} and back by {back}");
        assert_eq!(ObjectDiff::squash(a, &diff, &back), None);
    }
    assert_eq!([a.to_string(), b.to_string()], texts, "an input changed");
}

fn appends_text(diff: &ObjectDiff) -> bool {
    diff.iter().any(|(_, op)| match op {
        ValueOp::AppendText { .. } => true,
        ValueOp::Patch(inner) => appends_text(inner),
        ValueOp::Put(_) | ValueOp::AppendItems { .. } | ValueOp::Delete => false,
    })
}

/// The laws of applying: any diff can be applied to any object, spares what is shared, and says
/// exactly what it did.
pub fn application(object: &Object, diff: &ObjectDiff) {
    let text = object.to_string();
    let mut after = object.clone();
    let effect = diff.apply(&mut after);
    assert_eq!(object.to_string(), text, "the input changed");
    assert_eq!(after, naive::patched_object(object, diff), "{diff} on {text}");
    read_back(diff);

    let done = match effect {
        Effect::None => {
            assert!(after.ptr_eq(object), "{diff} has no effect, yet copied {text}");
            return;
        }
        Effect::Whole => diff.clone(),
        Effect::Part(part) => {
            assert_ne!(part, *diff, "a part that is the whole");
            assert_is_part(&part, diff);
            part
        }
    };
    assert_ne!(after, *object, "{done} is said to have an effect");
    assert_untouched_is_shared(object, &after, &done);

    let mut again = object.clone();
    assert_eq!(done.apply(&mut again), Effect::Whole, "{done} on {text}");
    assert_eq!(again, after, "{done} is not what {diff} did to {text}");

    let mut in_place = unshared(object);
    assert_eq!(done.apply(&mut in_place), Effect::Whole);
    assert_eq!(in_place, after, "in place {diff} does something else to {text}");
}

/// Two diffs in turn are one by `squash`, and `invert` takes a diff back.
pub fn composition(object: &Object, first: &ObjectDiff, then: &ObjectDiff) {
    let mut in_turn = object.clone();
    let effect = first.apply(&mut in_turn);
    let mut back = in_turn.clone();
    match first.invert(object) {
        Some(inverse) => assert_eq!(inverse.apply(&mut back), Effect::Whole),
        None => assert_eq!(effect, Effect::None),
    }
    assert_eq!(back, *object, "{first} is not taken back");

    then.apply(&mut in_turn);
    let mut at_once = object.clone();
    match ObjectDiff::squash(object, first, then) {
        Some(both) => assert_eq!(both.apply(&mut at_once), Effect::Whole),
        None => assert_eq!(in_turn, *object),
    }
    assert_eq!(at_once, in_turn, "{first}, then {then}");
}

/// Panics unless each op of `part` is one of `whole`, or a part of a patch there.
fn assert_is_part(part: &ObjectDiff, whole: &ObjectDiff) {
    for (key, op) in part.iter() {
        match (op, whole.get(key)) {
            (ValueOp::Patch(part), Some(ValueOp::Patch(whole))) => assert_is_part(part, whole),
            (op, asked) => assert_eq!(Some(op), asked, "not asked for at {key}"),
        }
    }
}

/// Panics unless all that `done` left alone is the same allocation before and after.
fn assert_untouched_is_shared(before: &Object, after: &Object, done: &ObjectDiff) {
    for (key, value) in before.iter() {
        assert_shared(value, after.get(key), done.get(key));
    }
}

fn assert_shared(before: &Value, after: Option<&Value>, op: Option<&ValueOp>) {
    match (op, after) {
        (None, Some(after)) => assert!(is_shared(before, after), "{before} was copied"),
        (None, None) => panic!("{before} is gone"),
        (Some(ValueOp::Patch(inner)), Some(after)) => match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                assert_untouched_is_shared(before, after, inner);
            }
            (Value::Array(before), Value::Array(after)) => {
                for (index, item) in before.iter().enumerate() {
                    assert_shared(item, after.get(index), inner.get(&index.to_string()));
                }
            }
            _ => panic!("patched {before} into another kind"),
        },
        (Some(ValueOp::AppendItems { .. }), Some(Value::Array(after))) => {
            let before = before.as_array().map_or(&[][..], |array| array);
            assert!(
                before.iter().zip(after.iter()).all(|(before, after)| is_shared(before, after))
            );
        }
        (Some(_), _) => {}
    }
}

fn is_shared(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => a.ptr_eq(b),
        (Value::Array(a), Value::Array(b)) => a.ptr_eq(b),
        (Value::String(a), Value::String(b)) => a.ptr_eq(b) || (a == b && a.len() <= 23),
        _ => a == b,
    }
}

/// The laws of texts: lengths are those of JavaScript, however a text came to be.
pub fn texts(parts: &[String]) {
    let mut grown = Text::from("");
    let mut shared = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        // Held now and then, so that growing is seen both in place and by a copy.
        if index % 2 == 1 {
            shared.push((grown.clone(), grown.to_string()));
        }
        grown.push_str(part);
    }
    let whole = parts.concat();
    assert_eq!(grown, Text::from(&*whole));
    assert_eq!(grown, Text::from(whole.clone()));
    for text in [&grown, &Text::from(whole)] {
        assert_eq!(text.utf16_len(), text.encode_utf16().count(), "{text:?}");
    }
    for (text, before) in shared {
        assert_eq!(*text, *before, "a shared text changed");
        assert_eq!(text.utf16_len(), before.encode_utf16().count());
    }
}

/// The laws of numbers: their text is read back as the same number, also by JavaScript.
pub fn numbers(number: Number) {
    let text = number.to_string();
    read_back(&Value::Number(number));
    let double: f64 = text.parse().expect("a number is written as one");
    assert_eq!(double.to_bits(), number.as_f64().to_bits(), "{text}");
    assert_eq!(Number::from_f64(double).map(Number::as_f64), Some(double));
    if let Some(int) = number.as_i64() {
        assert_eq!(text, int.to_string());
    }
}

/// Equality is by content: what is shared is equal to what is not.
pub fn equality(array: &Array) {
    let copy: Array = array.iter().cloned().collect();
    assert_eq!(copy, *array);
    assert!(array.is_empty() || !copy.ptr_eq(array));
}

macro_rules! codec_law {
    ($(#[$doc:meta])* $name:ident, $message:ty) => {
        $(#[$doc])*
        pub fn $name(message: &$message, depth: usize) {
            for codec in [Codec::Json, Codec::Postcard] {
                let frame = message.encode(codec);
                assert_eq!(frame.is_binary(), codec == Codec::Postcard);
                assert_eq!(frame.to_text().is_some(), codec == Codec::Json);
                let read = <$message>::decode(&frame.to_bytes(), depth).expect("it was written");
                assert_eq!(read, *message, "{codec:?}");
                // Equal messages are the same bytes, whatever they share inside.
                assert_eq!(read.encode(codec), frame);
            }
        }
    };
}

codec_law! {
    /// What a client says is read back as the same in each codec, if it nests at most so deep.
    client_message, ClientMessage
}

codec_law! {
    /// What a room says is read back as the same in each codec, if it nests at most so deep.
    server_message, ServerMessage
}
