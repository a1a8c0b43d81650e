//! Whatever is read as a commit is written and read again the same.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::decode_commit(bytes));
