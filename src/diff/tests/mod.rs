//! The rules of diffs, each with its test. The laws over random values are in `proptests/`.

mod applying;
mod computing;
mod decoding;
mod undo_laws;
mod undoing;

use super::*;
use alloc::format;
use alloc::string::{String, ToString};

fn object(json: &str) -> Object {
    json.parse().unwrap()
}

fn diff(json: &str) -> ObjectDiff {
    json.parse().unwrap()
}

/// The address of the buffer of the string at `key`.
fn buffer(object: &Object, key: &str) -> *const u8 {
    object.get(key).and_then(Value::as_str).unwrap().as_ptr()
}
