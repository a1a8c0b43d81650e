//! Why a connection ends, and what the peer is told.

use alloc::string::String;
use core::fmt;

/// The WebSocket close code after which a client must not try again.
pub const FATAL_CLOSE_CODE: u16 = 4099;

/// The most bytes of UTF-8 that WebSocket carries as a close reason.
pub const MAX_REASON_BYTES: usize = 123;

/// Why a connection is closed.
///
/// Fatal reasons go out with close code 4099, and a client that gets one stops. After any other it
/// connects again.
///
/// ```
/// use roomsync::CloseReason;
///
/// assert_eq!((CloseReason::RoomFull.code(), CloseReason::RoomFull.text()), (4099, "ROOM_FULL"));
/// assert!(!CloseReason::Idle.is_fatal());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// `NOT_FOUND`: there is no such room.
    NotFound,
    /// `FORBIDDEN`: the peer may not enter.
    Forbidden,
    /// `NOT_AUTHENTICATED`: the peer did not prove who it is.
    NotAuthenticated,
    /// `UNKNOWN_ERROR`: the peer broke the protocol in a way that has no name of its own.
    UnknownError,
    /// `CLIENT_TOO_OLD`: protocol or schema of the client are older than the room can serve.
    ClientTooOld,
    /// `SERVER_TOO_OLD`: protocol or schema of the client are newer than the room knows.
    ServerTooOld,
    /// `INVALID_RECORD`: a record that the schema does not allow.
    InvalidRecord,
    /// `RATE_LIMITED`: more than the peer may send.
    RateLimited,
    /// `ROOM_FULL`: no place for another session.
    RoomFull,
    /// A fatal reason of the host's own, cut to 123 bytes at a character.
    Custom(String),
    /// The peer did not begin with `connect` in time.
    StartTimeout,
    /// A piece of a long message was not the next, or what came was no message at all.
    BadChunk,
    /// The peer was silent for too long.
    Idle,
    /// The same session connected again, elsewhere or anew.
    Replaced,
    /// The other side ended the connection, or the transport did.
    Disconnected,
    /// The room shuts down; it may be back soon.
    ShuttingDown,
    /// The client starts over: something it heard did not fit what it knows.
    Reset,
    /// An attempt to connect took too long.
    DialTimeout,
    /// The application closed the client.
    Closed,
}

impl CloseReason {
    /// The WebSocket close code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::NotFound
            | Self::Forbidden
            | Self::NotAuthenticated
            | Self::UnknownError
            | Self::ClientTooOld
            | Self::ServerTooOld
            | Self::InvalidRecord
            | Self::RateLimited
            | Self::RoomFull
            | Self::Custom(_) => FATAL_CLOSE_CODE,
            Self::ShuttingDown => 1001,
            Self::BadChunk => 1002,
            Self::StartTimeout
            | Self::Idle
            | Self::Replaced
            | Self::Disconnected
            | Self::Reset
            | Self::DialTimeout
            | Self::Closed => 1000,
        }
    }

    /// The reason on the wire, at most 123 bytes.
    #[must_use]
    pub fn text(&self) -> &str {
        if let Self::Custom(reason) = self { cut(reason) } else { self.name() }
    }

    /// The kind of reason: its text, or `CUSTOM` for all of the host's own.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::Forbidden => "FORBIDDEN",
            Self::NotAuthenticated => "NOT_AUTHENTICATED",
            Self::UnknownError => "UNKNOWN_ERROR",
            Self::ClientTooOld => "CLIENT_TOO_OLD",
            Self::ServerTooOld => "SERVER_TOO_OLD",
            Self::InvalidRecord => "INVALID_RECORD",
            Self::RateLimited => "RATE_LIMITED",
            Self::RoomFull => "ROOM_FULL",
            Self::Custom(_) => "CUSTOM",
            Self::StartTimeout => "START_TIMEOUT",
            Self::BadChunk => "BAD_CHUNK",
            Self::Idle => "IDLE",
            Self::Replaced => "REPLACED",
            Self::Disconnected => "DISCONNECTED",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::Reset => "RESET",
            Self::DialTimeout => "DIAL_TIMEOUT",
            Self::Closed => "CLOSED",
        }
    }

    /// Whether the client that gets it must not try again.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        self.code() == FATAL_CLOSE_CODE
    }

    /// The reason that a WebSocket close with this code and text tells.
    #[must_use]
    pub fn from_wire(code: u16, text: &str) -> Self {
        if code != FATAL_CLOSE_CODE {
            return Self::Disconnected;
        }
        match text {
            "NOT_FOUND" => Self::NotFound,
            "FORBIDDEN" => Self::Forbidden,
            "NOT_AUTHENTICATED" => Self::NotAuthenticated,
            "UNKNOWN_ERROR" => Self::UnknownError,
            "CLIENT_TOO_OLD" => Self::ClientTooOld,
            "SERVER_TOO_OLD" => Self::ServerTooOld,
            "INVALID_RECORD" => Self::InvalidRecord,
            "RATE_LIMITED" => Self::RateLimited,
            "ROOM_FULL" => Self::RoomFull,
            custom => Self::Custom(cut(custom).into()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// `reason`, cut at a character so that WebSocket can carry it.
fn cut(reason: &str) -> &str {
    let end = reason.floor_char_boundary(MAX_REASON_BYTES);
    reason.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_reasons_are_cut_at_a_character() {
        for (reason, len) in [("x".repeat(123), 123), ("x".repeat(124), 123), ("é".repeat(62), 122)]
        {
            let text = CloseReason::Custom(reason.clone());
            assert_eq!(text.text().len(), len);
            assert!(reason.starts_with(text.text()));
        }
    }

    #[test]
    fn every_fatal_reason_is_read_back() {
        use CloseReason::{
            ClientTooOld, Custom, Forbidden, InvalidRecord, NotAuthenticated, NotFound,
            RateLimited, RoomFull, ServerTooOld, UnknownError,
        };
        for reason in [
            NotFound,
            Forbidden,
            NotAuthenticated,
            UnknownError,
            ClientTooOld,
            ServerTooOld,
            InvalidRecord,
            RateLimited,
            RoomFull,
            Custom("on vacation".into()),
        ] {
            assert!(reason.is_fatal());
            assert_eq!(CloseReason::from_wire(reason.code(), reason.text()), reason);
        }
        assert_eq!(CloseReason::from_wire(1006, "NOT_FOUND"), CloseReason::Disconnected);
    }
}
