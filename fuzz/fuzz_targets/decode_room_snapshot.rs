//! Whatever is read as a room's snapshot is written again the same, and opened as it is.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::decode_room_snapshot(
    bytes
));
