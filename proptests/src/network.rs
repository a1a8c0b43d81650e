//! How bytes get from one side to the other: ordered streams that delay, stall and die.
//!
//! Nothing is reordered or repeated inside a link: the transports below do not do that either.

use crate::hostile::parse;
use bytes::Bytes;
use roomsync::{CloseReason, ConnectionId, LinkId, Value};
use std::collections::VecDeque;

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// The room took the connection.
    Opened,
    /// A message.
    Message(Bytes),
    /// The stream ends here, for that reason.
    End(CloseReason),
}

/// One direction of a link.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    /// When each is due, its number and itself.
    packets: VecDeque<(u64, u64, Packet)>,
    /// When the last packet is due: none overtakes it.
    last_due: u64,
    /// How many packets it has taken.
    taken: u64,
    /// Nothing arrives for now.
    pub is_stalled: bool,
    /// Nothing more is taken; what is under way still arrives.
    is_closed: bool,
    /// An arrival is planned already.
    pub is_planned: bool,
}

impl Pipe {
    /// Sends a packet that is to arrive at `due`. An end closes the pipe. Gives its number, or
    /// `None` when nothing more is taken.
    pub fn push(&mut self, due: u64, packet: Packet) -> Option<u64> {
        if self.is_closed {
            return None;
        }
        self.is_closed = matches!(packet, Packet::End(_));
        self.last_due = self.last_due.max(due);
        self.packets.push_back((self.last_due, self.taken, packet));
        self.taken += 1;
        Some(self.taken - 1)
    }

    /// The stream breaks: of what is under way the first `kept` packets still arrive. The receiver
    /// is told at `due`, or never. Gives the numbers of those that do not arrive.
    pub fn cut(&mut self, kept: usize, due: Option<u64>) -> Vec<u64> {
        let lost = self.packets.drain(kept.min(self.packets.len())..);
        let lost = lost.map(|(_, number, _)| number).collect();
        if let Some(due) = due {
            let ended = matches!(self.packets.back(), Some((_, _, Packet::End(_))));
            self.is_closed = ended;
            self.push(due, Packet::End(CloseReason::Disconnected));
        }
        self.is_closed = true;
        lost
    }

    /// Whether nothing more gets through.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// When the next packet arrives, unless the pipe is stalled.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.packets.front().filter(|_| !self.is_stalled).map(|(due, ..)| *due)
    }

    /// When all that is under way will have arrived.
    #[must_use]
    pub const fn last_due(&self) -> u64 {
        self.last_due
    }

    /// The next packet arrives now, whenever it was due.
    pub fn hasten(&mut self, now: u64) {
        if let Some((due, ..)) = self.packets.front_mut() {
            *due = now;
        }
    }

    /// What is under way, in order.
    pub fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter().map(|(_, _, packet)| packet)
    }

    /// Takes out the packet that arrives, with its number.
    pub fn pop(&mut self) -> Option<(u64, Packet)> {
        self.packets.pop_front().map(|(_, number, packet)| (number, packet))
    }

    /// How many packets are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
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
