//! One room: inputs in, actions out, in order, and none before what it depends on is durable.

use super::connection::{Peer, Permit, Place};
use super::outbox::Outbox;
use super::totals::Share;
use super::{HostOptions, Shared};
use crate::storage::{RoomId, StorageError};
use crate::writer::{Journal, Progress};
use bytes::Bytes;
use roomsync::{
    CloseReason, ConnectionId, Frame, Instant, OpenError, Recipients, RestoreError, Room,
    RoomAction, RoomEvent, SessionParams,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::{debug, error, info};

/// By how much a timer is late when something has held the room up.
const LATE: Duration = Duration::from_millis(100);

/// What a room is told.
pub(super) enum Input {
    Connect {
        params: SessionParams,
        /// Whether the room may be a new one.
        may_create: bool,
        peer: Peer,
        entered: oneshot::Sender<Place>,
    },
    Message {
        connection: ConnectionId,
        bytes: Bytes,
        _permit: Permit,
    },
    TooLong(ConnectionId),
    Drained(ConnectionId),
    Disconnected(ConnectionId),
    Command(Command),
    /// Asks whether the room exists.
    Exists(oneshot::Sender<bool>),
    Shutdown,
}

/// Something to do with the room. What it returns is called once all it did is durable.
pub(super) type Command = Box<dyn FnOnce(&mut Room, Instant) -> Reply + Send>;
pub(super) type Reply = Box<dyn FnOnce() + Send>;

/// A room, opened or about to be.
pub(super) struct RoomTask {
    shared: Arc<Shared>,
    id: RoomId,
    /// For connections to send to. Weak, so that it ends with the host.
    inbox: mpsc::WeakUnboundedSender<Input>,
    inputs: mpsc::UnboundedReceiver<Input>,
}

/// An opened room.
struct OpenRoom {
    id: RoomId,
    options: HostOptions,
    inbox: mpsc::WeakUnboundedSender<Input>,
    room: Room,
    peers: BTreeMap<ConnectionId, Peer>,
    journal: Journal,
    progress: watch::Receiver<Progress>,
    outbox: Outbox<Effect>,
    share: Share,
    /// Whether something is kept of it, or somebody is here who may make it.
    exists: bool,
    /// Since when there is no session.
    empty_since: Option<Instant>,
    is_shut_down: bool,
}

/// An action that may have to wait for storage.
enum Effect {
    Send(Recipients, Frame),
    Close(ConnectionId, CloseReason),
    Event(RoomEvent),
    Reply(Reply),
}

/// A commit was lost, so the room is ahead of what is kept.
struct CommitLost;

/// Why a room is not opened.
enum CannotOpen {
    /// For now: it cannot be read.
    Storage(StorageError),
    /// As long as nobody sees to it: what is kept does not fit this server.
    Restore(RestoreError),
}

impl RoomTask {
    pub(super) const fn new(
        shared: Arc<Shared>,
        id: RoomId,
        inbox: mpsc::WeakUnboundedSender<Input>,
        inputs: mpsc::UnboundedReceiver<Input>,
    ) -> Self {
        Self { shared, id, inbox, inputs }
    }

    /// Loads the room and runs it until it is unloaded, by being empty, failing, or a shutdown.
    pub(super) async fn run(mut self) {
        match self.open().await {
            Ok(mut open) => {
                debug!(room = %self.id, "opened");
                if self.serve(&mut open).await.is_err() {
                    error!(room = %self.id, "a commit was lost: the room is opened anew");
                    self.forget();
                }
            }
            Err(CannotOpen::Storage(error)) => {
                error!(room = %self.id, %error, "cannot load");
                self.forget();
            }
            Err(CannotOpen::Restore(error)) => {
                // Ids, too, are something that is in the room.
                let what = error.summary();
                error!(room = %self.id, error = %what, "cannot open: its clients are turned away");
                let is_newer = matches!(error, RestoreError::SchemaTooNew);
                self.turn_away(if is_newer {
                    CloseReason::ServerTooOld
                } else {
                    CloseReason::UnknownError
                })
                .await;
            }
        }
        // Connections whose peers are dropped here are told to come back.
        debug!(room = %self.id, "unloaded");
    }

    async fn open(&self) -> Result<OpenRoom, CannotOpen> {
        let load = self.shared.writer.load(self.id.clone()).await;
        let snapshot = load.map_err(CannotOpen::Storage)?;
        let exists = snapshot.is_some();
        let options = self.shared.options.clone();
        let (config, schema) = (options.room.clone(), Arc::clone(&self.shared.schema));
        // Reading a large room takes a while, and others share this thread.
        let room = tokio::task::spawn_blocking(move || match snapshot {
            Some(snapshot) => Room::restore(config, schema, snapshot),
            None => Room::new(config, schema).map_err(RestoreError::Config),
        });
        let room = room.await.map_err(|error| CannotOpen::Storage(error.into()))?;
        let room = room.map_err(CannotOpen::Restore)?;
        let (journal, progress) = Journal::new(self.id.clone(), self.shared.writer.clone());
        Ok(OpenRoom {
            id: self.id.clone(),
            options,
            inbox: self.inbox.clone(),
            room,
            peers: BTreeMap::new(),
            journal,
            progress,
            outbox: Outbox::new(),
            share: Share::new(Arc::clone(&self.shared)),
            exists,
            empty_since: None,
            is_shut_down: false,
        })
    }

    async fn serve(&mut self, open: &mut OpenRoom) -> Result<(), CommitLost> {
        let clock = self.shared.clock;
        loop {
            open.carry_out(clock.now())?;
            if open.is_shut_down && open.outbox.len() == 0 {
                self.forget();
                return Ok(());
            }
            if open.unloads_by(clock.now()) && self.forget_if_idle() {
                return Ok(());
            }
            let (deadline, takes_input) = (open.deadline(), open.takes_input());
            tokio::select! {
                biased;
                _ = open.progress.changed() => {}
                // A room that takes no input hears of no time either: it cannot tell who is silent.
                () = clock.sleep_until(deadline), if takes_input => {
                    self.handle_timeout(open, deadline).await?;
                }
                input = self.inputs.recv(), if takes_input => match input {
                    Some(input) => open.handle(clock.now(), input),
                    // The host is gone, and so is every connection.
                    None => open.shut_down(clock.now()),
                },
            }
        }
    }

    /// Does what is due by now. What has arrived comes first, so that nobody is taken for silent
    /// while it was the room that did not listen.
    async fn handle_timeout(
        &mut self,
        open: &mut OpenRoom,
        deadline: Option<Instant>,
    ) -> Result<(), CommitLost> {
        let clock = self.shared.clock;
        if deadline.is_some_and(|deadline| deadline.saturating_add(LATE) < clock.now()) {
            // Connections on this thread were held up, too.
            tokio::task::yield_now().await;
        }
        for _ in 0..self.inputs.len() {
            let Ok(input) = self.inputs.try_recv() else { break };
            open.handle(clock.now(), input);
            open.carry_out(clock.now())?;
            if !open.takes_input() {
                return Ok(());
            }
        }
        open.room.handle_timeout(clock.now());
        Ok(())
    }

    /// Tells whoever comes that it is of no use to come again, until nobody has for a while.
    async fn turn_away(&mut self, reason: CloseReason) {
        loop {
            match timeout(self.shared.options.linger, self.inputs.recv()).await {
                Ok(Some(Input::Connect { peer, .. })) => peer.close(reason.clone()),
                // Dropped, which says that there is no room.
                Ok(Some(Input::Command(_) | Input::Exists(_))) => {}
                // Nobody has entered.
                Ok(Some(
                    Input::Message { .. }
                    | Input::TooLong(_)
                    | Input::Drained(_)
                    | Input::Disconnected(_),
                )) => {}
                Ok(Some(Input::Shutdown) | None) => return self.forget(),
                Err(_) if self.forget_if_idle() => return,
                Err(_) => {}
            }
        }
    }

    /// Takes the room out of the host: whoever comes next opens it anew.
    fn forget(&self) {
        self.shared.rooms().open.remove(&self.id);
    }

    /// The same, unless somebody has just come. Inputs are sent under the same lock.
    fn forget_if_idle(&self) -> bool {
        let mut rooms = self.shared.rooms();
        let idle = self.inputs.is_empty();
        if idle {
            rooms.open.remove(&self.id);
        }
        idle
    }
}

impl OpenRoom {
    fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Connect { params, may_create, peer, entered } => {
                self.exists |= may_create;
                if self.exists {
                    self.connect(now, params, peer, entered);
                } else {
                    peer.close(CloseReason::NotFound);
                }
            }
            Input::Message { connection, bytes, _permit } => {
                self.room.handle_message(now, connection, &bytes);
            }
            Input::TooLong(connection) => {
                // An error means that the room has closed the connection already.
                self.room.close_session(now, connection, CloseReason::UnknownError).ok();
            }
            Input::Drained(connection) => {
                if self.peers.get_mut(&connection).is_some_and(Peer::resume) {
                    self.room.handle_writable(now, connection, true);
                }
            }
            Input::Disconnected(connection) => {
                self.peers.remove(&connection);
                self.room.handle_disconnect(now, connection);
            }
            Input::Command(command) => {
                let reply = command(&mut self.room, now);
                self.poll_actions(now);
                self.outbox.push(Effect::Reply(reply));
            }
            Input::Exists(reply) => {
                let exists = self.exists;
                // Whoever asked may be gone.
                self.outbox.push(Effect::Reply(Box::new(move || {
                    reply.send(exists).ok();
                })));
            }
            Input::Shutdown => self.shut_down(now),
        }
    }

    fn connect(
        &mut self,
        now: Instant,
        params: SessionParams,
        peer: Peer,
        entered: oneshot::Sender<Place>,
    ) {
        match (self.room.handle_connect(now, params), self.inbox.upgrade()) {
            (Ok(connection), Some(inbox)) => {
                self.peers.insert(connection, peer);
                // If nobody waits any more, the place leaves again as it is dropped.
                drop(entered.send(Place::new(connection, inbox)));
            }
            (Ok(connection), None) => self.room.handle_disconnect(now, connection),
            (Err(error), _) => {
                info!(room = %self.id, %error, "refused a connection");
                peer.close(match error {
                    OpenError::RoomFull => CloseReason::RoomFull,
                    OpenError::ShutDown => CloseReason::ShuttingDown,
                    OpenError::BadSessionId | _ => CloseReason::UnknownError,
                });
            }
        }
    }

    fn shut_down(&mut self, now: Instant) {
        self.room.shutdown(now);
        self.is_shut_down = true;
    }

    /// Does all that may be done by now.
    fn carry_out(&mut self, now: Instant) -> Result<(), CommitLost> {
        self.poll_actions(now);
        match *self.progress.borrow_and_update() {
            Progress::Durable(number) => self.outbox.set_durable(number),
            Progress::Failed => return Err(CommitLost),
        }
        while let Some(effect) = self.outbox.pop() {
            match effect {
                Effect::Send(to, frame) => {
                    for peer in to.iter().filter_map(|connection| self.peers.get(connection)) {
                        peer.send(frame.clone());
                    }
                }
                Effect::Close(connection, reason) => {
                    if let Some(peer) = self.peers.remove(&connection) {
                        peer.close(reason);
                    }
                }
                Effect::Event(event) => {
                    if let Some(hook) = &self.options.on_event {
                        hook(&self.id, &event);
                    }
                }
                Effect::Reply(reply) => reply(),
            }
        }
        Ok(())
    }

    fn poll_actions(&mut self, now: Instant) {
        while let Some(action) = self.room.poll_action() {
            match action {
                RoomAction::Send { to, frame } => {
                    for connection in &to {
                        let peer = self.peers.get_mut(connection);
                        if peer.is_some_and(|peer| peer.reserve(&frame)) {
                            self.room.handle_writable(now, *connection, false);
                        }
                    }
                    self.outbox.push(Effect::Send(to, frame));
                }
                RoomAction::Close { connection, reason } => {
                    self.outbox.push(Effect::Close(connection, reason));
                }
                RoomAction::Persist(commit) => {
                    self.exists = true;
                    let number = self.journal.write(commit);
                    self.outbox.push_commit(number);
                }
                RoomAction::Event(event) => self.outbox.push(Effect::Event(event)),
            }
        }
        self.share.update(&self.room);
        match (self.room.is_empty(), self.empty_since) {
            (true, None) => self.empty_since = Some(now),
            (false, Some(_)) => self.empty_since = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    fn takes_input(&self) -> bool {
        self.outbox.len() < self.options.waiting_actions.max(1)
    }

    /// When the room is unloaded if nobody comes.
    fn unload_at(&self) -> Option<Instant> {
        // What waits for storage wakes the task by itself.
        let since = self.empty_since.filter(|_| self.outbox.len() == 0)?;
        Some(since.saturating_add(self.options.linger))
    }

    fn unloads_by(&self, now: Instant) -> bool {
        self.unload_at().is_some_and(|at| at <= now)
    }

    fn deadline(&self) -> Option<Instant> {
        [self.room.poll_timeout(), self.unload_at()].into_iter().flatten().min()
    }
}
