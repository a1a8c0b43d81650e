//! Edits and diffs made of the bytes keep the laws of diffs.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::diff_laws(bytes));
