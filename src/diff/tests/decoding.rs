//! Which JSON is a diff, and how deep it may be.

use super::*;
use crate::Limits;

const DEPTH: usize = Limits::MAX_VALUE_DEPTH;

/// `inner` inside of so many arrays.
fn arrays(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

/// A diff that patches so many levels of objects, and has `op` at the innermost.
fn patches(levels: usize, op: &str) -> String {
    let ops = r#"{"a":["patch","#.repeat(levels - 1);
    format!(r#"{ops}{{"a":{op}}}{}"#, "]}".repeat(levels - 1))
}

#[test]
fn every_op_is_written_as_it_was_read() {
    let json = r#"{"a":["put",{"x":[1,null,"t"]}],"b":["delete"],"c":["append","🖋",3],"#
        .to_string()
        + r#""d":["append",[1,{}],2],"e":["patch",{"0":["patch",{}]}]}"#;
    assert_eq!(diff(&json).to_string(), json);
    let json =
        format!(r#"{{"p:1":["patch",{json}],"p:2":["put",{{"id":"p:2"}}],"p:3":["remove"]}}"#);
    assert_eq!(json.parse::<NetworkDiff>().unwrap().to_string(), json);
}

#[test]
fn value_ops_that_are_short_long_or_unknown_are_refused() {
    for op in [
        "[]",
        r#"["put"]"#,
        r#"["patch"]"#,
        r#"["append"]"#,
        r#"["append","x"]"#,
        r#"["put",1,2]"#,
        r#"["patch",{},1]"#,
        r#"["append","x",0,0]"#,
        r#"["delete",1]"#,
        r#"["zap"]"#,
        r#"["remove"]"#,
        r#"["PUT",1]"#,
        "[1]",
        "[null]",
        r#"[["put"],1]"#,
        "null",
        "1",
        r#""put""#,
        r#"{"put":1}"#,
        r#"["patch",[]]"#,
        r#"["patch",null]"#,
        r#"["patch","x"]"#,
        r#"["append",1,0]"#,
        r#"["append",null,0]"#,
        r#"["append",{},0]"#,
        r#"["append","x","0"]"#,
        r#"["append","x",-1]"#,
        r#"["append","x",0.5]"#,
        r#"["append","x",null]"#,
        r#"["append","x",[0]]"#,
        r#"["append","x",1e300]"#,
    ] {
        assert!(format!(r#"{{"a":{op}}}"#).parse::<ObjectDiff>().is_err(), "{op}");
    }
    for op in [r#"["append","x",2.0]"#, r#"["append",[],-0]"#, r#"["put",null]"#] {
        assert!(format!(r#"{{"a":{op}}}"#).parse::<ObjectDiff>().is_ok(), "{op}");
    }
}

#[test]
fn record_ops_that_are_short_long_or_unknown_are_refused() {
    for op in [
        "[]",
        r#"["put"]"#,
        r#"["patch"]"#,
        r#"["put",{},1]"#,
        r#"["patch",{},1]"#,
        r#"["remove",1]"#,
        r#"["delete"]"#,
        r#"["append","x",0]"#,
        r#"["zap"]"#,
        r#"["put",5]"#,
        r#"["put",null]"#,
        r#"["put",[]]"#,
        r#"["patch",[]]"#,
        "{}",
        "null",
    ] {
        assert!(format!(r#"{{"p:1":{op}}}"#).parse::<NetworkDiff>().is_err(), "{op}");
    }
}

#[test]
fn what_is_no_diff_is_refused() {
    for json in ["", "[]", "null", "1", r#""x""#, "{", r#"{"a"}"#, "{} {}", r#"{"a":["delete"]}x"#]
    {
        assert!(json.parse::<ObjectDiff>().is_err(), "{json}");
        assert!(json.parse::<NetworkDiff>().is_err(), "{json}");
    }
}

#[test]
fn of_a_repeated_key_the_last_op_counts() {
    assert_eq!(
        diff(r#"{"b":["put",1],"a":["put",1],"b":["delete"]}"#),
        diff(r#"{"a":["put",1],"b":["delete"]}"#)
    );
    assert_eq!(
        r#"{"p:1":["remove"],"p:1":["put",{}]}"#.parse::<NetworkDiff>().unwrap().to_string(),
        r#"{"p:1":["put",{}]}"#
    );
}

#[test]
fn values_in_a_diff_nest_to_the_cap_and_no_deeper() {
    // The diff itself stands for the outermost level of the record.
    for op in [
        |depth| format!(r#"["put",{}]"#, arrays(depth)),
        |depth| format!(r#"["append",{},0]"#, arrays(depth)),
    ] {
        assert!(format!(r#"{{"a":{}}}"#, op(DEPTH - 1)).parse::<ObjectDiff>().is_ok());
        assert!(format!(r#"{{"a":{}}}"#, op(DEPTH)).parse::<ObjectDiff>().is_err());
    }
}

#[test]
fn records_in_a_diff_nest_to_the_cap_and_no_deeper() {
    let put = |depth: usize| format!(r#"{{"p:1":["put",{{"a":{}}}]}}"#, arrays(depth - 1));
    assert!(put(DEPTH).parse::<NetworkDiff>().is_ok());
    assert!(put(DEPTH + 1).parse::<NetworkDiff>().is_err());
}

#[test]
fn patches_nest_to_the_cap_and_no_deeper() {
    for op in [r#"["put",1]"#, r#"["delete"]"#, r#"["append","x",0]"#] {
        assert!(patches(DEPTH, op).parse::<ObjectDiff>().is_ok(), "{op}");
        assert!(patches(DEPTH + 1, op).parse::<ObjectDiff>().is_err(), "{op}");
    }
    // A value at the end of patches counts with them, so that no diff deepens a record over the cap.
    assert!(patches(DEPTH - 1, r#"["put",[]]"#).parse::<ObjectDiff>().is_ok());
    assert!(patches(DEPTH, r#"["put",[]]"#).parse::<ObjectDiff>().is_err());
    assert!(patches(DEPTH - 1, r#"["append",[1],0]"#).parse::<ObjectDiff>().is_ok());
    assert!(patches(DEPTH, r#"["append",[1],0]"#).parse::<ObjectDiff>().is_err());
}

#[test]
fn ten_thousand_levels_are_refused_without_harm() {
    for json in [
        format!(r#"{{"a":["put",{}]}}"#, arrays(10_000)),
        patches(10_000, r#"["delete"]"#),
        r#"{"a":["patch","#.repeat(10_000),
    ] {
        assert!(json.parse::<ObjectDiff>().is_err());
        assert!(format!(r#"{{"p:1":["patch",{json}]}}"#).parse::<NetworkDiff>().is_err());
    }
}

#[test]
fn lone_surrogates_in_an_append_keep_their_length() {
    let mut object = object(r#"{"t":"a\ud83d"}"#);
    assert_eq!(diff(r#"{"t":["append","\udd8b",2]}"#).apply(&mut object), Effect::Whole);
    assert_eq!(object.get("t").and_then(Value::as_str), Some("a\u{FFFD}\u{FFFD}"));
}
