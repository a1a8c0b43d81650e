//! The laws of diffs on random records.

use proptest::prelude::*;
use roomsync::{Object, ObjectDiff, Value};
use roomsync_proptests::{arb, laws};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_leads_from_one_record_to_the_other_and_back((a, b) in arb::pair()) {
        laws::computing(&a, &b);
    }

    #[test]
    fn any_diff_applies_and_says_what_it_did((object, diff) in arb::application()) {
        laws::application(&object, &diff);
    }

    #[test]
    fn two_diffs_are_one_by_squash_and_invert_leads_back(
        (object, first) in arb::application(),
        then in arb::diff(),
    ) {
        laws::composition(&object, &first, &then);
    }

    #[test]
    fn a_diff_that_follows_another_is_squashed_with_it(
        (before, after) in arb::pair(),
        mut tape in arb::tape(),
    ) {
        let last = tape.edit_object(&after);
        let between = |a: &Object, b: &Object| {
            ObjectDiff::between(a, b, roomsync::StringAppend::Allowed).unwrap_or_default()
        };
        let (first, then) = (between(&before, &after), between(&after, &last));
        laws::composition(&before, &first, &then);
        let squashed = ObjectDiff::squash(&before, &first, &then).unwrap_or_default();
        prop_assert_eq!(squashed, between(&before, &last));
    }

    #[test]
    fn equality_is_by_content(object in arb::object(), items in prop::collection::vec(arb::value(), 0..5)) {
        laws::equality(&items.into());
        let turned: Object = object.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect();
        prop_assert_eq!(turned, object);
    }

    #[test]
    fn depth_is_counted_from_the_outside(value in arb::value(), levels in 0..12_usize) {
        let depth = (0..).find(|levels| value.is_within_depth(*levels)).unwrap();
        let mut nested = value;
        for level in 0..levels {
            nested = if level % 2 == 0 {
                Value::from(vec![nested])
            } else {
                Value::from([("a", nested)].into_iter().collect::<Object>())
            };
        }
        prop_assert!(nested.is_within_depth(depth + levels));
        prop_assert!(depth + levels == 0 || !nested.is_within_depth(depth + levels - 1));
    }
}

/// The inputs reach what the laws are about; without this they could hold for want of cases.
#[test]
fn the_inputs_reach_every_kind_of_op_and_effect() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use roomsync::{Effect, StringAppend, ValueOp};
    use std::collections::BTreeSet;

    fn note(seen: &mut BTreeSet<&'static str>, diff: &ObjectDiff, names: [&'static str; 5]) {
        for (_, op) in diff.iter() {
            let kind = match op {
                ValueOp::Put(_) => 0,
                ValueOp::Delete => 1,
                ValueOp::AppendText { .. } => 2,
                ValueOp::AppendItems { .. } => 3,
                ValueOp::Patch(inner) => {
                    note(seen, inner, names);
                    4
                }
            };
            seen.insert(names[kind]);
        }
    }

    let mut runner = TestRunner::deterministic();
    let (pairs, applications) = (arb::pair(), arb::application());
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let (a, b) = pairs.new_tree(&mut runner).unwrap().current();
        match ObjectDiff::between(&a, &b, StringAppend::Allowed) {
            None => drop(seen.insert("no diff")),
            Some(diff) => note(&mut seen, &diff, ["put", "delete", "text", "items", "patch"]),
        }
        let (mut object, diff) = applications.new_tree(&mut runner).unwrap().current();
        match diff.apply(&mut object) {
            Effect::None => drop(seen.insert("no effect")),
            Effect::Whole => drop(seen.insert("whole effect")),
            Effect::Part(part) => note(
                &mut seen,
                &part,
                ["part put", "part delete", "part text", "part items", "part patch"],
            ),
        }
    }
    assert_eq!(seen.len(), 13, "only {seen:?}");
}
