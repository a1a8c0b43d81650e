//! A fingerprint of all that machines ask for, byte for byte.

use roomsync::{ClientAction, CloseReason, RoomAction};

/// FNV-1a over actions: the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// The fingerprint so far.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn reason(&mut self, reason: &CloseReason) {
        self.number(reason.code().into());
        self.bytes(reason.text().as_bytes());
    }

    /// The room asks for something.
    pub fn room_action(&mut self, action: &RoomAction) {
        match action {
            RoomAction::Send { to, frame } => {
                to.iter().for_each(|connection| self.number(connection.as_u64()));
                self.bytes(&frame.to_bytes());
            }
            RoomAction::Close { connection, reason } => {
                self.number(connection.as_u64());
                self.reason(reason);
            }
            RoomAction::Persist(commit) => {
                self.number(commit.clock);
                for change in &commit.changes {
                    self.bytes(change.id.as_bytes());
                }
                self.number(commit.pruned.len() as u64);
            }
            RoomAction::Event(_) => self.bytes(b"event"),
        }
    }

    /// A client asks for something.
    pub fn client_action(&mut self, client: usize, action: &ClientAction) {
        self.number(client as u64);
        match action {
            ClientAction::Dial => self.bytes(b"dial"),
            ClientAction::Send { link, frame } => {
                self.number(link.as_u64());
                self.bytes(&frame.to_bytes());
            }
            ClientAction::Close { link, reason } => {
                self.number(link.as_u64());
                self.reason(reason);
            }
            ClientAction::Persist(commit) => self.bytes(commit.to_string().as_bytes()),
            ClientAction::Event(event) => self.bytes(format!("{event:?}").as_bytes()),
        }
    }
}
