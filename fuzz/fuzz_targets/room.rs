//! A room survives whatever peers say, and honest clients do not notice.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::room(bytes));
