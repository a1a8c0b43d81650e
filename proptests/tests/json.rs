//! The JSON of values and diffs, read and written, on random inputs.

use proptest::collection::vec;
use proptest::prelude::*;
use roomsync::{NetworkDiff, RecordOp, Text, Value};
use roomsync_proptests::{arb, harness, laws};
use std::fmt::Write;

/// What `JSON.stringify` writes, put together from other people's parts.
fn stringify(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => match number.as_i64() {
            Some(int) => int.to_string(),
            None => ryu_js::Buffer::new().format(number.as_f64()).to_string(),
        },
        Value::String(text) => serde_json::to_string(text.as_str()).unwrap(),
        Value::Array(array) => {
            let items: Vec<String> = array.iter().map(stringify).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(object) => {
            let entries: Vec<String> = object
                .iter()
                .map(|(key, value)| {
                    format!("{}:{}", serde_json::to_string(key.as_str()).unwrap(), stringify(value))
                })
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// UTF-16 as JavaScript holds it: pairs, halves of pairs, and plain units.
fn utf16() -> impl Strategy<Value = Vec<u16>> {
    vec(
        prop_oneof![
            2 => 0xD800..0xDC00_u16,
            2 => 0xDC00..0xE000_u16,
            2 => proptest::sample::select(vec![0x22, 0x5C, 0x75, 0x64, 0x38, 0x30, 0x0A]),
            1 => any::<u16>(),
        ],
        0..12,
    )
}

/// The units as a JSON string: all as escapes, or as JavaScript writes them, where only lone
/// surrogates and what JSON demands are escaped.
fn quote(units: &[u16], all: bool) -> String {
    let mut out = String::from("\"");
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(character) if !all && character >= ' ' && !matches!(character, '"' | '\\') => {
                out.push(character);
            }
            Ok(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04X}").unwrap();
                }
            }
            Err(lone) => write!(out, "\\u{:04x}", lone.unpaired_surrogate()).unwrap(),
        }
    }
    out + "\""
}

/// An array of objects that have most of their members in common, and stand in each other.
fn alike() -> impl Strategy<Value = String> {
    let space = || prop_oneof![8 => Just(""), 1 => Just(" ")];
    let leaf = r#"0|1|12|1\.5|1e2|""|"a"|"a\\\\"|"é"|true|null|\[\]|\{\}|\[1\]"#;
    let value = leaf.prop_recursive(4, 64, 4, move |value| {
        let member = (space(), "[abcd]", space(), value, space())
            .prop_map(|(a, key, b, value, c)| format!("{a}\"{key}\"{b}:{value}{c}"));
        let object = vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")));
        vec(object, 1..4).prop_map(|objects| format!("[{}]", objects.join(",")))
    });
    // What comes again is often what came right before.
    vec((value, 1..4_usize), 1..8).prop_map(|values| {
        let again = |(value, times)| std::iter::repeat_n(value, times);
        let all: Vec<String> = values
            .into_iter()
            .flat_map(again)
            .map(|value| format!("{{\"k\":{value},\"l\":1}}"))
            .collect();
        format!("[{}]", all.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_written_as_javascript_writes_them(value in arb::value()) {
        prop_assert_eq!(value.to_string(), stringify(&value));
    }

    #[test]
    fn doubles_are_written_as_javascript_writes_them(bits in any::<u64>()) {
        let double = f64::from_bits(bits);
        let expected = match double {
            double if !double.is_finite() => "null".into(),
            double => ryu_js::Buffer::new().format(double).to_string(),
        };
        prop_assert_eq!(Value::from(double).to_string(), expected);
    }

    #[test]
    fn numbers_are_read_back_as_the_same(number in arb::number()) {
        laws::numbers(number);
    }

    #[test]
    fn values_are_read_back_as_the_same(value in arb::value()) {
        laws::read_back(&value);
        let read: Value = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
        prop_assert_eq!(read, value);
    }

    #[test]
    fn diffs_are_read_back_as_the_same(record in arb::record(), diff in arb::diff(), id in arb::key()) {
        laws::read_back(&diff);
        let ops = [
            ("p:1".into(), RecordOp::Put(record)),
            (id.into(), RecordOp::Patch(diff)),
            ("p:2".into(), RecordOp::Remove),
        ];
        laws::read_back(&ops.into_iter().collect::<NetworkDiff>());
    }

    #[test]
    fn lengths_are_those_of_utf16(parts in vec(arb::text(), 0..6)) {
        laws::texts(&parts);
    }

    #[test]
    fn lone_surrogates_anywhere_keep_the_length(units in utf16(), all in any::<bool>()) {
        let json = quote(&units, all);
        let value: Value = json.parse().unwrap();
        let expected = String::from_utf16_lossy(&units);
        prop_assert_eq!(value.as_str(), Some(&*expected), "{}", json);
        prop_assert_eq!(value.as_text().map(Text::utf16_len), Some(units.len()));
        let nested: Value = format!("[{{{json}:{json}}}]").parse().unwrap();
        prop_assert!(nested.to_string().contains(&serde_json::to_string(&expected).unwrap()));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..64)) {
        harness::decode_value(&bytes);
        harness::decode_ops(&bytes);
    }

    #[test]
    fn objects_that_say_the_same_again_are_read_as_each_by_itself(text in alike(), end in any::<prop::sample::Index>()) {
        prop_assert!(text.parse::<Value>().is_ok(), "{}", text);
        harness::decode_value(text.as_bytes());
        harness::decode_value(&text.as_bytes()[..end.index(text.len())]);
    }

    #[test]
    fn text_that_is_almost_json_is_read_without_a_panic(text in r#"(\{|\}|\[|\]|,|:|"|\\|\\u[dD][89cC]0[0-9]|[0-9.eE+-]|"a"|"put"|"patch"|"append"|"é🖋"|null){0,24}"#) {
        harness::decode_value(text.as_bytes());
        harness::decode_ops(text.as_bytes());
    }

    #[test]
    fn json_with_one_byte_changed_is_read_without_a_panic(
        diff in arb::diff(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = diff.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        harness::decode_value(&bytes);
        harness::decode_ops(&bytes);
    }

    #[test]
    fn the_harness_makes_cases_of_any_bytes(bytes in vec(any::<u8>(), 0..400)) {
        harness::diff_laws(&bytes);
    }
}
