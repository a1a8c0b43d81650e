//! What keeps a client going: dials when told, carries messages, and sleeps until the next timer.

use super::Shared;
use super::dial::{Dialer, Socket};
use super::link::Link;
use bytes::Bytes;
use roomsync::{ClientAction, CloseReason, LinkId, Status};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::debug;

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
    pub(super) fn new(shared: Arc<Shared>, dialer: Dialer) -> Self {
        let (sender, inputs) = mpsc::channel(WAITING_INPUTS);
        let ended = shared.ended.clone().drop_guard();
        Self {
            shared,
            dialer,
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
            self.carry_out();
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
    fn carry_out(&mut self) {
        loop {
            let action = self.shared.machine().poll_action();
            match action {
                Some(ClientAction::Dial) => self.dial(),
                Some(ClientAction::Send { link, frame }) => {
                    if let Some(link) = self.links.get(&link) {
                        link.send(frame);
                    }
                }
                Some(ClientAction::Close { link, reason }) => {
                    if let Some(link) = self.links.remove(&link) {
                        link.close(reason);
                    }
                }
                // It is configured not to persist.
                Some(ClientAction::Persist(_)) => {}
                Some(ClientAction::Event(event)) => {
                    // Nobody may have subscribed.
                    self.shared.events.send(event).ok();
                }
                None => break,
            }
        }
        self.shared.changed.send_replace(());
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
