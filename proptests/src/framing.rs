//! How what is sent stands in a stream of bytes: behind its kind and its length, as on a WebSocket.

use bytes::Bytes;
use roomsync::{CloseReason, Frame};

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// The room took the connection.
    Opened,
    /// A message of text, or a piece of one.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// The stream ends here, for that reason.
    End(CloseReason),
}

const OPENED: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const END: u8 = 8;

impl Packet {
    /// A message as a machine means it to be sent.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let bytes = frame.to_bytes();
        if frame.is_binary() { Self::Binary(bytes) } else { Self::Text(bytes) }
    }

    /// Bytes of somebody who sends anything: text where that is possible.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        let is_text = core::str::from_utf8(&bytes).is_ok();
        if is_text { Self::Text(bytes.into()) } else { Self::Binary(bytes.into()) }
    }

    /// An end as its receiver will read it.
    #[must_use]
    pub fn end(reason: &CloseReason) -> Self {
        Self::End(CloseReason::from_wire(reason.code(), reason.text()))
    }

    /// What a driver sends for a message that is to go in pieces of at most so many characters, as
    /// a client cuts long ones; whole if `most` is 0.
    #[must_use]
    pub fn in_pieces(frame: &Frame, most: usize) -> Vec<Self> {
        let text = frame.to_text().filter(|text| most > 0 && text.starts_with('{'));
        let Some(text) = text else { return vec![Self::of(frame)] };
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(most);
        let last = pieces.len() - 1;
        if last == 0 {
            return vec![Self::of(frame)];
        }
        let numbered = pieces.enumerate().map(|(at, piece)| {
            let piece: String = piece.iter().collect();
            Self::Text(format!("{}_{piece}", last - at).into())
        });
        numbered.collect()
    }

    /// Whether it is a piece of a message, and if so whether it is the last one.
    #[must_use]
    pub fn piece(&self) -> Option<bool> {
        let Self::Text(bytes) = self else { return None };
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_piece = digits > 0 && bytes.get(digits) == Some(&b'_');
        is_piece.then(|| bytes.starts_with(b"0_"))
    }

    /// Its bytes in the stream.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let code;
        let (kind, head, body): (u8, &[u8], &[u8]) = match self {
            Self::Opened => (OPENED, &[], &[]),
            Self::Text(bytes) => (TEXT, &[], bytes),
            Self::Binary(bytes) => (BINARY, &[], bytes),
            Self::End(reason) => {
                code = reason.code().to_be_bytes();
                (END, &code, reason.text().as_bytes())
            }
        };
        let length = head.len() + body.len();
        let mut stream = Vec::with_capacity(length + 10);
        stream.push(kind);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..126), _) => stream.push(length),
            (_, Ok(length)) => {
                stream.push(126);
                stream.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                stream.push(127);
                stream.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        stream.extend_from_slice(head);
        stream.extend_from_slice(body);
        stream.into()
    }
}

/// Takes a stream apart again. Of what has not come whole it gives nothing.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// What has come of a packet that is not whole yet.
    rest: Bytes,
}

impl Decoder {
    /// More of the stream is there. Gives all packets that are whole by now.
    pub fn take(&mut self, more: &Bytes) -> Vec<Packet> {
        let mut stream = match self.rest.is_empty() {
            true => more.clone(),
            false => [&self.rest[..], more].concat().into(),
        };
        let mut packets = Vec::new();
        while let Some((kind, head, length)) = header(&stream) {
            let Some(end) = head.checked_add(length).filter(|end| *end <= stream.len()) else {
                break;
            };
            let body = stream.slice(head..end);
            stream = stream.slice(end..);
            packets.push(match kind {
                OPENED => Packet::Opened,
                TEXT => Packet::Text(body),
                BINARY => Packet::Binary(body),
                _ => Packet::End(reason(&body)),
            });
        }
        self.rest = stream;
        packets
    }

    /// Whether a packet has come in part.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        !self.rest.is_empty()
    }
}

/// The kind of the packet that begins here, how long its header is and what follows on it.
fn header(stream: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, rest) = stream.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (head, length) = match first {
        126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        length => (2, u64::from(*length)),
    };
    Some((*kind, head, usize::try_from(length).unwrap_or(usize::MAX)))
}

fn reason(body: &[u8]) -> CloseReason {
    let Some((code, text)) = body.split_first_chunk() else { return CloseReason::Disconnected };
    let text = core::str::from_utf8(text).unwrap_or_default();
    CloseReason::from_wire(u16::from_be_bytes(*code), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets() -> Vec<Packet> {
        let text = |length| Packet::of_bytes("\u{e9}".repeat(length).into_bytes());
        let ends = [CloseReason::NotFound, CloseReason::Custom("on vacation".into())];
        let mut all = vec![Packet::Opened, text(0), text(3), Packet::of_bytes(vec![0xff; 5])];
        all.extend([62, 63, 64, 300, 32_767, 32_768].map(text));
        all.extend(ends.iter().map(Packet::end));
        all.push(Packet::end(&CloseReason::Idle));
        all
    }

    #[test]
    fn a_stream_reads_as_it_was_written_in_whichever_parts_it_comes() {
        let stream: Vec<u8> = packets().iter().flat_map(Packet::encode).collect();
        for part in [1, 2, 3, 7, 100, 40_000, stream.len()] {
            let mut decoder = Decoder::default();
            let parts = stream.chunks(part).map(Bytes::copy_from_slice);
            let seen: Vec<Packet> = parts.flat_map(|part| decoder.take(&part)).collect();
            assert_eq!(seen, packets());
            assert!(!decoder.is_inside());
        }
    }

    #[test]
    fn of_a_stream_that_breaks_anywhere_only_whole_packets_are_there() {
        let all: Vec<Packet> = packets().into_iter().filter(|it| it.encode().len() < 200).collect();
        let stream: Vec<u8> = all.iter().flat_map(Packet::encode).collect();
        for length in 0..stream.len() {
            let mut decoder = Decoder::default();
            let (mut whole, mut end) = (0, 0);
            while end + all[whole].encode().len() <= length {
                end += all[whole].encode().len();
                whole += 1;
            }
            let seen = decoder.take(&Bytes::copy_from_slice(&stream[..length]));
            assert_eq!(seen, all[..whole]);
            assert_eq!(decoder.is_inside(), end < length);
        }
    }
}
