//! How JSON text is read: whole, within caps, and with the lone surrogates of JavaScript.

use crate::error::JsonError;
use alloc::borrow::Cow;
use alloc::string::String;
use serde::Deserialize;
use serde::de::DeserializeSeed;

/// Reads all of `text` as one value.
pub(crate) fn from_str<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, JsonError> {
    serde_json::from_str(&without_lone_surrogates(text)).map_err(|error| JsonError::new(&error))
}

/// Reads all of `text` with `seed`.
pub(crate) fn read<'de, S: DeserializeSeed<'de>>(
    text: &'de str,
    seed: S,
) -> Result<S::Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut reader).map_err(|error| JsonError::new(&error))?;
    reader.end().map_err(|error| JsonError::new(&error))?;
    Ok(value)
}

/// `text` with every escape of a lone surrogate turned into one of U+FFFD.
///
/// A JavaScript peer writes half of a pair as an escape, since UTF-8 has no form for it. U+FFFD is
/// one UTF-16 unit as well, so offsets stay right.
pub(crate) fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut fixed = String::new();
    let mut copied = 0;
    let mut rest = 0;
    while let Some(found) = text.get(rest..).and_then(|tail| tail.find('\\')) {
        let escape = rest + found;
        // What follows a backslash is consumed with it, so that `\\ud800` is not taken for one.
        rest = escape + 2;
        match surrogate(text, escape) {
            Some(0xD800..=0xDBFF) if matches!(surrogate(text, escape + 6), Some(0xDC00..)) => {
                rest = escape + 12;
            }
            Some(_) => {
                rest = escape + 6;
                fixed.push_str(text.get(copied..escape).unwrap_or_default());
                fixed.push_str("\\ufffd");
                copied = rest;
            }
            None => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    fixed.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(fixed)
}

/// The surrogate that an escape at `at` stands for, if there is one.
fn surrogate(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}
