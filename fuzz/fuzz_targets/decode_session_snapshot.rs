//! Whatever is read as a session that sleeps is written again the same, and taken up.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_session_snapshot(bytes));
