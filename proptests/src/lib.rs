//! Random inputs for roomsync, and the laws that it keeps on all of them.
//!
//! Values and diffs:
//!
//! - [`arb`], [`arb_message`]: proptest strategies for values, records, diffs and messages.
//! - [`tape`]: choices made from bytes, to edit what is there.
//! - [`laws`]: what holds for any value and diff, as functions that panic when it does not.
//! - [`harness`]: the laws on raw bytes, for a fuzzer.
//!
//! Each law stands here once; property tests and fuzz targets only bring the inputs. To search
//! with other inputs, set `PROPTEST_RNG_SEED` and `PROPTEST_CASES`.
//!
//! Rooms and clients, the simulator:
//!
//! - [`script`]: what happens in a run, made from bytes, written and read as text.
//! - [`world`]: one room, its clients and one clock; [`links`], [`honest`], [`steps`], [`sleep`] and [`rest`]
//!   are parts of it, [`framing`], [`network`], [`storage`], [`journal`], [`hostile`], [`edit`] and [`rules`] what it is made of.
//! - [`invariant`]: what must hold; [`oracle`], [`tap`], [`marker`], `once`, `did`, `refused`, [`kept`] and [`model`]
//!   find out whether it does.
//! - [`explore`]: every order of everything, in small worlds.
//! - [`report`]: a run, its outcome, and a smaller script that fails alike.
//! - [`reach`]: what a run has met; [`trace`]: what happened in it; [`picture`]: a page that
//!   shows it; [`progress`]: how far a search is.
//! - [`planted`]: bugs planted on purpose, to see whether all of this finds them.

pub mod arb;
pub mod arb_message;
mod did;
pub mod edit;
pub mod explore;
pub mod framing;
pub mod harness;
pub mod hash;
pub mod honest;
pub mod hostile;
pub mod invariant;
pub mod journal;
pub mod kept;
pub mod laws;
pub mod links;
pub mod marker;
pub mod model;
mod naive;
pub mod network;
mod nonsense;
mod once;
pub mod oracle;
pub mod picture;
pub mod planted;
pub mod progress;
pub mod reach;
mod refused;
pub mod report;
pub mod rest;
pub mod rules;
pub mod script;
pub mod sleep;
pub mod steps;
pub mod storage;
pub mod tap;
pub mod tape;
pub mod trace;
mod users;
pub mod versions;
mod watched;
pub mod world;
