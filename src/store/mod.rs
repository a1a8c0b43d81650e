//! Records, transactions, what changed since when, and snapshots.

mod snapshot;

pub use snapshot::{RoomSnapshot, SnapshotError};
