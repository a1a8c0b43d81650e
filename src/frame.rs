//! What goes over the wire: encoded bytes that many connections share.

use crate::wire::is_binary;
use bytes::Bytes;
use core::fmt;

/// One encoded message. Cloning is a counter: a broadcast is encoded once.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    pub(crate) fn new(message: alloc::vec::Vec<u8>) -> Self {
        Self(Bytes::from(message))
    }

    /// Whether the message is binary, which the first byte tells. A WebSocket carries it as a
    /// binary message then, and else as a text message.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        is_binary(&self.0)
    }

    /// The bytes to send.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The message as text, if it is JSON or a piece of it.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.0
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => f.debug_tuple("Frame").field(&text).finish(),
            None => f.debug_tuple("Frame").field(&self.0).finish(),
        }
    }
}
