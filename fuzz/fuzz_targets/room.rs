//! A room survives whatever peers say, and honest clients do not notice.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::room(bytes));
