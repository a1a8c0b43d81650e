//! Which codec a message goes in, and which it came in.

use super::decode::{decode_client_message, decode_server_message};
use super::encode::{encode_client_message, encode_server_message};
use super::message::{ClientMessage, Codec, ServerMessage};
use super::postcard;
use crate::error::Malformed;
use crate::frame::Frame;
use alloc::vec::Vec;

impl Codec {
    /// What the codec is called in a request to `connect`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Postcard => postcard::NAME,
        }
    }

    /// The codec of a message.
    pub(crate) fn of(message: &[u8]) -> Self {
        if postcard::is_binary(message) { Self::Postcard } else { Self::Json }
    }

    /// The codec of that name, if there is one here.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Json, Self::Postcard].into_iter().find(|codec| codec.name() == name)
    }
}

impl ClientMessage {
    /// The message as a room reads it.
    #[must_use]
    pub fn encode(&self, codec: Codec) -> Frame {
        match codec {
            Codec::Json => encode_client_message(self),
            Codec::Postcard => {
                let mut out = Vec::new();
                postcard::write_client_message(&mut out, self);
                Frame::new(out)
            }
        }
    }

    /// Reads a message of either codec, whole. Values nest at most `depth` deep.
    ///
    /// # Errors
    ///
    /// When the bytes are no message of a client.
    pub fn decode(message: &[u8], depth: usize) -> Result<Self, Malformed> {
        match Codec::of(message) {
            Codec::Json => decode_client_message(text(message)?, depth),
            Codec::Postcard => postcard::client_message(message, depth),
        }
    }
}

impl ServerMessage {
    /// The message as a client reads it.
    #[must_use]
    pub fn encode(&self, codec: Codec) -> Frame {
        match codec {
            Codec::Json => encode_server_message(self),
            Codec::Postcard => {
                let mut out = Vec::new();
                postcard::write_server_message(&mut out, self);
                Frame::new(out)
            }
        }
    }

    /// Reads a message of either codec, as [`ClientMessage::decode`] does.
    ///
    /// # Errors
    ///
    /// When the bytes are no message of a room.
    pub fn decode(message: &[u8], depth: usize) -> Result<Self, Malformed> {
        match Codec::of(message) {
            Codec::Json => decode_server_message(text(message)?, depth),
            Codec::Postcard => postcard::server_message(message, depth),
        }
    }
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    core::str::from_utf8(message).map_err(|_| Malformed)
}
