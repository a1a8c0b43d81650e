//! Schemas made of the bytes take records up and down, or say why not.
#![no_main]

use roomsync_fuzz as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roomsync_proptests::harness::migrations(bytes));
