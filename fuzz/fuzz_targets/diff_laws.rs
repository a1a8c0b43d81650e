//! Edits and diffs made of the bytes keep the laws of diffs.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::diff_laws(bytes));
