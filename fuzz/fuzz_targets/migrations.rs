//! Schemas made of the bytes take records up and down, or say why not.
#![no_main]

use roomsync_fuzz as _;
use roomsync_proptests::harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::migrations(bytes));
