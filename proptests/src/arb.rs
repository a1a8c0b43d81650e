//! Strategies for values, records and diffs.
//!
//! All lean to what is close to a boundary: few different keys, so that two objects meet; texts
//! around the size that stands inline; arrays around the lengths where a diff changes its form.

use crate::tape::Tape;
use proptest::collection::vec;
use proptest::prelude::*;
use roomsync::{Array, Number, Object, ObjectDiff, Text, Value, ValueOp};

/// Any character, those beyond the basic plane included.
fn unicode() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

/// Keys of objects: mostly few different ones, `__proto__` and what looks like an index among them.
pub fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => proptest::sample::select(vec!["a", "b", "c", "0", "1", "props", "meta"]).prop_map_into(),
        3 => proptest::sample::select(vec!["", "2", "01", "+1", "-1", "length", "__proto__"])
            .prop_map_into(),
        1 => unicode(),
    ]
}

/// Strings: short and similar ones, any unicode, and some too long to stand inline.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aé🖋]{0,3}",
        1 => unicode(),
        1 => "[aé日🖋]{5,30}",
        1 => (unicode(), 1..20_usize).prop_map(|(text, times)| text.repeat(times)),
    ]
}

/// Numbers of all kinds: small ones, any double, and integers that no double holds.
pub fn number() -> impl Strategy<Value = Number> {
    let double = proptest::num::f64::NORMAL
        | proptest::num::f64::SUBNORMAL
        | proptest::num::f64::POSITIVE
        | proptest::num::f64::NEGATIVE
        | proptest::num::f64::ZERO;
    prop_oneof![
        4 => (-2..5_i64).prop_map_into(),
        1 => any::<i64>().prop_map_into(),
        1 => any::<u64>().prop_map_into(),
        1 => double.prop_filter_map("NaN is no number", Number::from_f64),
        1 => (-4096..4096_i32).prop_filter_map("finite", |n| Number::from_f64(f64::from(n) / 64.0)),
        1 => (50..70_i32, -2..3_i8).prop_filter_map("finite", |(power, step)| {
            Number::from_f64(2_f64.powi(power) + f64::from(step))
        }),
    ]
}

/// Values without anything inside them.
pub fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map_into(),
        3 => number().prop_map_into(),
        4 => text().prop_map_into(),
    ]
}

/// Any value, a few levels deep.
pub fn value() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(4, 32, 6, |inner| {
            prop_oneof![array_of(inner.clone()).prop_map_into(), object_of(inner).prop_map_into(),]
        })
        .boxed()
}

fn array_of(item: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Array> {
    // Mostly of one value repeated, so that long arrays with few changed items are common.
    let even = (item.clone(), 0..16_usize)
        .prop_map(|(item, len)| std::iter::repeat_n(item, len).collect::<Array>());
    prop_oneof![vec(item, 0..5).prop_map(Array::from), even]
}

fn object_of(item: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
    vec((key(), item), 0..5).prop_map(|entries| entries.into_iter().collect())
}

/// Any object, a few levels deep.
pub fn object() -> impl Strategy<Value = Object> {
    object_of(value())
}

/// Records: with an id and a type, and mostly with objects at `props` and `meta`.
pub fn record() -> impl Strategy<Value = Object> {
    let inside = || prop_oneof![6 => object().prop_map(Value::from), 1 => value()];
    (object(), proptest::option::weighted(0.8, inside()), proptest::option::weighted(0.6, inside()))
        .prop_map(|(mut record, props, meta)| {
            record.insert("id", "thing:1");
            record.insert("typeName", "thing");
            for (key, value) in [("props", props), ("meta", meta)] {
                if let Some(value) = value {
                    record.insert(key, value);
                }
            }
            record
        })
}

/// Choices to edit something with: none, a few or many.
pub fn tape() -> impl Strategy<Value = Tape> {
    (vec(any::<u8>(), 0..64), vec(value(), 1..4)).prop_map(|(bytes, pool)| Tape::new(bytes, pool))
}

/// Two records, mostly similar to one another.
pub fn pair() -> impl Strategy<Value = (Object, Object)> {
    let similar = (record(), tape()).prop_map(|(before, mut tape)| {
        let after = tape.edit_object(&before);
        (before, after)
    });
    prop_oneof![6 => similar, 1 => (record(), record())]
}

/// Any diff, whatever it would be applied to.
pub fn diff() -> impl Strategy<Value = ObjectDiff> {
    let offset = || prop_oneof![4 => 0..4_usize, 1 => any::<u32>().prop_map(|n| n as usize)];
    let op = prop_oneof![
        3 => value().prop_map(ValueOp::Put),
        1 => Just(ValueOp::Delete),
        2 => (text(), offset())
            .prop_map(|(text, offset)| ValueOp::AppendText { suffix: Text::from(text), offset }),
        2 => (array_of(value()), offset())
            .prop_map(|(items, offset)| ValueOp::AppendItems { items, offset }),
    ];
    let op = op.prop_recursive(4, 24, 5, |op| diff_of(op).prop_map(ValueOp::Patch));
    diff_of(op)
}

fn diff_of(op: impl Strategy<Value = ValueOp>) -> impl Strategy<Value = ObjectDiff> {
    vec((key(), op), 0..5).prop_map(|ops| ops.into_iter().collect())
}

/// A record and a diff for it: made to fit in most places, or any.
pub fn application() -> impl Strategy<Value = (Object, ObjectDiff)> {
    let fitting = (record(), tape()).prop_map(|(record, mut tape)| {
        let diff = tape.diff_for_object(&record);
        (record, diff)
    });
    prop_oneof![4 => fitting, 1 => (record(), diff())]
}
