//! What peers say to each other: messages, their JSON, chunks and versions.

mod chunk;
mod chunk_out;
mod decode;
mod encode;
pub(crate) mod json;
mod message;
mod ops;
mod values;

pub(crate) use chunk::{Assembled, Assembler, ChunkError};
pub(crate) use chunk_out::split;
pub(crate) use decode::{decode_client_message, decode_server_message};
pub(crate) use encode::{
    DATA_BEGIN, DATA_END, encode_client_message, encode_server_message, write_connect_answer,
    write_data_entry,
};
pub(crate) use message::OLDEST_PROTOCOL_VERSION;
pub use message::{
    ClientMessage, ConnectAnswer, ConnectRequest, DataEntry, HydrationType, IncompatibilityReason,
    ObjectAccess, PROTOCOL_VERSION, PresenceOp, Push, PushAction, ServerMessage,
};
pub(crate) use ops::write_diff_entry;
