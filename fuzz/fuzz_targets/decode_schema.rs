//! Whatever is read as a schema is written again the same, and a room can have it.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_schema(bytes));
