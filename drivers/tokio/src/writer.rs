//! How commits become durable: one thread writes what all rooms have handed over since the last
//! time in one go, and then tells each of them.

use crate::storage::{RoomCommit, RoomId, Storage, StorageError};
use roomsync::{Commit, RoomSnapshot};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::error;

/// Commits that are written in one go at most, so that an early one does not wait for ever.
const MAX_BATCH: usize = 4096;

/// The way to the writing thread, which ends once all of these are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    requests: mpsc::UnboundedSender<Request>,
}

/// How much of what an opened room has handed over is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All commits up to this number.
    Durable(u64),
    /// Some commit was lost. None after it is written.
    Failed,
}

/// What one opened room writes. Commits are numbered from 1.
#[derive(Debug)]
pub(crate) struct Journal {
    room: RoomId,
    writer: Writer,
    last: u64,
    progress: Arc<watch::Sender<Progress>>,
}

#[derive(Debug)]
enum Request {
    Load { room: RoomId, reply: oneshot::Sender<Result<Option<RoomSnapshot>, StorageError>> },
    Commit(RoomCommit, Ticket),
    Stop { stopped: oneshot::Sender<()> },
}

/// Stands for a commit on its way. Lost with it, it says so.
#[derive(Debug)]
struct Ticket {
    number: u64,
    progress: Arc<watch::Sender<Progress>>,
    durable: bool,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn start(storage: Box<dyn Storage>) -> io::Result<Self> {
        let (requests, inbox) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("roomsync-storage".into())
            .spawn(move || run(storage, inbox))?;
        Ok(Self { requests })
    }

    /// What is kept of the room, after all commits that were handed over before.
    pub(crate) async fn load(&self, room: RoomId) -> Result<Option<RoomSnapshot>, StorageError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::Load { room, reply }).map_err(|_| "the storage has ended")?;
        answer.await.map_err(|_| "the storage has ended")?
    }

    /// Closes the storage once all that was handed over is written.
    pub(crate) async fn stop(&self) {
        let (stopped, done) = oneshot::channel();
        if self.requests.send(Request::Stop { stopped }).is_ok() {
            // An error means that the thread has ended already.
            done.await.ok();
        }
    }
}

impl Journal {
    pub(crate) fn new(room: RoomId, writer: Writer) -> (Self, watch::Receiver<Progress>) {
        let (progress, watched) = watch::channel(Progress::Durable(0));
        (Self { room, writer, last: 0, progress: Arc::new(progress) }, watched)
    }

    /// Hands a commit over, and returns its number.
    pub(crate) fn write(&mut self, commit: Arc<Commit>) -> u64 {
        self.last += 1;
        let commit = RoomCommit { room: self.room.clone(), commit };
        let progress = Arc::clone(&self.progress);
        let ticket = Ticket { number: self.last, progress, durable: false };
        // When the thread has ended the ticket comes back, and says so as it is dropped.
        drop(self.writer.requests.send(Request::Commit(commit, ticket)));
        self.last
    }
}

impl Ticket {
    fn settle(mut self) {
        self.durable = true;
        let number = self.number;
        self.progress.send_modify(|progress| {
            if let Progress::Durable(durable) = progress {
                *durable = number;
            }
        });
    }

    fn is_lost(&self) -> bool {
        *self.progress.borrow() == Progress::Failed
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.durable {
            self.progress.send_replace(Progress::Failed);
        }
    }
}

fn run(mut storage: Box<dyn Storage>, mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut postponed = None;
    while let Some(request) = postponed.take().or_else(|| inbox.blocking_recv()) {
        match request {
            Request::Load { room, reply } => {
                // Whoever asked may be gone.
                drop(reply.send(storage.load(&room)));
            }
            Request::Commit(commit, ticket) => {
                let (mut commits, mut tickets) = (Vec::new(), Vec::new());
                let mut add = |commit: RoomCommit, ticket: Ticket| {
                    // What follows a lost commit must not be kept without it.
                    if !ticket.is_lost() {
                        commits.push(commit);
                        tickets.push(ticket);
                    }
                };
                add(commit, ticket);
                for _ in 1..MAX_BATCH {
                    match inbox.try_recv() {
                        Ok(Request::Commit(commit, ticket)) => add(commit, ticket),
                        Ok(other) => {
                            postponed = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                if commits.is_empty() {
                    continue;
                }
                store(&mut *storage, commits, tickets);
            }
            Request::Stop { stopped } => {
                drop(storage);
                // Whoever asked may be gone.
                stopped.send(()).ok();
                return;
            }
        }
    }
}

/// Writes all of it in one go. If that fails each room is tried by itself, so that none loses
/// anything by what another wants kept.
fn store(storage: &mut dyn Storage, commits: Vec<RoomCommit>, tickets: Vec<Ticket>) {
    let error = match storage.commit(&commits) {
        Ok(()) => return tickets.into_iter().for_each(Ticket::settle),
        Err(error) => error,
    };
    let mut rooms = BTreeMap::<RoomId, (Vec<RoomCommit>, Vec<Ticket>)>::new();
    for (commit, ticket) in commits.into_iter().zip(tickets) {
        let (commits, tickets) = rooms.entry(commit.room.clone()).or_default();
        commits.push(commit);
        tickets.push(ticket);
    }
    if rooms.len() == 1 {
        return rooms.keys().for_each(|room| error!(%room, %error, "cannot store"));
    }
    for (room, (commits, tickets)) in rooms {
        match storage.commit(&commits) {
            Ok(()) => tickets.into_iter().for_each(Ticket::settle),
            Err(error) => error!(%room, %error, "cannot store"),
        }
    }
}
