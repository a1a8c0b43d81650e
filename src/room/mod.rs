//! The server's state machine.

mod action;
mod config;

pub use action::{Change, Commit, Origin, RoomAction, RoomEvent};
pub use config::{RoomConfig, SessionParams};
