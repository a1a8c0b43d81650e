//! What goes over the wire: encoded bytes that many connections share.

use bytes::Bytes;
use core::fmt;

/// One encoded message. Cloning is a counter: a broadcast is encoded once.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A JSON message.
    pub(crate) fn from_json(json: alloc::vec::Vec<u8>) -> Self {
        Self(Bytes::from(json))
    }

    /// The bytes to send. A WebSocket carries them as a text message.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The message as text.
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
