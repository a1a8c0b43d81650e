//! Runs of the simulator keep all invariants.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::script(bytes));
