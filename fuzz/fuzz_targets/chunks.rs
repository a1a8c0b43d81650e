//! A message in pieces does what it does whole, and pieces out of order do no harm.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::chunks(bytes));
