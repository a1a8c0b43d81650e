//! How bytes get from one side to the other: ordered streams that delay, stall and die at any byte.
//!
//! Nothing is reordered or repeated inside a link: the transports below do not do that either.

use crate::framing::Decoder;
pub use crate::framing::Packet;
use crate::hostile::parse;
use bytes::Bytes;
use roomsync::{CloseReason, ConnectionId, LinkId, Value};
use std::collections::VecDeque;

/// One direction of a link: a stream of bytes, and the receiver's end of it that takes it apart.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// The bytes on their way.
    parts: VecDeque<Part>,
    /// What of all that was sent has not come whole yet, with its number.
    under_way: VecDeque<(u64, Packet)>,
    decoder: Decoder,
    /// When the last part is due: none overtakes it.
    last_due: u64,
    /// How many packets it has taken.
    taken: u64,
    /// Only so many parts get through for now, or all.
    gate: Option<usize>,
    /// Nothing more is taken; what is under way still arrives.
    is_closed: bool,
    /// An arrival is planned already.
    pub is_planned: bool,
}

/// Some bytes of a packet that arrive together.
#[derive(Clone, Debug)]
struct Part {
    due: u64,
    /// The number of the packet.
    of: u64,
    /// `None` is no part of the stream, but the news that it broke.
    bytes: Option<Bytes>,
}

/// What a break has done to a pipe.
#[derive(Clone, Debug)]
pub struct Cut {
    /// What does not arrive, with its number.
    pub lost: Vec<(u64, Packet)>,
    /// Whether a part of the first of it does.
    pub is_torn: bool,
}

/// Microseconds between two parts of one packet.
const GAP: u64 = 500;

/// So many of 256 parts of `whole`.
const fn part_of(whole: usize, of_256: u8) -> usize {
    whole * of_256 as usize / 256
}

impl Pipe {
    /// Sends a packet that begins to arrive at `due`, so many bytes at once. An end closes the pipe.
    /// Gives its number, or `None` when nothing more is taken.
    pub fn push(&mut self, due: u64, packet: Packet, at_once: usize) -> Option<u64> {
        if self.is_closed {
            return None;
        }
        self.is_closed = matches!(packet, Packet::End(_));
        let mut bytes = packet.encode();
        let of = self.enter(packet);
        while !bytes.is_empty() {
            let part = bytes.split_to(at_once.min(bytes.len()));
            let gap = if self.parts.back().is_some_and(|last| last.of == of) { GAP } else { 0 };
            self.last_due = due.max(self.last_due + gap);
            self.parts.push_back(Part { due: self.last_due, of, bytes: Some(part) });
        }
        Some(of)
    }

    fn enter(&mut self, packet: Packet) -> u64 {
        let number = self.taken;
        self.under_way.push_back((number, packet));
        self.taken += 1;
        number
    }

    /// The stream breaks: of what is under way the first `kept` packets still arrive, and so many
    /// 256ths of the bytes of the next one. The receiver is told at `due`, or never.
    pub fn cut(&mut self, kept: usize, of_256: u8, due: Option<u64>) -> Cut {
        let lost = self.under_way.split_off(kept.min(self.under_way.len()));
        let mut is_torn = kept == 0 && self.decoder.is_inside();
        if let Some((first, _)) = lost.front() {
            let own = self.parts.iter().filter(|part| part.of == *first);
            let length = own.filter_map(|part| part.bytes.as_ref()).map(Bytes::len).sum();
            let mut left = part_of(length, of_256);
            is_torn |= left > 0;
            self.parts.retain_mut(|part| match &mut part.bytes {
                Some(bytes) if part.of == *first => {
                    bytes.truncate(left);
                    left -= bytes.len();
                    !bytes.is_empty()
                }
                _ => part.of < *first,
            });
        }
        let has_ended = matches!(self.under_way.back(), Some((_, Packet::End(_))));
        if let Some(due) = due.filter(|_| !has_ended) {
            self.last_due = self.last_due.max(due);
            let of = self.enter(Packet::End(CloseReason::Disconnected));
            self.parts.push_back(Part { due: self.last_due, of, bytes: None });
        }
        self.is_closed = true;
        Cut { lost: lost.into(), is_torn }
    }

    /// Whether nothing more gets through.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Nothing gets through for now but so many 256ths of the part that would arrive next.
    pub fn stall(&mut self, of_256: u8) {
        if self.gate.is_some() {
            return;
        }
        self.gate = Some(0);
        let Some(Part { due, of, bytes: Some(bytes) }) = self.parts.front_mut() else { return };
        let passes = bytes.split_to(part_of(bytes.len(), of_256));
        let (due, of) = (*due, *of);
        if !passes.is_empty() {
            self.parts.push_front(Part { due, of, bytes: Some(passes) });
            self.gate = Some(1);
        }
    }

    /// What stalled flows on.
    pub const fn flow(&mut self) {
        self.gate = None;
    }

    /// When something arrives next, unless the pipe is stalled.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.parts.front().filter(|_| self.gate != Some(0)).map(|part| part.due)
    }

    /// When all that is under way will have arrived.
    #[must_use]
    pub const fn last_due(&self) -> u64 {
        self.last_due
    }

    /// What arrives next does so now, whenever it was due.
    pub fn hasten(&mut self, now: u64) {
        if let Some(part) = self.parts.front_mut() {
            part.due = now;
        }
    }

    /// What is under way, in order.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.under_way.iter().map(|(_, packet)| packet)
    }

    /// The next bytes arrive. Gives what is whole by that, with its number and what it was when it
    /// was sent.
    pub fn arrive(&mut self) -> Vec<(u64, Packet, Packet)> {
        let Some(part) = self.parts.pop_front() else { return Vec::new() };
        self.gate = self.gate.map(|left| left.saturating_sub(1));
        let seen = match &part.bytes {
            Some(bytes) => self.decoder.take(bytes),
            None => vec![Packet::End(CloseReason::Disconnected)],
        };
        let sent = seen.into_iter().filter_map(|seen| {
            let (number, sent) = self.under_way.pop_front()?;
            Some((number, seen, sent))
        });
        sent.collect()
    }

    /// How many packets are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the peer to the room.
    ToRoom,
    /// From the room to the peer.
    ToPeer,
}

/// Whose link it is: the place in the world's list of clients or of rude peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A client of the library.
    Client(usize),
    /// A peer that means no good.
    Rude(usize),
}

/// A connection, as the world sees it from above.
#[derive(Clone, Debug)]
pub struct Link {
    /// Who dialled it.
    pub owner: Owner,
    /// Which dial of the client's it was.
    pub dial: u64,
    /// The life of the room's process in which it was made.
    pub room_life: u64,
    /// Whether its peer is of an older schema than the room.
    pub is_older: bool,
    /// The room's name for it.
    pub connection: ConnectionId,
    /// The client's name for it, once the client knows of it.
    pub client_link: Option<LinkId>,
    /// Whether the room knows it still.
    pub is_open: bool,
    /// Whether the room was told that the peer does not read.
    pub is_unwritable: bool,
    /// Bytes to the room.
    pub to_room: Pipe,
    /// Bytes to the peer.
    pub to_peer: Pipe,
    sent_pieces: String,
    received_pieces: String,
}

impl Link {
    /// A fresh connection.
    #[must_use]
    pub fn new(owner: Owner, dial: u64, room_life: u64, connection: ConnectionId) -> Self {
        Self {
            owner,
            dial,
            room_life,
            is_older: false,
            connection,
            client_link: None,
            is_open: true,
            is_unwritable: false,
            to_room: Pipe::default(),
            to_peer: Pipe::default(),
            sent_pieces: String::new(),
            received_pieces: String::new(),
        }
    }

    /// The message that the peer completes by sending these bytes, if it does.
    pub fn sent(&mut self, bytes: &[u8]) -> Option<Value> {
        assemble(&mut self.sent_pieces, bytes)
    }

    /// The message that is complete as these bytes reach the room, if it is.
    pub fn received(&mut self, bytes: &[u8]) -> Option<Value> {
        assemble(&mut self.received_pieces, bytes)
    }

    /// Whether the room has only some pieces of a message, once all that is under way is there.
    #[must_use]
    pub fn has_pieces(&self) -> bool {
        let last = self.to_room.packets().filter(|it| !matches!(it, Packet::End(_))).last();
        last.map_or(!self.received_pieces.is_empty(), |last| last.piece() == Some(false))
    }

    /// The room has forgotten the pieces that it had.
    pub fn forget_pieces(&mut self) {
        self.received_pieces.clear();
    }

    /// One of its directions.
    pub const fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::ToRoom => &mut self.to_room,
            Direction::ToPeer => &mut self.to_peer,
        }
    }
}

/// Puts a message together that may come in pieces `<k>_<piece>`, where `k` counts down to zero.
fn assemble(pieces: &mut String, bytes: &[u8]) -> Option<Value> {
    let Ok(text) = core::str::from_utf8(bytes) else { return parse(bytes) };
    if text.starts_with('{') {
        return text.parse().ok();
    }
    let (number, piece) = text.split_once('_')?;
    pieces.push_str(piece);
    if number != "0" {
        return None;
    }
    core::mem::take(pieces).parse().ok()
}
