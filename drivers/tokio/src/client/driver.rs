//! What keeps a client going: dials when told, carries messages, and sleeps until the next timer.

use super::Shared;
use super::dial::{Dialer, Socket};
use super::link::Link;
use super::store::{ClientStore, StoreError};
use bytes::Bytes;
use roomsync::{
    Client as Machine, ClientAction, ClientCommit, ClientEvent, CloseReason, LinkId, Status,
};
use std::collections::BTreeMap;
use std::iter;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::DropGuard;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{debug, error};

/// Inputs that wait. When there are more, nothing is read from the socket.
const WAITING_INPUTS: usize = 64;

/// What the driver hears from its connections.
pub(super) enum Input {
    Dialed { attempt: u64, socket: Option<Box<Socket>> },
    Message { link: LinkId, bytes: Bytes },
    Ended { link: LinkId, reason: CloseReason },
}

pub(super) struct Driver {
    shared: Arc<Shared>,
    dialer: Dialer,
    /// Where to keep what shall be kept. Lent to another thread while that writes.
    store: Option<Box<dyn ClientStore>>,
    inputs: mpsc::Receiver<Input>,
    sender: mpsc::Sender<Input>,
    /// The latest attempt to connect; earlier ones are given up.
    attempt: u64,
    dialing: Option<AbortOnDropHandle<()>>,
    links: BTreeMap<LinkId, Link>,
    tasks: TaskTracker,
    _ended: DropGuard,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        dialer: Dialer,
        store: Option<Box<dyn ClientStore>>,
    ) -> Self {
        let (sender, inputs) = mpsc::channel(WAITING_INPUTS);
        let ended = shared.ended.clone().drop_guard();
        Self {
            shared,
            dialer,
            store,
            inputs,
            sender,
            attempt: 0,
            dialing: None,
            links: BTreeMap::new(),
            tasks: TaskTracker::new(),
            _ended: ended,
        }
    }

    /// Runs until the client is closed.
    pub(super) async fn run(mut self) {
        loop {
            self.carry_out().await;
            let (deadline, is_closed) = {
                let machine = self.shared.machine();
                (machine.poll_timeout(), *machine.status() == Status::Closed)
            };
            if is_closed {
                break;
            }
            let clock = self.shared.clock;
            tokio::select! {
                biased;
                () = clock.sleep_until(deadline) => {
                    // What has arrived comes first: the room is not silent while nobody listens.
                    for _ in 0..self.inputs.len() {
                        if let Ok(input) = self.inputs.try_recv() {
                            self.handle(input);
                        }
                    }
                    self.shared.machine().handle_timeout(clock.now());
                }
                () = self.shared.wake.notified() => {}
                input = self.inputs.recv() => {
                    // This holds a sender, so that there is always an input to come.
                    if let Some(input) = input {
                        self.handle(input);
                    }
                }
            }
        }
        // What the links still say has no one to hear it; they only have to end.
        self.dialing = None;
        self.inputs.close();
        self.tasks.close();
        self.tasks.wait().await;
        self.shared.ended.cancel();
        self.shared.live.end();
    }

    fn handle(&mut self, input: Input) {
        let now = self.shared.clock.now();
        let mut machine = self.shared.machine();
        match input {
            Input::Dialed { attempt, socket } if attempt == self.attempt => match socket {
                Some(socket) => {
                    let id = machine.handle_connected(now);
                    let (link, serve) = Link::new(id, *socket, self.sender.clone());
                    self.links.insert(id, link);
                    self.tasks.spawn(serve);
                }
                None => machine.handle_dial_failed(now),
            },
            Input::Dialed { .. } => {}
            Input::Message { link, bytes } => machine.handle_message(now, link, &bytes),
            Input::Ended { link, reason } => {
                self.links.remove(&link);
                machine.handle_disconnected(now, link, reason);
            }
        }
    }

    /// Does all that the machine wants.
    async fn carry_out(&mut self) {
        loop {
            let (actions, commands) = {
                let mut machine = self.shared.machine();
                let actions: Vec<ClientAction> = iter::from_fn(|| machine.poll_action()).collect();
                (actions, self.shared.commands.load(Ordering::Acquire))
            };
            // All of it is durable before any of it is told: one write for many commits.
            let commits: Vec<ClientCommit> = actions.iter().filter_map(to_keep).cloned().collect();
            if let Err(failed) = self.keep(commits).await {
                self.end_without_store(failed);
                break;
            }
            self.shared.carried_out.store(commands, Ordering::Release);
            if actions.is_empty() {
                break;
            }
            actions.into_iter().for_each(|action| self.act(action));
        }
        self.shared.changed.send_replace(());
    }

    fn act(&mut self, action: ClientAction) {
        match action {
            ClientAction::Dial => self.dial(),
            ClientAction::Send { link, frame } => {
                if let Some(link) = self.links.get(&link) {
                    link.send(frame);
                }
            }
            ClientAction::Close { link, reason } => {
                if let Some(link) = self.links.remove(&link) {
                    link.close(reason);
                }
            }
            ClientAction::Persist(_) => {}
            ClientAction::Event(ClientEvent::Query { query, changes }) => {
                self.shared.live.tell(query, changes);
            }
            ClientAction::Event(event) => {
                // Nobody may have subscribed.
                self.shared.events.send(event).ok();
            }
        }
    }

    async fn keep(&mut self, commits: Vec<ClientCommit>) -> Result<(), StoreError> {
        if commits.is_empty() {
            return Ok(());
        }
        let Some(mut store) = self.store.take() else { return Ok(()) };
        let (store, kept) = spawn_blocking(move || {
            let kept = store.apply(&commits);
            (store, kept)
        })
        .await?;
        self.store = Some(store);
        kept
    }

    /// Ends the client, and tells its room nothing more: it might be what was not kept.
    fn end_without_store(&mut self, failed: StoreError) {
        error!(error = %failed, "the client ends, since its store failed");
        *self.shared.store_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        for (_, link) in core::mem::take(&mut self.links) {
            link.close(CloseReason::Closed);
        }
        let now = self.shared.clock.now();
        let mut machine = self.shared.machine();
        Machine::close(&mut machine, now);
        for action in iter::from_fn(|| machine.poll_action()) {
            if let ClientAction::Event(event) = action {
                self.shared.events.send(event).ok();
            }
        }
    }

    fn dial(&mut self) {
        self.attempt += 1;
        let (attempt, dialer, sender) = (self.attempt, self.dialer.clone(), self.sender.clone());
        let dial = async move {
            let socket = match dialer.dial().await {
                Ok(socket) => Some(Box::new(socket)),
                Err(error) => {
                    debug!(%error, "cannot connect");
                    None
                }
            };
            // The driver may have ended.
            sender.send(Input::Dialed { attempt, socket }).await.ok();
        };
        self.dialing = Some(AbortOnDropHandle::new(tokio::spawn(dial)));
    }
}

fn to_keep(action: &ClientAction) -> Option<&ClientCommit> {
    if let ClientAction::Persist(commit) = action { Some(commit) } else { None }
}
