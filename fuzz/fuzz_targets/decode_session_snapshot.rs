//! Whatever is read as a session that sleeps is written again the same, and taken up.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::decode_session_snapshot(
    bytes
));
