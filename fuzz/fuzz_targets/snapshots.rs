//! What machines keep, made of the bytes, restores the same.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::snapshots(bytes));
