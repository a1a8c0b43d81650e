//! roomsync on tokio.
//!
//! - [`RoomHost`] keeps rooms: one task per room, loaded from a [`Storage`] when somebody comes
//!   and unloaded when all are gone. It serves any transport that is a stream of messages and a
//!   sink, for example the WebSocket of any server.
//! - [`Client`] is a client over WebSocket that reconnects by itself.
//!
//! The decisions are the machines' of the crate `roomsync`; here are only sockets, timers, and the
//! order of what is made durable and what is sent.

mod client;
mod clock;
mod host;
mod storage;
mod writer;

#[cfg(feature = "sqlite")]
pub use client::SqliteStore;
pub use client::{
    BeforeDial, Client, ClientOptions, ClientStore, ConnectError, Events, LiveQuery, Missed,
    StoreError, StoreFailed,
};
pub use host::{
    CommandError, EventHook, HostOptions, HostTotals, Incoming, Outgoing, RoomHandle, RoomHost,
    RoomUnavailable, StartError,
};
#[cfg(feature = "tls")]
pub use rustls;
pub use storage::{MemoryStorage, RoomCommit, RoomId, Storage, StorageError};
pub use tokio_tungstenite::tungstenite::handshake::client::Request;
