//! Whatever is read as what a client has kept restores a client that keeps the same.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::decode_client_snapshot(bytes));
