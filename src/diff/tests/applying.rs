//! What applying does, and what it leaves alone.

use super::*;

/// Asserts that the diff has no effect: the very same object comes back, not even copied.
fn assert_ignored(before: &str, ops: &str) {
    let before = object(before);
    let mut after = before.clone();
    assert_eq!(diff(ops).apply(&mut after), Effect::None, "{ops}");
    assert!(after.ptr_eq(&before), "{ops} copied {before}");
}

/// Asserts what the diff makes of `before`, and which part of it had an effect.
fn assert_applies(before: &str, ops: &str, expected: &str, effect: &Effect) {
    let before_text = object(before).to_string();
    let shared = object(before);
    let mut after = shared.clone();
    assert_eq!(diff(ops).apply(&mut after), *effect, "{ops}");
    assert_eq!(after, object(expected), "{ops}");
    assert_eq!(shared.to_string(), before_text, "{ops} changed what is shared");
}

fn assert_whole(before: &str, ops: &str, expected: &str) {
    assert_applies(before, ops, expected, &Effect::Whole);
}

#[test]
fn put_puts_new_and_known_keys() {
    assert_whole(r#"{"b":1}"#, r#"{"a":["put",{}],"b":["put",[2]]}"#, r#"{"a":{},"b":[2]}"#);
    assert_whole("{}", r#"{"a":["put",null]}"#, r#"{"a":null}"#);
}

#[test]
fn put_of_an_equal_value_is_ignored() {
    assert_ignored(r#"{"a":{"x":1,"y":[2]}}"#, r#"{"a":["put",{"y":[2.0],"x":1}]}"#);
    assert_ignored(r#"{"a":[{"x":1}]}"#, r#"{"a":["patch",{"0":["put",{"x":1}]}]}"#);
}

#[test]
fn delete_takes_a_key_out() {
    assert_whole(r#"{"a":1,"b":2}"#, r#"{"a":["delete"]}"#, r#"{"b":2}"#);
    assert_whole(r#"{"a":1}"#, r#"{"a":["delete"]}"#, "{}");
}

#[test]
fn delete_of_a_missing_key_is_ignored() {
    assert_ignored(r#"{"a":1}"#, r#"{"b":["delete"]}"#);
    assert_ignored("{}", r#"{"b":["delete"]}"#);
}

#[test]
fn append_adds_to_strings_and_arrays() {
    assert_whole(r#"{"a":"🖋"}"#, r#"{"a":["append","x",2]}"#, r#"{"a":"🖋x"}"#);
    assert_whole(r#"{"a":[1]}"#, r#"{"a":["append",[2,3],1]}"#, r#"{"a":[1,2,3]}"#);
    assert_whole(
        r#"{"a":[["x"],"y"]}"#,
        r#"{"a":["patch",{"0":["append",["z"],1],"1":["append","!",1]}]}"#,
        r#"{"a":[["x","z"],"y!"]}"#,
    );
}

#[test]
fn append_to_another_kind_is_ignored() {
    for target in ["null", "true", "1", "[]", "{}"] {
        assert_ignored(&format!(r#"{{"a":{target}}}"#), r#"{"a":["append","x",0]}"#);
    }
    for target in ["null", "true", "0", r#""""#, "{}"] {
        assert_ignored(&format!(r#"{{"a":{target}}}"#), r#"{"a":["append",[1],0]}"#);
    }
    assert_ignored(r#"{"b":1}"#, r#"{"a":["append","x",0]}"#);
    assert_ignored(r#"{"b":1}"#, r#"{"a":["append",[1],0]}"#);
}

#[test]
fn append_at_another_length_is_ignored() {
    for offset in [0, 1, 3, 4, 9_007_199_254_740_991_u64] {
        assert_ignored(r#"{"a":"🖋"}"#, &format!(r#"{{"a":["append","x",{offset}]}}"#));
        assert_ignored(r#"{"a":[1,2]}"#, &format!(r#"{{"a":["append",[3],{offset}]}}"#));
    }
}

#[test]
fn append_of_nothing_is_ignored() {
    assert_ignored(r#"{"a":"t"}"#, r#"{"a":["append","",1]}"#);
    assert_ignored(r#"{"a":[1]}"#, r#"{"a":["append",[],1]}"#);
}

#[test]
fn a_patch_nests_to_any_depth() {
    assert_whole(
        r#"{"a":{"b":{"c":[{"d":"x","e":1}]}}}"#,
        r#"{"a":["patch",{"b":["patch",{"c":["patch",{"0":["patch",{"d":["append","y",1],"e":["delete"]}]}]}]}]}"#,
        r#"{"a":{"b":{"c":[{"d":"xy"}]}}}"#,
    );
}

#[test]
fn a_patch_of_a_missing_or_primitive_value_is_ignored() {
    for target in ["null", "true", "1", r#""t""#] {
        assert_ignored(&format!(r#"{{"a":{target}}}"#), r#"{"a":["patch",{"x":["put",1]}]}"#);
        assert_ignored(&format!(r#"{{"a":{target}}}"#), r#"{"a":["patch",{"0":["put",1]}]}"#);
    }
    assert_ignored(r#"{"b":1}"#, r#"{"a":["patch",{"x":["put",1]}]}"#);
}

#[test]
fn an_empty_patch_is_ignored() {
    assert_ignored(r#"{"a":{"x":1}}"#, "{}");
    assert_ignored(r#"{"a":{"x":1},"b":[1]}"#, r#"{"a":["patch",{}],"b":["patch",{}]}"#);
}

#[test]
fn an_index_out_of_bounds_is_ignored() {
    for index in ["2", "3", "18446744073709551616"] {
        assert_ignored(r#"{"a":[1,2]}"#, &format!(r#"{{"a":["patch",{{"{index}":["put",0]}}]}}"#));
    }
    assert_ignored(r#"{"a":[]}"#, r#"{"a":["patch",{"0":["put",0]}]}"#);
}

#[test]
fn a_key_that_is_no_index_is_ignored() {
    for key in ["01", "00", "+1", "-1", "-0", "1.0", "1e0", " 1", "1 ", "", "a", "length", "１"] {
        assert_ignored(r#"{"a":[1,2]}"#, &format!(r#"{{"a":["patch",{{"{key}":["put",0]}}]}}"#));
    }
    assert_whole(r#"{"a":{"01":1}}"#, r#"{"a":["patch",{"01":["put",2]}]}"#, r#"{"a":{"01":2}}"#);
}

#[test]
fn an_item_cannot_be_deleted() {
    assert_ignored(r#"{"a":[1,2]}"#, r#"{"a":["patch",{"1":["delete"]}]}"#);
}

#[test]
fn proto_is_ignored_wherever_it_stands() {
    assert_ignored(r#"{"a":1}"#, r#"{"__proto__":["put",{"x":1}]}"#);
    assert_ignored(r#"{"a":{"b":1}}"#, r#"{"a":["patch",{"__proto__":["put",1]}]}"#);
    assert_ignored(r#"{"a":[{}]}"#, r#"{"a":["patch",{"0":["patch",{"__proto__":["put",1]}]}]}"#);
    assert_ignored(r#"{"a":{"x":{}}}"#, r#"{"a":["put",{"x":{"__proto__":{"evil":1}}}]}"#);
    assert_ignored(r#"{"a":[1]}"#, r#"{"a":["patch",{"__proto__":["put",1]}]}"#);
    assert_whole(
        r#"{"a":[]}"#,
        r#"{"a":["append",[{"__proto__":1,"x":2}],0],"b":["put",[{"__proto__":1}]]}"#,
        r#"{"a":[{"x":2}],"b":[{}]}"#,
    );
}

#[test]
fn proto_is_no_record_either() {
    let json = r#"{"__proto__":["put",{"id":"__proto__"}],"p:1":["put",{"__proto__":1,"a":2}]}"#;
    let mut read: NetworkDiff = json.parse().unwrap();
    assert_eq!(read.to_string(), r#"{"p:1":["put",{"a":2}]}"#);
    assert_eq!(read.insert("__proto__", RecordOp::Remove), None);
    assert_eq!(read.len(), 1);
}

#[test]
fn untouched_children_stay_shared_and_touched_ones_are_copied_once() {
    let before = object(r#"{"a":{"deep":{"x":1},"side":{"y":1}},"b":[[1],[2]],"c":{}}"#);
    let mut after = before.clone();
    diff(r#"{"a":["patch",{"deep":["patch",{"x":["put",2]}]}],"b":["patch",{"0":["append",[2],1]}]}"#)
        .apply(&mut after);
    let inner = |object: &Object, key| object.get("a")?.as_object()?.get(key)?.as_object().cloned();
    let item =
        |object: &Object, at| object.get("b")?.as_array()?.get::<usize>(at)?.as_array().cloned();
    assert!(inner(&before, "side").unwrap().ptr_eq(&inner(&after, "side").unwrap()));
    assert!(!inner(&before, "deep").unwrap().ptr_eq(&inner(&after, "deep").unwrap()));
    assert!(item(&before, 1).unwrap().ptr_eq(&item(&after, 1).unwrap()));
    assert!(!item(&before, 0).unwrap().ptr_eq(&item(&after, 0).unwrap()));
}

#[test]
fn children_of_ops_without_effect_stay_shared_beside_others() {
    let before = object(r#"{"a":{"x":{"y":[1]}},"b":1}"#);
    let mut after = before.clone();
    diff(r#"{"a":["patch",{"x":["patch",{"y":["append",[2],7]}]}],"b":["put",2]}"#)
        .apply(&mut after);
    let a = |object: &Object| object.get("a").and_then(Value::as_object).cloned().unwrap();
    assert!(a(&before).ptr_eq(&a(&after)));
}

#[test]
fn an_unshared_string_grows_in_place() {
    let mut object = object(&format!(r#"{{"props":{{"t":"{}"}}}}"#, "x".repeat(100)));
    let props = |object: &Object| object.get("props").and_then(Value::as_object).cloned().unwrap();
    diff(r#"{"props":["patch",{"t":["append","makes room for what follows",100]}]}"#)
        .apply(&mut object);
    let before = buffer(&props(&object), "t");
    diff(r#"{"props":["patch",{"t":["append","y",127]}]}"#).apply(&mut object);
    assert_eq!(buffer(&props(&object), "t"), before);
}

#[test]
fn the_effect_is_exactly_what_changed() {
    let cases = [
        (r#"{"a":["put",1],"b":["put",3]}"#, r#"{"b":["put",3]}"#),
        (r#"{"a":["put",2],"zz":["delete"]}"#, r#"{"a":["put",2]}"#),
        (
            r#"{"o":["patch",{"x":["put",1],"y":["put",2],"z":["patch",{}]}]}"#,
            r#"{"o":["patch",{"y":["put",2]}]}"#,
        ),
        (
            r#"{"a":["put",5],"b":["patch",{"x":["put",1]}],"o":["delete"]}"#,
            r#"{"a":["put",5],"o":["delete"]}"#,
        ),
        (
            r#"{"l":["patch",{"0":["put",9],"01":["put",9],"1":["put","t"],"5":["put",1]}]}"#,
            r#"{"l":["patch",{"0":["put",9]}]}"#,
        ),
        (
            r#"{"l":["patch",{"1":["append","!",1],"2":["patch",{"p":["put",1],"q":["put",1]}]}]}"#,
            r#"{"l":["patch",{"1":["append","!",1],"2":["patch",{"q":["put",1]}]}]}"#,
        ),
    ];
    for (ops, part) in cases {
        let mut object = object(r#"{"a":1,"b":2,"o":{"x":1},"l":[0,"t",{"p":1}]}"#);
        assert_eq!(diff(ops).apply(&mut object), Effect::Part(diff(part)), "{ops}");
    }
}

#[test]
fn many_new_keys_and_many_gone_ones_are_merged_in() {
    let many = |range: core::ops::Range<u32>| range.map(|n| (format!("{:04}", n * 7 % 4096), n));
    let mut object: Object = many(0..2000).collect();
    let expected: Object = many(1000..4096).collect();
    let ops: ObjectDiff = many(0..1000)
        .map(|(key, _)| (key, ValueOp::Delete))
        .chain(many(2000..4096).map(|(key, n)| (key, ValueOp::Put(Value::from(n)))))
        .collect();
    assert_eq!(ops.apply(&mut object), Effect::Whole);
    assert_eq!(object, expected);
}

#[test]
fn a_diff_says_one_thing_of_each_record_whichever_comes_last() {
    let patch = || RecordOp::Patch(ObjectDiff::default());
    let mut diff = NetworkDiff::default();
    for id in ["b", "c", "a"] {
        assert_eq!(diff.insert(id, RecordOp::Remove), None);
    }
    for id in ["a", "b", "c"] {
        assert_eq!(diff.insert(id, patch()), Some(RecordOp::Remove));
    }
    let all: Vec<_> = ["a", "b", "c"].map(|id| (RecordId::from(id), patch())).into();
    assert_eq!(diff.into_iter().collect::<Vec<_>>(), all);
}
