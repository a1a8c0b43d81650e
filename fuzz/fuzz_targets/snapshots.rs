//! What machines keep, made of the bytes, restores the same.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::snapshots(bytes));
