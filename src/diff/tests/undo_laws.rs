//! The law of undoing on random objects and diffs. It stands here and not in `proptests/`, since
//! undoing is no part of the public API.

use super::*;
use crate::diff::ObjectUndo;
use alloc::vec::Vec;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn key() -> impl Strategy<Value = &'static str> {
    select(&["a", "b", "c", "0", "1"][..])
}

fn text() -> impl Strategy<Value = &'static str> {
    select(&["", "x", "é🖋", "twenty-three bytes long", "more than stands inline, so shared"][..])
}

fn value() -> BoxedStrategy<Value> {
    prop_oneof![Just(Value::Null), (0..3_i32).prop_map(Value::from), text().prop_map(Value::from)]
        .prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                vec((key(), inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
        .boxed()
}

fn ops() -> impl Strategy<Value = ObjectDiff> {
    // The lengths of the texts and of short arrays, so that most appends could fit.
    let offset = || select(&[0, 1, 2, 3, 23, 34][..]);
    prop_oneof![
        value().prop_map(ValueOp::Put),
        Just(ValueOp::Delete),
        (text(), offset())
            .prop_map(|(text, offset)| ValueOp::AppendText { suffix: Text::from(text), offset }),
        (vec(value(), 0..3), offset())
            .prop_map(|(items, offset)| ValueOp::AppendItems { items: items.into(), offset }),
    ]
    .prop_recursive(3, 16, 4, |op| {
        vec((key(), op), 0..4).prop_map(|ops| ValueOp::Patch(ops.into_iter().collect()))
    })
    .prop_map(|op| match op {
        ValueOp::Patch(diff) => diff,
        op @ (ValueOp::Put(_)
        | ValueOp::AppendText { .. }
        | ValueOp::AppendItems { .. }
        | ValueOp::Delete) => [("a", op)].into_iter().collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_diffs_in_turn_are_taken_back_exactly(
        before in vec((key(), value()), 0..5).prop_map(Object::from_iter),
        diffs in vec(ops(), 1..6),
        held in 0..6_usize,
    ) {
        let text = before.to_string();
        // Shared with nobody at first, and with a reader from some diff on.
        let mut object: Object = text.parse().unwrap();
        let mut undo = ObjectUndo::default();
        let mut readers: Vec<(Object, String)> = Vec::new();
        for (index, diff) in diffs.iter().enumerate() {
            if index >= held {
                readers.push((object.clone(), object.to_string()));
            }
            diff.apply_with_undo(&mut object, &mut undo);
        }
        undo.revert(&mut object);
        prop_assert_eq!(&object, &before);
        prop_assert_eq!(object.to_string(), text);
        for (reader, text) in readers {
            prop_assert_eq!(reader.to_string(), text, "a reader saw a change");
        }
        // Lengths that texts know are right as well: the same diffs do the same again.
        let (mut once, mut again) = (before, object);
        for diff in &diffs {
            prop_assert_eq!(diff.apply(&mut once), diff.apply(&mut again));
        }
        prop_assert_eq!(once, again);
    }
}
