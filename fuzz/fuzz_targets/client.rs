//! A client survives whatever a room says, and agrees with a sound one in the end.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::client(bytes));
