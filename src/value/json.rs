//! How a value becomes JSON text, and text a value.

use super::{Object, Value};
use crate::error::JsonError;
use crate::wire::json;
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
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(written..index).unwrap_or_default());
        written = index + 1;
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
    out.extend_from_slice(bytes.get(written..).unwrap_or_default());
    out.push(b'"');
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
        json::from_str(text)
    }
}

impl FromStr for Object {
    type Err = JsonError;

    /// Reads a JSON object, as [`Value::from_str`] does.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        json::from_str(text)
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
