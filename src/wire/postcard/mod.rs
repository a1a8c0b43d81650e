//! The binary codec `postcard-1`: the same messages in a third of the bytes.
//!
//! Numbers, strings and options are written as the `postcard` crate writes them, and its tests here
//! say so. The rest is our own: a serde format knows neither the keys and texts that stand in the
//! message already, nor caps, and the crate reads what must be refused.
//!
//! A *section* is a diff or a value with what it needs to be read: no section refers to another,
//! so that each is encoded once and stands in as many messages as there are readers.

mod diff;
mod id;
mod known;
mod read;
mod tag;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub(super) use read::{client_message, server_message};
pub(super) use write::{
    DATA_BEGIN, write_client_message, write_connect_answer, write_data_entry, write_patch,
    write_records, write_server_message,
};

/// What this codec is called in a request to `connect`.
pub(super) const NAME: &str = "postcard-1";

/// Whether a message is in this codec. No text begins with such a byte, in UTF-8.
pub(crate) fn is_binary(message: &[u8]) -> bool {
    message.first().is_some_and(|first| (0x80..0xC0).contains(first))
}

/// The first byte of each message.
mod kind {
    pub(super) const CONNECT: u8 = 0x81;
    pub(super) const PUSH: u8 = 0x82;
    pub(super) const PING: u8 = 0x83;
    pub(super) const CUSTOM: u8 = 0x84;
    pub(super) const CONNECTED: u8 = 0x91;
    pub(super) const DATA: u8 = 0x92;
    pub(super) const PONG: u8 = 0x93;
    pub(super) const TOLD: u8 = 0x94;
    pub(super) const INCOMPATIBLE: u8 = 0x95;
}

/// The first byte of each entry of a data message.
mod entry {
    pub(super) const PATCH: u8 = 0;
    pub(super) const COMMIT: u8 = 1;
    pub(super) const DISCARD: u8 = 2;
    pub(super) const REBASE: u8 = 3;
}

/// How deep the value of a schema nests at most.
const SCHEMA_DEPTH: usize = 16;
