//! How `between` finds a difference.

use super::*;

/// The diff that turns `prev` into `next` as JSON, once it was seen to do so.
fn between_as(prev: &str, next: &str, strings: StringAppend) -> Option<String> {
    let (mut object, next) = (object(prev), object(next));
    let diff = ObjectDiff::between(&object, &next, strings)?;
    assert_eq!(diff.apply(&mut object), Effect::Whole);
    assert_eq!(object, next);
    Some(diff.to_string())
}

fn between(prev: &str, next: &str) -> Option<String> {
    between_as(prev, next, StringAppend::Allowed)
}

/// An array of `len` items that are 0, but for those `changed` to 1.
fn zeros(len: usize, changed: &[usize]) -> String {
    let items = (0..len).map(|index| i32::from(changed.contains(&index)));
    Value::Array(items.map(Value::from).collect()).to_string()
}

#[test]
fn equal_objects_have_no_diff() {
    assert_eq!(between(r#"{"a":{"b":[1,"x",null]}}"#, r#"{"a":{"b":[1,"x",null]}}"#), None);
    assert_eq!(between(r#"{"a":1.0,"b":-0}"#, r#"{"b":0,"a":1}"#), None);
    assert_eq!(between("{}", "{}"), None);
}

#[test]
fn keys_gone_are_deleted_and_new_keys_put() {
    assert_eq!(
        between(r#"{"a":1,"c":[],"e":{}}"#, r#"{"b":{"x":1},"c":[],"d":"t"}"#).unwrap(),
        r#"{"a":["delete"],"b":["put",{"x":1}],"d":["put","t"],"e":["delete"]}"#
    );
}

#[test]
fn props_and_meta_are_diffed_inside() {
    assert_eq!(
        between(
            r#"{"meta":{"a":1},"props":{"w":1,"h":2,"gone":3}}"#,
            r#"{"meta":{"a":2},"props":{"w":1,"h":5,"new":6}}"#
        )
        .unwrap(),
        r#"{"meta":["patch",{"a":["put",2]}],"#.to_string()
            + r#""props":["patch",{"gone":["delete"],"h":["put",5],"new":["put",6]}]}"#
    );
}

#[test]
fn other_objects_at_the_top_level_are_put_whole() {
    assert_eq!(
        between(r#"{"style":{"a":1,"b":1}}"#, r#"{"style":{"a":2,"b":1}}"#).unwrap(),
        r#"{"style":["put",{"a":2,"b":1}]}"#
    );
}

#[test]
fn objects_inside_props_and_meta_are_put_whole() {
    for name in ["props", "meta"] {
        assert_eq!(
            between(
                &format!(r#"{{"{name}":{{"rich":{{"a":1,"b":1}},"same":{{}}}}}}"#),
                &format!(r#"{{"{name}":{{"rich":{{"a":2,"b":1}},"same":{{}}}}}}"#),
            )
            .unwrap(),
            format!(r#"{{"{name}":["patch",{{"rich":["put",{{"a":2,"b":1}}]}}]}}"#)
        );
    }
}

#[test]
fn props_inside_props_are_put_whole() {
    assert_eq!(
        between(r#"{"props":{"props":{"a":1}}}"#, r#"{"props":{"props":{"a":2}}}"#).unwrap(),
        r#"{"props":["patch",{"props":["put",{"a":2}]}]}"#
    );
}

#[test]
fn scalars_and_changes_of_kind_are_put() {
    let values = ["null", "true", "false", "1", "\"t\"", "[]", "{}"];
    for prev in values {
        for next in values.iter().filter(|next| **next != prev) {
            assert_eq!(
                between(&format!(r#"{{"a":{prev}}}"#), &format!(r#"{{"a":{next}}}"#)).unwrap(),
                format!(r#"{{"a":["put",{next}]}}"#)
            );
        }
    }
}

#[test]
fn props_that_change_their_kind_are_put() {
    for (prev, next) in [("{}", "[]"), ("[]", "{}"), (r#"{"a":1}"#, "null"), ("1", "{}")] {
        for name in ["props", "meta"] {
            let (prev, after) =
                (format!(r#"{{"{name}":{prev}}}"#), format!(r#"{{"{name}":{next}}}"#));
            assert_eq!(between(&prev, &after).unwrap(), format!(r#"{{"{name}":["put",{next}]}}"#));
        }
    }
}

#[test]
fn a_string_that_grew_is_appended_at_every_level() {
    assert_eq!(
        between(
            r#"{"a":"he","props":{"t":""},"list":[{"t":"🖋"}]}"#,
            r#"{"a":"hello","props":{"t":"x"},"list":[{"t":"🖋!"}]}"#
        )
        .unwrap(),
        r#"{"a":["append","llo",2],"#.to_string()
            + r#""list":["patch",{"0":["patch",{"t":["append","!",2]}]}],"#
            + r#""props":["patch",{"t":["append","x",0]}]}"#
    );
}

#[test]
fn the_offset_of_a_string_append_counts_utf16_units() {
    let long = "日本語é🖋".repeat(10);
    assert_eq!(
        between(&format!(r#"{{"a":"{long}"}}"#), &format!(r#"{{"a":"{long}x"}}"#)).unwrap(),
        r#"{"a":["append","x",60]}"#
    );
}

#[test]
fn a_string_that_did_not_grow_is_put() {
    for (prev, next) in [("ab", "a"), ("ab", "b"), ("ab", "xab"), ("a", "")] {
        assert_eq!(
            between(&format!(r#"{{"a":"{prev}"}}"#), &format!(r#"{{"a":"{next}"}}"#)).unwrap(),
            format!(r#"{{"a":["put","{next}"]}}"#)
        );
    }
}

#[test]
fn in_legacy_mode_strings_are_put_and_arrays_append() {
    let legacy = |prev, next| between_as(prev, next, StringAppend::Legacy).unwrap();
    assert_eq!(
        legacy(
            r#"{"a":"he","list":[1],"props":{"t":"a"}}"#,
            r#"{"a":"hello","list":[1,2],"props":{"t":"ab"}}"#
        ),
        r#"{"a":["put","hello"],"list":["append",[2],1],"props":["patch",{"t":["put","ab"]}]}"#
    );
    assert_eq!(
        legacy(r#"{"list":[{"t":"a"}]}"#, r#"{"list":[{"t":"ab"}]}"#),
        r#"{"list":["patch",{"0":["patch",{"t":["put","ab"]}]}]}"#
    );
    assert_eq!(between_as(r#"{"a":"x"}"#, r#"{"a":"x"}"#, StringAppend::Legacy), None);
}

#[test]
fn an_array_with_few_changed_items_is_patched_by_index() {
    for (len, changed) in [(1, &[0][..]), (4, &[2]), (9, &[8]), (10, &[2, 9]), (15, &[1, 2, 10])] {
        let ops: ObjectDiff =
            changed.iter().map(|at| (at.to_string(), ValueOp::Put(Value::from(1)))).collect();
        assert_eq!(
            between(
                &format!(r#"{{"a":{}}}"#, zeros(len, &[])),
                &format!(r#"{{"a":{}}}"#, zeros(len, changed))
            )
            .unwrap(),
            format!(r#"{{"a":["patch",{ops}]}}"#)
        );
    }
}

#[test]
fn an_array_with_more_changed_items_is_put() {
    for (len, changed) in [(2, &[0, 1][..]), (9, &[0, 8]), (10, &[0, 1, 2]), (14, &[0, 1, 2])] {
        let next = zeros(len, changed);
        assert_eq!(
            between(&format!(r#"{{"a":{}}}"#, zeros(len, &[])), &format!(r#"{{"a":{next}}}"#))
                .unwrap(),
            format!(r#"{{"a":["put",{next}]}}"#)
        );
    }
}

#[test]
fn an_item_that_stays_an_object_is_diffed_one_level() {
    assert_eq!(
        between(
            r#"{"a":[{"x":1,"gone":1,"o":{"p":1,"q":1}},{}]}"#,
            r#"{"a":[{"x":2,"o":{"p":2,"q":1},"new":[]},{}]}"#
        )
        .unwrap(),
        r#"{"a":["patch",{"0":["patch",{"gone":["delete"],"new":["put",[]],"#.to_string()
            + r#""o":["put",{"p":2,"q":1}],"x":["put",2]}]}]}"#
    );
}

#[test]
fn an_item_that_stays_an_array_is_diffed_by_the_same_rule() {
    for (prev, next, op) in [
        ("[[1,2],0]", "[[1,2,3],0]", r#"["append",[3],2]"#),
        ("[[1,2,3,4,5],0]", "[[1,2,9,4,5],0]", r#"["patch",{"2":["put",9]}]"#),
        ("[[1,2],0]", "[[2,1],0]", r#"["put",[2,1]]"#),
        ("[[[1]],0]", "[[[1,2]],0]", r#"["patch",{"0":["append",[2],1]}]"#),
    ] {
        assert_eq!(
            between(&format!(r#"{{"a":{prev}}}"#), &format!(r#"{{"a":{next}}}"#)).unwrap(),
            format!(r#"{{"a":["patch",{{"0":{op}}}]}}"#)
        );
    }
}

#[test]
fn any_other_item_is_put_also_one_that_turns_from_object_to_array() {
    for (prev, next) in
        [("{}", "[]"), ("[1]", r#"{"0":1}"#), (r#""a""#, r#""ab""#), ("1", "2"), ("{}", "null")]
    {
        assert_eq!(
            between(&format!(r#"{{"a":[{prev}]}}"#), &format!(r#"{{"a":[{next}]}}"#)).unwrap(),
            format!(r#"{{"a":["patch",{{"0":["put",{next}]}}]}}"#)
        );
    }
}

#[test]
fn an_array_that_grew_is_appended() {
    assert_eq!(between(r#"{"a":[]}"#, r#"{"a":[1]}"#).unwrap(), r#"{"a":["append",[1],0]}"#);
    assert_eq!(
        between(r#"{"props":{"a":[1,{}]}}"#, r#"{"props":{"a":[1,{},"x",2]}}"#).unwrap(),
        r#"{"props":["patch",{"a":["append",["x",2],2]}]}"#
    );
}

#[test]
fn an_array_of_another_length_that_did_not_just_grow_is_put() {
    for (prev, next) in [("[1,2]", "[1]"), ("[1,2]", "[0,2,3]"), ("[1]", "[]"), ("[1]", "[0,1]")] {
        assert_eq!(
            between(&format!(r#"{{"a":{prev}}}"#), &format!(r#"{{"a":{next}}}"#)).unwrap(),
            format!(r#"{{"a":["put",{next}]}}"#)
        );
    }
}

#[test]
fn equality_of_diffs_ignores_the_order_of_keys() {
    assert_eq!(
        diff(r#"{"a":["put",{"x":1,"y":2}],"b":["delete"]}"#),
        diff(r#"{"b":["delete"],"a":["put",{"y":2.0,"x":1}]}"#)
    );
    let network = |json: &str| json.parse::<NetworkDiff>().unwrap();
    assert_eq!(
        network(r#"{"p:1":["remove"],"p:2":["put",{"a":1,"b":2}]}"#),
        network(r#"{"p:2":["put",{"b":2,"a":1}],"p:1":["remove"]}"#)
    );
}

#[test]
fn squash_does_what_both_do_and_nothing_when_they_cancel_out() {
    let before = object(r#"{"x":1,"list":[1,2]}"#);
    let first = diff(r#"{"list":["append",[3],2],"x":["put",2]}"#);
    let then = diff(r#"{"list":["patch",{"2":["put",4]}],"x":["put",1]}"#);
    let squashed = ObjectDiff::squash(&before, &first, &then).unwrap();
    assert_eq!(squashed.to_string(), r#"{"list":["append",[4],2]}"#);
    let back = diff(r#"{"list":["put",[1,2]],"x":["put",1]}"#);
    assert_eq!(ObjectDiff::squash(&before, &first, &back), None);
}

#[test]
fn invert_leads_back() {
    let before = object(r#"{"t":"a","gone":[1]}"#);
    let there = diff(r#"{"t":["append","b",1],"gone":["delete"],"new":["put",1]}"#);
    assert_eq!(
        there.invert(&before).unwrap().to_string(),
        r#"{"gone":["put",[1]],"new":["delete"],"t":["put","a"]}"#
    );
    assert_eq!(diff(r#"{"none":["delete"]}"#).invert(&before), None);
}
