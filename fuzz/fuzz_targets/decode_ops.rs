//! Whatever is read as a diff is written and read again the same, and nests within the cap.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::decode_ops(bytes));
