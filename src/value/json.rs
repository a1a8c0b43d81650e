//! How a value becomes JSON text, and text a value.

use super::read::{DEFAULT_DEPTH, Reader};
use super::{Object, Value};
use crate::error::JsonError;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Appends the JSON text of `value`, written as JavaScript would.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => number.with_text(|text| out.extend_from_slice(text.as_bytes())),
        Value::String(text) => write_string(out, text),
        Value::Array(array) => {
            out.push(b'[');
            for (index, item) in array.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(object) => write_object(out, object),
    }
}

/// Appends the JSON text of `object`.
pub(crate) fn write_object(out: &mut Vec<u8>, object: &Object) {
    out.push(b'{');
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, key);
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

/// Appends `text` as a JSON string. Escapes only what JSON demands, as JavaScript does.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at_checked(plain_len(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else { break };
        write_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x0A => out.extend_from_slice(b"\\n"),
        0x0C => out.extend_from_slice(b"\\f"),
        0x0D => out.extend_from_slice(b"\\r"),
        _ => {
            out.extend_from_slice(b"\\u00");
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend([digit(byte >> 4), digit(byte & 0xF)]);
        }
    }
}

/// How many bytes stand before the first that JSON demands to be escaped.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(at) = first_escaped(u64::from_le_bytes(*word)) {
            return index * 8 + at;
        }
    }
    if rest.is_empty() {
        return bytes.len();
    }
    // The last word, of which a part was looked at before, or two halves that may overlap.
    if let Some(word) = bytes.last_chunk() {
        let at = first_escaped(u64::from_le_bytes(*word));
        return at.map_or(bytes.len(), |at| bytes.len() - 8 + at);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return match first_escaped(first | last << 32) {
            Some(at @ 0..4) => at,
            Some(at) => bytes.len() + at - 8,
            None => bytes.len(),
        };
    }
    let is_escaped = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    rest.iter().position(is_escaped).unwrap_or(rest.len())
}

/// Which of eight bytes, the lowest first, is the first that JSON demands to be escaped.
const fn first_escaped(word: u64) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // Sets the high bit of each byte that is below `least`. A borrow can set one wrongly, but only
    // above one that is right.
    const fn below(word: u64, least: u64) -> u64 {
        word.wrapping_sub(least * EACH) & !word & HIGH
    }
    let quote = word ^ (b'"' as u64 * EACH);
    let backslash = word ^ (b'\\' as u64 * EACH);
    let found = below(word, 0x20) | below(quote, 1) | below(backslash, 1);
    if found == 0 { None } else { Some(found.trailing_zeros() as usize / 8) }
}

fn to_text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    // Made of whole strings and ASCII, so it is UTF-8 and nothing is replaced.
    String::from_utf8(out).unwrap_or_default()
}

impl fmt::Display for Value {
    /// Writes the value as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(|out| write_value(out, self)))
    }
}

impl fmt::Display for Object {
    /// Writes the object as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(|out| write_object(out, self)))
    }
}

impl FromStr for Value {
    type Err = JsonError;

    /// Reads JSON. Lone surrogates are read as U+FFFD; nesting is capped at 100 levels.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        Reader::read(text, |reader| reader.value(DEFAULT_DEPTH))
    }
}

impl FromStr for Object {
    type Err = JsonError;

    /// Reads a JSON object, as [`Value::from_str`] does.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        Reader::read(text, |reader| reader.object(DEFAULT_DEPTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn strings_are_escaped_as_javascript_does() {
        let all: String = (0u8..0x80).map(char::from).chain("é€🖋\u{2028}".chars()).collect();
        let written = Value::from(all.clone()).to_string();
        assert_eq!(written, serde_json::to_string(&all).unwrap());
        assert_eq!(written.parse::<Value>().unwrap(), Value::from(all));
    }

    #[test]
    fn what_is_escaped_is_found_wherever_it_stands() {
        for byte in 0..0x80_u8 {
            for before in 0..20 {
                for filler in ["x", "é", "\u{1F}", "~"] {
                    let text = filler.repeat(before) + &String::from(char::from(byte)) + filler;
                    let written = Value::from(text.clone()).to_string();
                    assert_eq!(written, serde_json::to_string(&text).unwrap());
                }
            }
        }
    }

    #[test]
    fn lone_surrogates_become_replacement_characters_of_the_same_length() {
        for (json, expected) in [
            (r#""\ud83d""#, "\u{FFFD}"),
            (r#""a\uDC00b""#, "a\u{FFFD}b"),
            (r#""\ud83d\ud83d\udd8b""#, "\u{FFFD}🖋"),
            (r#""\ud83d\u0041""#, "\u{FFFD}A"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{FFFD}"),
            (r#""\ud83d\udd8b""#, "🖋"),
        ] {
            assert_eq!(json.parse::<Value>().unwrap(), Value::from(expected), "{json}");
        }
    }

    #[test]
    fn lone_surrogates_in_keys_become_replacement_characters() {
        let object: Object = r#"{"\ud83d":1,"a\udc00":2}"#.parse().unwrap();
        assert_eq!(object.to_string(), "{\"a\u{FFFD}\":2,\"\u{FFFD}\":1}");
    }

    /// Where most of an object stands again, its reader goes by the text. More text makes another value.
    #[test]
    fn what_an_object_says_after_another_is_what_stands_there() {
        let values = [
            "1",
            "12",
            "1.5",
            "-1",
            "1e2",
            "0",
            "true",
            "null",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"a\\u0062\"",
            "[]",
            "[1]",
            "[1,2]",
            "{}",
            "{\"k\":1}",
            "{\"k\":12}",
            " 1",
            "1 ",
            "[1 ]",
        ];
        for first in values {
            for then in values {
                let text = alloc::format!(
                    r#"[{{"k":{first},"l":0}},{{"k":{first},"l":0}},{{"k":{then},"l":0}},{{"l":0,"k":{then}}}]"#
                );
                let read: Vec<Value> = text.parse::<Value>().unwrap().as_array().unwrap().to_vec();
                let read = read.iter().map(|it| it.as_object().unwrap().get("k").unwrap().clone());
                let expected = [first, first, then, then].map(|it| it.parse::<Value>().unwrap());
                assert_eq!(read.collect::<Vec<_>>(), expected, "{text}");
                for end in 0..text.len() {
                    assert!(text[..end].parse::<Value>().is_err(), "{}", &text[..end]);
                }
            }
        }
    }

    #[test]
    fn white_space_after_a_member_is_no_end() {
        let read = r#"[{"k":1 },{"k":1 ,"l":2},{"k":1 ,"l":2 },{"k":1 }]"#.parse::<Value>();
        let written = r#"[{"k":1},{"k":1,"l":2},{"k":1,"l":2},{"k":1}]"#;
        assert_eq!(read.unwrap().to_string(), written);
    }

    #[test]
    fn nothing_is_no_member_whatever_was_said_before() {
        // So many that are new that none of them is looked for, and long ones.
        let new = (0..20).map(|n| alloc::format!(r#"{{"k":{n},"l":{n}}},"#)).collect::<String>();
        let long = alloc::format!(r#"{{"k":"{0}","l":"{0}"}},"#, "x".repeat(300));
        for before in [new, long, String::from(r#"{"k":1,"l":1},"#)] {
            for nothing in [r#"{,"k":1}"#, r#"{"k":1,}"#, r#"{"k":1,,"l":1}"#, "{,}"] {
                let text = alloc::format!("[{before}{nothing}]");
                assert!(text.parse::<Value>().is_err(), "{text}");
            }
        }
    }

    #[test]
    fn what_an_object_says_again_is_shared() {
        let text =
            (0..40).map(|n| alloc::format!(r#"{{"new":[{n}],"old":[1]}},"#)).collect::<String>();
        let value: Value = alloc::format!("[{text}null]").parse().unwrap();
        let objects = value.as_array().unwrap().iter().filter_map(Value::as_object);
        let arrays = |key| objects.clone().map(move |it| it.get(key).unwrap().as_array().unwrap());
        let first = arrays("old").next().unwrap();
        assert!(arrays("old").all(|array| array.ptr_eq(first)));
        let new = arrays("new").map(|array| array[0].as_number().unwrap().as_i64().unwrap());
        assert_eq!(new.collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn what_an_object_says_again_nests_no_deeper_than_anything() {
        let nested = |wraps: usize| {
            let (open, close) = ("[".repeat(wraps), "]".repeat(wraps));
            let before = r#"{"k":[[1]],"l":0},{"k":[[1]],"l":1}"#;
            let text = alloc::format!(r#"[{before},{open}{{"k":[[1]],"l":1}}{close}]"#);
            text.parse::<Value>().is_ok()
        };
        // One around all, the object, and two in it.
        assert!(nested(DEFAULT_DEPTH - 4));
        assert!(!nested(DEFAULT_DEPTH - 3));
    }

    #[test]
    fn numbers_are_read_by_value() {
        for (json, written) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e2", "100"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854776000"),
            ("12345678901234567890", "12345678901234567000"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("1e-400", "0"),
        ] {
            assert_eq!(json.parse::<Value>().unwrap().to_string(), written, "{json}");
        }
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for json in ["", "{", "1 2", "{}x", "nul", "[1,]", "\"\u{0}\"", "1e999", "+1", r#""\ud83""#]
        {
            assert!(json.parse::<Value>().is_err(), "{json}");
        }
    }

    #[test]
    fn values_nest_to_the_cap_and_no_deeper() {
        let arrays = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let objects = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        for nested in [arrays, objects] {
            assert!(nested(100).parse::<Value>().is_ok());
            assert!(nested(101).parse::<Value>().is_err());
            assert!(nested(10_000).parse::<Value>().is_err());
        }
    }
}
