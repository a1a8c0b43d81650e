//! Whatever is read as a value is written and read again the same.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_value(bytes));
