//! A message in pieces does what it does whole, and pieces out of order do no harm.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::chunks(bytes));
