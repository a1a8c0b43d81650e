//! That an undo restores exactly what was there.

use super::*;
use crate::diff::ObjectUndo;

/// Applies the diffs in turn, takes all back at once, and compares.
fn assert_reverts(before: &str, diffs: &[&str]) {
    let expected = object(before);
    let mut object = object(before);
    let mut undo = ObjectUndo::default();
    for ops in diffs {
        assert_ne!(diff(ops).apply_with_undo(&mut object, &mut undo), Effect::None, "{ops}");
    }
    assert_ne!(object, expected);
    undo.revert(&mut object);
    assert_eq!(object, expected, "{diffs:?}");
}

#[test]
fn every_op_is_taken_back() {
    let before = r#"{"a":1,"l":[1,{"x":1},"t",[2]],"o":{"p":1,"q":{"r":2}},"t":"text"}"#;
    for ops in [
        r#"{"a":["put",2]}"#,
        r#"{"new":["put",2]}"#,
        r#"{"a":["delete"],"o":["delete"]}"#,
        r#"{"a":["delete"],"aa":["put",1],"l":["put",null],"t":["delete"],"z":["put",1]}"#,
        r#"{"t":["append","s",4]}"#,
        r#"{"l":["append",[3],4]}"#,
        r#"{"o":["patch",{"n":["put",1],"p":["delete"],"q":["patch",{"r":["put",3]}]}]}"#,
        r#"{"l":["patch",{"0":["put",[]],"1":["patch",{"x":["delete"]}],"2":["append","!",1],"3":["append",[1],1]}]}"#,
        r#"{"a":["put",1],"o":["patch",{"p":["put",5],"none":["delete"]}]}"#,
    ] {
        assert_reverts(before, &[ops]);
    }
}

#[test]
fn several_diffs_are_taken_back_in_reverse_order() {
    assert_reverts(
        r#"{"o":{"t":"a"},"l":[]}"#,
        &[
            r#"{"new":["put","n"],"l":["append",[1],0]}"#,
            r#"{"new":["append","ew",1],"l":["patch",{"0":["put",2]}]}"#,
            r#"{"new":["delete"],"o":["patch",{"t":["append","b",1]}]}"#,
            r#"{"new":["put",[]],"o":["patch",{"t":["delete"]}]}"#,
            r#"{"l":["append",[3],1],"o":["put",1]}"#,
        ],
    );
}

#[test]
fn what_had_no_effect_leaves_nothing_to_undo() {
    let before = object(r#"{"a":{"x":1}}"#);
    let mut after = before.clone();
    let mut undo = ObjectUndo::default();
    diff(r#"{"a":["patch",{"x":["put",1]}]}"#).apply_with_undo(&mut after, &mut undo);
    undo.revert(&mut after);
    assert!(after.ptr_eq(&before));
}

#[test]
fn an_unshared_long_text_keeps_its_buffer_over_append_and_revert() {
    let mut object = object(&format!(r#"{{"t":"{}"}}"#, "é🖋".repeat(50)));
    diff(r#"{"t":["append","room to grow without another allocation",150]}"#).apply(&mut object);
    let (text, before) = (object.to_string(), buffer(&object, "t"));

    let mut undo = ObjectUndo::default();
    let append = diff(r#"{"t":["append","🖋!",189]}"#);
    assert_eq!(append.apply_with_undo(&mut object, &mut undo), Effect::Whole);
    assert_eq!(buffer(&object, "t"), before);
    undo.revert(&mut object);
    assert_eq!((object.to_string(), buffer(&object, "t")), (text, before));
    // The length in code units is back as well, so the same append fits again.
    assert_eq!(append.apply(&mut object), Effect::Whole);
}

#[test]
fn a_text_that_was_short_before_is_short_again() {
    let mut object = object(r#"{"t":"short"}"#);
    let before = object.clone();
    let mut undo = ObjectUndo::default();
    diff(r#"{"t":["append"," and now too long to stand inline",5]}"#)
        .apply_with_undo(&mut object, &mut undo);
    undo.revert(&mut object);
    assert_eq!(object, before);
}

#[test]
fn a_revert_spares_what_was_shared_meanwhile() {
    let mut object = object(&format!(r#"{{"l":[1],"t":"{}"}}"#, "x".repeat(50)));
    let mut undo = ObjectUndo::default();
    diff(r#"{"l":["append",[2],1],"t":["append","y",50]}"#).apply_with_undo(&mut object, &mut undo);
    let seen = object.clone();
    undo.revert(&mut object);
    assert_eq!(seen.to_string(), format!(r#"{{"l":[1,2],"t":"{}y"}}"#, "x".repeat(50)));
    assert_eq!(object.to_string(), format!(r#"{{"l":[1],"t":"{}"}}"#, "x".repeat(50)));
}
