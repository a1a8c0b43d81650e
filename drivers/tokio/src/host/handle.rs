//! The way to a room from any task.

use super::Shared;
use super::task::Input;
use crate::storage::RoomId;
use roomsync::{
    CloseReason, ConnectionId, Instant, RestoreError, Room, RoomSnapshot, SendError, TransactError,
    Transaction, UnknownConnection, Value,
};
use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The way to a room from any task. The room is loaded when it is used.
///
/// A method returns once what it did is durable. When its future is dropped before, the room does
/// it all the same.
#[derive(Clone)]
pub struct RoomHandle {
    shared: Arc<Shared>,
    room: RoomId,
}

/// The room could not be loaded or stored, or the host is shut down. What was asked for did not
/// happen, or was lost again; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomUnavailable;

/// Why a room did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError<E> {
    /// There is no room to do it.
    Unavailable(RoomUnavailable),
    /// The room refused; nothing has changed.
    Refused(E),
}

impl RoomHandle {
    pub(super) const fn new(shared: Arc<Shared>, room: RoomId) -> Self {
        Self { shared, room }
    }

    /// The room's name.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.room
    }

    /// Runs `f` on the room, with the current time for whatever it calls there. It must not block.
    /// Actions that it polls are lost, so it does not.
    ///
    /// # Errors
    ///
    /// When there is no room to run it on, or what it did could not be stored.
    pub async fn with<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Room, Instant) -> T + Send + 'static,
    ) -> Result<T, RoomUnavailable> {
        let (reply, answer) = oneshot::channel();
        let command = move |room: &mut Room, now: Instant| -> super::task::Reply {
            let value = f(room, now);
            // Whoever asked may be gone.
            Box::new(move || drop(reply.send(value)))
        };
        let sent = self.shared.send(&self.room, Input::Command(Box::new(command)));
        sent.map_err(|_| RoomUnavailable)?;
        answer.await.map_err(|_| RoomUnavailable)
    }

    /// Changes documents in one step. See [`Room::transact`].
    ///
    /// # Errors
    ///
    /// When there is no room, or for what the closure returns.
    pub async fn transact<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Transaction<'_>) -> Result<T, TransactError> + Send + 'static,
    ) -> Result<T, CommandError<TransactError>> {
        refused(self.with(move |room, now| room.transact(now, f)).await)
    }

    /// Whether something is kept of the room, or somebody is in it who may make it.
    ///
    /// # Errors
    ///
    /// When it cannot be found out.
    pub async fn exists(&self) -> Result<bool, RoomUnavailable> {
        let (reply, answer) = oneshot::channel();
        self.shared.send(&self.room, Input::Exists(reply)).map_err(|_| RoomUnavailable)?;
        answer.await.map_err(|_| RoomUnavailable)
    }

    /// All that the room keeps. See [`Room::snapshot`].
    ///
    /// # Errors
    ///
    /// When there is no room.
    pub async fn snapshot(&self) -> Result<RoomSnapshot, RoomUnavailable> {
        self.with(|room, _| room.snapshot()).await
    }

    /// Makes the documents be those of the snapshot. See [`Room::load_snapshot`].
    ///
    /// # Errors
    ///
    /// When there is no room, or the snapshot is damaged or of another schema.
    pub async fn load_snapshot(
        &self,
        snapshot: RoomSnapshot,
    ) -> Result<(), CommandError<RestoreError>> {
        refused(self.with(move |room, now| room.load_snapshot(now, snapshot)).await)
    }

    /// Sends a message of the application's to a session. See [`Room::send_custom`].
    ///
    /// # Errors
    ///
    /// When there is no room or no such connection, or the peer does not read for now.
    pub async fn send_custom(
        &self,
        connection: ConnectionId,
        data: Value,
    ) -> Result<(), CommandError<SendError>> {
        refused(self.with(move |room, now| room.send_custom(now, connection, data)).await)
    }

    /// Closes a connection and removes its session. See [`Room::close_session`].
    ///
    /// # Errors
    ///
    /// When there is no room or no such connection.
    pub async fn close_session(
        &self,
        connection: ConnectionId,
        reason: CloseReason,
    ) -> Result<(), CommandError<UnknownConnection>> {
        refused(self.with(move |room, now| room.close_session(now, connection, reason)).await)
    }
}

fn refused<T, E>(result: Result<Result<T, E>, RoomUnavailable>) -> Result<T, CommandError<E>> {
    result.map_err(CommandError::Unavailable)?.map_err(CommandError::Refused)
}

impl fmt::Debug for RoomHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoomHandle").field(&self.room).finish()
    }
}

impl fmt::Display for RoomUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the room cannot be loaded or stored for now")
    }
}

impl std::error::Error for RoomUnavailable {}

impl<E: fmt::Display> fmt::Display for CommandError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for CommandError<E> {}
