//! Whatever is read as a room's snapshot is written again the same, and opened as it is.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_room_snapshot(bytes));
