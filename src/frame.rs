//! What goes over the wire: encoded bytes that many connections share.

use crate::wire::is_binary;
use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// One encoded message. Cloning is a counter: a broadcast is encoded once.
///
/// A long message stands in parts, since most of what new clients are told is the same for all of
/// them. A transport that can write several buffers at once takes [`Frame::parts`], and shares them
/// with all other connections; others take the message in one piece, by [`Frame::to_bytes`].
#[derive(Clone)]
pub struct Frame(Parts);

#[derive(Clone)]
enum Parts {
    One(Bytes),
    Many(Arc<[Bytes]>),
}

impl Frame {
    pub(crate) fn new(message: Vec<u8>) -> Self {
        Self(Parts::One(Bytes::from(message)))
    }

    /// The message that the parts are, one after another.
    pub(crate) fn of_parts(parts: Vec<Bytes>) -> Self {
        Self(Parts::Many(parts.into()))
    }

    /// Whether the message is binary, which the first byte tells. A WebSocket carries it as a
    /// binary message then, and else as a text message.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        let first = self.parts().iter().find(|part| !part.is_empty());
        first.is_some_and(|part| is_binary(part))
    }

    /// The bytes to send, in parts that follow one another.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        match &self.0 {
            Parts::One(bytes) => core::slice::from_ref(bytes),
            Parts::Many(parts) => parts,
        }
    }

    /// The bytes to send, in pieces of at most so many that follow one another, as for the fragments
    /// of a WebSocket message. What fills a piece is shared with all other connections; shorter
    /// parts are copied together.
    pub fn pieces(&self, most: usize) -> impl Iterator<Item = Bytes> + use<> {
        let (frame, most) = (self.clone(), most.max(1));
        let (mut index, mut offset) = (0_usize, 0_usize);
        core::iter::from_fn(move || {
            let mut joined = Vec::new();
            while let Some(part) = frame.parts().get(index) {
                let end = part.len().min(offset.saturating_add(most - joined.len()));
                let piece = part.slice(core::mem::replace(&mut offset, end)..end);
                if end == part.len() {
                    (index, offset) = (index + 1, 0);
                }
                let is_last = index == frame.parts().len();
                if joined.is_empty() && (piece.len() == most || is_last && !piece.is_empty()) {
                    return Some(piece);
                }
                joined.extend_from_slice(&piece);
                if joined.len() == most {
                    break;
                }
            }
            (!joined.is_empty()).then(|| Bytes::from(joined))
        })
    }

    /// How many bytes there are to send.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no message is empty")]
    pub fn len(&self) -> usize {
        self.parts().iter().map(Bytes::len).sum()
    }

    /// The bytes to send, in one piece. Those of a message in parts are copied.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self.parts() {
            [bytes] => bytes.clone(),
            parts => Bytes::from(parts.concat()),
        }
    }

    /// The message as text, if it is JSON or a piece of it.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self.parts() {
            [bytes] => core::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            parts => alloc::string::String::from_utf8(parts.concat()).ok().map(Cow::Owned),
        }
    }
}

impl PartialEq for Frame {
    /// By the message, in whichever parts it stands.
    fn eq(&self, other: &Self) -> bool {
        match (self.parts(), other.parts()) {
            ([a], [b]) => a == b,
            _ => {
                self.len() == other.len()
                    && self.parts().iter().flatten().eq(other.parts().iter().flatten())
            }
        }
    }
}

impl Eq for Frame {}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.to_bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Some(text) => f.debug_tuple("Frame").field(&text).finish(),
            None => f.debug_tuple("Frame").field(&self.to_bytes()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn frame(parts: &[usize]) -> Frame {
        Frame::of_parts(parts.iter().map(|length| Bytes::from(vec![b'x'; *length])).collect())
    }

    #[test]
    fn a_message_goes_in_pieces_of_so_many_bytes() {
        for (parts, lengths) in [
            (&[5][..], &[5][..]),
            (&[5, 1, 2], &[8]),
            (&[10], &[10]),
            (&[11], &[10, 1]),
            (&[10, 1, 0], &[10, 1]),
            (&[1, 30, 1], &[10, 10, 10, 2]),
            (&[0, 10, 0], &[10]),
        ] {
            let frame = frame(parts);
            let pieces: Vec<Bytes> = frame.pieces(10).collect();
            assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), lengths, "{parts:?}");
            assert_eq!(pieces.concat(), frame.to_bytes());
        }
    }

    #[test]
    fn what_fills_a_piece_is_shared_and_not_copied() {
        let frame = frame(&[20]);
        let start = frame.parts()[0].as_ptr();
        let pieces: Vec<Bytes> = frame.pieces(10).collect();
        assert_eq!(pieces[0].as_ptr(), start);
        assert_eq!(pieces[1].as_ptr(), start.wrapping_add(10));
    }

    #[test]
    fn a_message_is_the_same_in_whichever_parts_it_stands() {
        let parts = |parts: &[&'static str]| {
            Frame::of_parts(parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect())
        };
        let (whole, in_parts) = (Frame::new(b"{\"a\":1}".to_vec()), parts(&["", "{\"a", "\":1}"]));
        assert_eq!(whole, in_parts);
        assert_eq!(in_parts, parts(&["{", "\"a\":1}", ""]));
        assert_ne!(in_parts, parts(&["{\"a", "\":2}"]));
        assert_ne!(in_parts, parts(&["{\"a", "\":1}", " "]));
        for frame in [whole, in_parts] {
            assert_eq!((frame.len(), frame.is_binary()), (7, false));
            assert_eq!(frame.to_text().as_deref(), Some("{\"a\":1}"));
            assert_eq!(&frame.to_bytes()[..], b"{\"a\":1}");
        }
    }
}
