//! Random inputs for roomsync, and the laws that it keeps on all of them.
//!
//! - [`arb`]: proptest strategies for values, records and diffs.
//! - [`tape`]: choices made from bytes, to edit what is there.
//! - [`laws`]: what holds for any value and diff, as functions that panic when it does not.
//! - [`harness`]: the laws on raw bytes, for a fuzzer.
//!
//! Each law stands here once; property tests and fuzz targets only bring the inputs. To search
//! with other inputs, set `PROPTEST_RNG_SEED` and `PROPTEST_CASES`.

pub mod arb;
pub mod harness;
pub mod laws;
mod naive;
pub mod tape;
