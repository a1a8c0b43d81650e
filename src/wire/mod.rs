//! What peers say to each other: messages, their two codecs, chunks and versions.

mod chunk;
mod chunk_out;
mod codec;
mod decode;
mod encode;
mod fragment;
mod message;
mod ops;
mod postcard;
mod values;

pub(crate) use chunk::{Assembled, Assembler, ChunkError};
pub(crate) use chunk_out::split;
pub(crate) use decode::decode_client_message;
pub(crate) use fragment::json_records;
pub(crate) use message::OLDEST_PROTOCOL_VERSION;
pub use message::{
    ClientMessage, Codec, ConnectAnswer, ConnectRequest, DataEntry, HydrationType,
    IncompatibilityReason, ObjectAccess, PROTOCOL_VERSION, PresenceOp, Push, PushAction,
    ServerMessage,
};
pub(crate) use postcard::is_binary;
