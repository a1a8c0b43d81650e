//! Whatever is read as a schema is written again the same, and a room can have it.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::decode_schema(bytes));
