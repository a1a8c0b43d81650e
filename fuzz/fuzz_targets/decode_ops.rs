//! Whatever is read as a diff is written and read again the same, and nests within the cap.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_ops(bytes));
